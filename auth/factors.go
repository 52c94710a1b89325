package auth

import (
	"cmp"
	"slices"
	"time"

	"doorstep/auth/factor"
	"doorstep/auth/refusal"
)

// Bounds of second factors.
const (
	// ChallengeTTL is how long a code may be sent after the password.
	ChallengeTTL = 5 * time.Minute
	// maxTries is how many codes may be sent for one password.
	maxTries = 5
	// EnrolTTL is how long a new factor may wait to be confirmed.
	EnrolTTL = 10 * time.Minute
	// maxFactors is how many confirmed factors a user may have.
	maxFactors = 5
	// maxChallenges is how many sign-ins of a user may wait for a code at once; a further one ends the oldest.
	maxChallenges = 10
)

// factors are a user's second factors and the sign-ins that wait for one: one small document for each user, which is
// swapped by version, so that of two nodes that take a code at the same time one fails.
type factors struct {
	// Epoch is the user's when the document was written. Once an administrator has reset the user's factors, what was
	// written in an earlier epoch counts for nothing.
	Epoch uint64 `json:"epoch"`
	// Generation grows when a factor is confirmed or removed: sessions of an earlier one end.
	Generation uint64         `json:"generation"`
	Factors    []keptFactor   `json:"factors"`
	Recovery   [][]byte       `json:"recovery,omitempty"` // hashes of unused recovery codes
	Challenges []keptSignedIn `json:"challenges,omitempty"`
}

// keptFactor is an authenticator app.
type keptFactor struct {
	ID        string      `json:"id"`
	Name      string      `json:"name,omitempty"`
	Secret    string      `json:"secret"`
	Begun     time.Time   `json:"begun"`
	Confirmed time.Time   `json:"confirmed,omitzero"` // zero: it waits for its first code
	Used      time.Time   `json:"used,omitzero"`
	Last      factor.Step `json:"last"` // the step whose code was accepted last
}

// keptSignedIn is a sign-in whose password was right.
type keptSignedIn struct {
	ID         string    `json:"id"`
	Ends       time.Time `json:"ends"`
	Tries      int       `json:"tries"`      // wrong codes so far
	Generation uint64    `json:"generation"` // the user's
	Device     *Device   `json:"device,omitempty"`
}

// confirmed counts the factors that sign-in asks for.
func (d *factors) confirmed() (n int) {
	for _, f := range d.Factors {
		if !f.Confirmed.IsZero() {
			n++
		}
	}
	return n
}

// use accepts a code of a confirmed factor or a recovery code, once.
func (d *factors) use(code string, now time.Time) bool {
	for i := range d.Factors {
		f := &d.Factors[i]
		if f.Confirmed.IsZero() {
			continue
		}
		if step, ok := factor.Match(f.Secret, code, now, f.Last); ok {
			f.Last, f.Used = step, now
			return true
		}
	}
	if i := factor.MatchRecovery(code, d.Recovery); i >= 0 {
		d.Recovery = slices.Delete(d.Recovery, i, i+1)
		return true
	}
	return false
}

// begin adds a factor that waits to be confirmed, in place of another that does.
func (d *factors) begin(f keptFactor) error {
	if d.confirmed() >= maxFactors {
		return refuse(refusal.Conflict, "factor.too_many", "you have five factors; remove one first")
	}
	d.Factors = slices.DeleteFunc(d.Factors, func(f keptFactor) bool { return f.Confirmed.IsZero() })
	d.Factors = append(d.Factors, f)
	return nil
}

// confirm has a factor count from now on, if the code is its. With the first one come recovery codes.
func (d *factors) confirm(id, code string, now time.Time) (recovery []string, err error) {
	i := slices.IndexFunc(d.Factors, func(f keptFactor) bool { return f.ID == id && f.Confirmed.IsZero() })
	if i < 0 || now.After(d.Factors[i].Begun.Add(EnrolTTL)) {
		return nil, refuse(refusal.NotFound, "factor.not_found",
			"no factor with this id waits to be confirmed; begin again with POST /v1/users/me/factors")
	}
	f := &d.Factors[i]
	step, ok := factor.Match(f.Secret, code, now, 0)
	if !ok {
		return nil, errWrongCode()
	}
	f.Confirmed, f.Used, f.Last = now, now, step
	d.Generation++
	if len(d.Recovery) == 0 {
		recovery, d.Recovery = factor.NewRecovery()
	}
	return recovery, nil
}

