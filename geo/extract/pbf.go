package extract

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/paulmach/osm"
	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is a set of kinds of objects.
type Kind uint8

// The kinds of objects.
const (
	Nodes Kind = 1 << iota
	Ways
	Relations
)

// Query says what to read of an extract.
type Query struct {
	// Kinds are the kinds of objects to read. The others are not decoded.
	Kinds Kind
	// Want tells whether an object is wanted, by its kind, id and tags; nil wants all. Several goroutines call it at the
	// same time. An object of a history file may be visited though it is not wanted, so the visitor checks again.
	Want func(kind Kind, id int64, tags osm.Tags) bool
}

// File is an extract in a file of the format .osm.pbf. It reads plain and dense nodes, blocks that are raw or
// compressed by zlib or zstd, and history files, of which it takes the newest version of everything that was not
// deleted. (The reader of paulmach/osm panics at plain nodes and does not tell deleted objects from others.)
//
// Reader is read from its start each time.
type File struct {
	Reader io.ReadSeeker
	Moved  func(bytes int64) // called with the position of the reader; may be nil
}

// Unreadable is an error that says why an extract cannot be used, with the cure. Its text continues a sentence that
// begins with the name of the file.
type Unreadable string

// Error returns the text.
func (u Unreadable) Error() string { return string(u) }

const convert = "convert it: osmium cat FILE -o extract.osm.pbf"

// Limits of the format's description, in bytes.
const (
	mostBlobHeader = 64 << 10
	mostBlob       = 32 << 20
)

// element is an object of a file with what decides whether it is the one that holds.
type element struct {
	object  osm.Object
	version int32
	deleted bool
}

// decoded is what a worker made of a blob.
type decoded struct {
	elements []element
	err      error
}

// blob is a part of a file as it was read.
type blob struct {
	data []byte
	end  int64 // its position in the file
}

// Bound returns the box that the file's header states, [west, south, east, north] in degrees; ok is false if it states
// none, or one that is not on Earth.
func (f File) Bound() (box [4]float64, ok bool, err error) {
	if _, err := f.Reader.Seek(0, io.SeekStart); err != nil {
		return box, false, err
	}
	h, err := (&blobReader{file: f.Reader}).header()
	return h.box, h.boxed, err
}

