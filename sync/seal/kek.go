package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// KEK is the key-encryption key: it wraps debtors' keys and keys the blind
// indexes. Whoever has it and the data can read everything; without it nobody can.
type KEK struct{ raw []byte }

const kekBytes = 32

// ParseKEK reads a key from its base64 form, 32 bytes.
func ParseKEK(text string) (KEK, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != kekBytes {
		return KEK{}, errors.New("a key-encryption key is 32 bytes in base64; make one with: head -c 32 /dev/urandom | base64")
	}
	return KEK{raw}, nil
}

// LoadOrCreateKEK reads the key from a file, and makes it on first start, readable by its owner only.
func LoadOrCreateKEK(path string) (KEK, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		raw := make([]byte, kekBytes)
		if _, err := rand.Read(raw); err != nil {
			return KEK{}, err
		}
		data = []byte(base64.StdEncoding.EncodeToString(raw) + "\n")
		if err := writeNew(path, data); err != nil {
			return KEK{}, fmt.Errorf("keep key-encryption key: %w", err)
		}
	} else if err != nil {
		return KEK{}, fmt.Errorf("read key-encryption key: %w", err)
	}
	k, err := ParseKEK(string(data))
	if err != nil {
		return KEK{}, fmt.Errorf("key file %s is damaged; restore it, for nothing sealed can be read without it: %w", filepath.Base(path), err)
	}
	return k, nil
}

// writeNew writes a file that must not exist yet, durably.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// derive makes a key for one purpose.
func (k KEK) derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.raw, nil, "doorstep "+purpose, 32)
}
