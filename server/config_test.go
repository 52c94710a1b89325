package server

import (
	"testing"

	"doorstep/auth"
)

// The tests of this package hash passwords at less than the product's cost, so that they do not spend their time on it.
func TestAServerHashesPasswordsAtTheSafeCost(t *testing.T) {
	cfg := Config{Data: t.TempDir()}
	ok(t, cfg.fill())
	if cfg.hashing != auth.SafeHashCost {
		t.Errorf("a server hashes passwords at %+v, want %+v", cfg.hashing, auth.SafeHashCost)
	}
}
