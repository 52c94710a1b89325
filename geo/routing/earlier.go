package routing

import (
	"cmp"
	"slices"
)

// startFromEarlier inserts stops where an earlier plan had them, in its order, as
// far as they still fit, so that a short search finds nothing worse than the earlier
// plan. It reports whether any stop had a place in it.
func (s *search) startFromEarlier() bool {
	c, p := s.c, s.p
	s.list = s.list[:0]
	for u := range int32(c.n) {
		if e := c.p.Stops[u].Earlier; e != nil && p.route[u] < 0 && c.may(u, int32(e.Shift)) {
			s.list = append(s.list, u)
		}
	}
	slices.SortFunc(s.list, func(a, b int32) int {
		x, y := c.p.Stops[a].Earlier, c.p.Stops[b].Earlier
		return cmp.Or(x.Shift-y.Shift, x.Start-y.Start, int(a-b))
	})
	var w sheet
	for _, u := range s.list {
		r := int32(c.p.Stops[u].Earlier.Shift)
		d := &c.shifts[r]
		full := d.maxStops > 0 && len(p.seq[r]) >= d.maxStops ||
			d.capacity > 0 && p.sums[r].load+int(c.stops[u].load) > d.capacity
		seq := append(slices.Clone(p.seq[r]), u)
		if !full && c.within(r, seq, &w) &&
			(d.maxDistance == 0 || c.layOut(r, seq, &w, nil).distance <= d.maxDistance) {
			s.place(u, spot{r: r, i: int32(len(p.seq[r]))})
			p.price(r)
		}
	}
	return len(s.list) > 0
}