// remove takes a factor away; with the last one the recovery codes.
func (d *factors) remove(id string) error {
	i := slices.IndexFunc(d.Factors, func(f keptFactor) bool { return f.ID == id })
	if i < 0 {
		return refuse(refusal.NotFound, "factor.not_found", "you have no such factor")
	}
	d.Factors = slices.Delete(d.Factors, i, i+1)
	d.Generation++
	if d.confirmed() == 0 {
		d.Recovery = nil
	}
	return nil
}

// await adds a sign-in that waits for a code, and returns its id.
func (d *factors) await(u User, device *Device, now time.Time) (id string) {
	d.Challenges = slices.DeleteFunc(d.Challenges, func(c keptSignedIn) bool { return now.After(c.Ends) })
	if over := len(d.Challenges) + 1 - maxChallenges; over > 0 {
		d.Challenges = d.Challenges[over:]
	}
	id = newID()
	d.Challenges = append(d.Challenges, keptSignedIn{ID: id, Ends: now.Add(ChallengeTTL), Generation: u.Generation,
		Device: device})
	return id
}

// answer judges a code that was sent for a sign-in. The sign-in no longer waits after a right code or maxTries wrong
// ones. Errors: auth.challenge_invalid, auth.factor_wrong, both of which end the call, the second after d is kept.
func (d *factors) answer(id, code string, u User, now time.Time) (keptSignedIn, error) {
	i := d.awaited(id, u, now)
	if i < 0 {
		return keptSignedIn{}, errInvalidChallenge()
	}
	c := &d.Challenges[i]
	if !d.use(code, now) {
		if c.Tries++; c.Tries >= maxTries {
			d.Challenges = slices.Delete(d.Challenges, i, i+1)
		}
		return keptSignedIn{}, refuse(refusal.Unauthenticated, "auth.factor_wrong", "the code is wrong, too old, or was "+
			"used before; after five wrong ones sign in again with the password")
	}
	done := *c
	d.Challenges = slices.Delete(d.Challenges, i, i+1)
	return done, nil
}

// awaited finds a sign-in that waits for a code; -1: there is none, or it has ended.
func (d *factors) awaited(id string, u User, now time.Time) int {
	return slices.IndexFunc(d.Challenges, func(c keptSignedIn) bool {
		return c.ID == id && !now.After(c.Ends) && c.Generation == u.Generation
	})
}

// Factor is a second factor of a user, as it may be shown.
type Factor struct {
	ID        string
	Name      string
	Confirmed time.Time // UTC
	Used      time.Time // when a code of it was accepted last
}

// FactorList is what is known of a user's second factors.
type FactorList struct {
	Factors      []Factor // confirmed ones, the newest first
	RecoveryLeft int      // unused recovery codes
}

func (d *factors) list() FactorList {
	out := FactorList{Factors: []Factor{}, RecoveryLeft: len(d.Recovery)}
	for _, f := range d.Factors {
		if !f.Confirmed.IsZero() {
			out.Factors = append(out.Factors, Factor{f.ID, f.Name, f.Confirmed, f.Used})
		}
	}
	slices.SortStableFunc(out.Factors, func(x, y Factor) int {
		return cmp.Or(y.Confirmed.Compare(x.Confirmed), cmp.Compare(x.ID, y.ID))
	})
	return out
}

func errWrongCode() *refusal.Error {
	return refusal.New(refusal.Invalid, "factor.code_wrong", "code",
		"the code is wrong, too old, or was used before; wait for the next one")
}

func errInvalidChallenge() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.challenge_invalid",
		"this sign-in no longer waits for a code; sign in again with the password")
}
