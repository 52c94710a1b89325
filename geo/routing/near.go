package routing

import "slices"

// setNear lists for each stop the most nearest stops, nearest first, by the sum of
// the durations there and back in the matrix of the first shift. It also sets
// legTime and legCost.
func (c *core) setNear(most int) {
	if c.n == 0 || len(c.shifts) == 0 {
		return
	}
	m := &c.p.Matrices[c.p.Shifts[0].Matrix]
	c.near = make([][]int32, c.n)
	type far struct {
		d int64
		v int32
	}
	most = min(most, c.n-1)
	all := make([]far, 0, c.n)
	flat := make([]int32, 0, c.n*most)
	sum, legs := 0.0, 0
	for u := 0; u < c.n; u++ {
		all = all[:0]
		a := int(c.stops[u].place)
		for v := 0; v < c.n; v++ {
			if v == u {
				continue
			}
			b := int(c.stops[v].place)
			there, back := int64(m.Durations[a*m.Places+b]), int64(m.Durations[b*m.Places+a])
			all = append(all, far{there + back, int32(v)})
		}
		partly(all, most, func(x, y far) bool { return x.d < y.d || x.d == y.d && x.v < y.v })
		slices.SortFunc(all[:most], func(x, y far) int {
			if x.d != y.d {
				return cmpInt64(x.d, y.d)
			}
			return int(x.v - y.v)
		})
		first := len(flat)
		for _, f := range all[:most] {
			flat = append(flat, f.v)
		}
		c.near[u] = flat[first:len(flat):len(flat)]
		for _, f := range all[:min(5, most)] {
			sum += float64(f.d) / 2
			legs++
		}
	}
	if legs > 0 {
		r := &c.shifts[0]
		c.legTime = sum / float64(legs)
		c.legCost = c.legTime * max(r.perSecond, r.perMetre*5, 1e-3)
	}
	c.legCost, c.legTime = max(c.legCost, 1), max(c.legTime, 1)
}

// cmpInt64 compares as cmp.Compare does.
func cmpInt64(a, b int64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// partly moves the k smallest elements of xs to the front, in any order
// (quickselect).
func partly[T any](xs []T, k int, less func(a, b T) bool) {
	lo, hi := 0, len(xs)-1
	for lo < hi {
		pivot := xs[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for less(xs[i], pivot) {
				i++
			}
			for less(pivot, xs[j]) {
				j--
			}
			if i <= j {
				xs[i], xs[j] = xs[j], xs[i]
				i++
				j--
			}
		}
		if k <= j {
			hi = j
		} else if k >= i {
			lo = i
		} else {
			return
		}
	}
}
