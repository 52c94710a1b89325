package conduct

import "doorstep/auth/refusal"

// invalid refuses a question. The codes of this package are stable: conduct.invalid for
// what is malformed or not on a closed list, conduct.unknown_profile for a profile that no
// pack holds, conduct.pack for a pack that cannot be used, conduct.profile_gone for packs
// that would take a profile away.
func invalid(place, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Malformed, "conduct.invalid", place, format, args...)
}
