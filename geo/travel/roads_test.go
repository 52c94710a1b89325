package travel

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/geo"
)

// village has a street ABC, a yard XY joined to nothing, and a dead end D behind a bollard.
func village(t *testing.T) *sketch {
	return draw(t, `
A B C     X Y
  D`, "road ABC highway=residential", "road BD highway=residential", "node B lit=yes", "road XY highway=residential")
}

// beside is a point some metres east and north of another.
func beside(p geo.Point, east, north float64) geo.Point {
	const perDegree = geo.EarthRadius * math.Pi / 180
	return geo.Point{Lon: p.Lon + east/perDegree/math.Cos(p.Lat*math.Pi/180), Lat: p.Lat + north/perDegree}.E7().Point()
}

func TestTimesAndDistancesByRoad(t *testing.T) {
	s := village(t)
	m, err := s.roads(t).Matrix(context.Background(), Foot, []geo.Point{s.at['A'], s.at['C'], beside(s.at['C'], 0, 30)})
	if err != nil {
		t.Fatal(err)
	}
	// 222.4 m at 4.8 km/h; the last point lies beside C and is the same place on the road.
	want := []int32{0, 167, 167, 167, 0, 0, 167, 0, 0}
	if !slices.Equal(m.Durations, want) {
		t.Errorf("durations %v, want %v", m.Durations, want)
	}
	if m.Distances[1] != 222 || m.Source != "road:sketch" || m.Note != "" || m.Guessed || m.CutOff != nil {
		t.Errorf("%+v", m)
	}
}

func TestLimitsAssumedAreSaid(t *testing.T) {
	for country, want := range map[string]string{"": "50 km/h in towns, 90 outside and 120 on motorways",
		"GB": "48 km/h in towns, 97 outside and 113 on motorways"} {
		if got := (&Roads{country: country}).Limits(); got != want {
			t.Errorf("%q: %q", country, got)
		}
	}
}

func TestIslandsAndFarPointsAreReported(t *testing.T) {
	s := village(t)
	r := s.roads(t)
	points := []geo.Point{s.at['A'], s.at['C'], s.at['D'], s.at['Y'], beside(s.at['A'], 0, 5000)}
	m, err := r.Matrix(context.Background(), Car, points)
	if err != nil {
		t.Fatal(err)
	}
	want := []CutOff{{Point: 3}, {Point: 4, OffRoad: true}}
	if !slices.Equal(m.CutOff, want) {
		t.Errorf("cut off: %+v, want %+v", m.CutOff, want)
	}
	if m.Reachable(0, 3) || m.Reachable(4, 0) || !m.Reachable(0, 2) ||
		m.Note != "14 of 20 pairs have no way between them by car" {
		t.Errorf("durations %v, note %q", m.Durations, m.Note)
	}
	if m.Durations[3*5+3] != 0 || m.Durations[4*5+4] != 0 {
		t.Errorf("staying where one is takes time: %v", m.Durations)
	}
}

func TestSmallPartsOfTheMapAreIslands(t *testing.T) {
	// A street of 21 crossings, for its roads differ; a yard joined to nothing;
	// a road without a way out; one without a way in.
	const letters = "ABCDEFGHIJKLMNOPQRSTU"
	var roads []string
	for i := 1; i < len(letters); i++ {
		roads = append(roads, "road "+letters[i-1:i+1]+" highway=residential maxspeed="+[]string{"30", "50"}[i%2])
	}
	s := draw(t, letters+"  X Y\nV W", append(roads, "road XY highway=residential",
		"road AV highway=residential oneway=yes", "road WC highway=residential oneway=yes")...)
	r := s.roads(t)
	g := r.graphs[3]
	for _, c := range []struct {
		letter rune
		island bool
	}{{'B', false}, {'U', false}, {'X', true}, {'V', true}, {'W', true}} {
		if p := g.snapper.snap(s.at[c.letter]); g.island[p.edge] != c.island {
			t.Errorf("%c on an island: %v", c.letter, g.island[p.edge])
		}
	}
	if all, islands := r.Size(Car); all != 23 || islands != 3 {
		t.Errorf("%d of %d roads are islands", islands, all)
	}
}

