package attachments

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"doorstep/sync/seal"
)

// Frames keeps the sealed frames of blobs. Both stores implement it. All methods are safe for concurrent use, from
// several nodes too.
type Frames interface {
	// AddFrame keeps frame n of a blob, numbered from 1. It is durable when AddFrame returns nil. journal.ErrRaced:
	// frame n exists already, or frame n-1 does not; journal.ErrFull: the disk is full.
	AddFrame(ctx context.Context, blob string, n int, frame []byte) error
	// LastFrame reads the last frame of a blob and tells how many it has; 0 for one that is not there.
	LastFrame(ctx context.Context, blob string) (n int, frame []byte, err error)
	// EachFrame calls fn for the frames in order, until fn returns an error. fn may keep none of them.
	EachFrame(ctx context.Context, blob string, fn func(n int, frame []byte) error) error
	// DropFrames removes a blob. Doing it again does nothing.
	DropFrames(ctx context.Context, blob string) error
}

// errShort reports a blob that lacks frames at its end, or has more than it should.
var errShort = errors.New("attachments: a blob is not as long as its record says")

// writeTime is how long one frame may take to become durable. The request may have ended by then: what has come is
// kept.
const writeTime = 30 * time.Second

// newBlob makes the name of a blob.
func newBlob() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// blobEnd tells how many frames and bytes of a blob are there.
func blobEnd(ctx context.Context, frames Frames, blob string) (n int, end int64, err error) {
	n, last, err := frames.LastFrame(ctx, blob)
	if err != nil || n == 0 {
		return 0, 0, err
	}
	_, end, err = seal.FrameSpan(last)
	return n, end, err
}

// writeBlob appends what src gives to a blob of so many frames and bytes, up to a length, and tells how many bytes are
// durable. What came before an error of src is kept.
func writeBlob(ctx context.Context, frames Frames, key *seal.BlobKey, blob string, n int, end, length int64,
	src io.Reader) (written int64, err error) {
	buf := make([]byte, min(seal.FrameBytes, length-end))
	for end < length {
		got, failed := io.ReadFull(src, buf[:min(int64(len(buf)), length-end)])
		if got > 0 {
			frame, err := key.SealFrame(blob, n+1, end, buf[:got])
			if err != nil {
				return written, err
			}
			keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
			err = frames.AddFrame(keep, blob, n+1, frame)
			cancel()
			if err != nil {
				return written, err
			}
			n, end, written = n+1, end+int64(got), written+int64(got)
		}
		if failed != nil {
			if errors.Is(failed, io.EOF) || errors.Is(failed, io.ErrUnexpectedEOF) {
				failed = nil
			}
			return written, failed
		}
	}
	return written, nil
}

// readBlob opens the frames of a blob of a known length in order. errShort, seal.ErrFrame, and fn's errors.
func readBlob(ctx context.Context, frames Frames, key *seal.BlobKey, blob string, length int64,
	fn func([]byte) error) error {
	var end int64
	err := frames.EachFrame(ctx, blob, func(n int, frame []byte) error {
		plain, err := key.OpenFrame(blob, n, end, frame)
		if err != nil {
			return err
		}
		end += int64(len(plain))
		if end > length {
			return errShort
		}
		return fn(plain)
	})
	if err == nil && end != length {
		err = errShort
	}
	return err
}
