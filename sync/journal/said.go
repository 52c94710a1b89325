package journal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
)

const saltBytes = 16

// salts are one salt for each command of a call, drawn before anything is decided, so
// that a decision that is taken again says the same.
type salts []byte

func newSalts(n int) salts {
	b := make([]byte, n*saltBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}

func (s salts) of(i int) []byte { return s[i*saltBytes : (i+1)*saltBytes] }

// said is what the journal says of a payload that holds nothing personal: the salt, and
// the hash of the salt and the payload. Nothing of no payload.
func (c *Command) said(salt []byte) []byte {
	if c.Payload == ([32]byte{}) {
		return nil
	}
	h := sha256.New()
	h.Write(salt)
	h.Write(c.Payload[:])
	return h.Sum(bytes.Clone(salt))
}

// same tells whether the command asks for what was asked when said was said.
func (c *Command) same(ctx context.Context, said []byte) (bool, error) {
	if c.Same != nil {
		return c.Same(ctx, said)
	}
	if len(said) == 0 {
		return c.Payload == [32]byte{}, nil
	}
	return len(said) == saltBytes+sha256.Size && bytes.Equal(said, c.said(said[:saltBytes])), nil
}
