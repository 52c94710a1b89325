package attachments_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/attachments"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// records answers every claim with one kind, and keeps what is stored.
type records struct {
	kind   string
	stored []record.StoredAttachment
	err    error
	gone   bool // the case was taken back
}

func (r *records) EvidenceOpen(context.Context, auth.BranchID, auth.UserID, journal.CaseID) (bool, error) {
	return !r.gone, nil
}

func (r *records) EvidenceClaimed(_ context.Context, _ auth.BranchID, c casework.Claim) (casework.Claimed, error) {
	if c.Record != "v1" {
		return casework.Claimed{}, refusal.New(refusal.Invalid, "upload.record_first", "record_id", "no such record")
	}
	return casework.Claimed{Case: "north.c1", Debtor: "north.D1", Kind: r.kind}, nil
}

func (r *records) StoreAttachment(_ context.Context, a record.StoredAttachment) (casework.AttachmentReceipt, error) {
	if r.err != nil {
		return casework.AttachmentReceipt{}, r.err
	}
	r.stored = append(r.stored, a)
	return casework.AttachmentReceipt{ID: a.Attachment, Blob: a.Blob}, nil
}

func (r *records) ErasedBlobs(context.Context, auth.BranchID, func(string) error) error { return nil }

// fixture is the room over a real store that can be closed and opened again, as a crash does.
type fixture struct {
	t       *testing.T
	now     time.Time
	folder  string
	store   *sqlitestore.Store
	vault   *seal.Vault
	records *records
	svc     *attachments.Service
	limits  attachments.Limits
}

func newFixture(t *testing.T, kind string) *fixture {
	f := &fixture{t: t, now: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), folder: t.TempDir(),
		records: &records{kind: kind}, limits: attachments.DefaultLimits()}
	f.open()
	t.Cleanup(func() { _ = f.store.Close() })
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	var err error
	f.store, err = sqlitestore.Open(f.t.Context(), f.folder, nil)
	ok(f.t, err)
	kek, err := seal.ParseKEK(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	ok(f.t, err)
	clock := func() time.Time { return f.now }
	f.vault, err = seal.Open(f.t.Context(), f.store, kek, clock)
	ok(f.t, err)
	f.svc, err = attachments.New(attachments.Options{Frames: f.store, Smalls: f.store, Records: f.records,
		Vault: f.vault, Clock: clock, Limits: f.limits})
	ok(f.t, err)
}

