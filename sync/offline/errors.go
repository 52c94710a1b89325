package offline

import (
	"time"

	"doorstep/auth/refusal"
)

// Refusals of a whole request; what concerns one mutation is inside the answer. Their
// codes are stable: sync.malformed, sync.too_many, cursor_expired, sync.not_ready.

func malformed(place, msg string) error {
	return refusal.New(refusal.Malformed, "sync.malformed", place, "%s", msg)
}

// tooMany refuses a push of more mutations than are taken at once.
func tooMany() error {
	return refusal.New(refusal.TooLarge, "sync.too_many", "mutations",
		"at most %d mutations a push; send the rest in another", MaxMutations)
}

// cursorGone tells the phone to throw its replica away and to pull from 0.
func cursorGone(epoch, msg string) error {
	e := refusal.New(refusal.Gone, "cursor_expired", "", "%s", msg)
	e.Epoch = epoch
	return e
}

// notReady refuses a pull of a branch without a watermark: an empty page would
// tell the phone that there is nothing, which is not known (J6).
func notReady() error {
	e := refusal.New(refusal.Unavailable, "sync.not_ready", "", "the branch's feed is not ready yet; come back")
	e.RetryAfter = 5 * time.Second
	return e
}
