package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// The tests of this package hash passwords at less than the product's cost, so that they do not spend their time on it.
func TestAServerHashesPasswordsAtTheSafeCost(t *testing.T) {
	cfg := Config{Data: t.TempDir()}
	ok(t, cfg.fill())
	if cfg.hashing != auth.SafeHashCost {
		t.Errorf("a server hashes passwords at %+v, want %+v", cfg.hashing, auth.SafeHashCost)
	}
}

// The limits of uploads are read when the server starts, which says what is wrong with them and in which file.
func TestLimitsOfUploadsAreReadAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uploads.json")
	cfg := func(text string) *Config {
		ok(t, os.WriteFile(path, []byte(text), 0o600))
		return &Config{Data: t.TempDir(), Uploads: path}
	}
	good := cfg(`{"kinds":{"photo":{"bytes":1000}}}`)
	ok(t, good.fill())
	if n := good.uploads.Kinds[record.KindPhoto].Bytes; n != 1000 {
		t.Errorf("photos have at most %d bytes", n)
	}
	err := cfg(`{"kinds":{"photo":{"bytes":-1}}}`).fill()
	if err == nil || !strings.Contains(err.Error(), "uploads.json: kinds.photo.bytes: -1 is out of range") {
		t.Errorf("a limit below zero: %v", err)
	}
	if err := (&Config{Data: t.TempDir(), Uploads: path + ".none"}).fill(); err == nil {
		t.Error("a file that is not there is taken for no limits")
	}
}
