package travel

import (
	"encoding/binary"
	"math"
	"slices"
)

// The nodes of the searched graph are states: a position and the moves that may follow.
// On foot a state is a crossing. For modes with turn restrictions a state is "has just
// travelled this arc", so that a forbidden turn is a missing move. A state also stores
//
//   - the bans whose beginning has been travelled (restrictions over ways), and
//   - the phase: roads that only lead home (access=destination, and what lies behind such
//     roads: see markEnclaves) may be used to leave the first of them and to reach the last,
//     never to pass through.
type phase uint8

const (
	abroad  phase = iota // on roads for all
	leaving              // on home roads since the start
	coming               // on home roads until the end
)

// move goes from one state over an arc to another, after a delay for the turn.
type move struct {
	from, to uint32
	arc      uint32
	delay    uint32 // milliseconds
}

// states is the graph that is searched.
type states struct {
	n int
	// depart is, by arc, the state of one who started on it and is at its end.
	depart []uint32
	moves  []move
}

const noState = math.MaxUint32

// Delays at crossings for motor vehicles: a right angle costs four seconds,
// turning round at a dead end twenty-four, traffic lights five on average over
// green and red. They hold for every country and hour alike.
const (
	sharpMillis  = 8000
	uTurnMillis  = 16000
	lightsMillis = 5000
)

// memory is what the bans must remember beyond the last arc.
type memory struct {
	ban, travelled int
}

type stateKey struct {
	place  uint32 // an arc; for a plain crossing its vertex
	plain  bool
	phase  phase
	recall string
}

type stateMaker struct {
	e       *edges
	out     incidence
	p       profile
	bans    []ban
	starts  map[uint32][]int // bans by the first arc of their path
	index   map[stateKey]uint32
	first   []uint32 // by arc or vertex: the state abroad, before the map is asked
	arcs    []uint32 // by state: the arc travelled last, any for a plain crossing
	keys    []stateKey
	degrees []uint32
}

// expand makes the states and moves of a mode.
func expand(e *edges, out incidence, p profile, bans []ban) *states {
	m := &stateMaker{e: e, out: out, p: p, bans: bans, starts: map[uint32][]int{}, index: map[stateKey]uint32{}}
	for i, b := range bans {
		m.starts[b.path[0]] = append(m.starts[b.path[0]], i)
	}
	m.degrees = make([]uint32, e.vertices)
	for _, ends := range e.ends {
		m.degrees[ends[0]]++
		m.degrees[ends[1]]++
	}
	arcs := uint32(2 * len(e.ends))
	m.first = make([]uint32, max(int(arcs), e.vertices))
	for i := range m.first {
		m.first[i] = noState
	}
	s := &states{depart: make([]uint32, arcs)}
	for a := range arcs {
		s.depart[a] = noState
		if e.arcCost(a) == noWay {
			continue
		}
		phase := abroad
		if e.home[a>>1] {
			phase = leaving
		}
		s.depart[a] = m.state(a, phase, nil)
	}
	for i := 0; i < len(m.keys); i++ {
		s.moves = m.movesFrom(uint32(i), s.moves)
	}
	s.n = len(m.keys)
	return s
}

func (m *stateMaker) state(arc uint32, phase phase, recall []memory) uint32 {
	key := stateKey{place: arc, phase: phase}
	if !m.p.turning && len(recall) == 0 && len(m.starts[arc]) == 0 {
		key.place, key.plain = m.e.head(arc), true
	}
	simple := phase == abroad && len(recall) == 0 && key.plain != m.p.turning
	if simple && m.first[key.place] != noState {
		return m.first[key.place]
	}
	for _, r := range recall {
		key.recall += string(binary.LittleEndian.AppendUint64(nil, uint64(r.ban)<<32|uint64(r.travelled)))
	}
	if !simple {
		if s, ok := m.index[key]; ok {
			return s
		}
	}
	s := uint32(len(m.keys))
	m.keys = append(m.keys, key)
	m.arcs = append(m.arcs, arc)
	if simple {
		m.first[key.place] = s
	} else {
		m.index[key] = s
	}
	return s
}

// recalled returns the bans of which a state has travelled the beginning.
func (m *stateMaker) recalled(s uint32) []memory {
	key := m.keys[s]
	if key.plain {
		return nil
	}
	var active []memory
	for _, i := range m.starts[key.place] {
		active = append(active, memory{i, 1})
	}
	for r := []byte(key.recall); len(r) > 0; r = r[8:] {
		pair := binary.LittleEndian.Uint64(r)
		active = append(active, memory{int(pair >> 32), int(uint32(pair))})
	}
	return active
}

// permits says whether the bans let a state go on over an arc.
func (m *stateMaker) permits(active []memory, arc uint32) bool {
	only, named := false, false
	for _, a := range active {
		b := &m.bans[a.ban]
		if a.travelled < len(b.path) {
			continue
		}
		switch {
		case b.only:
			only = true
			named = named || b.to == arc
		case b.to == arc:
			return false
		}
	}
	return !only || named
}

func (m *stateMaker) movesFrom(s uint32, moves []move) []move {
	key, last := m.keys[s], m.arcs[s]
	active := m.recalled(s)
	v := m.e.head(last)
	before := len(moves)
	for _, arc := range m.out.of(v) {
		if m.p.turning && arc == last^1 {
			continue
		}
		moves = m.move(moves, s, key.phase, active, arc, m.delay(last, arc))
	}
	if back := last ^ 1; m.p.turning && len(moves) == before && m.e.arcCost(back) != noWay {
		moves = m.move(moves, s, key.phase, active, back, sharpMillis+uTurnMillis)
	}
	return moves
}

func (m *stateMaker) move(moves []move, s uint32, was phase, active []memory, arc, delay uint32) []move {
	if !m.permits(active, arc) {
		return moves
	}
	next := abroad
	switch home := m.e.home[arc>>1]; {
	case home && was == leaving:
		next = leaving
	case home:
		next = coming
	case was == coming:
		return moves
	}
	var recall []memory
	for _, a := range active {
		if path := m.bans[a.ban].path; a.travelled < len(path) && path[a.travelled] == arc {
			recall = append(recall, memory{a.ban, a.travelled + 1})
		}
	}
	slices.SortFunc(recall, func(a, b memory) int {
		if a.ban != b.ban {
			return a.ban - b.ban
		}
		return a.travelled - b.travelled
	})
	return append(moves, move{from: s, to: m.state(arc, next, recall), arc: arc, delay: delay})
}

// delay is what it costs to turn from one arc into another.
func (m *stateMaker) delay(from, into uint32) uint32 {
	if !m.p.turning {
		return 0
	}
	v := m.e.head(from)
	delay := uint32(0)
	if m.e.lights[v] {
		delay = lightsMillis
	}
	if m.degrees[v] > 2 {
		angle := m.e.bearing(into) - m.e.bearing(from^1) - math.Pi
		delay += uint32(sharpMillis * (1 - math.Cos(angle)) / 2)
	}
	return delay
}

// bearing is the direction in which an arc leaves its tail, in radians.
func (e *edges) bearing(arc uint32) float64 {
	line := e.line(arc >> 1)
	a, b := line[0].Point(), line[1].Point()
	if arc&1 == 1 {
		a, b = line[len(line)-1].Point(), line[len(line)-2].Point()
	}
	return math.Atan2((b.Lon-a.Lon)*math.Cos(a.Lat*math.Pi/180), b.Lat-a.Lat)
}
