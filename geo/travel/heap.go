package travel

// entry is a state with its key in a queue.
type entry struct {
	key   weight
	state uint32
}

// queue is a heap of four children a node, smallest key first. An entry is
// never moved by its key: what has become better is pushed again, and the
// stale entry is known by its key when it comes out.
type queue []entry

func (q *queue) push(e entry) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if h[up].key <= e.key {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
	*q = h
}

func (q *queue) pop() entry {
	h := *q
	top := h[0]
	n := len(h) - 1
	last := h[n]
	h = h[:n]
	*q = h
	if n == 0 {
		return top
	}
	i := 0
	for {
		child := 4*i + 1
		if child >= n {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, n); c++ {
			if h[c].key < h[least].key {
				least = c
			}
		}
		if last.key <= h[least].key {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = last
	return top
}
