package routing

import (
	"fmt"
	"slices"
)

// Validate returns an *Error if the problem is not valid, or nil. Solve calls it
// first. A stop that no shift can serve is not an error: it stays unassigned with
// its reason.
func (p Problem) Validate() error {
	if err := p.validate(); err != nil {
		return err
	}
	return nil
}

func (p Problem) validate() *Error {
	switch {
	case len(p.Stops) > MaxStops:
		return fault(CodeTooLarge, "stops", "%d stops, at most %d can be planned at once; split the day by territory",
			len(p.Stops), MaxStops)
	case len(p.Shifts) > MaxShifts:
		return fault(CodeTooLarge, "shifts", "%d shifts, at most %d", len(p.Shifts), MaxShifts)
	case len(p.Matrices) == 0 && len(p.Shifts) > 0:
		return fault(CodeMatrix, "matrices", "the problem has shifts but no matrix")
	case p.Objective < ValueFirst || p.Objective > CostFirst:
		return fault(CodeObjective, "objective", "%d is not an objective", p.Objective)
	case p.Balance.By < BalanceNone || p.Balance.By > BalanceWork:
		return fault(CodeObjective, "balance", "%d is not a balance", p.Balance.By)
	}
	places := 0
	for i, m := range p.Matrices {
		if i > 0 && m.Places != places {
			return fault(CodeMatrix, fmt.Sprintf("matrices[%d]", i), "%d places, but the first matrix has %d", m.Places,
				places)
		}
		places = m.Places
		if err := m.validate(fmt.Sprintf("matrices[%d]", i)); err != nil {
			return err
		}
	}
	if err := within("stability.team", p.Stability.Team, MaxRate); err != nil {
		return err
	}
	if err := within("stability.move", p.Stability.Move, MaxRate); err != nil {
		return err
	}
	if err := within("stability.tolerance", int64(p.Stability.Tolerance), MaxSeconds); err != nil {
		return err
	}
	if err := within("balance.weight", p.Balance.Weight, MaxRate); err != nil {
		return err
	}
	if err := p.validateStops(places); err != nil {
		return err
	}
	if err := p.validateShifts(places); err != nil {
		return err
	}
	return p.validatePins()
}

func (m Matrix) validate(path string) *Error {
	if m.Places < 0 || m.Places > 4*MaxStops {
		return fault(CodeTooLarge, path, "%d places", m.Places)
	}
	n := m.Places * m.Places
	if len(m.Durations) != n {
		return fault(CodeMatrix, path+".durations", "%d values, but %d places need %d", len(m.Durations), m.Places, n)
	}
	if m.Distances != nil && len(m.Distances) != n {
		return fault(CodeMatrix, path+".distances", "%d values, but %d places need %d", len(m.Distances), m.Places, n)
	}
	if err := withinAll(path+".durations", m.Durations, m.Places, MaxSeconds); err != nil {
		return err
	}
	if err := withinAll(path+".distances", m.Distances, m.Places, MaxMetres); err != nil {
		return err
	}
	for i, h := range m.Hours {
		at := fmt.Sprintf("%s.hours[%d]", path, i)
		if i > 0 && h.From <= m.Hours[i-1].From {
			return fault(CodeWindow, at, "begins at %d, not after the one before", h.From)
		}
		if err := within(at, int64(h.From), MaxSeconds); err != nil {
			return err
		}
		if len(h.Durations) != n {
			return fault(CodeMatrix, at, "%d values, but %d places need %d", len(h.Durations), m.Places, n)
		}
		if err := withinAll(at, h.Durations, m.Places, MaxSeconds); err != nil {
			return err
		}
	}
	return nil
}

