package auth

import (
	"time"

	"doorstep/auth/refusal"
)

// refuse makes a refusal of this package. Its codes are stable: auth.bad_credentials,
// auth.limited, auth.token_missing, auth.token_expired, auth.token_invalid, auth.role,
// auth.refresh_invalid, auth.refresh_reused, auth.device_required, auth.device_mismatch,
// auth.device_retired, auth.password_weak, auth.password_expired, auth.must_change_password,
// auth.must_enrol_factor, auth.factor_required, auth.factor_wrong, auth.challenge_invalid, factor.code_wrong,
// factor.not_found, factor.too_many, factor.none, session.not_found, device_wiped.
func refuse(kind refusal.Kind, code, msg string) *refusal.Error {
	return refusal.New(kind, code, "", "%s", msg)
}

// errWiped is what a blocked device is told; wipe has the app erase what it holds.
func errWiped(wipe bool) *refusal.Error {
	e := refuse(refusal.Forbidden, "device_wiped", "this device is blocked; ask your supervisor")
	e.Wipe = wipe
	return e
}

func errLimited(msg string, wait time.Duration) *refusal.Error {
	e := refuse(refusal.TooMany, "auth.limited", msg)
	e.RetryAfter = wait
	return e
}