func (f *fixture) restart() {
	f.t.Helper()
	ok(f.t, f.store.Close())
	f.open()
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is an answer: the status, or the code of the error, with Upload-Offset.
type reply struct {
	said   string
	offset string
	header http.Header
}

// ask sends a request of tus as an agent's phone.
func (f *fixture) ask(agent, method, id string, body io.Reader, headers ...string) reply {
	f.t.Helper()
	r := httptest.NewRequestWithContext(f.t.Context(), method, "/files/"+id, body)
	r.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	err := f.svc.Serve(w, r, offline.Caller{Branch: "porto",
		Actor: auth.Actor{User: auth.UserID(agent), Role: auth.RoleAgent, Device: "d1"}}, id)
	out := reply{fmt.Sprint(w.Code), w.Header().Get("Upload-Offset"), w.Header()}
	var p *attachments.Protocol
	var no *refusal.Error
	switch {
	case errors.As(err, &p):
		out.said = fmt.Sprint(p.Status, " ", p.Code)
	case errors.As(err, &no):
		out.said = no.Code()
	case err != nil:
		out.said = err.Error()
	}
	return out
}

func meta(pairs ...string) string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(out, ",")
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (f *fixture) create(agent, id string, text []byte, mediaType string) reply {
	f.t.Helper()
	return f.ask(agent, "POST", "", nil, "Upload-Length", fmt.Sprint(len(text)), "Upload-Metadata",
		meta("attachment_id", id, "sha256", hashOf(text), "record_type", "visits", "record_id", "v1", "filename",
			"Amélia.jpg", "filetype", mediaType))
}

func (f *fixture) patch(agent, id string, offset int, body []byte) reply {
	f.t.Helper()
	return f.ask(agent, "PATCH", id, bytes.NewReader(body), "Upload-Offset", fmt.Sprint(offset), "Content-Type",
		"application/offset+octet-stream")
}

func (f *fixture) head(agent, id string) reply { return f.ask(agent, "HEAD", id, nil) }

func (f *fixture) want(what string, got reply, said, offset string) {
	f.t.Helper()
	if got.said != said || got.offset != offset {
		f.t.Fatalf("%s: %s at %q, want %s at %q", what, got.said, got.offset, said, offset)
	}
}

// recording is a sound of some length.
func recording(n int) []byte {
	text := append([]byte("OggS"), bytes.Repeat([]byte("the words of Amélia "), n/20+1)...)
	return text[:n]
}

// read reads what is stored.
func (f *fixture) read(thumbnail bool) []byte {
	f.t.Helper()
	var b bytes.Buffer
	a := f.records.stored[len(f.records.stored)-1]
	ok(f.t, f.svc.WriteTo(f.t.Context(), &b, &a, thumbnail, func() {}))
	return b.Bytes()
}

// files is the content of all files of blobs.
func (f *fixture) files() (all []byte, n int) {
	f.t.Helper()
	root := filepath.Join(f.folder, sqlitestore.FramesFolder)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all, n = append(all, text...), n+1
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	return all, n
}

// HEAD tells which bytes an upload is of, so that a phone does not take another upload for its own.
func TestHeadTellsTheMetadataOfAnUpload(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(10)
	f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	for _, step := range []string{"begun", "stored"} {
		if step == "stored" {
			f.want("the bytes", f.patch("ana", "a1", 0, text), "204", "10")
		}
		said := f.head("ana", "a1").header.Get("Upload-Metadata")
		if hash := meta("sha256", hashOf(text)); !strings.Contains(said, hash) || strings.Contains(said, "filename") {
			t.Errorf("%s: Upload-Metadata %q, want %q in it and no filename", step, said, hash)
		}
	}
}

// An upload is resumed after a crash at any piece, and its bytes are nowhere in the clear.
func TestAnUploadIsResumedAfterACrash(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(2*seal.FrameBytes + 77)
	f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	cuts := []int{1, 2, 4096, seal.FrameBytes - 1, seal.FrameBytes, seal.FrameBytes + 1, 2 * seal.FrameBytes,
		len(text) - 1}
	at := 0
	for _, to := range cuts {
		f.restart()
		f.want("after a restart", f.head("ana", "a1"), "200", fmt.Sprint(at))
		f.want("begun again", f.create("ana", "a1", text, "audio/ogg"), "201", fmt.Sprint(at))
		f.want("at an earlier place", f.patch("ana", "a1", at+1, text[at:]), "409 upload.offset", "")
		f.want("a piece", f.patch("ana", "a1", at, text[at:to]), "204", fmt.Sprint(to))
		at = to
	}
	if len(f.records.stored) > 0 {
		t.Fatal("it was recorded before its last byte")
	}
	// The journal is not there at the end: what is uploaded stays, and the next HEAD ends it.
	f.records.err = errors.New("the journal does not answer")
	f.want("the last byte", f.patch("ana", "a1", at, text[at:]), "the journal does not answer", "")
	f.want("still", f.head("ana", "a1"), "the journal does not answer", "")
	f.records.err = nil
	f.restart()
	f.want("the end", f.head("ana", "a1"), "200", fmt.Sprint(len(text)))
	f.want("begun once more", f.create("ana", "a1", text, "audio/ogg"), "201", fmt.Sprint(len(text)))
	f.want("taken back", f.ask("ana", "DELETE", "a1", nil), "upload.stored", "")
	if n := len(f.records.stored); n != 1 {
		t.Fatalf("it was recorded %d times", n)
	}
	a := f.records.stored[0]
	if a.SHA256 != hashOf(text) || a.StoredSHA256 != a.SHA256 || a.Reencoded || a.Bytes != int64(len(text)) ||
		a.Filename.Plain() != "Amélia.jpg" {
		t.Errorf("what is recorded: %+v", a)
	}
	if !bytes.Equal(f.read(false), text) {
		t.Error("other bytes are read than were sent")
	}
	all, n := f.files()
	db, err := os.ReadFile(filepath.Join(f.folder, sqlitestore.FileName))
	ok(t, err)
	for _, secret := range []string{"Amélia", "OggS", a.Key.Plain()} {
		if bytes.Contains(all, []byte(secret)) || bytes.Contains(db, []byte(secret)) {
			t.Errorf("%q stands on the disk in the clear", secret)
		}
	}
	if n != 1 {
		t.Errorf("there are %d blobs", n)
	}
}

// cutBody is a body whose connection breaks.
type cutBody struct{ io.Reader }

func (c cutBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestWhatCameBeforeACutIsKept(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(1000)
	f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	r := f.ask("ana", "PATCH", "a1", cutBody{bytes.NewReader(text[:300])}, "Upload-Offset", "0", "Content-Type",
		"application/offset+octet-stream")
	if r.said == "204" {
		t.Errorf("a cut body is answered %s", r.said)
	}
	f.want("what came", f.head("ana", "a1"), "200", "300")
	f.want("the rest", f.patch("ana", "a1", 300, text[300:]), "204", "1000")
	if !bytes.Equal(f.read(false), text) {
		t.Error("other bytes are read than were sent")
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(500)
	good := []string{"attachment_id", "a1", "sha256", hashOf(text), "record_type", "visits", "record_id", "v1",
		"filetype", "audio/ogg"}
	with := func(pairs ...string) []string { // a later pair counts
		return []string{"Upload-Length", "500", "Upload-Metadata", meta(append(append([]string{}, good...), pairs...)...)}
	}
	for _, c := range []struct {
		what    string
		headers []string
		want    string
	}{
		{"no metadata", []string{"Upload-Length", "500"}, "upload.metadata"},
		{"an id with a slash", with("attachment_id", "a/1"), "upload.metadata"},
		{"an id of dots", with("attachment_id", ".."), "upload.metadata"},
		{"a short hash", with("sha256", "ab"), "upload.metadata"},
		{"a record of nobody", with("record_id", "v2"), "upload.record_first"},
		{"another type", with("filetype", "text/html"), "upload.media_type"},
		{"a picture as a recording", with("filetype", "image/png"), "upload.media_type"},
		{"too long", append(with(), "Upload-Length", fmt.Sprint(int64(257)<<20)), "413 upload.too_large"},
		{"nothing", append(with(), "Upload-Length", "0"), "upload.metadata"},
		{"without a length", with()[2:], "400 upload.length"},
		{"a length to be told later", append(with(), "Upload-Defer-Length", "1"), "400 upload.extension"},
		{"parts", append(with(), "Upload-Concat", "partial"), "400 upload.extension"},
		{"another version", append(with(), "Tus-Resumable", "0.2.2"), "412 upload.version"},
		{"with its bytes", append(with(), "Content-Type", "application/offset+octet-stream"), "upload.create_empty"},
		{"another method by a header", append(with(), "X-HTTP-Method-Override", "DELETE"), "201"},
	} {
		if got := f.ask("ana", "POST", "", nil, c.headers...); got.said != c.want {
			t.Errorf("%s: %s, want %s", c.what, got.said, c.want)
		}
	}
	f.want("other bytes under the id", f.create("ana", "a1", recording(501), "audio/ogg"), "upload.other", "")
	for _, agent := range []string{"rui", "nobody"} { // the URL is each agent's own
		f.want("another agent", f.head(agent, "a1"), "upload.not_found", "")
		f.want("another agent", f.patch(agent, "a1", 0, text), "upload.not_found", "")
		f.want("another agent", f.ask(agent, "DELETE", "a1", nil), "upload.not_found", "")
	}
	f.want("another agent's own", f.create("rui", "a1", recording(501), "audio/ogg"), "201", "0")
	f.want("more than it is long", f.patch("ana", "a1", 0, recording(501)), "413 upload.too_large", "")
	f.want("another content type", f.ask("ana", "PATCH", "a1", bytes.NewReader(text), "Upload-Offset", "0"),
		"415 media_type", "")
	f.want("as it was", f.head("ana", "a1"), "200", "0")
	f.want("given up", f.ask("ana", "DELETE", "a1", nil), "204", "")
	f.want("gone", f.head("ana", "a1"), "upload.not_found", "")
}

// Other bytes than the record says are discarded, and the phone may begin again.
func TestOtherBytesAreDiscarded(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(500)
	wrong := bytes.Clone(text)
	wrong[499] ^= 1
	f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	f.want("wrong", f.patch("ana", "a1", 0, wrong), "460 upload.checksum", "")
	f.want("gone", f.head("ana", "a1"), "upload.not_found", "")
	if _, n := f.files(); n != 0 || len(f.records.stored) != 0 {
		t.Errorf("%d blobs and %d attachments are left", n, len(f.records.stored))
	}
	f.want("begun again", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	f.want("right", f.patch("ana", "a1", 0, text), "204", "500")
	html := []byte("<html><script>alert(1)</script></html>")
	f.want("a page", f.create("ana", "a2", html, "audio/ogg"), "201", "0")
	f.want("that says it is a sound", f.patch("ana", "a2", 0, html), "upload.media_type", "")
}

func TestAnAgentsDayIsBounded(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	f.limits.Uploads, f.limits.Bytes = 3, 1500
	f.restart()
	f.want("one", f.create("ana", "a1", recording(500), "audio/ogg"), "201", "0")
	f.want("again", f.create("ana", "a1", recording(500), "audio/ogg"), "201", "0")
	f.want("two", f.create("ana", "a2", recording(500), "audio/ogg"), "201", "0")
	f.want("too many bytes", f.create("ana", "a3", recording(501), "audio/ogg"), "upload.too_many", "")
	f.want("three", f.create("ana", "a3", recording(500), "audio/ogg"), "201", "0")
	f.want("four", f.create("ana", "a4", recording(1), "audio/ogg"), "upload.too_many", "")
	f.want("another agent", f.create("rui", "a4", recording(5), "audio/ogg"), "201", "0")
	f.now = f.now.Add(24 * time.Hour)
	f.want("the next day", f.create("ana", "a4", recording(5), "audio/ogg"), "201", "0")
}

// What is not ended is swept after 30 days without a byte, and what a debtor's erasure left at once.
func TestSweeping(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	text := recording(500)
	f.create("ana", "old", text, "audio/ogg")
	f.want("a piece", f.patch("ana", "old", 0, text[:10]), "204", "10")
	f.create("ana", "slow", text, "audio/ogg")
	f.now = f.now.Add(20 * 24 * time.Hour)
	f.want("a later piece", f.patch("ana", "slow", 0, text[:10]), "204", "10")
	f.now = f.now.Add(11 * 24 * time.Hour)
	ok(t, f.svc.Sweep(t.Context()))
	ok(t, f.svc.Sweep(t.Context()))
	f.want("without a byte for 31 days", f.head("ana", "old"), "upload.not_found", "")
	f.want("with one", f.head("ana", "slow"), "200", "10")
	ok(t, f.vault.Erase(t.Context(), "north.D1"))
	if r := f.patch("ana", "slow", 10, text[10:]); !strings.Contains(r.said, "erased") {
		t.Errorf("after the erasure: %s", r.said)
	}
	ok(t, f.svc.Sweep(t.Context()))
	if _, n := f.files(); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
	f.want("after the sweep", f.head("ana", "slow"), "upload.not_found", "")
}

// Who loses the case while an upload is under way brings no more bytes, and those that came go: at the next request, or
// at the next sweep if none comes. What is stored stays.
func TestACaseThatIsTakenBackDuringAnUpload(t *testing.T) {
	for _, method := range []string{"PATCH", "HEAD", "POST", "DELETE", "sweep", "a sweep of all bytes"} {
		f := newFixture(t, record.KindRecording)
		text := recording(500)
		f.want("begun", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
		f.want("a piece", f.patch("ana", "a1", 0, text[:10]), "204", "10")
		if method == "a sweep of all bytes" {
			f.records.err = errors.New("the journal does not answer")
			f.want("the rest", f.patch("ana", "a1", 10, text[10:]), "the journal does not answer", "")
			f.records.err = nil
		}
		f.records.gone = true
		const refused = "upload.taken_back"
		switch method {
		case "PATCH":
			f.want(method, f.patch("ana", "a1", 10, text[10:]), refused, "")
		case "HEAD":
			f.want(method, f.head("ana", "a1"), refused, "")
		case "POST":
			f.want(method, f.create("ana", "a1", text, "audio/ogg"), refused, "")
		case "DELETE":
			f.want(method, f.ask("ana", "DELETE", "a1", nil), refused, "")
		default:
			ok(t, f.svc.Sweep(t.Context()))
		}
		if _, n := f.files(); n != 0 && method != "a sweep of all bytes" {
			t.Errorf("%s: %d blobs are left", method, n)
		}
		if method == "a sweep of all bytes" {
			// All was there before: the end was cut short, and what is evidence stays.
			if len(f.records.stored) != 1 {
				t.Error("what was whole before is lost")
			}
			continue
		}
		f.want("after "+method, f.patch("ana", "a1", 10, text[10:]), "upload.not_found", "")
		f.want("begun anew", f.create("ana", "a2", text, "audio/ogg"), refused, "")
		f.records.gone = false
		f.want("given again", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
		f.want("the bytes", f.patch("ana", "a1", 0, text), "204", "500")
		f.records.gone = true
		f.want("asked once it is stored", f.head("ana", "a1"), "200", "500")
	}
}

// photoWithEXIF is a JPEG of 40 by 20 pixels, red on its left, that says it was turned and where it was taken.
func photoWithEXIF(t *testing.T, orientation uint16) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for x := range 40 {
		for y := range 20 {
			img.Set(x, y, map[bool]color.Color{true: color.RGBA{255, 0, 0, 255}, false: color.RGBA{0, 0, 255, 255}}[x < 20])
		}
	}
	var b bytes.Buffer
	ok(t, jpeg.Encode(&b, img, nil))
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08")
	tiff = append(tiff, 0, 2)
	entry := func(tag, typ uint16, count uint32, value ...byte) {
		tiff = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(tiff, tag), typ)
		tiff = append(binary.BigEndian.AppendUint32(tiff, count), value...)
	}
	entry(0x0112, 3, 1, byte(orientation>>8), byte(orientation), 0, 0)
	entry(0x8825, 4, 1, 0, 0, 0, 38)
	tiff = append(tiff, 0, 0, 0, 0, 0, 1)
	entry(2, 5, 3, 0, 0, 0, 0)
	exif := append([]byte("Exif\x00\x00"), tiff...)
	exif = append(exif, "the serial number of Amélia's camera"...)
	out := append([]byte("\xff\xd8\xff\xe1"), binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))...)
	return append(append(out, exif...), b.Bytes()[2:]...)
}

// A recording in MP4 is kept with its metadata overwritten, over all its frames.
func TestAnMP4IsKeptWithoutItsMetadata(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	box := func(typ, inner string) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(inner)+8)), typ+inner...)
	}
	sound := strings.Repeat("what was said ", 2*seal.FrameBytes/14)
	text := bytes.Join([][]byte{box("ftyp", "isom"), box("udta", "\xa9xyz of Amélia"), box("mdat", sound),
		box("moov", string(box("meta", "the home of Amélia")))}, nil)
	f.want("begun", f.create("ana", "a1", text, "video/mp4"), "201", "0")
	f.want("sent", f.patch("ana", "a1", 0, text), "204", fmt.Sprint(len(text)))
	kept, a := f.read(false), f.records.stored[0]
	if bytes.Contains(kept, []byte("Amélia")) || len(kept) != len(text) || !bytes.Contains(kept, []byte(sound)) {
		t.Errorf("kept are %d bytes of %d", len(kept), len(text))
	}
	if !a.Reencoded || !a.HadPosition || a.SHA256 != hashOf(text) || a.StoredSHA256 != hashOf(kept) ||
		a.StoredBytes != int64(len(text)) {
		t.Errorf("what is recorded: %+v", a)
	}
	if _, n := f.files(); n != 1 {
		t.Errorf("there are %d blobs", n)
	}
	short := append(box("ftyp", "isom"), 0, 0, 0, 4, 'm', 'o', 'o', 'v')
	f.want("begun", f.create("ana", "a2", short, "video/mp4"), "201", "0")
	f.want("one that cannot be cleared", f.patch("ana", "a2", 0, short), "upload.unclean", "")
	f.want("it is discarded", f.head("ana", "a2"), "upload.not_found", "")
}

