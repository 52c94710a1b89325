package office

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"doorstep/auth"
)

// What a user was at an instant is what the last change before it made of them.
func TestAUserIsJudgedByThen(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 8, 0, 0, 0, time.UTC) }
	u := User{Role: auth.RoleAgent, Branches: []auth.BranchID{porto}, CreatedAt: day(1)}
	change := func(n int, do func(*User)) {
		was := u
		do(&u)
		u.noteTerm(&was, day(n))
	}
	change(3, func(u *User) { u.Name = "another name" }) // no term
	change(5, func(u *User) { u.Disabled = true })
	change(7, func(u *User) { u.Disabled = false })
	change(9, func(u *User) { u.Branches = []auth.BranchID{"faro"} })
	change(11, func(u *User) { u.Role, u.Branches = auth.RoleSupervisor, []auth.BranchID{"faro", porto} })
	for _, c := range []struct {
		day         int
		porto, faro bool
	}{{0, true, false}, {4, true, false}, {5, false, false}, {6, false, false}, {7, true, false}, {8, true, false},
		{9, false, true}, {10, false, true}, {11, false, false}, {20, false, false}} {
		if got := u.workedIn(porto, day(c.day)); got != c.porto {
			t.Errorf("day %d in Porto: %t", c.day, got)
		}
		if got := u.workedIn("faro", day(c.day)); got != c.faro {
			t.Errorf("day %d in Faro: %t", c.day, got)
		}
	}
	for n := range 60 {
		change(12+n, func(u *User) { u.Disabled = !u.Disabled })
	}
	if len(u.Terms) != mostTerms {
		t.Errorf("%d terms are kept", len(u.Terms))
	}
}

// Who does not exist, is disabled, moved, or has devices that are all blocked is absent from then on.
func TestWhoCouldNotWork(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	now := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	for _, id := range []auth.UserID{"ana", "rui", "eva", "zoe", "ivo"} {
		h.agent(id, porto)
	}
	h.agent("far", "faro")
	off, faro := true, []auth.BranchID{"faro"}
	_, err := h.PatchUser(ctx, h.ask(), "rui", UserPatch{Disabled: &off})
	ok(t, err)
	_, err = h.PatchUser(ctx, h.ask(), "eva", UserPatch{Branches: &faro})
	ok(t, err)
	for device, user := range map[auth.DeviceID]auth.UserID{"d1": "zoe", "d2": "ivo", "d3": "ivo"} {
		ok(t, h.RegisterDevice(ctx, auth.Device{ID: device, User: user, Platform: "ios"}))
		if device != "d3" {
			_, err = h.BlockDevice(ctx, h.ask(), device, true)
			ok(t, err)
		}
	}
	all := []auth.UserID{"ana", "eva", "far", "ivo", "nobody", "rui", "zoe"}
	for _, c := range []struct {
		at   time.Time
		want []auth.UserID
	}{{now, []auth.UserID{"eva", "far", "nobody", "rui", "zoe"}},
		{now.Add(-time.Hour), []auth.UserID{"far", "nobody"}}} {
		got, err := h.Absent(ctx, porto, all, c.at)
		ok(t, err)
		if !slices.Equal(got, c.want) {
			t.Errorf("at %v absent are %v, want %v", c.at, fmt.Sprint(got), c.want)
		}
	}
}

// The branches that an agent has left are known, without the one of now.
func TestFormerBranchesOfAnAgent(t *testing.T) {
	u := User{Branches: []auth.BranchID{"c"}, Terms: []Term{{Branches: []auth.BranchID{"a"}},
		{Branches: []auth.BranchID{"b"}}, {Branches: []auth.BranchID{"a"}}, {Branches: []auth.BranchID{"c"}}}}
	if got := fmt.Sprint(u.formerly()); got != "[a b]" {
		t.Errorf("worked in %s before", got)
	}
}
