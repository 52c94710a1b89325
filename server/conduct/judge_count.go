package conduct

// cap denies when as many contacts as a cap allows are in its window already.
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

// cooldown denies on the days after the latest conversation.
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

// count is how many contacts since a local date a rule counts, up to enough.
func (v *trial) count(r *capRule, since int32, enough int) int {
	n := 0
	for i := range v.history {
		h := &v.history[i]
		if h.day < since || h.at > v.t || !r.channels.has(int(h.channel)) || !(r.counts == every || r.counts.has(int(h.result))) {
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

// lastResort denies unless the gentler channels were tried and the flag is up.
func (v *trial) lastResort(r *lastResortRule) {
	if !v.binds(&r.rule) {
		return
	}
	met := r.flag == "" || v.flagUp(r.flag, v.day)
	for _, need := range r.needs {
		n := 0
		for i := range v.history {
			if h := &v.history[i]; h.at <= v.t && h.sameCase && int(h.channel) == need.channel && h.result != resultFailed {
				n++
			}
		}
		met = met && n >= need.min
	}
	if !met {
		v.hit(r.reason, r.id, r.cite)
	}
}
