package dispatch

import (
	"cmp"
	"slices"
	"time"

	"doorstep/geo"
)

// door is what one knock serves: one case, or several at the same place. It is
// what the routing problem calls a stop.
type door struct {
	cands   []int // in the order in which they are served
	home    geo.Point
	service int      // seconds, of all
	windows []Window // in which the first may begin, so that all begin lawfully
	crews   []int
	must    bool
}

// sharedDoor is how long cases of different debtors at one place may take
// together and still be one stop; longer ones stay apart, so that a house with
// many cases need not be all or nothing (our own value).
const sharedDoor = time.Hour

// alike is how much of the longer of two debtors' hours both must have in common
// to share a stop: one with few hours would take the other's away (our own value).
const alike = 3.0 / 4

// doors puts candidates at one place together. Cases of one debtor are always one
// stop, and so are cases of debtors who are linked: no person is visited twice a day because they owe twice. Those
// that cannot
// be (another place, other hours, other teams) are returned as apart.
func doors(cands []candidate, crews []crew) (out []door, apart []int) {
	order := make([]int, len(cands))
	for i := range order {
		order[i] = i
	}
	// What must be visited comes first, then what counts most: the others join it or stay out.
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &cands[a], &cands[b]
		return cmp.Or(cmp.Compare(min(1, len(y.appointment)), min(1, len(x.appointment))),
			-cmp.Compare(x.priority, y.priority), cmp.Compare(x.id, y.id))
	})
	ofPerson := map[string]int{}
	atPlace := map[geo.E7][]int{}
	for _, i := range order {
		c := &cands[i]
		if k, ok := ofPerson[c.person]; ok {
			if !out[k].join(cands, crews, i, true) {
				apart = append(apart, i)
			}
			continue
		}
		place := c.home.E7()
		if c.appointment == "" {
			at := slices.IndexFunc(atPlace[place], func(k int) bool {
				return !out[k].must && out[k].join(cands, crews, i,
					false)
			})
			if at >= 0 {
				ofPerson[c.person] = atPlace[place][at]
				continue
			}
		}
		ofPerson[c.person] = len(out)
		atPlace[place] = append(atPlace[place], len(out))
		out = append(out, door{cands: []int{i}, home: c.home, service: c.service, windows: c.windows, crews: c.crews,
			must: c.appointment != ""})
	}
	slices.SortFunc(out, func(a, b door) int { return cmp.Compare(a.cands[0], b.cands[0]) })
	slices.Sort(apart)
	return out, apart
}

// join adds a case to the door if the same teams may go at a time that is lawful
// for all, and says whether it did. Cases of one debtor may narrow the teams.
func (d *door) join(cands []candidate, crews []crew, i int, debtor bool) bool {
	c := &cands[i]
	if c.home.E7() != d.home.E7() {
		return false
	}
	may := c.crews
	if debtor {
		may = meet(d.crews, c.crews)
	} else if !slices.Equal(d.crews, c.crews) || time.Duration(d.service+c.service)*time.Second > sharedDoor {
		return false
	}
	windows := overlap(d.windows, c.windows, time.Duration(d.service)*time.Second)
	if !debtor && float64(length(windows)) < alike*float64(max(length(d.windows), length(c.windows))) {
		return false
	}
	if !slices.ContainsFunc(may, func(k int) bool { return open(windows, crews[k].from, crews[k].to) }) {
		return false
	}
	d.cands = append(d.cands, i)
	d.service += c.service
	d.crews, d.windows = may, windows
	d.must = d.must || c.appointment != ""
	return true
}

// length is how long windows are together.
func length(ws []Window) time.Duration {
	var sum time.Duration
	for _, w := range ws {
		sum += w.To.Sub(w.From)
	}
	return sum
}

// open tells whether any of the windows meets a shift.
func open(ws []Window, from, to time.Time) bool {
	return slices.ContainsFunc(ws, func(w Window) bool { return w.From.Before(to) && from.Before(w.To) })
}

// meet gives what two ascending lists have in common.
func meet(a, b []int) []int {
	var out []int
	for _, x := range a {
		if _, ok := slices.BinarySearch(b, x); ok {
			out = append(out, x)
		}
	}
	return out
}

// overlap gives the spans of a in which what begins later by the shift lies within b.
func overlap(a, b []Window, later time.Duration) []Window {
	var out []Window
	for _, x := range a {
		for _, y := range b {
			w := Window{From: y.From.Add(-later), To: y.To.Add(-later)}
			if x.From.After(w.From) {
				w.From = x.From
			}
			if x.To.Before(w.To) {
				w.To = x.To
			}
			if w.From.Before(w.To) {
				out = append(out, w)
			}
		}
	}
	slices.SortFunc(out, func(a, b Window) int { return a.From.Compare(b.From) })
	return out
}
