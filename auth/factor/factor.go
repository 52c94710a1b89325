// Package factor makes and judges the codes of a second factor: time-based one-time passwords (TOTP, RFC 6238) of
// authenticator apps, and recovery codes for who has lost theirs. It keeps nothing and has no clock: package auth
// remembers secrets, used steps and unused recovery codes.
//
// It is the only home of github.com/pquerna/otp, the most used Go library of RFC 6238, which is maintained and tested
// with the vectors of the standard.
package factor

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// Step is the number of a period of 30 seconds since 1970. A code belongs to one step.
type Step int64

const (
	period = 30 // seconds
	// window is how many steps an authenticator's clock may be ahead or behind.
	window = 1
	digits = otp.DigitsSix
	// secretBytes is as long as the output of SHA-1, as RFC 4226 recommends. Authenticator apps do not agree on other
	// hashes; the weakness of SHA-1 does not concern an HMAC.
	secretBytes = 20
)

// StepAt is the step of an instant.
func StepAt(at time.Time) Step { return Step(at.Unix() / period) }

// New makes a secret of 160 random bits, in base32, and the otpauth URI by which an authenticator app takes it, which
// shows issuer and account to its user.
func New(issuer, account string) (secret, uri string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: account, Period: period,
		SecretSize: secretBytes, Digits: digits, Algorithm: otp.AlgorithmSHA1, Rand: rand.Reader})
	if err != nil {
		return "", "", fmt.Errorf("make a secret: %w", err)
	}
	return key.Secret(), key.URL(), nil
}

// Match tells the step whose code a code is: that of the instant, the one before or the one after, and in any case
// later than last, the step of the code accepted last. So a code is good once.
func Match(secret, code string, at time.Time, last Step) (step Step, ok bool) {
	code = strings.ReplaceAll(code, " ", "")
	if len(code) != digits.Length() {
		return 0, false
	}
	now := StepAt(at)
	for s := max(now-window, last+1, 0); s <= now+window; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: digits,
			Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// Code is the code of a step, as an authenticator app shows it.
func Code(secret string, s Step) (string, error) {
	return hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
}

// RecoveryCodes is how many recovery codes a user is given at once.
const RecoveryCodes = 10

const (
	recoveryLength = 24 // letters and digits of base32: 120 bits, too many to guess, so that a plain hash keeps them
	recoveryGroup  = 6
)

// NewRecovery makes recovery codes to show once, as four groups of letters and digits, and the hashes to keep.
func NewRecovery() (codes []string, hashes [][]byte) {
	for range RecoveryCodes {
		text := strings.ToLower(rand.Text())[:recoveryLength]
		var groups []string
		for at := 0; at < recoveryLength; at += recoveryGroup {
			groups = append(groups, text[at:at+recoveryGroup])
		}
		codes = append(codes, strings.Join(groups, "-"))
		hashes = append(hashes, hashOf(text))
	}
	return codes, hashes
}

// MatchRecovery finds the hash of a recovery code, whatever its case and with or without hyphens and spaces; -1: none.
func MatchRecovery(code string, hashes [][]byte) int {
	text := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
	if len(text) != recoveryLength {
		return -1
	}
	found, hash := -1, hashOf(text)
	for i, h := range hashes {
		if subtle.ConstantTimeCompare(h, hash) == 1 {
			found = i
		}
	}
	return found
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte("doorstep recovery\n" + text))
	return sum[:]
}
