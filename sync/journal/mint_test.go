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

// TestADerivedIDKnowsItsTextsApart pins one id: records are found by it after an update of the program.
func TestADerivedIDKnowsItsTextsApart(t *testing.T) {
	if id := DerivedID("p", "http:ana:k1"); id != "p285388fb8859145f620ed547" {
		t.Errorf("the id is %s", id)
	}
	ids := map[string]bool{}
	for _, of := range [][]string{{"ab"}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"1:a", "b"}, {"a1:b"}, {}, {""}} {
		ids[DerivedID("p", of...)] = true
	}
	if len(ids) != 8 {
		t.Errorf("%d ids of 8 lists of texts", len(ids))
	}
}
