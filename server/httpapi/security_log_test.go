package httpapi

import (
	"net/http"
	"testing"
	"time"

	"doorstep/auth"
)

// The security log has what was refused, by right or as input, and the watched endpoints whatever came of them.
func TestWhatIsRefusedIsInTheSecurityLog(t *testing.T) {
	for _, c := range []struct {
		id     string
		status int
		code   string
		want   string
	}{
		{"listPlans", http.StatusOK, "", ""}, {"listPlans", http.StatusNotFound, "plan.not_found", ""},
		{"openHold", http.StatusConflict, "hold.open", ""}, {"openHold", 500, "internal", ""},
		{"openHold", http.StatusBadRequest, "malformed", "refused"},
		{"openHold", http.StatusUnprocessableEntity, "validation", "refused"},
		{"importCases", http.StatusRequestEntityTooLarge, "too_large", "refused"},
		{"importCases", http.StatusUnsupportedMediaType, "media_type", "refused"},
		{"push", http.StatusTooManyRequests, "sync.rate", "refused"},
		{"listUsers", http.StatusForbidden, "auth.role", "denied"}, {"listUsers", 401, "auth.token_missing", "denied"},
		{"listUsers", http.StatusTooManyRequests, "auth.limited", "denied"},
		{"signIn", http.StatusUnprocessableEntity, "validation", "sign_in"}, {"getCase", http.StatusOK, "", "case.read"},
		{"refreshSession", 401, "auth.refresh_reused", "token.reused"},
	} {
		if got := securityEvent(c.id, c.status, c.code); got != c.want {
			t.Errorf("%s answered %d %s is %q, want %q", c.id, c.status, c.code, got, c.want)
		}
	}
}

// A user of the office who calls without end is asked to wait; other users are not.
func TestAUserHasSoManyCalls(t *testing.T) {
	a := described(t)
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	boss, other := auth.Actor{User: "boss"}, auth.Actor{User: "other"}
	taken := 0
	for range 2 * userBurst {
		if p := a.tooMany(boss, now); p == nil {
			taken++
		} else if p.Status != http.StatusTooManyRequests || p.Code != "user.rate" || p.retryAfter < 1 {
			t.Fatalf("refused as %+v", p)
		}
	}
	if taken != userBurst {
		t.Errorf("%d calls are taken at once, want %d", taken, userBurst)
	}
	if a.tooMany(other, now) != nil {
		t.Error("another user has to wait as well")
	}
	if a.tooMany(boss, now.Add(time.Second)) != nil {
		t.Error("after a second the user has to wait still")
	}
}
