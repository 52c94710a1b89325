package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"doorstep/sync/seal"
)

func newBlobKey(t *testing.T) *seal.BlobKey {
	t.Helper()
	text, err := seal.NewBlobKey()
	check(t, err)
	k, err := seal.OpenBlobKey(text)
	check(t, err)
	return k
}

func TestAFrameOpensInItsPlaceOnly(t *testing.T) {
	k := newBlobKey(t)
	photo := bytes.Repeat([]byte("a letter box"), 1000)
	frame, err := k.SealFrame("b1", 2, 512, photo)
	check(t, err)
	if bytes.Contains(frame, []byte("letter")) {
		t.Error("the frame shows its bytes")
	}
	got, err := k.OpenFrame("b1", 2, 512, frame)
	check(t, err)
	if !bytes.Equal(got, photo) {
		t.Error("the frame opens as other bytes")
	}
	if from, to, err := seal.FrameSpan(frame); err != nil || from != 512 || to != 512+int64(len(photo)) {
		t.Errorf("the span is %d to %d, %v", from, to, err)
	}
	moved := bytes.Clone(frame)
	moved[7]++ // the offset
	for what, open := range map[string]func() ([]byte, error){
		"another blob":       func() ([]byte, error) { return k.OpenFrame("b2", 2, 512, frame) },
		"another number":     func() ([]byte, error) { return k.OpenFrame("b1", 3, 512, frame) },
		"another offset":     func() ([]byte, error) { return k.OpenFrame("b1", 2, 513, frame) },
		"an altered offset":  func() ([]byte, error) { return k.OpenFrame("b1", 2, 513, moved) },
		"a cut frame":        func() ([]byte, error) { return k.OpenFrame("b1", 2, 512, frame[:len(frame)-1]) },
		"an empty frame":     func() ([]byte, error) { return k.OpenFrame("b1", 2, 512, nil) },
		"another blob's key": func() ([]byte, error) { return newBlobKey(t).OpenFrame("b1", 2, 512, frame) },
	} {
		if _, err := open(); !errors.Is(err, seal.ErrFrame) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAFrameHasBounds(t *testing.T) {
	k := newBlobKey(t)
	for _, n := range []int{0, seal.FrameBytes + 1} {
		if _, err := k.SealFrame("b1", 1, 0, make([]byte, n)); err == nil {
			t.Errorf("a frame of %d bytes is sealed", n)
		}
	}
	frame, err := k.SealFrame("b1", 1, 0, make([]byte, seal.FrameBytes))
	check(t, err)
	if _, to, err := seal.FrameSpan(frame); err != nil || to != seal.FrameBytes {
		t.Errorf("the largest frame ends at %d, %v", to, err)
	}
	for _, text := range []string{"", "AAAA", "not base64"} {
		if _, err := seal.OpenBlobKey(text); err == nil {
			t.Errorf("%q is taken for a key", text)
		}
	}
}
