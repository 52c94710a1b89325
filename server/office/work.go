package office

import (
	"doorstep/geo"
	"doorstep/geo/division"
)

// Work is an open case as the map sees it.
type Work struct {
	Case       string
	Home       geo.Point
	HasHome    bool
	ServiceMin int    // at the door
	Territory  string // whose it is now
	Pinned     bool   // a supervisor chose the territory; no border moves it
	Team       string // a supervisor chose the team; the work counts for no territory
}

// What a visit costs besides the time at the door (our own values).
const (
	setupMin      = 1.0 // finding the door and announcing oneself; cases at one door share it
	stopsPerDay   = 40  // of a territory: how far apart the doors of one day lie
	usualSpeedKmh = 20  // in town, with all stops on the way
)

// expected gives the expected minutes of each case: at the door, finding it, and
// its share of the way. Cases without a home or with a team of their own have none.
// The way is that between the doors of cases that are held: those of no territory lie
// anywhere, and would stretch the ways of the others.
func expected(work []Work, held func(Work) bool, territories int, speedKmh float64) []float64 {
	if speedKmh == 0 {
		speedKmh = usualSpeedKmh
	}
	out := make([]float64, len(work))
	var in []int
	for i, w := range work {
		switch {
		case !w.mapped():
		case held(w):
			in = append(in, i)
		default:
			out[i] = float64(w.ServiceMin) + setupMin
		}
	}
	part := make([]Work, len(in))
	for k, i := range in {
		part[k] = work[i]
	}
	for k, minutes := range atDoors(part, territories, speedKmh) {
		out[in[k]] = minutes
	}
	return out
}

// heldBy tells of cases whether a territory of the index has them, or they lie in an area that is to be divided.
func heldBy(index *geo.Index, area geo.Shape) func(Work) bool {
	return func(w Work) bool { return w.whose(index) != "" || !area.Empty() && area.Contains(w.Home) }
}

// atDoors gives the expected minutes of cases that are all on the map, with the ways between their doors.
func atDoors(work []Work, territories int, speedKmh float64) []float64 {
	at := map[geo.E7]int{}
	var doors []geo.Point
	var cases []int // at each door
	for _, w := range work {
		k := w.Home.E7()
		i, ok := at[k]
		if !ok {
			i = len(doors)
			at[k] = i
			doors = append(doors, k.Point())
			cases = append(cases, 0)
		}
		cases[i]++
	}
	if len(doors) == 0 {
		return make([]float64, len(work))
	}
	legs := division.Legs(doors, min(1, float64(max(1, territories)*stopsPerDay)/float64(len(doors))))
	out := make([]float64, len(work))
	for i, w := range work {
		d := at[w.Home.E7()]
		out[i] = float64(w.ServiceMin) + (setupMin+legs[d]/(speedKmh*1000/60))/float64(cases[d])
	}
	return out
}

// mapped says whether the case's work belongs to a place on the map.
func (w Work) mapped() bool { return w.HasHome && w.Team == "" }

// whose is the territory that has a case under an index: the one a supervisor
// chose, else the first by id that holds the home; "" for none.
func (w Work) whose(index *geo.Index) string {
	if w.Pinned {
		return w.Territory
	}
	id, _ := index.Find(w.Home.Lon, w.Home.Lat)
	return id
}
