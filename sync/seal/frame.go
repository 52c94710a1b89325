package seal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// FrameBytes is how many bytes of a blob one frame holds at most.
const FrameBytes = 256 << 10

// maxSealedFrame is the length of the longest sealed frame: offset, nonce, bytes and tag.
const maxSealedFrame = frameHead + aeadsubtle.AESGCMIVSize + FrameBytes + aeadsubtle.AESGCMTagSize

// frameHead is the length of the offset that a sealed frame begins with.
const frameHead = 8

// ErrFrame reports a frame that is damaged, or that stands in the place of another one.
var ErrFrame = errors.New("seal: a frame of a blob is damaged, or is not the one that belongs here")

// NewBlobKey makes the text of a random key for one blob or several. It is kept as a personal part of a
// document (NewText), so that what it seals is erased with the debtor.
func NewBlobKey() (string, error) {
	raw := make([]byte, kekBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make the key of a blob: %w", err)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// BlobKey seals the bytes of blobs in frames, which are numbered from 1. A frame is AES-256-GCM under a random nonce;
// blob, number and offset are its associated data, so that no frame passes for another one. The offset stands before
// the sealed bytes in the clear: whoever keeps frames knows how long a blob is without the key. That the last frames
// are missing is for the caller to notice, by the length it knows.
type BlobKey struct{ aead tink.AEAD }

// OpenBlobKey reads a key from the text that NewBlobKey made.
func OpenBlobKey(text string) (*BlobKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != kekBytes {
		return nil, errors.New("seal: the key of a blob is not 32 bytes in base64")
	}
	a, err := aeadsubtle.NewAESGCM(raw)
	if err != nil {
		return nil, fmt.Errorf("open the key of a blob: %w", err)
	}
	return &BlobKey{a}, nil
}

// SealFrame seals frame n of a blob, which holds the bytes from an offset on: 1 to FrameBytes of them.
func (k *BlobKey) SealFrame(blob string, n int, offset int64, plain []byte) ([]byte, error) {
	if n < 1 || offset < 0 || len(plain) == 0 || len(plain) > FrameBytes {
		return nil, fmt.Errorf("seal frame %d: a frame has a number from 1, and 1 to %d bytes", n, FrameBytes)
	}
	sealed, err := k.aead.Encrypt(plain, frameData(blob, n, offset))
	if err != nil {
		return nil, fmt.Errorf("seal frame %d: %w", n, err)
	}
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, frameHead+len(sealed)), uint64(offset)), sealed...), nil
}

// OpenFrame opens frame n of a blob, which begins at an offset. ErrFrame.
func (k *BlobKey) OpenFrame(blob string, n int, offset int64, frame []byte) ([]byte, error) {
	begins, _, err := FrameSpan(frame)
	if err != nil || begins != offset {
		return nil, ErrFrame
	}
	plain, err := k.aead.Decrypt(frame[frameHead:], frameData(blob, n, offset))
	if err != nil {
		return nil, ErrFrame
	}
	return plain, nil
}

// FrameSpan tells, without the key, from which offset to which a sealed frame's bytes go. What it tells is
// true once the frame has been opened. ErrFrame.
func FrameSpan(frame []byte) (from, to int64, err error) {
	n := len(frame) - frameHead - aeadsubtle.AESGCMIVSize - aeadsubtle.AESGCMTagSize
	if n < 1 || len(frame) > maxSealedFrame {
		return 0, 0, ErrFrame
	}
	offset := binary.BigEndian.Uint64(frame)
	if offset > 1<<53 {
		return 0, 0, ErrFrame
	}
	return int64(offset), int64(offset) + int64(n), nil
}

func frameData(blob string, n int, offset int64) []byte {
	return fmt.Appendf(nil, "blob|%d:%s|%d|%d", len(blob), blob, n, offset)
}
