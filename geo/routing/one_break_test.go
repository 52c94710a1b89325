package routing

import (
	"testing"

	"pgregory.net/rapid"
)

// What is written out for one break must say the same as the loops over labels.
func TestOneBreakWrittenOutIsTheSameAsTheLoops(t *testing.T) {
	asked := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 8, 1)
		p.Matrices[0].Hours = nil
		s := &p.Shifts[0]
		s.Matrix, s.Pinned = 0, nil
		s.Window.To += 100
		s.Breaks = []Break{{Service: rapid.IntRange(0, 15).Draw(t, "break")}}
		if from := rapid.IntRange(0, 120).Draw(t, "from"); from > 0 {
			s.Breaks[0].Windows = []Window{{from, from + rapid.IntRange(0, 40).Draw(t, "long")}}
		}
		if p.Validate() != nil {
			t.Skip("not well formed")
		}
		c, err := newCore(&p)
		if err != nil || c.labels != 2 || !c.shifts[0].oneBreak {
			t.Skip("not the short way")
		}
		n := rapid.IntRange(0, c.n).Draw(t, "in the route")
		short, long := newPlan(c), newPlan(c)
		d := &c.shifts[0]
		for u := range int32(n) {
			short.seq[0], long.seq[0] = append(short.seq[0], u), append(long.seq[0], u)
		}
		short.renew(0, 0, int32(n-1))
		d.oneBreak = false
		long.renew(0, 0, int32(n-1))
		d.oneBreak = true
		for u := range int32(n) {
			for k := range 2 {
				if a, b := short.labels(u)[k], long.labels(u)[k]; a != b {
					t.Fatalf("stop %d with %d breaks left at %d, by the loops at %d", u, k, a, b)
				}
				if a, b := short.latest(u)[k], long.latest(u)[k]; max(a, -1) != max(b, -1) {
					t.Fatalf("stop %d with %d breaks starts by %d, by the loops by %d", u, k, a, b)
				}
			}
		}
		for u := int32(n); u < int32(c.n); u++ {
			for i := range int32(n + 1) {
				place := c.stops[u].place
				a, _ := long.before(0, i)
				in, on, setup, setup2, v := int32(0), int32(0), c.stops[u].setup, int32(0), int32(-1)
				if a >= 0 {
					in = d.dur[a*d.places+place]
				}
				if a == place {
					setup = 0
				}
				z := d.end
				if int(i) < n {
					v = long.seq[0][i]
					if z = c.stops[v].place; z != place {
						setup2 = c.stops[v].setup
					}
				}
				if z >= 0 {
					on = d.dur[place*d.places+z]
				}
				asked++
				if a, b := short.fitsOne(0, i, u, v, in, on, setup, setup2), long.fits(0, i, u); a != b {
					t.Fatalf("stop %d at %d fits: %v, by the loops %v", u, i, a, b)
				}
			}
		}
	})
	if asked == 0 {
		t.Error("nothing was asked")
	}
}
