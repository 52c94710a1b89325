package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"doorstep/auth/strictjson"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/zstd"
)

// pace is how slowly a body may come. A phone with a weak signal sends slowly; a caller who sends
// a byte now and then, to hold a connection, sends more slowly still.
type pace struct {
	stall time.Duration // the longest silence
	grace time.Duration // how long a body may take at any pace
	rate  int64         // bytes a second, on average, after that
}

var defaultPace = pace{stall: 30 * time.Second, grace: time.Minute, rate: 1 << 10}

// pacedBody is a request's body that must keep a pace. Its errors are problems, except io.EOF.
type pacedBody struct {
	io.ReadCloser
	pace
	conn  *http.ResponseController
	began time.Time
	by    time.Time // when all of it must be there; zero: it may take its time
	read  int64
}

func (b *pacedBody) Read(p []byte) (int, error) {
	now := time.Now()
	until := b.began.Add(b.grace + time.Duration(b.read/b.rate)*time.Second)
	if s := now.Add(b.stall); s.Before(until) {
		until = s
	}
	if !b.by.IsZero() && b.by.Before(until) {
		until = b.by
	}
	// A writer without a connection has no deadlines, and no slow senders.
	_ = b.conn.SetReadDeadline(until)
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		_ = b.conn.SetReadDeadline(time.Time{})
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, newProblem(http.StatusRequestTimeout, "timeout",
			"the body came too slowly; send it again, in smaller parts").at("body", "too slow")
	}
	return n, newProblem(http.StatusBadRequest, "malformed", "the body was cut short; send it again").at("body",
		"cut short")
}

// keepPace ends the read of a body that comes too slowly. It runs before every handler that may
// answer without reading the body: net/http reads the rest of a body before it sends an answer,
// and would wait for it without end.
func (a *API) keepPace(c *gin.Context) {
	if c.Request.Body != nil && c.Request.Body != http.NoBody {
		b := &pacedBody{ReadCloser: c.Request.Body, pace: a.pace, conn: http.NewResponseController(c.Writer),
			began: time.Now()}
		_ = b.conn.SetReadDeadline(b.began.Add(a.pace.stall))
		c.Request.Body = b
	}
	c.Next()
}

// arriveBy ends the read of a request's body at a time, even if the body keeps its pace.
func arriveBy(c *gin.Context, by time.Time) {
	if b, is := c.Request.Body.(*pacedBody); is {
		b.by = by
	}
}

// mediaType refuses a body of a kind the endpoint does not read, or in another
// encoding than UTF-8. Without a Content-Type it is taken for the first kind.
func mediaType(h http.Header, kinds ...string) (string, *Problem) {
	said := h.Get("Content-Type")
	if said == "" {
		return kinds[0], nil
	}
	kind, params, err := mime.ParseMediaType(said)
	if err != nil || !slices.Contains(kinds, kind) {
		return "", newProblem(http.StatusUnsupportedMediaType, "media_type", "send "+strings.Join(kinds,
			" or ")+", and say which as Content-Type").at("header.Content-Type", "not a kind this endpoint reads")
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") && !strings.EqualFold(cs, "us-ascii") {
		return "", newProblem(http.StatusUnsupportedMediaType, "media_type",
			"send the body in UTF-8").at("header.Content-Type", "a charset other than UTF-8")
	}
	return kind, nil
}

func badEncoding(detail string) *Problem {
	return newProblem(http.StatusUnsupportedMediaType, "media_type", detail).at("header.Content-Encoding",
		"not an encoding this endpoint reads")
}

// onlyJSON guards the endpoints whose bodies huma reads.
func onlyJSON(ctx huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(ctx)
	if c.Request.ContentLength == 0 {
		next(ctx)
		return
	}
	if _, p := mediaType(c.Request.Header, "application/json"); p != nil {
		writeProblem(c, p)
		return
	}
	if e := c.GetHeader("Content-Encoding"); e != "" && e != "identity" {
		writeProblem(c, badEncoding("send the body without Content-Encoding; sync and imports alone read gzip and zstd"))
		return
	}
	next(ctx)
}

