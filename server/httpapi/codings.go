package httpapi

import (
	"compress/gzip"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/zstd"
)

// packedFrom is from which size on answers are compressed on request.
const packedFrom = 1 << 10

// packer compresses an answer. It can be used again for another.
type packer interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// coding is a way in which answers are compressed.
type coding struct {
	name string // in Content-Encoding
	pool sync.Pool
}

// get is a compressor that writes to w; put gives it back.
func (k *coding) get(w io.Writer) packer {
	z := k.pool.Get().(packer)
	z.Reset(w)
	return z
}

func (k *coding) put(z packer) {
	z.Reset(io.Discard) // it must not hold the answer's connection
	k.pool.Put(z)
}

// codings are those that we write, the better ones first. Their compressors are kept: each allocates several hundred
// kB, whatever it compresses.
var codings = []*coding{
	{name: "zstd", pool: sync.Pool{New: func() any {
		z, err := zstd.NewWriter(io.Discard, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return z
	}}},
	{name: "gzip", pool: sync.Pool{New: func() any {
		z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return z
	}}},
}

// codingOf is how to compress an answer to a request; nil: not at all.
func codingOf(c *gin.Context) *coding { return accepted(c.GetHeader("Accept-Encoding")) }

// accepted is the best coding that an Accept-Encoding header takes; nil for none.
func accepted(header string) *coding {
	for _, k := range codings {
		if takes(header, k.name) {
			return k
		}
	}
	return nil
}

// takes tells whether an Accept-Encoding header takes a coding. One with a weight of 0 is not taken.
func takes(header, coding string) bool {
	taken := false
	for part := range strings.SplitSeq(strings.ToLower(header), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		q, said := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		n, err := strconv.ParseFloat(q, 64)
		if name == coding {
			taken = !said || err == nil && n > 0
		}
	}
	return taken
}
