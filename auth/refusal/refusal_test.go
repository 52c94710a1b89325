package refusal

import (
	"errors"
	"fmt"
	"testing"
)

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if name := k.String(); name == "unknown" || name == "" || seen[name] {
			t.Errorf("kind %d is called %q", int(k), name)
		} else {
			seen[name] = true
		}
	}
	if len(seen) != len(names)-1 || Kind(-1).String() != "unknown" || (last+1).String() != "unknown" {
		t.Errorf("%d of %d names are used", len(seen), len(names)-1)
	}
}

func TestUnavailableJudgesNothing(t *testing.T) {
	for _, k := range Kinds() {
		err := fmt.Errorf("push: %w", New(k, "a.code", "", "no"))
		if e, ok := Of(err); ok != (k != Unavailable) || ok && e.Code() != "a.code" {
			t.Errorf("%v: %v, %v", k, e, ok)
		}
	}
	if _, ok := Of(errors.New("disk full")); ok {
		t.Error("trouble of ours passes for a refusal")
	}
}

func TestPlacesGoUnderAPrefix(t *testing.T) {
	for _, c := range [][3]string{{"", "geometry", "geometry"}, {"[2]", "geometry", "geometry[2]"},
		{"a", "geometry", "geometry.a"}, {"a", "", "a"}} {
		if got := New(Invalid, "x", c[0], "").Under(c[1]).Place; got != c[2] {
			t.Errorf("%q under %q is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestACauseIsKeptBesideTheCode(t *testing.T) {
	sentinel, cause := New(Unavailable, "journal.stuck", "", "stuck"), errors.New("bad page")
	err := fmt.Errorf("append: %w", sentinel.Because(cause))
	if !errors.Is(err, sentinel) || !errors.Is(err, cause) || errors.Is(err, New(Unavailable, "journal.closed", "", "")) {
		t.Errorf("%v is not its code and its cause", err)
	}
	if sentinel.Unwrap() != nil {
		t.Error("the sentinel was changed")
	}
}
