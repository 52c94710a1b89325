package conduct

// cap adds a hit if the cap's window already holds as many contacts as the cap allows.
func (v *trial) cap(r *capRule) {
	if !v.binds(&r.rule) {
		return
	}
	since := v.day - int32(r.n) + 1
	if r.window == calendarMonth {
		since = firstOfMonth(v.day, r.n)
	}
	if v.count(r, since, r.max) < r.max {
		return
	}
	v.counted(r)
}

// cooldown adds a hit on the days that must pass after the latest contact of the rule's kind.
func (v *trial) cooldown(r *capRule) {
	if v.binds(&r.rule) && v.count(r, v.day-int32(r.n)+1, 1) > 0 {
		v.counted(r)
	}
}

func (v *trial) counted(r *capRule) {
	v.hit(r.reason, r.id, r.cite)
	if r.presumptive {
		v.presumptive = append(v.presumptive, r.id)
	}
}

// count counts the contacts since a local date that a rule speaks of; it stops at enough.
func (v *trial) count(r *capRule, since int32, enough int) int {
	n := 0
	for i := range v.history {
		h := &v.history[i]
		if h.day < since || h.at > v.t || !r.channels.has(int(h.channel)) ||
			!(r.counts == every || r.counts.has(int(h.result))) || h.place != none && !r.places.has(int(h.place)) {
			continue
		}
		switch r.scope {
		case scopeCase:
			if !h.sameCase {
				continue
			}
		case scopeDebt:
			if !h.sameDebt {
				continue
			}
		case scopeNumber:
			if !h.sameNum {
				continue
			}
		case scopeDebtor:
			if !h.sameParty {
				continue
			}
		}
		if n++; n >= enough {
			break
		}
	}
	return n
}

// lastResort adds a hit unless the milder channels were tried and the flag is set.
func (v *trial) lastResort(r *lastResortRule) {
	if !v.binds(&r.rule) {
		return
	}
	met := r.flag == "" || v.flagUp(r.flag, v.day)
	for _, need := range r.needs {
		n := 0
		for i := range v.history {
			if h := &v.history[i]; h.at <= v.t && h.thisCase && int(h.channel) == need.channel && h.result != resultFailed {
				n++
			}
		}
		met = met && n >= need.min
	}
	if !met {
		v.hit(r.reason, r.id, r.cite)
	}
}
