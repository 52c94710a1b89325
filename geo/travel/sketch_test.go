package travel

import (
	"context"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/geo/extract"

	"github.com/paulmach/osm"
)

// sketch is a small map drawn in letters, a hundred-odd metres apart in each
// direction, that can be read like an extract.
type sketch struct {
	osm.OSM
	at map[rune]geo.Point
}

func (s *sketch) Each(_ context.Context, q extract.Query, visit func(osm.Object)) error {
	nodes := q.Kinds == extract.Nodes
	for _, n := range s.Nodes {
		if nodes {
			visit(n)
		}
	}
	for _, w := range s.Ways {
		if !nodes {
			visit(w)
		}
	}
	for _, r := range s.Relations {
		if !nodes {
			visit(r)
		}
	}
	return nil
}

// draw reads a picture of nodes and what is said of them, one a line:
//
//	road ABC highway=residential oneway=yes
//	node B barrier=bollard
//	rule AB B BC restriction=no_left_turn       (from, via node, to)
//	rule AB BC CD restriction=no_u_turn         (from, via way, to)
func draw(t *testing.T, picture string, lines ...string) *sketch {
	t.Helper()
	s := &sketch{at: map[rune]geo.Point{}}
	node := map[rune]*osm.Node{}
	way := map[string]osm.WayID{}
	for row, line := range strings.Split(picture, "\n") {
		for column, letter := range line {
			if letter == ' ' || letter == '\t' {
				continue
			}
			p := geo.Point{Lon: 1 + float64(column)*0.0005, Lat: 1 - float64(row)*0.001}.E7().Point()
			s.at[letter] = p
			node[letter] = &osm.Node{ID: osm.NodeID(letter), Lon: p.Lon, Lat: p.Lat, Visible: true}
			s.Nodes = append(s.Nodes, node[letter])
		}
	}
	for _, line := range lines {
		words := strings.Fields(line)
		tags := func(from int) (list osm.Tags) {
			for _, word := range words[from:] {
				key, value, _ := strings.Cut(word, "=")
				list = append(list, osm.Tag{Key: key, Value: value})
			}
			return list
		}
		switch words[0] {
		case "road":
			w := &osm.Way{ID: osm.WayID(len(s.Ways) + 1), Tags: tags(2), Visible: true}
			for _, letter := range words[1] {
				w.Nodes = append(w.Nodes, osm.WayNode{ID: osm.NodeID(letter)})
			}
			way[words[1]] = w.ID
			s.Ways = append(s.Ways, w)
		case "node":
			node[rune(words[1][0])].Tags = tags(2)
		case "rule":
			via := osm.Member{Type: osm.TypeWay, Ref: int64(way[words[2]]), Role: "via"}
			if len(words[2]) == 1 {
				via = osm.Member{Type: osm.TypeNode, Ref: int64(words[2][0]), Role: "via"}
			}
			s.Relations = append(s.Relations, &osm.Relation{ID: osm.RelationID(len(s.Relations) + 1),
				Tags: append(tags(4), osm.Tag{Key: "type", Value: "restriction"}),
				Members: osm.Members{{Type: osm.TypeWay, Ref: int64(way[words[1]]), Role: "from"}, via,
					{Type: osm.TypeWay, Ref: int64(way[words[3]]), Role: "to"}}})
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return s
}

// roads prepares the sketch for all modes.
func (s *sketch) roads(t *testing.T) *Roads {
	t.Helper()
	net, err := readNetwork(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	r := &Roads{name: "sketch"}
	if err := r.prepare(context.Background(), net, Modes(), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	for m, mode := range Modes() {
		if len(r.graphs[m].cost) < 2 {
			continue
		}
		g, states, err := net.graph(context.Background(), m, nil)
		if err != nil {
			t.Fatal(err)
		}
		agreeOn(t, mode, g, states, s.places(g))
	}
	return r
}

// places are all letters and points between.
func (s *sketch) places(g *graph) []place {
	var places []place
	for _, p := range s.at {
		places = append(places, g.snapper.snap(p))
	}
	for e := range g.cost {
		places = append(places, place{edge: uint32(e), along: 0.3}, place{edge: uint32(e), along: 0.8})
	}
	return places
}

// way names the letters that the fastest way from one to another goes by; "" if there is no way.
func (s *sketch) way(t *testing.T, r *Roads, mode Mode, from, to rune) string {
	t.Helper()
	w, err := r.Way(context.Background(), mode, []geo.Point{s.at[from], s.at[to]})
	if err != nil {
		t.Fatal(err)
	}
	if w.Legs[0].Seconds == Never {
		return ""
	}
	var letters strings.Builder
	for _, p := range w.Line {
		for letter, at := range s.at {
			if at == p {
				letters.WriteRune(letter)
			}
		}
	}
	return letters.String()
}
