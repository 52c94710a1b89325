package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"doorstep/auth/keyfile"
)

// KEK is the key-encryption key: it wraps debtors' keys and keys the blind
// indexes. Whoever has it and the data can read everything; without it nobody can.
type KEK struct{ raw []byte }

const kekBytes = 32

// ParseKEK reads a key from its base64 form, 32 bytes.
func ParseKEK(text string) (KEK, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != kekBytes {
		return KEK{}, errors.New("a key-encryption key is 32 bytes in base64; " +
			"make one with: head -c 32 /dev/urandom | base64")
	}
	return KEK{raw}, nil
}

// LoadOrCreateKEK reads the key from a file, and makes it on first start, readable by its owner only.
func LoadOrCreateKEK(path string) (KEK, error) {
	k, err := LoadKEK(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	k.raw = make([]byte, kekBytes)
	if _, err := rand.Read(k.raw); err != nil {
		return KEK{}, err
	}
	if err := keyfile.Create(path, []byte(base64.StdEncoding.EncodeToString(k.raw)+"\n")); err != nil {
		return KEK{}, fmt.Errorf("keep key-encryption key: %w", err)
	}
	return k, nil
}

// LoadKEK reads the key from a file. fs.ErrNotExist: there is none.
func LoadKEK(path string) (KEK, error) {
	data, err := keyfile.Read(path)
	if err != nil {
		return KEK{}, fmt.Errorf("read key-encryption key: %w", err)
	}
	k, err := ParseKEK(string(data))
	if err != nil {
		return KEK{}, fmt.Errorf("key file %s is damaged; restore it, for nothing sealed can be read without it: %w",
			filepath.Base(path), err)
	}
	return k, nil
}

// Fingerprint tells this key from others, and nothing about it.
func (k KEK) Fingerprint() string {
	print, err := k.derive("fingerprint")
	if err != nil {
		panic("seal: HKDF of 32 bytes: " + err.Error()) // the length is within what it offers
	}
	return hex.EncodeToString(print[:8])
}

// derive makes a key for one purpose.
func (k KEK) derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.raw, nil, "doorstep "+purpose, 32)
}
