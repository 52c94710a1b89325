package routing

import (
	"math"
	"path/filepath"
	"testing"
)

// Every move must change the cost by what was said.
func TestLocalSearchKeepsItsBooks(t *testing.T) {
	p := readVRPTW(t, filepath.Join(vrptwData, "solomon/R208.txt"))
	c, _ := newCore(&p)
	c.setNear(nearest)
	s := newSearch(c, 1)
	h := newBreeding(s, func() bool { return false })
	h.scatter()
	l := h.l
	l.setPrices(3, 0.7)
	for round := range 200 {
		for i := range l.tested {
			l.tested[i] = -1
		}
		before := l.cost()
		u := int32(s.g.below(c.n))
		l.setPrices(3+float64(round%7), 0.1*float64(round%11))
		before = l.cost()
		moved := l.improveAt(u)
		after := l.cost()
		if moved && math.Abs(after-before-l.said) > 1e-3 {
			t.Fatalf("round %d: said %f, was %f", round, l.said, after-before)
		}
	}
}
