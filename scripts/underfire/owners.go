package main

import (
	"slices"
	"sync"
	"time"
)

// span is a time during which some agents may have a case. A zero until is open.
type span struct {
	agents      []string
	from, until time.Time
}

// owners says who may have which case when, by what supervisors were answered. While a command of theirs is under
// way, those before it and those after it may.
type owners struct {
	mu    sync.Mutex
	cases map[string][]span
}

// may tells whether an agent may have been sent a case at some time from from to to.
func (o *owners) may(agent, id string, from, to time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.cases[id] {
		if slices.Contains(s.agents, agent) && s.from.Before(to) && (s.until.IsZero() || s.until.After(from)) {
			return true
		}
	}
	return false
}

// give lets agents have a case from a time on.
func (o *owners) give(id string, agents []string, from time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cases[id] = append(o.cases[id], span{agents: agents, from: from})
}

// end says that from a time on no agent has a case by what was given to them at times that ends picks.
func (o *owners) end(id string, at time.Time, ends func(from time.Time) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, s := range o.cases[id] {
		if s.until.IsZero() && ends(s.from) {
			o.cases[id][i].until = at
		}
	}
}
