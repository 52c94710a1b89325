package attachments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/offline"

	tusd "github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"golang.org/x/exp/slog"
)

// Path is where uploads are.
const Path = "/files/"

// statusChecksum is the status of tus for bytes with another checksum than was said.
const statusChecksum = 460

// Protocol is an error of the tus protocol: a status of HTTP of its own, with a stable code.
type Protocol struct {
	Status int
	Code   string
	Msg    string
}

// Error returns the message.
func (p *Protocol) Error() string { return p.Msg }

func userID(id string) auth.UserID { return auth.UserID(id) }

// newTus makes tusd's handler. tusd keeps to tus 1.0.0 without downloads, concatenation and lengths that are told
// later. Its log is dropped: it names files and addresses.
func newTus(s *Service) (*tusd.Handler, error) {
	silent := &slog.HandlerOptions{Level: slog.LevelError + 1}
	c := tusd.NewStoreComposer()
	c.UseCore(dataStore{s})
	c.UseTerminater(dataStore{s})
	memorylocker.New().UseIn(c)
	return tusd.NewHandler(tusd.Config{StoreComposer: c, BasePath: Path, MaxSize: s.opt.Limits.most(),
		DisableDownload: true, DisableConcatenation: true, Cors: &tusd.CorsConfig{Disable: true},
		Logger:                           slog.New(slog.NewTextHandler(io.Discard, silent)),
		AcquireLockTimeout:               10 * time.Second,
		GracefulRequestCompletionTimeout: 2 * time.Second})
}

// exchange is one request as the data store must know it: tusd hands on its context alone.
type exchange struct {
	who        offline.Caller
	attachment string // of the path
	err        error  // of the data store
	bodyErr    error  // of reading the body
	created    *upload
	offset     int64
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// fail notes an error, so that Serve can return it instead of tusd's text.
func (x *exchange) fail(err error) error {
	if err != nil {
		x.err = err
	}
	return err
}

// Limits are what agents may upload. They are not to be changed.
func (s *Service) Limits() Limits { return s.opt.Limits }

// Capabilities sets the headers that tell a client what is offered.
func (s *Service) Capabilities(h http.Header) {
	h.Set("Tus-Resumable", "1.0.0")
	h.Set("Tus-Version", "1.0.0")
	h.Set("Tus-Extension", "creation,termination")
	h.Set("Tus-Max-Size", strconv.FormatInt(s.opt.Limits.most(), 10))
}

// Serve answers a request of tus by an agent's device: POST without an attachment, or HEAD, PATCH or DELETE of one. An
// error has not been answered: it is a *refusal.Error, a *Protocol, what the body's reader said, or trouble of ours.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, who offline.Caller, attachment string) error {
	x := &exchange{who: who, attachment: attachment}
	if attachment == "" && (r.ContentLength != 0 || r.Header.Get("Content-Type") == "application/offset+octet-stream") {
		return refuse(refusal.Invalid, "upload.create_empty", "body",
			"begin an upload without a body, then send its bytes with PATCH")
	}
	if r.Header.Get("Upload-Defer-Length") != "" || r.Header.Get("Upload-Concat") != "" {
		return &Protocol{http.StatusBadRequest, "upload.extension",
			"the extensions of tus that are offered are creation and termination; say Upload-Length"}
	}
	q := r.Clone(context.WithValue(r.Context(), exchangeKey{}, x))
	q.Header.Del("X-HTTP-Method-Override")
	if q.Body != nil {
		q.Body = &watched{q.Body, x}
	}
	q.URL.Path = "/" // tusd routes below its path
	if attachment != "" {
		// tusd locks by the path: agents whose phones chose the same id must not wait for each other.
		sum := sha256.Sum256([]byte(uploadID(who.Actor.User, attachment)))
		q.URL.Path += hex.EncodeToString(sum[:])
	}
	a := &answer{ResponseWriter: w, x: x}
	s.tus.ServeHTTP(a, q)
	if a.failed == 0 {
		return nil
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Location"} {
		w.Header().Del(name)
	}
	switch {
	case x.err != nil:
		return x.err
	case x.bodyErr != nil:
		return x.bodyErr
	}
	return protocolOf(a.failed, a.said)
}

