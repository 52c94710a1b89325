package casework

import "doorstep/auth/refusal"

// refuse makes a refusal of this room; place is "" when it is about the whole request.
func refuse(kind refusal.Kind, code, place, format string, args ...any) *refusal.Error {
	return refusal.New(kind, code, place, format, args...)
}

// noSuchCase is said of a case that does not exist and of one that is not the actor's: the two must not differ.
func noSuchCase() *refusal.Error {
	return refuse(refusal.NotFound, "case.not_found", "case", "there is no such case here")
}

// isRefusal tells a refusal by a decision from an error on our side.
func isRefusal(err error) bool {
	_, ok := refusal.Of(err)
	return ok
}