// Each calls visit for each object that the query wants, in the order of the file. The error is that of ctx, an
// Unreadable, or one of the reader. visit is called by one goroutine.
func (f File) Each(ctx context.Context, q Query, visit func(osm.Object)) error {
	if _, err := f.Reader.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := &blobReader{file: f.Reader}
	head, err := r.header()
	if err != nil {
		return err
	}
	history := head.history
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type task struct {
		blob blob
		done chan decoded
	}
	tasks := make(chan task, 2*runtime.GOMAXPROCS(0)) // in the order of the file
	work := make(chan task)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			d := blockDecoder{query: q, history: history}
			for t := range work {
				elements, err := d.decode(t.blob.data)
				t.done <- decoded{elements, err}
			}
		}()
	}
	var readErr error
	go func() {
		defer close(tasks)
		defer close(work)
		for {
			b, err := r.next()
			if err != nil {
				readErr = err // read after tasks is closed
				return
			}
			t := task{b, make(chan decoded, 1)}
			select {
			case tasks <- t:
			case <-ctx.Done():
				return
			}
			select {
			case work <- t:
			case <-ctx.Done():
				t.done <- decoded{err: ctx.Err()}
				return
			}
		}
	}()
	latest := latest{history: history, visit: visit}
	for t := range tasks {
		d := <-t.done
		if d.err != nil {
			stop()
			for range tasks { // until the reader has ended, which still holds the file
			}
			return d.err
		}
		for _, e := range d.elements {
			latest.add(e)
		}
		if f.Moved != nil {
			f.Moved(t.blob.end)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !errors.Is(readErr, io.EOF) {
		return readErr
	}
	latest.flush()
	return nil
}

// latest passes on the newest version of each object, unless that is a deletion. In a history file the versions of
// an object follow each other.
type latest struct {
	history bool
	visit   func(osm.Object)
	held    element
}

func (l *latest) add(e element) {
	if !l.history {
		if !e.deleted {
			l.visit(e.object)
		}
		return
	}
	if l.held.object != nil && l.held.object.ObjectID().Ref() == e.object.ObjectID().Ref() &&
		l.held.object.ObjectID().Type() == e.object.ObjectID().Type() {
		if e.version >= l.held.version {
			l.held = e
		}
		return
	}
	l.flush()
	l.held = e
}

func (l *latest) flush() {
	if l.held.object != nil && !l.held.deleted {
		l.visit(l.held.object)
	}
	l.held = element{}
}

// blobReader reads the blobs of a file.
type blobReader struct {
	file io.Reader
	at   int64
}

// header is what the first blob says of the file.
type header struct {
	history bool       // the file has all versions of its objects
	box     [4]float64 // west, south, east, north
	boxed   bool       // box is stated
}

// header reads the first blob.
func (r *blobReader) header() (h header, err error) {
	start := make([]byte, 16)
	n, err := io.ReadFull(r.file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return h, cutShort(err)
	}
	if other := otherFormat(start[:n]); other != "" {
		return h, Unreadable(other)
	}
	r.file = io.MultiReader(bytes.NewReader(start[:n]), r.file)
	kind, b, err := r.blob()
	if err != nil {
		return h, err
	}
	if kind != "OSMHeader" {
		return h, errNotPBF
	}
	text, err := inflate(b.data)
	if err != nil {
		return h, err
	}
	err = eachField(text, func(number protowire.Number, _ protowire.Type, _ uint64, value []byte) error {
		if number == 1 {
			return h.readBox(value)
		}
		if number != 4 { // required_features
			return nil
		}
		switch feature := string(value); feature {
		case "OsmSchema-V0.6", "DenseNodes":
		case "HistoricalInformation":
			h.history = true
		default:
			return Unreadable(fmt.Sprintf("needs a reader that knows %.40q, which this one does not: %s", feature, convert))
		}
		return nil
	})
	return h, err
}

// readBox reads the box, which is in units of 1e-9 degrees.
func (h *header) readBox(message []byte) error {
	place := [5]int{1: 0, 2: 2, 3: 3, 4: 1} // left, right, top, bottom
	seen := 0
	err := eachField(message, func(number protowire.Number, _ protowire.Type, n uint64, _ []byte) error {
		if number >= 1 && number <= 4 {
			h.box[place[number]] = float64(protowire.DecodeZigZag(n)) / 1e9
			seen++
		}
		return nil
	})
	west, south, east, north := h.box[0], h.box[1], h.box[2], h.box[3]
	h.boxed = seen == 4 && -180 <= west && west < east && east <= 180 && -90 <= south && south < north && north <= 90
	return err
}

var errNotPBF = Unreadable("is not an OpenStreetMap extract in the format .osm.pbf: download one, for example from " +
	"download.geofabrik.de")

// otherFormat names what a file is if it is known not to be .osm.pbf.
func otherFormat(start []byte) string {
	text := strings.ToLower(strings.TrimLeft(strings.TrimPrefix(string(start), "\xef\xbb\xbf"), " \r\n\t"))
	switch {
	case strings.HasPrefix(text, "<!doctype"), strings.HasPrefix(text, "<html"):
		return "is a web page, not an extract: download the .osm.pbf itself"
	case strings.HasPrefix(text, "<"):
		return "is XML, not .osm.pbf: " + convert
	case bytes.HasPrefix(start, []byte{0xff, 0xe0}):
		return "is in the format o5m, not .osm.pbf: " + convert
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}), strings.HasPrefix(text, "bzh"),
		bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}), bytes.HasPrefix(start, []byte("PK\x03\x04")),
		bytes.HasPrefix(start, []byte{0xfd, '7', 'z', 'X', 'Z'}):
		return "is compressed as a whole: unpack it first"
	case strings.HasPrefix(text, "doorstep roads"):
		return "is a file of prepared roads, not an extract: give it a name that does not end in .pbf"
	case strings.HasPrefix(text, "sqlite format 3"):
		return "is a database, such as a prepared map, not an extract"
	case strings.HasPrefix(text, "version https://"):
		return "is a pointer of Git LFS, not the file itself: fetch it with git lfs pull"
	}
	return ""
}

