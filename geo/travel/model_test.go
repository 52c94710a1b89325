package travel

import (
	"testing"
)

// block is a block of streets:
//
//	A─B─C
//	  │ │
//	  D─E─F
const block = `
A B C
  D E F`

func TestWhichWay(t *testing.T) {
	const home = "highway=residential"
	streets := []string{"road AB " + home, "road BC " + home, "road BD " + home, "road CE " + home, "road DE " + home,
		"road EF " + home}
	for _, c := range []struct {
		name  string
		more  []string
		roads []string // instead of streets
		want  map[Mode]string
		from  rune // A unless said
		to    rune // F unless said
	}{
		{name: "no_right_turn is round the block for cars, not for walkers",
			more: []string{"rule AB B BD restriction=no_right_turn"}, to: 'D',
			want: map[Mode]string{Foot: "ABD", Bicycle: "ABCED", Car: "ABCED", Scooter: "ABCED"}},
		{name: "except bicycles", more: []string{"rule AB B BD restriction=no_right_turn except=bicycle"}, to: 'D',
			want: map[Mode]string{Bicycle: "ABD", Car: "ABCED"}},
		{name: "for one kind of vehicle only", more: []string{"rule AB B BD restriction:motorcar=no_right_turn"},
			to:   'D',
			want: map[Mode]string{Bicycle: "ABD", Car: "ABCED", Scooter: "ABD"}},
		{name: "by the hour binds no mode", more: []string{"rule AB B BD restriction:conditional=no_right_turn@(Mo-Fr)"},
			to:   'D',
			want: map[Mode]string{Car: "ABD"}},
		{name: "only_straight_on", more: []string{"rule AB B BC restriction=only_straight_on"}, to: 'D',
			want: map[Mode]string{Foot: "ABD", Car: "ABCED", Bicycle: "ABCED"}},
		{name: "over a way", more: []string{"rule BD DE EC restriction=no_left_turn",
			"rule AB B BC restriction=no_straight_on"}, to: 'C',
			roads: []string{"road AB " + home, "road BC " + home, "road BD " + home, "road EC " + home,
				"road DE " + home, "road EF " + home},
			want: map[Mode]string{Foot: "ABC", Car: "ABDEFEC", Bicycle: "ABDBC"}}, // who pedals turns round anywhere,
		{name: "only, over a way", more: []string{"rule AB BD DE restriction=only_left_turn"}, to: 'G',
			roads: []string{"road AB " + home, "road BD " + home, "road DE " + home, "road DG " + home,
				"road EF " + home},
			want: map[Mode]string{Foot: "ABDG", Car: "ABDEFEDG"}},
		{name: "one-way", roads: []string{"road AB " + home, "road DB " + home + " oneway=yes", "road BC " + home,
			"road CE " + home, "road DE " + home, "road EF " + home}, to: 'D',
			want: map[Mode]string{Foot: "ABD", Car: "ABCED", Bicycle: "ABCED"}},
		{name: "one-way the other way round", roads: []string{"road AB " + home, "road DB " + home + " oneway=-1",
			"road BC " + home, "road CE " + home, "road DE " + home}, to: 'D',
			want: map[Mode]string{Car: "ABD"}},
		{name: "one-way, but not for bicycles", roads: []string{"road AB " + home,
			"road DB " + home + " oneway=yes oneway:bicycle=no", "road BC " + home, "road CE " + home,
			"road DE " + home}, to: 'D',
			want: map[Mode]string{Bicycle: "ABD", Car: "ABCED", Scooter: "ABCED"}},
		{name: "a roundabout goes round", roads: []string{"road AB " + home,
			"road BCEDB " + home + " junction=roundabout", "road EF " + home}, to: 'A', from: 'F',
			want: map[Mode]string{Car: "FEDBA", Bicycle: "FEDBA"}},
		{name: "steps are for walkers", more: []string{"road BE highway=steps"}, to: 'E',
			want: map[Mode]string{Car: "ABDE", Foot: "ABDE"}},
		{name: "a bollard stops motors", more: []string{"node B barrier=bollard"},
			want: map[Mode]string{Foot: "ABDEF", Bicycle: "ABDEF", Car: "", Scooter: ""}},
		{name: "a gate stops no mode", more: []string{"node B barrier=gate"}, to: 'B', want: map[Mode]string{Car: "AB"}},
		{name: "a locked gate stops all", more: []string{"node B barrier=gate locked=yes"},
			want: map[Mode]string{Foot: "", Car: ""}},
		{name: "private for all", roads: []string{"road AB " + home, "road BD " + home + " access=private",
			"road BC " + home, "road CE " + home, "road DE " + home}, to: 'D',
			want: map[Mode]string{Foot: "ABCED", Car: "ABCED"}},
		{name: "but foot=yes", roads: []string{"road AB " + home, "road BD " + home + " access=private foot=yes",
			"road BC " + home, "road CE " + home, "road DE " + home}, to: 'D',
			want: map[Mode]string{Foot: "ABD", Car: "ABCED"}},
		{name: "closed to motors but for motorcycles", roads: []string{"road AB " + home,
			"road BD " + home + " motor_vehicle=no motorcycle=yes", "road BC " + home, "road CE " + home,
			"road DE " + home}, to: 'D',
			want: map[Mode]string{Foot: "ABD", Car: "ABCED", Scooter: "ABD", Bicycle: "ABD"}},
		{name: "a road for residents is no way through",
			roads: []string{"road AB " + home, "road BD " + home + " vehicle=destination", "road BC " + home,
				"road CE " + home, "road DE " + home, "road DG " + home}, to: 'G',
			want: map[Mode]string{Foot: "ABDG", Car: "ABCEDG", Bicycle: "ABCEDG"}},
		{name: "but everybody may go home on it", roads: []string{"road AB " + home,
			"road BD " + home + " vehicle=destination", "road DH " + home + " vehicle=destination", "road BC " + home,
			"road CE " + home, "road DE " + home}, to: 'H',
			want: map[Mode]string{Car: "ABDH"}},
		{name: "and leave it", roads: []string{"road AB " + home, "road BD " + home + " vehicle=destination",
			"road DH " + home + " vehicle=destination", "road BC " + home, "road CE " + home}, from: 'H', to: 'A',
			want: map[Mode]string{Car: "HDBA"}},
		{name: "a ferry that says it takes cars", roads: []string{"road AB " + home,
			"road BD route=ferry motor_vehicle=yes duration=00:10", "road DE " + home}, to: 'E',
			want: map[Mode]string{Foot: "ABDE", Car: "ABDE"}},
		{name: "a ferry that does not",
			roads: []string{"road AB " + home, "road BD route=ferry duration=00:10", "road DE " + home}, to: 'E',
			want: map[Mode]string{Foot: "ABDE", Car: ""}},
		{name: "scooters keep off motorways", roads: []string{"road AB " + home, "road BC highway=motorway",
			"road CF highway=motorway_link", "road BD " + home, "road DE " + home, "road EF " + home},
			want: map[Mode]string{Car: "ABCF", Scooter: "ABDEF", Foot: "ABDEF"}},
		{name: "a fast road is worth a detour", roads: []string{"road AB " + home + " maxspeed=50",
			"road BD highway=living_street", "road DE " + home, "road BC highway=secondary maxspeed=50",
			"road CE highway=secondary maxspeed=50"}, to: 'D',
			want: map[Mode]string{Foot: "ABD", Car: "ABCED"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			roads := c.roads
			if roads == nil {
				roads = streets
			}
			s := draw(t, block+"\n  G\n  H", append(append([]string{}, roads...), c.more...)...)
			r := s.roads(t)
			from, to := c.from, c.to
			if from == 0 {
				from = 'A'
			}
			if to == 0 {
				to = 'F'
			}
			for mode, want := range c.want {
				if got := s.way(t, r, mode, from, to); got != want {
					t.Errorf("%s from %c to %c goes by %q, want %q", mode, from, to, got, want)
				}
			}
		})
	}
}
