package dispatch

import (
	"slices"
	"testing"
	"time"

	"doorstep/geo"
	"doorstep/sync/journal"
)

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2026-11-25 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func hours(clocks ...string) []Window {
	var out []Window
	for i := 0; i < len(clocks); i += 2 {
		out = append(out, Window{From: at(clocks[i]), To: at(clocks[i+1])})
	}
	return out
}

var (
	oneDoor     = geo.Point{Lon: -8.61, Lat: 41.15}
	anotherDoor = geo.Point{Lon: -8.62, Lat: 41.15}
)

// someone is a candidate of half an hour at one door, open from eight to eight to crews 0 and 1.
func someone(id string, change func(*candidate)) candidate {
	c := candidate{id: journal.CaseID(id), person: "debtor of " + id, home: oneDoor, priority: 1, service: 1800,
		windows: hours("08:00", "20:00"), crews: []int{0, 1}}
	if change != nil {
		change(&c)
	}
	return c
}

var fromEightToEight = []crew{{from: at("08:00"), to: at("20:00")}, {from: at("08:00"), to: at("20:00")}}

func TestOneKnockForAllAtADoor(t *testing.T) {
	same := func(c *candidate) { c.person = "one" }
	for _, tt := range []struct {
		name  string
		cands []candidate
		knock [][]int // the cases of each stop, in order of service
		apart []int
	}{
		{"two debtors at one door", []candidate{someone("a", nil), someone("b", nil)}, [][]int{{0, 1}}, nil},
		{"two doors", []candidate{someone("a", nil), someone("b", func(c *candidate) { c.home = anotherDoor })},
			[][]int{{0}, {1}}, nil},
		{"more than an hour of work at one door is two stops", []candidate{someone("a", nil), someone("b", nil),
			someone("c", nil)}, [][]int{{0, 1}, {2}}, nil},
		{"but one debtor is visited once, however long it takes",
			[]candidate{someone("a", same), someone("b", same), someone("c", same)}, [][]int{{0, 1, 2}}, nil},
		{"the same debtor at two doors is visited where it counts most",
			[]candidate{someone("a", same),
				someone("b", func(c *candidate) { same(c); c.home = anotherDoor; c.priority = 5 })}, [][]int{{1}}, []int{0}},
		{"other teams, another stop", []candidate{someone("a", nil), someone("b", func(c *candidate) { c.crews = []int{1} })},
			[][]int{{0}, {1}}, nil},
		{"the teams that may go to both of a debtor's cases",
			[]candidate{someone("a", same), someone("b", func(c *candidate) { same(c); c.crews = []int{1} })}, [][]int{{0,
				1}}, nil},
		{"no team may go to both of a debtor's cases",
			[]candidate{someone("a", func(c *candidate) { same(c); c.crews = []int{0} }),
				someone("b", func(c *candidate) { same(c); c.crews = []int{1} })}, [][]int{{0}}, []int{1}},
		{"hours that never meet", []candidate{someone("a", func(c *candidate) { c.windows = hours("08:00", "10:00") }),
			someone("b", func(c *candidate) { c.windows = hours("14:00", "16:00") })}, [][]int{{0}, {1}}, nil},
		{"a neighbour with little time takes none of the others'", []candidate{someone("a",
			func(c *candidate) { c.windows = hours("08:00", "09:00") }), someone("b", nil)},
			[][]int{{0}, {1}}, nil},
		{"a debtor's case that can only be visited before the shift stays out, and the other does not",
			[]candidate{someone("a", func(c *candidate) { same(c); c.windows = hours("06:00", "20:00") }),
				someone("b", func(c *candidate) { same(c); c.windows = hours("06:00", "07:00") })},
			[][]int{{0}}, []int{1}},
		{"an appointment is nobody else's, and comes before priority",
			[]candidate{someone("a", nil), someone("b", func(c *candidate) { c.appointment = "p" }),
				someone("c", func(c *candidate) { c.person = "debtor of b"; c.priority = 9 })},
			[][]int{{0}, {1, 2}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stops, apart := doors(tt.cands, fromEightToEight)
			var got [][]int
			for _, d := range stops {
				got = append(got, d.cands)
			}
			if !slices.EqualFunc(got, tt.knock, slices.Equal[[]int]) || !slices.Equal(apart, tt.apart) {
				t.Errorf("stops %v apart %v, want %v and %v", got, apart, tt.knock, tt.apart)
			}
		})
	}
}

// The second case of a stop is served after the first: the first must begin early
// enough for the second to begin lawfully.
func TestEveryCaseOfAStopBeginsLawfully(t *testing.T) {
	stops, _ := doors([]candidate{
		someone("a", func(c *candidate) { c.person = "one"; c.windows = hours("08:00", "12:00", "15:00", "20:00") }),
		someone("b", func(c *candidate) { c.person = "one"; c.windows = hours("09:00", "11:00", "19:00", "20:00") }),
	}, fromEightToEight)
	if len(stops) != 1 {
		t.Fatalf("%d stops", len(stops))
	}
	// a begins, b half an hour later: [09:00, 11:00) and [19:00, 20:00) shifted back by half an hour.
	want := hours("08:30", "10:30", "18:30", "19:30")
	if !sameWindows(stops[0].windows, want) {
		t.Errorf("the stop may begin within %v, want %v", stops[0].windows, want)
	}
}