func TestADrivewayJoinedToNothingDoesNotCutOffItsHouse(t *testing.T) {
	// The driveway X is 22 m from the house, the street 45.
	s := draw(t, "A B C\n", "road ABC highway=residential")
	at := beside(s.at['B'], 0, 45)
	s.at['X'] = at
	lane := draw(t, "A B C\n", "road ABC highway=service")
	for i, n := range lane.Nodes {
		n.ID += 1000
		n.Lat = beside(at, 0, 22).Lat
		n.Lon = at.Lon + float64(i)*0.0001
		lane.Ways[0].Nodes[i].ID = n.ID
		s.Nodes = append(s.Nodes, n)
	}
	lane.Ways[0].ID = 1000
	s.Ways = append(s.Ways, lane.Ways[0])
	for _, c := range []struct {
		point  geo.Point
		island bool
	}{{at, false}, {beside(at, 0, 80), true}} {
		net, err := readNetwork(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		g, _, err := net.graph(context.Background(), 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		// The largest part is small here: only more of the street makes the lane an island.
		for e := range g.island {
			g.island[e] = g.line(uint32(e))[0].Lat > at.E7().Lat
		}
		if p := g.snapper.snap(c.point); p.off || g.island[p.edge] != c.island {
			t.Errorf("%v is at %+v; want an island: %v", c.point, p, c.island)
		}
	}
}

func TestWayRunsAlongTheRoadFromDoorToDoor(t *testing.T) {
	s := draw(t, block, "road ABCEF highway=residential")
	r := s.roads(t)
	door := beside(s.at['B'], 20, 30)
	w, err := r.Way(context.Background(), Car, []geo.Point{s.at['A'], door, s.at['F'], s.at['F']})
	if err != nil {
		t.Fatal(err)
	}
	want := []geo.Point{s.at['A'], s.at['B'], beside(s.at['B'], 20, 0), door, beside(s.at['B'], 20, 0), s.at['C'],
		s.at['E'], s.at['F']}
	same := func(a, b geo.Point) bool { return a.DistanceTo(b) < 0.1 }
	if !slices.EqualFunc(w.Line, want, same) {
		t.Errorf("line %v, want %v", w.Line, want)
	}
	if len(w.Legs) != 3 || w.Legs[0].End != 3 || w.Legs[1].End != 7 || w.Legs[2].End != 7 || w.Legs[2].Seconds != 0 {
		t.Errorf("legs %+v", w.Legs)
	}
	m, err := r.Matrix(context.Background(), Car, []geo.Point{s.at['A'], door, s.at['F']})
	if err != nil {
		t.Fatal(err)
	}
	if w.Legs[0].Seconds != m.Durations[1] || w.Legs[1].Metres != m.Distances[5] {
		t.Errorf("legs %+v do not agree with the matrix %+v", w.Legs, m)
	}
}

func TestWhereThereIsNoWayTheLineIsStraightAndSaysSo(t *testing.T) {
	s := village(t)
	w, err := s.roads(t).Way(context.Background(), Car, []geo.Point{s.at['A'], s.at['X'], s.at['Y']})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Line) != 3 || w.Legs[0].Seconds != Never || w.Legs[1].Seconds == Never || w.Note == "" {
		t.Errorf("%+v", w)
	}
}

func code(err error) string {
	var e *refusal.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return ""
}

func TestPreparedFileIsReadAsItWasWritten(t *testing.T) {
	s := village(t)
	r := s.roads(t)
	r.hash, r.country = [32]byte{1, 2, 3}, "PT"
	r.graphs[2] = nil
	path := filepath.Join(t.TempDir(), "village.roads")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	read, err := LoadRoads(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var before, after bytes.Buffer
	if err := errors.Join(r.write(&before), read.write(&after)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before.Bytes(), after.Bytes()) || read.name != r.name || read.hash != r.hash ||
		read.country != r.country {
		t.Error("the file changes when it is read and written again")
	}
	points := []geo.Point{s.at['A'], s.at['C'], s.at['D']}
	want, err1 := r.Matrix(context.Background(), Car, points)
	got, err2 := read.Matrix(context.Background(), Car, points)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Durations, want.Durations) || got.Durations[1] == Never {
		t.Errorf("%v, want %v", got.Durations, want.Durations)
	}
	if _, err := read.Matrix(context.Background(), Scooter, points); code(err) != CodeMode {
		t.Errorf("a mode that was not prepared: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left beside the file: %v, %v", left, err)
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "village.roads")
	if err := village(t).roads(t).Save(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string][]byte{"empty": nil, "another format": []byte("PK\x03\x04 something else altogether"),
		"longer":          append(slices.Clone(whole), 0),
		"another version": bytes.Replace(whole, []byte(fileMagic+fileVersion), []byte(fileMagic+"0\n"), 1)}
	for at := 0; at < len(whole); at += 1 + len(whole)/40 {
		damages["torn"+string(rune('0'+at%10))] = whole[:at]
		flipped := slices.Clone(whole)
		flipped[at] ^= 4
		damages["flipped"+string(rune('0'+at%10))] = flipped
	}
	for name, data := range damages {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenRoads(path); code(err) != CodeGraph {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenRoads(path + "x"); code(err) != CodeGraph || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// A torn file with a good checksum is our own bug, but no panic either.
func TestFieldsThatDoNotFitAreRefused(t *testing.T) {
	var whole bytes.Buffer
	if err := village(t).roads(t).write(&whole); err != nil {
		t.Fatal(err)
	}
	body := whole.Bytes()[len(fileMagic+fileVersion) : whole.Len()-32]
	for end := range body {
		f := &fields{in: body[:end]}
		if f.roads(&Roads{}); f.err == nil {
			t.Fatalf("%d of %d bytes were enough", end, len(body))
		}
	}
}

func TestWhatIsNoExtractIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.osm.pbf")
	if _, err := LoadRoads(context.Background(), path, nil); code(err) != CodeExtract {
		t.Errorf("missing: %v", err)
	}
	for _, text := range []string{"", "<osm/>", "\x00\x00\x00\x0d\x0a\x09OSMHeader\x18\x7c"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadRoads(context.Background(), path, nil); code(err) != CodeExtract {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTornExtractIsRefused(t *testing.T) {
	f := extractOf(t, "monaco.osm.pbf")
	whole, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.osm.pbf")
	if err := os.WriteFile(path, whole[:len(whole)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := PrepareRoads(context.Background(), path, []Mode{Foot}, nil); code(err) != CodeExtract {
		t.Errorf("%v", err)
	}
}

func TestPreparingStopsWhenTold(t *testing.T) {
	f := extractOf(t, "north-bayreuth.osm.pbf")
	ctx, stop := context.WithCancel(context.Background())
	_, err := PrepareRoads(ctx, f.Name(), Modes(), func(p Progress) {
		if p.Step == string(Car) {
			stop()
		}
	})
	stop()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