func (p Problem) validateStops(places int) *Error {
	seen := make(map[string]int, len(p.Stops))
	for i := range p.Stops {
		s := &p.Stops[i]
		at := fmt.Sprintf("stops[%d]", i)
		if s.ID != "" {
			if first, dup := seen[s.ID]; dup {
				return fault(CodeDuplicate, at, "has the id %q of stops[%d]", s.ID, first)
			}
			seen[s.ID] = i
		}
		if len(p.Matrices) > 0 && (s.Place < 0 || s.Place >= places) {
			return fault(CodeIndex, at+".place", "%d, but there are %d places", s.Place, places)
		}
		for _, f := range []struct {
			name  string
			v     int64
			limit int64
		}{
			{".service", int64(s.Service), MaxSeconds}, {".setup", int64(s.Setup), MaxSeconds},
			{".load", int64(s.Load), MaxRate}, {".crew", int64(s.Crew), MaxRate},
			{".priority", int64(s.Priority), MaxPriority}, {".value", s.Value, MaxRate},
		} {
			if err := within(at+f.name, f.v, f.limit); err != nil {
				return err
			}
		}
		if err := validateWindows(at, s.Windows); err != nil {
			return err
		}
		for _, k := range s.Shifts {
			if k < 0 || k >= len(p.Shifts) {
				return fault(CodeIndex, at+".shifts", "%d, but there are %d shifts", k, len(p.Shifts))
			}
		}
		if e := s.Earlier; e != nil {
			if e.Shift < 0 || e.Shift >= len(p.Shifts) {
				return fault(CodeIndex, at+".earlier.shift", "%d, but there are %d shifts", e.Shift, len(p.Shifts))
			}
			if err := within(at+".earlier.start", int64(e.Start), MaxSeconds); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p Problem) validateShifts(places int) *Error {
	seen := make(map[string]int, len(p.Shifts))
	for i := range p.Shifts {
		s := &p.Shifts[i]
		at := fmt.Sprintf("shifts[%d]", i)
		if s.ID != "" {
			if first, dup := seen[s.ID]; dup {
				return fault(CodeDuplicate, at, "has the id %q of shifts[%d]", s.ID, first)
			}
			seen[s.ID] = i
		}
		if s.Matrix < 0 || s.Matrix >= len(p.Matrices) {
			return fault(CodeIndex, at+".matrix", "%d, but there are %d matrices", s.Matrix, len(p.Matrices))
		}
		if s.Start < NoPlace || s.Start >= places {
			return fault(CodeIndex, at+".start", "%d, but there are %d places", s.Start, places)
		}
		if s.End < NoPlace || s.End >= places {
			return fault(CodeIndex, at+".end", "%d, but there are %d places", s.End, places)
		}
		if err := validateWindows(at, []Window{s.Window}); err != nil {
			return err
		}
		r := s.Rates
		for _, f := range []struct {
			name  string
			v     int64
			limit int64
		}{
			{".overtime", int64(s.Overtime), MaxSeconds}, {".capacity", int64(s.Capacity), MaxRate},
			{".max_stops", int64(s.MaxStops), MaxRate}, {".max_travel", int64(s.MaxTravel), MaxRate},
			{".max_distance", int64(s.MaxDistance), MaxRate}, {".max_work", int64(s.MaxWork), MaxRate},
			{".crew", int64(s.Crew), MaxRate}, {".rates.fixed", r.Fixed, MaxRate},
			{".rates.travel_hour", r.TravelHour, MaxRate}, {".rates.km", r.Km, MaxRate},
			{".rates.wait_hour", r.WaitHour, MaxRate}, {".rates.service_hour", r.ServiceHour, MaxRate},
			{".rates.overtime_hour", r.OvertimeHour, MaxRate},
		} {
			if err := within(at+f.name, f.v, f.limit); err != nil {
				return err
			}
		}
		if len(s.Breaks) > MaxBreaks {
			return fault(CodeTooLarge, at+".breaks", "%d breaks, at most %d", len(s.Breaks), MaxBreaks)
		}
		for k, b := range s.Breaks {
			bat := fmt.Sprintf("%s.breaks[%d]", at, k)
			if err := within(bat+".service", int64(b.Service), MaxSeconds); err != nil {
				return err
			}
			if err := validateWindows(bat, b.Windows); err != nil {
				return err
			}
		}
	}
	return nil
}

// validatePins checks the indexes of the pins. checkPins finds out whether the
// pinned stops can be kept.
func (p Problem) validatePins() *Error {
	var pinned []int
	for i := range p.Shifts {
		for k, pin := range p.Shifts[i].Pinned {
			at := fmt.Sprintf("shifts[%d].pinned[%d]", i, k)
			if pin.Stop < 0 || pin.Stop >= len(p.Stops) {
				return fault(CodeIndex, at, "stop %d, but there are %d stops", pin.Stop, len(p.Stops))
			}
			if err := within(at+".at", int64(pin.At), MaxSeconds); err != nil {
				return err
			}
			if slices.Contains(pinned, pin.Stop) {
				return fault(CodePinned, at, "stop %d is pinned twice", pin.Stop)
			}
			pinned = append(pinned, pin.Stop)
		}
	}
	return nil
}

func validateWindows(path string, ws []Window) *Error {
	for i, w := range ws {
		at := fmt.Sprintf("%s.windows[%d]", path, i)
		if err := within(at, int64(w.From), MaxSeconds); err != nil {
			return err
		}
		if err := within(at, int64(w.To), MaxSeconds); err != nil {
			return err
		}
		if w.To < w.From {
			return fault(CodeWindow, at, "ends before it begins: from %d to %d", w.From, w.To)
		}
		if i > 0 && w.From <= ws[i-1].To {
			return fault(CodeWindow, at, "begins at %d, not after the end of the one before, %d", w.From, ws[i-1].To)
		}
	}
	return nil
}

func within(path string, v, limit int64) *Error {
	if v < 0 {
		return fault(CodeNegative, path, "is %d", v)
	}
	if v > limit {
		return fault(CodeTooLarge, path, "is %d, at most %d", v, limit)
	}
	return nil
}

func withinAll(path string, vs []int32, places int, limit int32) *Error {
	for i, v := range vs {
		if v < 0 || v > limit {
			return within(fmt.Sprintf("%s[%d][%d]", path, i/places, i%places), int64(v), int64(limit))
		}
	}
	return nil
}
