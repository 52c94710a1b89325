package attachments_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"testing"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/attachments"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// fullDisk has room for so many frames.
type fullDisk struct {
	attachments.Frames
	room int
}

func (d *fullDisk) AddFrame(ctx context.Context, blob string, n int, frame []byte) error {
	if d.room == 0 {
		return fmt.Errorf("write a frame: %w", journal.ErrFull)
	}
	d.room--
	return d.Frames.AddFrame(ctx, blob, n, frame)
}

// node is another node over the same store.
func (f *fixture) node(frames attachments.Frames) *attachments.Service {
	f.t.Helper()
	svc, err := attachments.New(attachments.Options{Frames: frames, Smalls: f.store, Records: f.records, Vault: f.vault,
		Clock: func() time.Time { return f.now }, Limits: f.limits})
	ok(f.t, err)
	return svc
}

// An upload onto a full disk is told so, with a time to wait. With room again it goes on from what was kept.
func TestAnUploadOntoAFullDiskGoesOn(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	disk := &fullDisk{f.store, 1}
	f.svc = f.node(disk)
	text := recording(2*seal.FrameBytes + 9)
	f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	f.want("onto a full disk", f.patch("ana", "a1", 0, text), "journal.full", "")
	if journal.ErrFull.RetryAfter <= 0 {
		t.Error("it does not say when to come back")
	}
	f.want("what was kept", f.head("ana", "a1"), "200", fmt.Sprint(seal.FrameBytes))
	f.want("still full", f.patch("ana", "a1", seal.FrameBytes, text[seal.FrameBytes:]), "journal.full", "")
	disk.room = 9
	f.want("with room", f.patch("ana", "a1", seal.FrameBytes, text[seal.FrameBytes:]), "204", fmt.Sprint(len(text)))
	if !bytes.Equal(f.read(false), text) {
		t.Error("it is not whole")
	}
}

// between calls do once its first part was read.
type between struct {
	io.Reader
	do func()
}

func (b *between) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF && b.do != nil {
		b.do()
		b.do = nil
	}
	return n, err
}

// Two nodes that are sent the same upload write it once: the one that was overtaken says so, and nothing is torn.
func TestTwoNodesAtOneUpload(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(3 * seal.FrameBytes)
	f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	one, other := f.svc, f.node(f.store)
	first := &between{bytes.NewReader(text[:seal.FrameBytes]), func() {
		f.svc = other
		defer func() { f.svc = one }()
		f.want("the other node", f.patch("ana", "a1", seal.FrameBytes, text[seal.FrameBytes:2*seal.FrameBytes]), "204",
			fmt.Sprint(2*seal.FrameBytes))
	}}
	body := io.MultiReader(first, bytes.NewReader(bytes.Repeat([]byte("x"), 2*seal.FrameBytes)))
	overtaken := f.ask("ana", "PATCH", "a1", body, "Upload-Offset", "0", "Content-Type",
		"application/offset+octet-stream")
	f.want("the node that was overtaken", overtaken, "upload.busy", "")
	f.svc = other
	f.want("both say the same", f.head("ana", "a1"), "200", fmt.Sprint(2*seal.FrameBytes))
	f.want("the end", f.patch("ana", "a1", 2*seal.FrameBytes, text[2*seal.FrameBytes:]), "204", fmt.Sprint(len(text)))
	if !bytes.Equal(f.read(false), text) {
		t.Error("it is torn")
	}
	f.svc = one
	f.want("ended on the other node", f.head("ana", "a1"), "200", fmt.Sprint(len(text)))
	if len(f.records.stored) != 1 {
		t.Errorf("it was recorded %d times", len(f.records.stored))
	}
}

// While the case is on its way to another branch the upload waits with all its bytes; where the case is gone, or the
// debtor erased, nothing is left of it.
func TestACaseThatMovesDuringAnUpload(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(500)
	f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	f.records.err = refusal.New(refusal.Conflict, "case.moved", "case", "it moves")
	f.want("while it moves", f.patch("ana", "a1", 0, text), "upload.busy", "")
	f.want("and still", f.head("ana", "a1"), "upload.busy", "")
	ok(t, f.svc.Sweep(t.Context()))
	f.records.err = nil
	f.want("in its new branch", f.head("ana", "a1"), "200", "500")
	if len(f.records.stored) != 1 {
		t.Errorf("it was recorded %d times", len(f.records.stored))
	}
	f.want("begun", f.create("ana", "a2", text, "audio/ogg"), "201", "0")
	f.want("a piece", f.patch("ana", "a2", 0, text[:100]), "204", "100")
	ok(t, f.vault.Erase(t.Context(), "north.D1"))
	for range 2 {
		if r := f.patch("ana", "a2", 100, text[100:]); r.said == "204" {
			t.Errorf("after the erasure: %s", r.said)
		}
	}
	ok(t, f.svc.Sweep(t.Context()))
	f.want("after the sweep", f.head("ana", "a2"), "upload.not_found", "")
}

// That an upload was stored is known for 30 days. A phone that asks later uploads again and hears the same.
func TestStoredUploadsAreSwept(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(50)
	upload := func(what string) {
		t.Helper()
		f.want(what, f.create("ana", "a1", text, "audio/ogg"), "201", "0")
		f.want(what, f.patch("ana", "a1", 0, text), "204", "50")
	}
	upload("at first")
	kept := func() int {
		t.Helper()
		ids, err := f.store.ListSmall(t.Context(), "stored_uploads", "", "", 10)
		ok(t, err)
		return len(ids)
	}
	f.now = f.now.AddDate(0, 0, 30)
	ok(t, f.svc.Sweep(t.Context()))
	f.want("after 30 days", f.head("ana", "a1"), "200", "50")
	f.now = f.now.AddDate(0, 0, 1)
	ok(t, f.svc.Sweep(t.Context()))
	if n := kept(); n != 0 {
		t.Errorf("%d are kept after 31 days", n)
	}
	upload("after it was forgotten")
	if n := kept(); n != 1 {
		t.Errorf("%d are kept of one that was uploaded again", n)
	}
}

// webp is a lossless WebP of one pixel, and hidden what its file says beside it.
const webp = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

// A WebP is written anew as a picture that everything shows; HEIC is refused with the types that are taken.
func TestWebPIsWrittenAnewAndHEICRefused(t *testing.T) {
	f := newFixture(t, record.KindPhoto)
	text, err := base64.StdEncoding.DecodeString(webp)
	ok(t, err)
	text = append(text, "EXIF\x08\x00\x00\x00Amelia's"...)
	text[4] = byte(len(text) - 8)
	f.want("begun", f.create("ana", "a1", text, "image/webp"), "201", "0")
	f.want("the bytes", f.patch("ana", "a1", 0, text), "204", fmt.Sprint(len(text)))
	a := f.records.stored[0]
	if a.StoredType != "image/png" && a.StoredType != "image/jpeg" || !a.Reencoded || a.Width != 1 || a.Height != 1 {
		t.Errorf("stored as %s of %d by %d", a.StoredType, a.Width, a.Height)
	}
	if bytes.Contains(f.read(false), []byte("Amelia")) || bytes.Contains(f.read(true), []byte("Amelia")) {
		t.Error("what was hidden in it was kept")
	}
	f.want("HEIC", f.create("ana", "a2", text, "image/heic"), "upload.media_type", "")
}
