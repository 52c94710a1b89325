// Package extracttest writes small OpenStreetMap extracts for tests.
package extracttest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"doorstep/geo"

	"github.com/klauspost/compress/zstd"
	"github.com/paulmach/osm"
	"google.golang.org/protobuf/encoding/protowire"
)

// Packing is how a file is written.
type Packing struct {
	Plain    bool   // nodes one by one, not dense
	Method   string // raw, zlib, zstd, or one that is not read
	Loose    bool   // lists as single numbers, not packed
	Features []string
	// Box is stated in the header: west, south, east, north in degrees; the zero value is not.
	Box [4]float64
}

// Object is one version of an object, deleted or not.
type Object struct {
	Kind byte // n, w, r
	ID   int64
	At   geo.Point
	Tags string // as in Tags
	// Refs are the nodes of a way or the members of a relation.
	Refs []int64
	// Roles are those of a relation's members; the kind of each is the letter before a colon.
	Roles   []string
	Version uint64
	Deleted bool
}

// Tags reads tags written as "highway=residential name=Main_Street": an underscore in a name stands for a space.
func Tags(text string) (tags osm.Tags) {
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		if strings.HasPrefix(key, "name") {
			value = strings.ReplaceAll(value, "_", " ")
		}
		tags = append(tags, osm.Tag{Key: key, Value: value})
	}
	return tags
}

// message builds a protobuf message.
type message []byte

func (m *message) number(field protowire.Number, n uint64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), n)
}

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) list(field protowire.Number, loose bool, list []uint64) {
	if loose {
		for _, n := range list {
			m.number(field, n)
		}
		return
	}
	var packed []byte
	for _, n := range list {
		packed = protowire.AppendVarint(packed, n)
	}
	m.bytes(field, packed)
}

// Write makes a file of objects, one block for each run of a kind.
func (p Packing) Write(t testing.TB, objects ...Object) []byte {
	t.Helper()
	var file bytes.Buffer
	frame := func(kind string, text []byte) {
		var b, head message
		b.number(2, uint64(len(text)))
		var packed bytes.Buffer
		switch p.Method {
		case "", "zlib":
			z := zlib.NewWriter(&packed)
			z.Write(text)
			z.Close()
			b.bytes(3, packed.Bytes())
		case "raw":
			b = nil
			b.bytes(1, text)
		case "zstd":
			z, err := zstd.NewWriter(&packed)
			if err != nil {
				t.Fatal(err)
			}
			z.Write(text)
			z.Close()
			b.bytes(7, packed.Bytes())
		case "lzma":
			b.bytes(4, text)
		case "lz4":
			b.bytes(6, text)
		}
		head.bytes(1, []byte(kind))
		head.number(3, uint64(len(b)))
		file.Write(binary.BigEndian.AppendUint32(nil, uint32(len(head))))
		file.Write(head)
		file.Write(b)
	}
	var header message
	if p.Box != [4]float64{} {
		var box message
		for i, field := range []protowire.Number{1, 4, 2, 3} {
			box.number(field, protowire.EncodeZigZag(int64(math.Round(p.Box[i]*1e9))))
		}
		header.bytes(1, box)
	}
	for _, f := range append([]string{"OsmSchema-V0.6", "DenseNodes"}, p.Features...) {
		header.bytes(4, []byte(f))
	}
	header.bytes(5, []byte("Sort.Type_then_ID"))
	frame("OSMHeader", header)
	for len(objects) > 0 {
		n := 1
		for n < len(objects) && n < 3 && objects[n].Kind == objects[0].Kind {
			n++
		}
		frame("OSMData", p.block(objects[:n]))
		objects = objects[n:]
	}
	return file.Bytes()
}

func (p Packing) block(objects []Object) []byte {
	var table, group, block message
	index := map[string]uint64{}
	text := func(s string) uint64 {
		if i, there := index[s]; there {
			return i
		}
		index[s] = uint64(len(index))
		table.bytes(1, []byte(s))
		return index[s]
	}
	text("")
	var dense struct{ id, lat, lon, versions, visible, keyVals []uint64 }
	var last [3]int64
	for _, o := range objects {
		var m, info message
		var keys, vals []uint64
		for _, tag := range Tags(o.Tags) {
			keys, vals = append(keys, text(tag.Key)), append(vals, text(tag.Value))
			dense.keyVals = append(dense.keyVals, text(tag.Key), text(tag.Value))
		}
		dense.keyVals = append(dense.keyVals, 0)
		info.number(1, o.Version)
		visible := uint64(1)
		if o.Deleted {
			visible = 0
			info.number(6, 0)
		}
		now := [3]int64{o.ID, int64(o.At.E7().Lat), int64(o.At.E7().Lon)}
		dense.id = append(dense.id, protowire.EncodeZigZag(now[0]-last[0]))
		dense.lat = append(dense.lat, protowire.EncodeZigZag(now[1]-last[1]))
		dense.lon = append(dense.lon, protowire.EncodeZigZag(now[2]-last[2]))
		dense.versions, dense.visible = append(dense.versions, o.Version), append(dense.visible, visible)
		last = now
		id := uint64(o.ID)
		if o.Kind == 'n' {
			id = protowire.EncodeZigZag(o.ID)
		}
		m.number(1, id)
		m.list(2, p.Loose, keys)
		m.list(3, p.Loose, vals)
		m.bytes(4, info)
		var refs, roles, types []uint64
		ref := int64(0)
		for i, r := range o.Refs {
			refs = append(refs, protowire.EncodeZigZag(r-ref))
			ref = r
			if o.Kind == 'r' {
				kind, role, _ := strings.Cut(o.Roles[i], ":")
				roles, types = append(roles, text(role)), append(types, uint64(strings.Index("nwr", kind)))
			}
		}
		switch o.Kind {
		case 'n':
			m.number(8, protowire.EncodeZigZag(now[1]))
			m.number(9, protowire.EncodeZigZag(now[2]))
			if p.Plain {
				group.bytes(1, m)
			}
		case 'w':
			m.list(8, p.Loose, refs)
			group.bytes(3, m)
		case 'r':
			m.list(8, p.Loose, roles)
			m.list(9, p.Loose, refs)
			m.list(10, p.Loose, types)
			group.bytes(4, m)
		}
	}
	if objects[0].Kind == 'n' && !p.Plain {
		var d, info message
		info.list(1, p.Loose, dense.versions)
		info.list(6, p.Loose, dense.visible)
		d.list(1, p.Loose, dense.id)
		d.bytes(5, info)
		d.list(8, p.Loose, dense.lat)
		d.list(9, p.Loose, dense.lon)
		d.list(10, p.Loose, dense.keyVals)
		group.bytes(2, d)
	}
	block.bytes(1, table)
	block.bytes(2, group)
	return block
}