// cutShort turns an end in the middle of something into an error that says so.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Unreadable("is cut short: download it again")
	}
	return err
}

// next reads the next blob of data; io.EOF after the last.
func (r *blobReader) next() (blob, error) {
	for {
		kind, b, err := r.blob()
		if err != nil || kind == "OSMData" {
			return b, err
		}
		if kind == "OSMHeader" {
			return blob{}, Unreadable("holds several files one after the other: merge them with osmium merge")
		}
	}
}

func (r *blobReader) blob() (kind string, b blob, err error) {
	var length [4]byte
	if n, err := io.ReadFull(r.file, length[:]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return "", blob{}, io.EOF
		}
		return "", blob{}, cutShort(err)
	}
	size := binary.BigEndian.Uint32(length[:])
	if size == 0 || size > mostBlobHeader {
		return "", blob{}, r.broken()
	}
	head := make([]byte, size)
	if _, err := io.ReadFull(r.file, head); err != nil {
		return "", blob{}, cutShort(err)
	}
	data := uint64(0)
	err = eachField(head, func(number protowire.Number, _ protowire.Type, n uint64, value []byte) error {
		switch number {
		case 1:
			kind = string(value)
		case 3:
			data = n
		}
		return nil
	})
	if err != nil || kind == "" || data > mostBlob {
		return "", blob{}, r.broken()
	}
	b.data = make([]byte, data)
	if _, err := io.ReadFull(r.file, b.data); err != nil {
		return "", blob{}, cutShort(err)
	}
	r.at += 4 + int64(size) + int64(data)
	b.end = r.at
	return kind, b, nil
}

// broken is what a frame that makes no sense means.
func (r *blobReader) broken() error {
	if r.at == 0 {
		return errNotPBF
	}
	return errDamaged
}

var errDamaged = Unreadable("is damaged: download it again")

// inflate returns the content of a blob.
func inflate(data []byte) ([]byte, error) {
	var packed []byte
	size, method := uint64(0), ""
	err := eachField(data, func(number protowire.Number, _ protowire.Type, n uint64, value []byte) error {
		switch number {
		case 2:
			size = n
			return nil
		case 1:
			method = "raw"
		case 3:
			method = "zlib"
		case 4:
			method = "lzma"
		case 5:
			method = "bzip2"
		case 6:
			method = "lz4"
		case 7:
			method = "zstd"
		default:
			return nil
		}
		packed = value
		return nil
	})
	if err != nil || size > mostBlob {
		return nil, errDamaged
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	switch method {
	case "raw":
		return packed, nil
	case "zlib":
		z, err := zlib.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, errDamaged
		}
		_, err = io.Copy(out, io.LimitReader(z, mostBlob+1))
		if err != nil || uint64(out.Len()) != size {
			return nil, errDamaged
		}
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(4*mostBlob))
		if err != nil {
			return nil, errDamaged
		}
		defer z.Close()
		_, err = io.Copy(out, io.LimitReader(z, mostBlob+1))
		if err != nil || uint64(out.Len()) != size {
			return nil, errDamaged
		}
	case "":
		return nil, errDamaged
	default:
		return nil, Unreadable("has blocks compressed by " + method + ", which are not read: " + convert)
	}
	return out.Bytes(), nil
}

// eachField calls visit for every field of a message: with its number for a varint, with its bytes for a text, a
// message or a packed list.
func eachField(message []byte,
	visit func(number protowire.Number, kind protowire.Type, n uint64, value []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errDamaged
		}
		message = message[n:]
		var value []byte
		var varint uint64
		switch kind {
		case protowire.VarintType:
			varint, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return errDamaged
		}
		if kind == protowire.VarintType || kind == protowire.BytesType {
			if err := visit(number, kind, varint, value); err != nil {
				return err
			}
		}
		message = message[n:]
	}
	return nil
}
