package travel

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"doorstep/geo"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"
)

// packing is how a test's file is written.
type packing struct {
	plain    bool   // nodes one by one, not dense
	method   string // raw, zlib, zstd, or one that is not read
	loose    bool   // lists as single numbers, not packed
	features []string
}

// pbfObject is one version of an object, deleted or not.
type pbfObject struct {
	kind    byte // n, w, r
	id      int64
	at      geo.Point
	tags    string // as in tagged
	refs    []int64
	roles   []string // of a relation's members; the kind of each is the letter before a colon
	version uint64
	deleted bool
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

// write makes a file of objects, one block for each run of a kind.
func (p packing) write(t *testing.T, objects ...pbfObject) []byte {
	t.Helper()
	var file bytes.Buffer
	frame := func(kind string, text []byte) {
		var b, head message
		b.number(2, uint64(len(text)))
		var packed bytes.Buffer
		switch p.method {
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
	for _, f := range append([]string{"OsmSchema-V0.6", "DenseNodes"}, p.features...) {
		header.bytes(4, []byte(f))
	}
	header.bytes(5, []byte("Sort.Type_then_ID"))
	frame("OSMHeader", header)
	for len(objects) > 0 {
		n := 1
		for n < len(objects) && n < 3 && objects[n].kind == objects[0].kind {
			n++
		}
		frame("OSMData", p.block(objects[:n]))
		objects = objects[n:]
	}
	return file.Bytes()
}

func (p packing) block(objects []pbfObject) []byte {
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
		for _, tag := range tagged(o.tags) {
			keys, vals = append(keys, text(tag.Key)), append(vals, text(tag.Value))
			dense.keyVals = append(dense.keyVals, text(tag.Key), text(tag.Value))
		}
		dense.keyVals = append(dense.keyVals, 0)
		info.number(1, o.version)
		visible := uint64(1)
		if o.deleted {
			visible = 0
			info.number(6, 0)
		}
		now := [3]int64{o.id, int64(o.at.E7().Lat), int64(o.at.E7().Lon)}
		dense.id = append(dense.id, protowire.EncodeZigZag(now[0]-last[0]))
		dense.lat = append(dense.lat, protowire.EncodeZigZag(now[1]-last[1]))
		dense.lon = append(dense.lon, protowire.EncodeZigZag(now[2]-last[2]))
		dense.versions, dense.visible = append(dense.versions, o.version), append(dense.visible, visible)
		last = now
		id := uint64(o.id)
		if o.kind == 'n' {
			id = protowire.EncodeZigZag(o.id)
		}
		m.number(1, id)
		m.list(2, p.loose, keys)
		m.list(3, p.loose, vals)
		m.bytes(4, info)
		var refs, roles, types []uint64
		ref := int64(0)
		for i, r := range o.refs {
			refs = append(refs, protowire.EncodeZigZag(r-ref))
			ref = r
			if o.kind == 'r' {
				kind, role, _ := strings.Cut(o.roles[i], ":")
				roles, types = append(roles, text(role)), append(types, uint64(strings.Index("nwr", kind)))
			}
		}
		switch o.kind {
		case 'n':
			m.number(8, protowire.EncodeZigZag(now[1]))
			m.number(9, protowire.EncodeZigZag(now[2]))
			if p.plain {
				group.bytes(1, m)
			}
		case 'w':
			m.list(8, p.loose, refs)
			group.bytes(3, m)
		case 'r':
			m.list(8, p.loose, roles)
			m.list(9, p.loose, refs)
			m.list(10, p.loose, types)
			group.bytes(4, m)
		}
	}
	if objects[0].kind == 'n' && !p.plain {
		var d, info message
		info.list(1, p.loose, dense.versions)
		info.list(6, p.loose, dense.visible)
		d.list(1, p.loose, dense.id)
		d.bytes(5, info)
		d.list(8, p.loose, dense.lat)
		d.list(9, p.loose, dense.lon)
		d.list(10, p.loose, dense.keyVals)
		group.bytes(2, d)
	}
	block.bytes(1, table)
	block.bytes(2, group)
	return block
}

// hamlet is a street of four nodes with a barrier, a side street, a forbidden turn, and a building.
func hamlet() []pbfObject {
	return []pbfObject{
		{kind: 'n', id: 1, at: geo.Point{Lon: 11, Lat: 49}}, {kind: 'n', id: 2, at: geo.Point{Lon: 11.01, Lat: 49}},
		{kind: 'n', id: 3, at: geo.Point{Lon: 11.02, Lat: 49}, tags: "barrier=bollard"},
		{kind: 'n', id: 4, at: geo.Point{Lon: 11.02, Lat: 49.01}}, {kind: 'n', id: -5, at: geo.Point{Lon: -11, Lat: -49}},
		{kind: 'w', id: 10, tags: "highway=residential", refs: []int64{1, 2, 3}},
		{kind: 'w', id: 11, tags: "highway=service", refs: []int64{2, 4}},
		{kind: 'w', id: 12, tags: "building=yes", refs: []int64{1, 2, 4, 1}},
		{kind: 'w', id: 13, tags: "highway=footway", refs: []int64{4, -5}},
		{kind: 'r', id: 20, tags: "type=restriction restriction=no_left_turn", refs: []int64{10, 2, 11},
			roles: []string{"w:from", "n:via", "w:to"}},
	}
}

func networkOf(t *testing.T, file []byte) *network {
	t.Helper()
	n, err := readNetwork(context.Background(), pbf{file: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnExtractIsTheSameHoweverItIsPacked(t *testing.T) {
	want := networkOf(t, packing{}.write(t, hamlet()...))
	if len(want.ways) != 3 || len(want.ids) != 5 || want.blocked[3] == 0 || len(want.rules) != 1 ||
		want.at[0] != (geo.E7{Lon: -110_000_000, Lat: -490_000_000}) {
		t.Fatalf("%+v", want)
	}
	for _, p := range []packing{{plain: true}, {method: "raw"}, {method: "zstd"}, {plain: true, method: "zstd"},
		{loose: true}, {plain: true, loose: true, method: "raw"}, {features: []string{"HistoricalInformation"}}} {
		if got := networkOf(t, p.write(t, hamlet()...)); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: %+v, want %+v", p, got, want)
		}
	}
}

// TestAHistoryFileIsReadAsOfToday has older versions and deletions of every kind of object.
func TestAHistoryFileIsReadAsOfToday(t *testing.T) {
	a, b, c := geo.Point{Lon: 11, Lat: 49}, geo.Point{Lon: 11.01, Lat: 49}, geo.Point{Lon: 11.02, Lat: 49}
	turn := []string{"w:from", "n:via", "w:to"}
	history := []pbfObject{
		{kind: 'n', id: 1, at: b, tags: "barrier=bollard", version: 1}, {kind: 'n', id: 1, at: a, version: 2},
		{kind: 'n', id: 2, at: b, version: 1},
		{kind: 'n', id: 3, at: c, version: 1}, {kind: 'n', id: 3, version: 2, deleted: true},
		{kind: 'n', id: 3, at: c, version: 3},
		{kind: 'n', id: 4, at: c, version: 1}, {kind: 'n', id: 4, version: 2, deleted: true},
		{kind: 'w', id: 10, tags: "highway=residential oneway=yes", refs: []int64{1, 3}, version: 1},
		{kind: 'w', id: 10, tags: "highway=residential", refs: []int64{1, 2, 3}, version: 2},
		{kind: 'w', id: 11, tags: "highway=primary", refs: []int64{1, 3}, version: 1},
		{kind: 'w', id: 11, version: 2, deleted: true},
		{kind: 'w', id: 12, tags: "highway=primary", refs: []int64{1, 3}, version: 1},
		{kind: 'w', id: 12, tags: "landuse=forest", refs: []int64{1, 3}, version: 2},
		{kind: 'w', id: 13, tags: "highway=residential", refs: []int64{2, 3}, version: 1},
		{kind: 'r', id: 20, tags: "type=restriction restriction=no_left_turn", refs: []int64{10, 2, 13}, roles: turn,
			version: 1},
		{kind: 'r', id: 20, version: 2, deleted: true},
		{kind: 'r', id: 21, tags: "type=restriction restriction=no_left_turn", refs: []int64{10, 2, 13}, roles: turn,
			version: 1},
		{kind: 'r', id: 21, tags: "type=route", refs: []int64{10}, roles: []string{"w:"}, version: 2},
		{kind: 'r', id: 22, tags: "type=restriction restriction=no_u_turn", refs: []int64{10, 2, 13}, roles: turn,
			version: 1},
	}
	now := []pbfObject{{kind: 'n', id: 1, at: a}, {kind: 'n', id: 2, at: b}, {kind: 'n', id: 3, at: c},
		{kind: 'w', id: 10, tags: "highway=residential", refs: []int64{1, 2, 3}},
		{kind: 'w', id: 13, tags: "highway=residential", refs: []int64{2, 3}},
		{kind: 'r', id: 22, tags: "type=restriction restriction=no_u_turn", refs: []int64{10, 2, 13}, roles: turn}}
	want := networkOf(t, packing{}.write(t, now...))
	for _, p := range []packing{{}, {plain: true}} {
		p.features = []string{"HistoricalInformation"}
		if got := networkOf(t, p.write(t, history...)); !reflect.DeepEqual(got, want) {
			t.Errorf("plain %t: %+v, want %+v", p.plain, got, want)
		}
	}
	// A file of changes may say that an object is deleted without being a history file.
	gone := append(now[:len(now):len(now)], pbfObject{kind: 'r', id: 23, tags: now[5].tags, refs: now[5].refs, roles: turn,
		deleted: true})
	if got := networkOf(t, packing{}.write(t, gone...)); !reflect.DeepEqual(got, want) {
		t.Errorf("with a deletion: %+v, want %+v", got, want)
	}
}

func TestExtractsThatCannotBeReadNameTheCure(t *testing.T) {
	good := packing{}.write(t, hamlet()...)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(good)
	z.Close()
	flipped := bytes.Clone(good)
	flipped[len(flipped)-20] ^= 0x40
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"XML":                {[]byte("<?xml version='1.0'?>\n<osm/>"), "osmium cat"},
		"XML with a mark":    {[]byte("\xef\xbb\xbf <osm version='0.6'>"), "osmium cat"},
		"a web page":         {[]byte("<!DOCTYPE html><html>"), "web page"},
		"gzip":               {zipped.Bytes(), "unpack"},
		"bzip2":              {[]byte("BZh91AY&SY........."), "unpack"},
		"o5m":                {[]byte("\xff\xe0\x04o5m2........"), "osmium cat"},
		"prepared roads":     {[]byte("doorstep roads 1\n.........."), "prepared"},
		"a pointer":          {[]byte("version https://git-lfs.github.com/spec/v1"), "git lfs pull"},
		"text":               {[]byte("case_ref,lender,product_type"), "geofabrik"},
		"three bytes":        {good[:3], "cut short"},
		"half a header":      {good[:30], "cut short"},
		"half a block":       {good[:len(good)-5], "cut short"},
		"a flipped bit":      {flipped, "download it again"},
		"two files":          {append(bytes.Clone(good), good...), "osmium merge"},
		"lzma":               {packing{method: "lzma"}.write(t, hamlet()...), "osmium cat"},
		"lz4":                {packing{method: "lz4"}.write(t, hamlet()...), "osmium cat"},
		"an unknown feature": {packing{features: []string{"Quantum"}}.write(t, hamlet()...), "Quantum"},
		"no nodes":           {packing{}.write(t, hamlet()[5:]...), "osmium extract"},
		"no roads":           {packing{}.write(t, hamlet()[:5]...), "no road"},
	} {
		path := filepath.Join(t.TempDir(), "map.osm.pbf")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := PrepareRoads(context.Background(), path, Modes(), nil)
		if code(err) != CodeExtract || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "map.osm") {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
	}
}

// FuzzExtract expects that any bytes give a network or an error.
func FuzzExtract(f *testing.F) {
	t := &testing.T{}
	for _, p := range []packing{{}, {plain: true, method: "raw"}, {method: "zstd"}, {method: "raw"},
		{method: "raw", features: []string{"HistoricalInformation"}}} {
		f.Add(p.write(t, hamlet()...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if n, err := readNetwork(context.Background(), pbf{file: bytes.NewReader(file)}); err == nil {
			for m := range Modes() {
				if _, _, err := n.graph(context.Background(), m, nil); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
