package journal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"

	"doorstep/auth"
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

// DerivedID makes an id that is the same whenever the same texts are given: the prefix and 24 hexadecimal digits of
// their hash. A command that is decided again writes to the same record by it.
func DerivedID(prefix string, of ...string) string {
	h := sha256.New()
	for _, s := range of {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:12])
}

// commandSuffix is how many bytes a caller may append to the id of a command to name its parts.
const commandSuffix = 8

// HTTPCommand returns the id of the command that a user sends over HTTP under an
// Idempotency-Key: the same user and key give the same id. Without a key, the id is new. The
// id leaves 8 of MaxCommandBytes for the number of a part: where user and key together are
// longer, the id holds a hash of the key. A user id has at most 64 bytes.
func HTTPCommand(user auth.UserID, key string) string {
	if key == "" {
		key = NewID()
	}
	own := HTTPCommands(user)
	if len(own)+len(key) > MaxCommandBytes-commandSuffix {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:16])
	}
	return own + key
}

// HTTPCommands returns what the ids of all commands begin with that a user sends over HTTP.
func HTTPCommands(user auth.UserID) string { return "http:" + string(user) + ":" }

// randomID is 32 hexadecimal digits of chance.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
