package journal

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/google/uuid"
)

// NewID mints an id for a record or a command of ours: a UUIDv7, ordered by time, so that
// look-ups stay cheap as history grows (J17).
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic("no randomness: " + err.Error()) // crypto/rand ends the program before this can happen
	}
	return id.String()
}

// randomID is 32 hexadecimal digits of chance.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
