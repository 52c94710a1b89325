package auth

import (
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

func TestABadgeCodeIsOfItsAgentAndMinute(t *testing.T) {
	k, err := LoadOrCreateKeys(filepath.Join(t.TempDir(), "keys"))
	check(t, err)
	other, err := LoadOrCreateKeys(filepath.Join(t.TempDir(), "keys"))
	check(t, err)
	at := time.Date(2026, 11, 25, 10, 0, 59, 0, time.UTC)
	code, until := k.BadgeCode("ana", at)
	if !regexp.MustCompile(`^[0-9]{6}$`).MatchString(code) || !until.Equal(at.Add(time.Second)) {
		t.Errorf("the code is %q until %s", code, until)
	}
	if next, _ := k.BadgeCode("ana", until); next == code {
		t.Errorf("the code is %s in the next minute too", next)
	}
	for name, c := range map[string]struct {
		keys *Keys
		user UserID
		code string
		late time.Duration
		want bool
	}{
		"at once":                    {k, "ana", code, 0, true},
		"two minutes later":          {k, "ana", code, 2 * time.Minute, true},
		"three minutes later":        {k, "ana", code, 3 * time.Minute, false},
		"before it is shown":         {k, "ana", code, -time.Minute, false},
		"another agent's":            {k, "rui", code, 0, false},
		"another deployment's":       {other, "ana", code, 0, false},
		"none":                       {k, "ana", "", 0, false},
		"the code and something":     {k, "ana", code + "0", 0, false},
		"the code without its start": {k, "ana", code[1:], 0, false},
	} {
		if got := c.keys.IsBadgeCode(c.user, c.code, at.Add(c.late)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