// A picture is written anew, upright and with nothing but its pixels; that it told a position is noted.
func TestAPictureIsWrittenAnew(t *testing.T) {
	f := newFixture(t, record.KindPhoto)
	text := photoWithEXIF(t, 6) // to be turned by 90 degrees to the right
	f.want("begun", f.create("ana", "p1", text, "image/jpeg"), "201", "0")
	f.want("whole", f.patch("ana", "p1", 0, text), "204", fmt.Sprint(len(text)))
	a := f.records.stored[0]
	if !a.Reencoded || !a.HadPosition || a.Width != 20 || a.Height != 40 || a.SHA256 != hashOf(text) {
		t.Errorf("what is recorded: %+v", a)
	}
	kept := f.read(false)
	if bytes.Contains(kept, []byte("Exif")) || bytes.Contains(kept, []byte("Amélia")) || a.StoredSHA256 != hashOf(kept) {
		t.Error("what is kept has more than the pixels, or another hash than is recorded")
	}
	img, err := jpeg.Decode(bytes.NewReader(kept))
	ok(t, err)
	if r, _, b, _ := img.At(10, 5).RGBA(); r < b {
		t.Error("the left of the picture is not at the top")
	}
	small, err := jpeg.Decode(bytes.NewReader(f.read(true)))
	ok(t, err)
	if small.Bounds().Dx() != 20 {
		t.Errorf("the small picture is %v", small.Bounds())
	}
	if _, n := f.files(); n != 2 {
		t.Errorf("%d blobs are kept: the uploaded picture is to go", n)
	}
}

// bomb is a PNG that says it has a great many pixels.
func bomb(side uint32) []byte {
	head := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)...)
	head = append(head, 8, 6, 0, 0, 0)
	out := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	return binary.BigEndian.AppendUint32(append(out, head...), crc32.ChecksumIEEE(head))
}

func TestPicturesThatCannotBeShownAreRefused(t *testing.T) {
	f := newFixture(t, record.KindPhoto)
	var b bytes.Buffer
	ok(t, png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 8))))
	f.limits.Pixels = 63
	f.restart()
	for name, text := range map[string][]byte{"large": b.Bytes(),
		"bomb": bomb(60_000), "broken": b.Bytes()[:50], "wide": bomb(1<<31 - 1)} {
		f.want(name, f.create("ana", name, text, "image/png"), "201", "0")
		f.want(name, f.patch("ana", name, 0, text), "upload.picture", "")
		f.want(name, f.head("ana", name), "upload.not_found", "")
	}
	if _, n := f.files(); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
}
