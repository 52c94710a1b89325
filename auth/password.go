package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"doorstep/auth/refusal"

	"github.com/alexedwards/argon2id"
)

// HashCost is what one hashing of a password takes.
type HashCost struct {
	KiB    uint32 // of memory
	Passes uint32 // over that memory
}

// SafeHashCost is the first choice of the OWASP password storage cheat sheet for argon2id (checked 2026). Tests of
// other subjects take less.
var SafeHashCost = HashCost{KiB: 19 << 10, Passes: 2}

// The lengths a password may have, in characters. Beside them only common passwords and the login are refused: rules
// about kinds of characters make passwords no better (NIST SP 800-63B).
const (
	MinPassword = 10
	MaxPassword = 128
)

// Passwords hashes and checks passwords, a few at a time: at SafeHashCost each takes 19 MiB and
// tens of milliseconds, and many at once would take the machine.
type Passwords struct {
	places chan struct{}
	params argon2id.Params
	decoy  string
	// Words are names that a password may not be made of, such as the installation's; set it before use. The product's
	// name, the roles and the login are refused in any case.
	Words []string
}

// NewPasswords allows as many hashings side by side, each at that cost. A hash that took less is made again when its
// user signs in.
func NewPasswords(sideBySide int, cost HashCost) *Passwords {
	params := argon2id.Params{Memory: cost.KiB, Iterations: cost.Passes, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	return &Passwords{places: make(chan struct{}, max(1, sideBySide)), params: params, decoy: decoyOf(params)}
}

// decoyOf makes a hash of no password: a random salt and a random key. It costs nothing; checking a password against it
// takes as long as against any other.
func decoyOf(params argon2id.Params) string {
	random := func(n uint32) string {
		b := make([]byte, n)
		_, _ = rand.Read(b) // never fails
		return base64.RawStdEncoding.EncodeToString(b)
	}
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", params.Memory, params.Iterations, params.Parallelism,
		random(params.SaltLength), random(params.KeyLength))
}

// Hash hashes a new password, which must have the right length and be neither a common password nor made of the login
// or of Words. Errors: *refusal.Error auth.password_weak, or the context's while waiting for a place.
func (p *Passwords) Hash(ctx context.Context, login, password string) (string, error) {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password), n < MinPassword, n > MaxPassword:
		return "", weak(fmt.Sprintf("a password has %d to %d characters", MinPassword, MaxPassword))
	case p.madeOfWords(login, password):
		return "", weak("a password is not made of the login, the name of the product, the installation or a role")
	case strings.Trim(password, string([]rune(password)[:1])) == "":
		return "", weak("a password is more than one character repeated")
	case isCommon(password):
		return "", weak("this password is one of the most common ones; choose another")
	}
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return argon2id.CreateHash(password, &p.params)
}

// madeOfWords tells whether a password holds a word of the context and, that taken away, no other letter.
func (p *Passwords) madeOfWords(login, password string) bool {
	words := append([]string{login, "doorstep"}, p.Words...)
	for _, r := range Roles() {
		words = append(words, string(r))
	}
	slices.SortFunc(words, func(x, y string) int { return len(y) - len(x) })
	rest, found := strings.ToLower(password), false
	for _, w := range words {
		if w != "" && strings.Contains(rest, strings.ToLower(w)) {
			rest, found = strings.ReplaceAll(rest, strings.ToLower(w), ""), true
		}
	}
	return found && !strings.ContainsFunc(rest, unicode.IsLetter)
}

func weak(msg string) error {
	return refusal.New(refusal.Invalid, "auth.password_weak", "password", "%s", msg)
}

// Matches tells whether a password is the hashed one. With hash "" it takes as
// long as with a real one and says no, so that a caller does not learn which logins exist.
func (p *Passwords) Matches(ctx context.Context, password, hash string) (bool, error) {
	ok, _, err := p.check(ctx, password, hash)
	return ok, err
}

// check also tells whether the hash is weaker than today's.
func (p *Passwords) check(ctx context.Context, password, hash string) (ok, old bool, err error) {
	if err := p.enter(ctx); err != nil {
		return false, false, err
	}
	defer p.leave()
	known := hash != ""
	if !known {
		hash = p.decoy
	}
	ok, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("check password: %w", err)
	}
	return ok && known, params.Memory < p.params.Memory || params.Iterations < p.params.Iterations, nil
}

func (p *Passwords) enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Passwords) leave() { <-p.places }

// OneTimeTTL is how long a one-time password may be used.
const OneTimeTTL = 24 * time.Hour

// OneTimePassword makes a password to hand over once: 26 letters and digits, 130 bits.
func OneTimePassword() string { return strings.ToLower(rand.Text()) }
