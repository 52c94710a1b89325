package auth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"doorstep/auth/refusal"
)

func TestPasswordsAreHashedWithTheStatedCost(t *testing.T) {
	p := NewPasswords(1, SafeHashCost)
	hash, err := p.Hash(context.Background(), "ana", password)
	check(t, err)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is %s", hash)
	}
	parts := strings.Split(hash, "$")
	if len(parts[4]) != 22 || len(parts[5]) != 43 { // 16 and 32 bytes in base64 without padding
		t.Errorf("salt and key have %d and %d characters", len(parts[4]), len(parts[5]))
	}
	second, err := p.Hash(context.Background(), "ana", password)
	check(t, err)
	if second == hash {
		t.Error("two hashes of a password share their salt")
	}
	for given, want := range map[string]bool{password: true, password + " ": false, strings.ToUpper(password): false,
		"": false} {
		if ok, err := p.Matches(context.Background(), given, hash); err != nil || ok != want {
			t.Errorf("%q matches: %v, %v", given, ok, err)
		}
	}
	p.decoy = hash // even whoever hits on the decoy's password is not let in
	if ok, err := p.Matches(context.Background(), password, ""); err != nil || ok {
		t.Errorf("a password matches no hash: %v, %v", ok, err)
	}
	if _, err := p.Matches(context.Background(), password, "$argon2id$nonsense"); err == nil {
		t.Error("a damaged hash is no error")
	}
}

func TestWeakPasswordsAreRefused(t *testing.T) {
	p := NewPasswords(1, SafeHashCost)
	for name, c := range map[string]struct {
		password string
		ok       bool
	}{
		"9 letters":                  {"abcdefghi", false},
		"10 letters":                 {"abcdefghij", true},
		"10 letters of 2 bytes":      {"éçãõúíóáàê", true},
		"5 letters of 2 bytes":       {"éçãõú", false},
		"128 letters":                {strings.Repeat("ab", 64), true},
		"129 letters":                {strings.Repeat("ab", 64) + "c", false},
		"nothing":                    {"", false},
		"the login":                  {"Ana.Martins@example.org", false},
		"one letter":                 {"aaaaaaaaaaaa", false},
		"one letter of 2 bytes":      {strings.Repeat("é", 12), false},
		"one letter, then another":   {"aaaaaaaaaaab", true},
		"text that is not UTF-8":     {"abcdefghij\xff", false},
		"spaces within are welcome":  {"a b c d e f", true},
		"a letter of another script": {strings.Repeat("门前", 5), true},
	} {
		_, err := p.Hash(context.Background(), "ana.martins@example.org", c.password)
		if c.ok {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		e := refused(t, name, err, "auth.password_weak")
		if e.Kind != refusal.Invalid || e.Place != "password" || c.password != "" && strings.Contains(e.Msg, c.password) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestAOneTimePasswordIsUnguessableAndGoodEnough(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		o := OneTimePassword()
		if len(o) != 26 || strings.Trim(o, "abcdefghijklmnopqrstuvwxyz234567") != "" || seen[o] {
			t.Fatalf("%q is not 26 letters and digits, or came before", o)
		}
		seen[o] = true
	}
	p := NewPasswords(1, SafeHashCost)
	if _, err := p.Hash(context.Background(), "admin", OneTimePassword()); err != nil {
		t.Errorf("our own rules refuse it: %v", err)
	}
}

func TestHashingsWaitForAPlace(t *testing.T) {
	p := NewPasswords(0, SafeHashCost) // at least one
	p.places <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Hash(ctx, "ana", password); !errors.Is(err, context.Canceled) {
		t.Errorf("with no place left: %v", err)
	}
	<-p.places
	if _, err := p.Hash(context.Background(), "ana", password); err != nil {
		t.Error(err)
	}
	if len(p.places) != 0 {
		t.Error("a place was not given back")
	}
}
