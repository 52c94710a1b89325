package office

import (
	"errors"

	"doorstep/auth/refusal"
)

// invalid, notFound and conflict make the refusals of this package. Their codes are
// stable: user.*, branch.*, lender.*, device.*, team.*, shift.*, territory.*, pack.*.
func invalid(code, place, msg string) error {
	return refusal.New(refusal.Invalid, code, place, "%s", msg)
}

func notFound(code, msg string) error { return refusal.New(refusal.NotFound, code, "", "%s", msg) }

func conflict(code, msg string) error { return refusal.New(refusal.Conflict, code, "", "%s", msg) }

// under is a refusal of what stands at a place in a larger whole.
func under(at string, err error) error {
	var e *refusal.Error
	if !errors.As(err, &e) {
		return err
	}
	return e.Under(at)
}
