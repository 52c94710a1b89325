package conduct

import "doorstep/auth/refusal"

// invalid refuses a question. The codes of this package are stable: conduct.invalid for a
// malformed value or a word outside a closed list, conduct.unknown_profile for a profile
// that is in no pack, conduct.pack for a pack that cannot be used, conduct.profile_gone
// for packs that lack a profile that is still named.
func invalid(place, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Malformed, "conduct.invalid", place, format, args...)
}
