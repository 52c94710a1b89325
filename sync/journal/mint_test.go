package journal

import (
	"strings"
	"testing"

	"doorstep/auth"
)

func TestTheLongestKeyOfTheLongestUserIsACommandID(t *testing.T) {
	user := auth.UserID(strings.Repeat("u", 64))
	key := strings.Repeat("k", 59)
	a, b := HTTPCommand(user, key+"a"), HTTPCommand(user, key+"b")
	for _, id := range []string{a, b, HTTPCommand(user, "")} {
		if len(id) > MaxCommandBytes-commandSuffix || !strings.HasPrefix(id, HTTPCommands(user)) {
			t.Errorf("%q has %d bytes", id, len(id))
		}
	}
	if a == b || a != HTTPCommand(user, key+"a") {
		t.Errorf("two keys give %q and %q", a, b)
	}
	if id := HTTPCommand("ana", "k1"); id != "http:ana:k1" {
		t.Errorf("a short key is kept as it is: %q", id)
	}
	if id, other := HTTPCommand("ana", ""), HTTPCommand("ana", ""); id == other {
		t.Error("two commands without a key have one id")
	}
}
