package travel

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"doorstep/geo"
)

// A prepared file is a line that names the format and its version, then the
// fields as fields visits them, little-endian, and last the SHA-256 of all
// that stands before it.
const (
	fileMagic   = "doorstep roads "
	fileVersion = "2\n"
)

// Save writes the graphs to a file for OpenRoads, whole or not at all.
func (r *Roads) Save(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("save prepared roads: %w", err)
	}
	defer os.Remove(f.Name())
	if err := errors.Join(r.write(f), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save prepared roads: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("save prepared roads: %w", err)
	}
	return nil
}

func (r *Roads) write(to io.Writer) error {
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(to, sum), 1<<20)
	out.WriteString(fileMagic + fileVersion)
	w := &fields{out: out}
	w.roads(r)
	return errors.Join(w.err, out.Flush(), trailer(to, sum))
}

func trailer(to io.Writer, sum hash.Hash) error {
	_, err := to.Write(sum.Sum(nil))
	return err
}

// OpenRoads reads a file that Save wrote. The error is a *refusal.Error with
// CodeGraph: the file is missing, of another version, or damaged.
func OpenRoads(path string) (*Roads, error) {
	const again = "prepare it again: doorstep roads prepare EXTRACT.osm.pbf"
	name := filepath.Base(path)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault(CodeGraph, err, "read prepared roads")
	}
	rest, ok := bytes.CutPrefix(data, []byte(fileMagic))
	if !ok {
		return nil, fault(CodeGraph, nil, "%s is not a file of prepared roads; %s", name, again)
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(fileVersion)); !ok {
		return nil, fault(CodeGraph, nil, "%s was prepared by another version; %s", name, again)
	}
	if len(rest) < sha256.Size {
		return nil, fault(CodeGraph, nil, "%s is cut short; %s", name, again)
	}
	body := rest[:len(rest)-sha256.Size]
	if sum := sha256.Sum256(data[:len(data)-sha256.Size]); !bytes.Equal(sum[:], rest[len(body):]) {
		return nil, fault(CodeGraph, nil, "%s is cut short or altered: its checksum does not fit; %s", name, again)
	}
	r := &Roads{}
	f := &fields{in: body}
	f.roads(r)
	if f.err == nil && len(f.in) > 0 {
		f.err = errors.New("there is more than was to be read")
	}
	if f.err != nil {
		return nil, fault(CodeGraph, f.err, "%s cannot be read; %s", name, again)
	}
	return r, nil
}

// fields writes fields to out or, if that is nil, reads them from in, so that
// both are the same list.
type fields struct {
	out *bufio.Writer
	in  []byte
	err error
}

func (f *fields) roads(r *Roads) {
	name := []byte(r.name + "\n" + r.country)
	records(f, &name, 1, func(b []byte, v *byte) { b[0] = *v }, func(b []byte, v *byte) { *v = b[0] })
	first, second, _ := bytes.Cut(name, []byte("\n"))
	r.name, r.country = string(first), string(second)
	sum := r.hash[:]
	records(f, &sum, 1, func(b []byte, v *byte) { b[0] = *v }, func(b []byte, v *byte) { *v = b[0] })
	if copy(r.hash[:], sum) != len(r.hash) {
		f.fail("the extract's hash")
	}
	for m := range r.graphs {
		has := []bool{r.graphs[m] != nil}
		f.flags(&has)
		if f.err != nil {
			return
		}
		if len(has) != 1 || !has[0] {
			continue
		}
		g := r.graphs[m]
		if f.out == nil {
			g = &graph{edges: &edges{}, hierarchy: &hierarchy{}}
		}
		f.graph(g)
		if f.out == nil && f.err == nil {
			r.graphs[m] = ready(g.edges, g.hierarchy)
		}
	}
}

func (f *fields) graph(g *graph) {
	records(f, &g.cost, 16, func(b []byte, v *[2]weight) {
		binary.LittleEndian.PutUint64(b, uint64(v[0]))
		binary.LittleEndian.PutUint64(b[8:], uint64(v[1]))
	}, func(b []byte, v *[2]weight) {
		v[0], v[1] = weight(binary.LittleEndian.Uint64(b)), weight(binary.LittleEndian.Uint64(b[8:]))
	})
	f.flags(&g.island)
	f.numbers(&g.shapeAt)
	records(f, &g.shape, 8, func(b []byte, v *geo.E7) {
		binary.LittleEndian.PutUint32(b, uint32(v.Lon))
		binary.LittleEndian.PutUint32(b[4:], uint32(v.Lat))
	}, func(b []byte, v *geo.E7) {
		v.Lon, v.Lat = int32(binary.LittleEndian.Uint32(b)), int32(binary.LittleEndian.Uint32(b[4:]))
	})
	f.climbs(&g.up)
	f.climbs(&g.down)
	f.numbers(&g.depart)
	f.numbers(&g.approachAt)
	records(f, &g.approach, 8, func(b []byte, v *turn) {
		binary.LittleEndian.PutUint32(b, v.from)
		binary.LittleEndian.PutUint32(b[4:], v.millis)
	}, func(b []byte, v *turn) {
		v.from, v.millis = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	})
	g.n = len(g.up.at) - 1
	edges := len(g.cost)
	if f.err == nil && (g.n < 0 || len(g.down.at) != g.n+1 || len(g.island) != edges || len(g.shapeAt) != edges+1 ||
		len(g.depart) != 2*edges || len(g.approachAt) != 2*edges+1) {
		f.fail("the lists of a graph")
	}
}

func (f *fields) climbs(c *climbs) {
	f.numbers(&c.at)
	records(f, &c.all, 12, func(b []byte, v *climb) {
		binary.LittleEndian.PutUint32(b, v.state)
		binary.LittleEndian.PutUint32(b[4:], v.millis)
		binary.LittleEndian.PutUint32(b[8:], v.centimetres)
	}, func(b []byte, v *climb) {
		v.state, v.millis, v.centimetres = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]),
			binary.LittleEndian.Uint32(b[8:])
	})
	f.numbers(&c.via)
}

func (f *fields) numbers(list *[]uint32) {
	records(f, list, 4, func(b []byte, v *uint32) { binary.LittleEndian.PutUint32(b, *v) },
		func(b []byte, v *uint32) { *v = binary.LittleEndian.Uint32(b) })
}

func (f *fields) flags(list *[]bool) {
	records(f, list, 1, func(b []byte, v *bool) {
		if b[0] = 0; *v {
			b[0] = 1
		}
	}, func(b []byte, v *bool) { *v = b[0] != 0 })
}

func (f *fields) fail(what string) {
	if f.err == nil {
		f.err = fmt.Errorf("%s do not fit together", what)
	}
}

// records writes or reads a list of records of so many bytes each, after its length.
func records[T any](f *fields, list *[]T, size int, put, get func([]byte, *T)) {
	if f.err != nil {
		return
	}
	if f.out != nil {
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:], uint64(len(*list)))
		f.out.Write(b[:8])
		for i := range *list {
			put(b[:], &(*list)[i])
			f.out.Write(b[:size]) // bufio keeps the first error for Flush
		}
		return
	}
	if len(f.in) < 8 {
		f.fail("the lengths")
		return
	}
	n := binary.LittleEndian.Uint64(f.in)
	f.in = f.in[8:]
	if n > uint64(len(f.in)/size) {
		f.fail("the lengths")
		return
	}
	*list = make([]T, n)
	for i := range *list {
		get(f.in[i*size:], &(*list)[i])
	}
	f.in = f.in[int(n)*size:]
}
