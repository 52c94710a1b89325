package conduct

// clock judges by the rules of the clock alone.
func (v *trial) clock() {
	for i, pr := range v.chain.profiles {
		if v.enough() {
			return
		}
		if !pr.inForce(v.day) {
			continue
		}
		v.hours(pr, v.chain.holidays[i])
		if r := pr.requests; r != nil && r.times && v.inNoTime() {
			v.named("INCONVENIENT_TIME", r.id, r.cite)
		}
	}
}

// hours judges the start and the end of the act by the wall time of every zone.
func (v *trial) hours(pr *profile, holidays map[int32]bool) {
	if len(pr.hours) == 0 && len(pr.closed) == 0 {
		return
	}
	for _, z := range v.zones {
		wall := z.wallOf(v.t)
		day := dayOfWall(wall)
		weekday := weekdayOf(day)
		covered := false // a closed day explains why there are no hours
		for i := range pr.closed {
			r := &pr.closed[i]
			if (r.days.has(weekday) || r.holidays && holidays[day]) && v.binds(&r.rule) {
				covered = true
				v.hit(r.reason, r.id, r.cite)
			}
		}
		anyHours := false
		for i := range pr.hours {
			r := &pr.hours[i]
			if !r.days.has(weekday) || !r.channels.has(v.channel) {
				continue
			}
			anyHours = true
			if v.binds(&r.rule) && !v.within(r, z, day, wall) {
				v.hit(r.reason, r.id, r.cite)
			}
		}
		if anyHours || covered {
			continue
		}
		for i := range pr.hours {
			if r := &pr.hours[i]; v.binds(&r.rule) {
				v.hit(r.reason, r.id, r.cite)
			}
		}
	}
}

// within tells whether the act starts in one of the rule's spans and ends with it at the latest.
func (v *trial) within(r *hoursRule, z *zone, day int32, wall int64) bool {
	midnight := int64(day) * daySeconds
	for _, s := range r.allow {
		from, to := midnight+s.from, midnight+s.to
		if wall < from || wall > to || wall == to && !r.endInclusive {
			continue
		}
		if v.duration == 0 {
			return true
		}
		ok := true
		z.eachPiece(v.t, v.t+v.duration, func(_, end int64) bool {
			ok = end <= to
			return ok
		})
		if ok {
			return true
		}
	}
	return false
}

func (v *trial) requests(r *requestsRule) {
	if r.times && v.judged != clockless && v.inNoTime() {
		v.named("INCONVENIENT_TIME", r.id, r.cite)
	}
	if r.places && v.noPlaces.has(v.place) {
		v.named("INCONVENIENT_PLACE", r.id, r.cite)
	}
	if r.channels && (v.noChannels.has(v.channel) || v.optOut) {
		v.named("CHANNEL_OPTED_OUT", r.id, r.cite)
	}
}

// inNoTime tells whether the act overlaps a span in which the person asked not to be contacted.
func (v *trial) inNoTime() bool {
	if len(v.noTimes) == 0 {
		return false
	}
	touches := false
	for _, z := range v.zones {
		// An act without a duration is the second it starts in.
		z.eachPiece(v.t, v.t+max(v.duration, 1), func(from, to int64) bool {
			for day := dayOfWall(from) - 1; day <= dayOfWall(to-1); day++ {
				midnight := int64(day) * daySeconds
				for _, s := range v.noTimes {
					touches = touches || from < midnight+s.to && midnight+s.from < to
				}
			}
			return !touches
		})
	}
	return touches
}
