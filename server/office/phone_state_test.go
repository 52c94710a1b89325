package office

import (
	"context"
	"testing"
	"time"

	"doorstep/auth"
)

// What a device said last is known to every node, and an answer that took longer does not replace it.
func TestWhatAPhoneSaidLastIsKept(t *testing.T) {
	h, ctx := newFixture(t), context.Background()
	other := New(h.journal, plainly{})
	check := func(what string, waiting int) {
		t.Helper()
		got, err := other.PhoneStates(ctx, []auth.DeviceID{"d0", "d1"})
		ok(t, err)
		if _, never := got["d0"]; never || got["d1"].Waiting != waiting {
			t.Errorf("%s: %+v, want %d waiting", what, got, waiting)
		}
	}
	check("before", 0)
	ok(t, h.PutPhoneState(ctx, "d1", PhoneState{At: h.now, Waiting: 3, Build: "1.0"}))
	check("first", 3)
	ok(t, h.PutPhoneState(ctx, "d1", PhoneState{At: h.now.Add(time.Minute), Waiting: 1}))
	check("later", 1)
	ok(t, h.PutPhoneState(ctx, "d1", PhoneState{At: h.now, Waiting: 9}))
	check("one that is older", 1)
}
