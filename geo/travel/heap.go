package travel

// entry is a state with its key in a queue.
type entry struct {
	key   weight
	state uint32
}

// queue is a heap with four children per node, smallest key first. Keys are never
// decreased: a better entry is pushed again, and the searcher recognises a stale
// entry by its key when it is popped.
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
