package extract

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"doorstep/geo"
	"doorstep/geo/extract/extracttest"

	"github.com/paulmach/osm"
)

// hamlet is two nodes, two ways and a relation.
func hamlet() []extracttest.Object {
	return []extracttest.Object{
		{Kind: 'n', ID: 1, At: geo.Point{Lon: 11, Lat: 49}},
		{Kind: 'n', ID: 2, At: geo.Point{Lon: 11.01, Lat: 49}, Tags: "place=hamlet"},
		{Kind: 'w', ID: 10, Tags: "highway=residential", Refs: []int64{1, 2}},
		{Kind: 'w', ID: 11, Tags: "building=yes", Refs: []int64{1, 2, 1}},
		{Kind: 'r', ID: 20, Tags: "type=multipolygon", Refs: []int64{11}, Roles: []string{"w:outer"}},
	}
}

func read(file []byte, q Query) (ids []int64, err error) {
	err = File{Reader: bytes.NewReader(file)}.Each(context.Background(), q, func(o osm.Object) {
		ids = append(ids, o.ObjectID().Ref())
	})
	return ids, err
}

func TestAQueryReadsTheKindsAndTheObjectsItWants(t *testing.T) {
	file := extracttest.Packing{}.Write(t, hamlet()...)
	tagged := func(key string) func(Kind, int64, osm.Tags) bool {
		return func(_ Kind, _ int64, tags osm.Tags) bool { return tags.Find(key) != "" }
	}
	for _, c := range []struct {
		q    Query
		want []int64
	}{
		{Query{Kinds: Nodes | Ways | Relations}, []int64{1, 2, 10, 11, 20}},
		{Query{Kinds: Nodes}, []int64{1, 2}},
		{Query{Kinds: Nodes, Want: tagged("place")}, []int64{2}},
		{Query{Kinds: Ways | Relations, Want: tagged("type")}, []int64{20}},
		{Query{Kinds: Ways, Want: func(_ Kind, id int64, _ osm.Tags) bool { return id == 11 }}, []int64{11}},
		{Query{}, nil},
	} {
		if got, err := read(file, c.q); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, %v, want %v", c.q, got, err, c.want)
		}
	}
}

func TestTheBoxOfAHeaderIsTakenIfItIsOnEarth(t *testing.T) {
	for _, c := range []struct {
		box  [4]float64
		want bool
	}{
		{[4]float64{-8.7, 41.1, -8.5, 41.25}, true},
		{[4]float64{}, false},
		{[4]float64{7.5, 43, 7.4, 44}, false},
		{[4]float64{7.4, 43, 7.5, 91}, false},
		{[4]float64{-200, 43, 7.5, 44}, false},
	} {
		box, ok, err := File{Reader: bytes.NewReader(extracttest.Packing{Box: c.box}.Write(t, hamlet()...))}.Bound()
		if err != nil || ok != c.want || ok && box != c.box {
			t.Errorf("%v: %v, %t, %v", c.box, box, ok, err)
		}
	}
}

// FuzzEach expects that any bytes give objects or an Unreadable.
func FuzzEach(f *testing.F) {
	for _, p := range []extracttest.Packing{{}, {Plain: true, Method: "raw"}, {Method: "zstd"}, {Method: "raw",
		Features: []string{"HistoricalInformation"}}} {
		f.Add(p.Write(f, hamlet()...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		_, err := read(file, Query{Kinds: Nodes | Ways | Relations})
		var why Unreadable
		if err != nil && !errors.As(err, &why) {
			t.Errorf("%v is no Unreadable", err)
		}
	})
}
