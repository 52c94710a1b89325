package routing

// Violation is one way in which a result breaks its problem.
type Violation struct {
	// Kind is stable; see the constants.
	Kind ViolationKind
	// Shift and Stop are indexes, -1 where there is none.
	Shift, Stop int
	// Msg says what was found and what was allowed.
	Msg string
}

// ViolationKind names a kind of violation.
type ViolationKind string