// plainBody is a request's body, decompressed, of at most limit bytes.
func plainBody(c *gin.Context, limit int64) (io.Reader, *Problem) {
	body := &counted{ReadCloser: http.MaxBytesReader(c.Writer, c.Request.Body, limit)}
	switch c.GetHeader("Content-Encoding") {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, notPacked(err)
		}
		return &limited{r: z, in: body, left: limit, limit: limit}, nil
	case "zstd":
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, notPacked(err)
		}
		// It holds no goroutine, so that it need not be closed.
		return &limited{r: z, in: body, left: limit, limit: limit}, nil
	}
	return nil, badEncoding("Content-Encoding may be gzip, zstd or absent")
}

// maxWindow is how many bytes a zstd body may refer back to, as RFC 9659 has it for HTTP.
const maxWindow = 8 << 20

// notPacked is what a reader of gzip or zstd complains of: trouble with the body itself is told as it is.
func notPacked(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return newProblem(http.StatusBadRequest, "malformed",
		"the body is not what Content-Encoding says, or was cut short").at("body", "it cannot be decompressed")
}

// What is decompressed may be so many times as large as what was sent, beyond a first part. Texts of records become
// some ten times smaller; a small body that becomes far more was made to keep the server busy.
const (
	maxExpansion = 100
	expandFreely = 1 << 20
)

// counted counts what is read.
type counted struct {
	io.ReadCloser
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}

// limited refuses what is longer than its limit, or expands too much; the limit is on what comes out of decompression.
type limited struct {
	r     io.Reader
	in    *counted // what is decompressed
	left  int64
	limit int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		var one [1]byte
		if n, err := l.r.Read(one[:]); n == 0 {
			return 0, l.trouble(err)
		}
		return 0, &http.MaxBytesError{Limit: l.limit}
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if out := l.limit - l.left; out > expandFreely+maxExpansion*l.in.n {
		return 0, newProblem(http.StatusRequestEntityTooLarge, "too_large",
			"the body becomes more than a hundred times as large when it is decompressed; send it without Content-Encoding").
			at("body", "it expands too much")
	}
	return n, l.trouble(err)
}

func (l *limited) trouble(err error) error {
	var big *http.MaxBytesError
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &big) {
		return err
	}
	return notPacked(err)
}

// jsonFault is why a text is not the JSON that is taken here. It repeats nothing of it.
type jsonFault struct{ at, msg string }

func (f *jsonFault) Error() string { return f.msg }

func (f *jsonFault) problem() *Problem {
	return newProblem(http.StatusBadRequest, "malformed",
		"the body is not JSON of the form this endpoint takes; see GET /openapi.yaml").at(f.at, f.msg)
}

// checkJSON returns what strictjson finds wrong with a body, nil if nothing.
func checkJSON(text []byte) *jsonFault {
	f := strictjson.Check(text)
	if f == nil {
		return nil
	}
	at := "body"
	if f.Place != "" {
		at = place("body." + f.Place)
	}
	return &jsonFault{at, f.Error()}
}

// decodeJSON reads a text that checkJSON has passed, and says what is wrong without the words of
// encoding/json, which repeat values and name our types.
func decodeJSON(text []byte, into any) *jsonFault {
	err := json.NewDecoder(bytes.NewReader(text)).Decode(into)
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return &jsonFault{place("body." + wrong.Field), "a value of another kind, or out of range"}
	}
	return &jsonFault{"body", "it cannot be read as what this endpoint takes"}
}

// jsonFormat is how huma reads and writes JSON.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(text []byte, v any) error {
		// huma reads a body twice: as any, to hold it against the schema, then for the handler.
		if _, first := v.(*any); first {
			if f := checkJSON(text); f != nil {
				return f
			}
		}
		if f := decodeJSON(text, v); f != nil {
			return f
		}
		return nil
	},
}

// readBody reads a body of a kind for the endpoints that huma does not serve.
func readBody(c *gin.Context, limit int64, kinds ...string) ([]byte, error) {
	if _, p := mediaType(c.Request.Header, kinds...); p != nil {
		return nil, p
	}
	in, p := plainBody(c, limit)
	if p != nil {
		return nil, p
	}
	return io.ReadAll(in)
}

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\ufeff"

// readJSON is readBody for JSON that checkJSON passes; it takes away a byte order mark.
func readJSON(c *gin.Context, limit int64, kinds ...string) ([]byte, error) {
	text, err := readBody(c, limit, kinds...)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	if f := checkJSON(text); f != nil {
		return nil, f.problem()
	}
	return text, nil
}