// protocolOf is what tusd says is wrong, in words of ours.
func protocolOf(status int, said string) error {
	code, _, _ := strings.Cut(said, ":")
	for _, p := range []struct {
		of  string
		err Protocol
	}{
		{"ERR_UNSUPPORTED_VERSION", Protocol{http.StatusPreconditionFailed, "upload.version", "send Tus-Resumable: 1.0.0"}},
		{"ERR_MAX_SIZE_EXCEEDED", Protocol{http.StatusRequestEntityTooLarge, "upload.too_large",
			"no attachment is that long: see Tus-Max-Size of OPTIONS /files/"}},
		{"ERR_INVALID_CONTENT_TYPE", Protocol{http.StatusUnsupportedMediaType, "media_type",
			"send bytes as application/offset+octet-stream"}},
		{"ERR_INVALID_UPLOAD_LENGTH", Protocol{http.StatusBadRequest, "upload.length",
			"Upload-Length is the number of all bytes of the attachment, said once, with POST"}},
		{"ERR_INVALID_OFFSET", Protocol{http.StatusBadRequest, "upload.offset",
			"Upload-Offset is the number of bytes that are stored: HEAD tells it"}},
		{"ERR_MISMATCHED_OFFSET", Protocol{http.StatusConflict, "upload.offset",
			"Upload-Offset is not the number of bytes that are stored: HEAD tells it"}},
		{"ERR_UPLOAD_SIZE_EXCEEDED", Protocol{http.StatusRequestEntityTooLarge, "upload.too_large",
			"these are more bytes than Upload-Length said"}},
		{"ERR_NOT_IMPLEMENTED", Protocol{http.StatusBadRequest, "upload.length", "Upload-Length is said once, with POST"}},
	} {
		if p.of == code {
			return &p.err
		}
	}
	if status < http.StatusInternalServerError && status != http.StatusLocked && code != "ERR_UPLOAD_INTERRUPTED" &&
		code != "ERR_UNEXPECTED_EOF" {
		return &Protocol{http.StatusBadRequest, "upload.protocol", "this is not tus 1.0.0 as it is offered here"}
	}
	return busy()
}

// answer is the answer to a request: what tusd says of an error is kept for Serve, and not sent.
type answer struct {
	http.ResponseWriter
	x      *exchange
	failed int // the status of an error
	said   string
}

func (a *answer) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		a.failed = status
		return
	}
	if u := a.x.created; u != nil {
		// tusd makes an absolute URL by the Host header, which a proxy may have changed.
		a.Header().Set("Location", Path+u.Attachment)
		a.Header().Set("Upload-Offset", strconv.FormatInt(a.x.offset, 10))
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.failed != 0 {
		if len(a.said) < 256 {
			a.said += string(p[:min(len(p), 256)])
		}
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// SetReadDeadline lets tusd interrupt a read at once. Other deadlines are the server's, which sees to slow bodies.
func (a *answer) SetReadDeadline(at time.Time) error {
	if time.Until(at) > 0 {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).SetReadDeadline(at)
}

// SetWriteDeadline leaves the deadlines of answers to the server.
func (a *answer) SetWriteDeadline(time.Time) error { return nil }

// watched notes why a body could not be read.
type watched struct {
	io.ReadCloser
	x *exchange
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.x.bodyErr = err
	}
	return n, err
}

// dataStore is what tusd keeps uploads by.
type dataStore struct{ s *Service }

// tusUpload is one upload, for one request.
type tusUpload struct {
	s *Service
	x *exchange
	u *upload
}

func (d dataStore) NewUpload(ctx context.Context, info tusd.FileInfo) (tusd.Upload, error) {
	x := exchangeOf(ctx)
	u, err := d.s.create(ctx, x.who, info.MetaData, info.Size)
	if err != nil {
		return nil, x.fail(err)
	}
	x.created = u
	return &tusUpload{d.s, x, u}, nil
}

func (d dataStore) GetUpload(ctx context.Context, _ string) (tusd.Upload, error) {
	x := exchangeOf(ctx)
	u, err := d.s.load(ctx, x.who.Actor.User, x.attachment)
	if err == nil {
		err = d.s.stillOpen(ctx, u)
	}
	if err != nil {
		return nil, x.fail(err)
	}
	return &tusUpload{d.s, x, u}, nil
}

func (d dataStore) AsTerminatableUpload(u tusd.Upload) tusd.TerminatableUpload { return u.(*tusUpload) }

// GetInfo tells how far an upload has come. One whose bytes are all there and that was not ended, because a crash came
// between, is ended first: a client takes the full offset for the end.
func (t *tusUpload) GetInfo(ctx context.Context) (tusd.FileInfo, error) {
	offset, err := t.s.offset(ctx, t.u)
	if err == nil && offset == t.u.Length && !t.u.Stored {
		if err = t.s.finish(ctx, string(t.u.Agent), t.u.Attachment); err == nil {
			t.u.Stored = true
		}
	}
	t.x.offset = offset
	return tusd.FileInfo{ID: t.u.Attachment, Size: t.u.Length, Offset: offset, MetaData: t.u.meta()}, t.x.fail(err)
}

func (t *tusUpload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	n, err := t.s.write(ctx, t.u, offset, src)
	return n, t.x.fail(err)
}

func (t *tusUpload) FinishUpload(ctx context.Context) error {
	if err := t.s.stillOpen(ctx, t.u); err != nil {
		return t.x.fail(err)
	}
	return t.x.fail(t.s.finish(ctx, string(t.u.Agent), t.u.Attachment))
}

func (t *tusUpload) GetReader(context.Context) (io.ReadCloser, error) {
	return nil, tusd.ErrNotImplemented
}

func (t *tusUpload) Terminate(ctx context.Context) error {
	if t.u.Stored || t.u.Ready != nil {
		return t.x.fail(refuse(refusal.Conflict, "upload.stored", "attachment",
			"the attachment is stored: evidence is not taken back"))
	}
	return t.x.fail(t.s.discard(ctx, t.u))
}
