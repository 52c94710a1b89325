package record

import "doorstep/auth/refusal"

// invalid refuses what was sent; place is "" when it is about the whole record.
func invalid(code, place, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Invalid, code, place, format, args...)
}
