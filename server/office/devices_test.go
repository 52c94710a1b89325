package office

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
)

// signIn registers a device of a user.
func (h *fixture) signIn(u auth.UserID, d string) {
	h.t.Helper()
	ok(h.t, h.RegisterDevice(context.Background(), auth.Device{ID: auth.DeviceID(d), User: u, Platform: "android",
		PushToken: "token-" + d}))
}

// alerted lists the devices of a user that would be alerted, sorted.
func (h *fixture) alerted(u auth.UserID) string {
	h.t.Helper()
	ds, err := h.Of(context.Background(), []auth.UserID{u})
	ok(h.t, err)
	var out []string
	for _, d := range ds {
		out = append(out, string(d.ID))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// A user uses five devices. A sixth retires the one unseen for the longest, which is out and not
// alerted until its user signs in on it again; blocked ones take no place and stay blocked.
func TestASixthDeviceRetiresTheOneUnseenForTheLongest(t *testing.T) {
	h, ctx := newFixture(t), context.Background()
	h.agent("ana", porto)
	h.agent("rui", porto)
	h.signIn("ana", "stolen")
	_, err := h.BlockDevice(ctx, h.ask(), "stolen", true)
	ok(t, err)
	for i := range 5 {
		h.now = h.now.Add(time.Hour)
		h.signIn("ana", fmt.Sprint("d", i))
	}
	h.signIn("rui", "r0")
	h.now = h.now.Add(2 * time.Hour)
	ok(t, h.SawDevice(ctx, "d0")) // so that d1 is unseen for the longest
	if got := h.alerted("ana"); got != "d0 d1 d2 d3 d4" {
		t.Fatalf("in use are %s", got)
	}
	h.signIn("ana", "d5")
	if got := h.alerted("ana") + "; " + h.alerted("rui"); got != "d0 d2 d3 d4 d5; r0" {
		t.Errorf("after a sixth sign-in %s are in use", got)
	}
	st, err := h.DeviceStatus(ctx, "d1")
	ok(t, err)
	if token, err := h.PushToken(ctx, "d1"); !st.Retired || st.Blocked || err != nil || token != "" {
		t.Errorf("d1 is %+v and would be sent %q, %v", st, token, err)
	}
	h.signIn("ana", "d1")
	if got := h.alerted("ana"); got != "d0 d1 d3 d4 d5" {
		t.Errorf("after d1 came back %s are in use", got)
	}
	if st, err := h.DeviceStatus(ctx, "d1"); err != nil || st.Retired {
		t.Errorf("d1 is %+v, %v", st, err)
	}
	for range 3 { // signing in again on a device in use retires none
		h.signIn("ana", "d5")
	}
	if got := h.alerted("ana"); got != "d0 d1 d3 d4 d5" {
		t.Errorf("after signing in again %s are in use", got)
	}
	// A retired one that was lost can still be told to erase what it holds.
	if _, err := h.BlockDevice(ctx, h.ask(), "d2", true); err != nil {
		t.Fatal(err)
	}
	if st, err := h.DeviceStatus(ctx, "d2"); err != nil || !st.Blocked || !st.Wipe {
		t.Errorf("d2 is %+v, %v", st, err)
	}
	list, _, err := h.Devices(ctx, "ana", 100, "")
	ok(t, err)
	count := map[string]int{}
	for _, d := range list {
		count[d.Status]++
		if d.SeenAt.IsZero() {
			t.Errorf("%s was never seen", d.ID)
		}
	}
	if fmt.Sprint(count) != "map[blocked:2 in_use:5]" {
		t.Errorf("the devices are %v", count)
	}
}

// However many sign in at once, a user uses five devices in the end.
func TestManySignInsAtOnceLeaveFiveDevices(t *testing.T) {
	h := newFixture(t)
	h.agent("ana", porto)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { h.signIn("ana", fmt.Sprint("d", i)) })
	}
	all.Wait()
	if got := strings.Fields(h.alerted("ana")); len(got) != MaxDevices {
		t.Errorf("%v are in use", got)
	}
}

// A device that was not seen for 30 days is not alerted until it is seen again.
func TestOnlyDevicesSeenLatelyAreAlerted(t *testing.T) {
	h, ctx := newFixture(t), context.Background()
	h.agent("ana", porto)
	h.signIn("ana", "d1")
	h.now = h.now.Add(time.Hour)
	h.signIn("ana", "d2")
	h.now = h.now.Add(AlertWithin - time.Hour)
	if got := h.alerted("ana"); got != "d1 d2" {
		t.Errorf("on the thirtieth day %s are alerted", got)
	}
	h.now = h.now.Add(time.Minute)
	if got := h.alerted("ana"); got != "d2" {
		t.Errorf("on the day after %s is alerted", got)
	}
	ok(t, h.SawDevice(ctx, "d1"))
	if got := h.alerted("ana"); got != "d1 d2" {
		t.Errorf("when it was seen again %s are alerted", got)
	}
}
