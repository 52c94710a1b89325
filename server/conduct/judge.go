package conduct

// trial judges a matter at one instant and collects the hits. If brief is set it
// stops at the first hit, because the caller only asks whether there is one.
type trial struct {
	*matter
	t           int64
	day         int32 // in the first zone
	hits        []Hit
	presumptive []string
	brief       bool
	judged      ruleKind
}

// ruleKind says which rules a trial judges by. The rules of the clock are hours, closed days and no-contact times.
type ruleKind uint8

const (
	allRules ruleKind = iota
	clockless
	clockOnly
)

// hit adds a reason.
func (v *trial) hit(reason int, rule string, cite []string) {
	v.hits = append(v.hits, Hit{Reason: v.p.reasons[reason], Rule: rule, Cite: cite, priority: reason})
}

// named adds a reason that the engine knows by name.
func (v *trial) named(reason, rule string, cite []string) { v.hit(v.p.reasonCode[reason], rule, cite) }

// enough tells whether the trial is brief and has found a hit, so that it can stop.
func (v *trial) enough() bool { return v.brief && len(v.hits) > 0 }

// binds tells whether a rule applies to this act and is not lifted. The rules of
// every place apply to an act whose place is not known.
func (v *trial) binds(r *rule) bool {
	return r.channels.has(v.channel) && (v.place == none && !r.placeKnown || r.places.has(v.place)) &&
		!(r.agencyOnly && v.byLender) && !v.isLifted(r.unless, v.t)
}

// run judges the matter at an instant.
func (v *trial) run(t int64) {
	v.t, v.hits, v.presumptive = t, v.hits[:0], v.presumptive[:0]
	if len(v.zones) == 0 {
		v.named("TZ_UNKNOWN", "engine", nil)
		return
	}
	v.day = v.zones[0].dayOf(t)
	if v.judged == clockOnly {
		v.clock()
		return
	}
	national, disclosable, listed, anyParties := false, true, false, false
	for _, pr := range v.chain.profiles {
		if !pr.inForce(v.day) {
			continue
		}
		national = national || pr.national
		if !pr.hasParties {
			continue
		}
		anyParties = true
		if row := pr.parties[v.party]; row != nil {
			listed = true
			if !row.disclose {
				disclosable = false
				v.disclosure(row.id, row.cite)
			}
		}
	}
	if !listed {
		disclosable = false
		v.disclosure("engine", nil)
	}
	switch {
	case !national:
		v.named("PROFILE_NOT_IN_FORCE", "engine", nil)
	case !anyParties && v.party != partyDebtor:
		// No profile lists parties (there are only overlays); without a list only the debtor may be contacted.
		v.named("PARTY_NOT_ALLOWED", "engine", nil)
	}
	for i, pr := range v.chain.profiles {
		if v.enough() {
			return
		}
		if pr.inForce(v.day) {
			v.profile(pr, v.chain.holidays[i], disclosable)
		}
	}
}

// disclosure adds a hit if the act is to disclose the debt.
func (v *trial) disclosure(rule string, cite []string) {
	if v.event == eventDisclose {
		v.named("PARTY_DISCLOSURE", rule, cite)
	}
}

// base is the profile that every national profile extends; alone it does not allow any contact.
const base = "base"

// inForce tells whether a profile may deny on a local date.
func (pr *profile) inForce(day int32) bool { return pr.Status == "in_force" && pr.effective <= day }

// profile judges by one profile, the cheap rules first.
func (v *trial) profile(pr *profile, holidays map[int32]bool, disclosable bool) {
	for i := range pr.stops {
		v.stop(&pr.stops[i])
	}
	if v.judged != clockless {
		v.hours(pr, holidays)
	}
	if pr.requests != nil {
		v.requests(pr.requests)
	}
	if pr.hasParties {
		v.parties(pr)
	}
	v.places(pr)
	for i := range pr.channels {
		v.channelRule(&pr.channels[i])
	}
	for i := range pr.recording {
		if r := &pr.recording[i]; !v.action.Recording && v.binds(r) {
			v.hit(r.reason, r.id, r.cite)
		}
	}
	for i := range pr.content {
		v.content(&pr.content[i], disclosable)
	}
	if v.event != none {
		for i := range pr.onsite {
			v.onsite(&pr.onsite[i])
		}
		return
	}
	for i := range pr.team {
		v.team(&pr.team[i])
	}
	for i := range pr.notices {
		v.notice(&pr.notices[i], holidays)
	}
	if v.enough() {
		return
	}
	for i := range pr.caps {
		v.cap(&pr.caps[i])
	}
	for i := range pr.cooldowns {
		v.cooldown(&pr.cooldowns[i])
	}
	for i := range pr.lastResort {
		v.lastResort(&pr.lastResort[i])
	}
}

func (v *trial) stop(s *stopRule) {
	if s.flag != "" {
		since, up := v.flagSince(s.flag, v.day)
		if !up || s.maxDays > 0 && since != firstDay && v.day >= since+s.maxDays {
			return
		}
	}
	if s.unlessParty.has(v.party) || s.allowPurpose.has(v.purpose) || v.anyFlagUp(s.unlessFlags, v.day) ||
		!v.binds(&s.rule) {
		return
	}
	v.hit(s.reason, s.id, s.cite)
}

func (v *trial) parties(pr *profile) {
	row := pr.parties[v.party]
	if row == nil {
		v.named("PARTY_NOT_ALLOWED", pr.partiesID, nil)
		return
	}
	switch {
	case !row.allow && !v.anyFlagUp(row.allowIfFlag, v.day) && !v.isLifted(row.unless, v.t):
		v.named("PARTY_NOT_ALLOWED", row.id, row.cite)
	case row.stopOnRefusal && v.flagUp(row.refusedFlag, v.day):
		v.named("PARTY_REFUSED", row.id, row.cite)
	case !row.purposes.has(v.purpose):
		v.named("PARTY_PURPOSE", row.id, row.cite)
	}
	if row.max == 0 || v.event != none || v.flagUp("party_asked_for_more", v.day) {
		return
	}
	n := 0
	for i := range v.history {
		if h := &v.history[i]; h.at <= v.t && h.samePerson && counted["contacts"].has(int(h.result)) {
			n++
		}
	}
	if n >= row.max {
		v.named("PARTY_CAP", row.id, row.cite)
	}
}

func (v *trial) places(pr *profile) {
	if v.place == none || v.channel != chVisit && v.channel != chCall && v.channel != chLetter {
		return
	}
	r := &pr.places[v.place]
	denied := false
	switch r.mode {
	case placeDeny:
		denied = true
	case placeNeedsConsent:
		denied = !v.consented(placeScopes[v.place], v.t)
	case placeNeedsFlag:
		denied = !v.flagUp("home_unavailable", v.day)
	case placeEmployer:
		denied = v.flagUp("employer_prohibits", v.day)
	}
	if denied {
		v.named("PLACE_NOT_ALLOWED", r.id, pr.placesCite)
	}
}

func (v *trial) channelRule(r *channelRule) {
	if !v.binds(&r.rule) {
		return
	}
	if r.needsTag != "" && !has(v.action.ContentTags, r.needsTag) || r.denyIfOptOut && v.optOut ||
		r.needsConsent != "" && !v.consented(r.needsConsent, v.t) {
		v.hit(r.reason, r.id, r.cite)
	}
}

func (v *trial) content(r *contentRule, disclosable bool) {
	for _, tag := range v.action.ContentTags {
		if (has(r.forbid, tag) || !disclosable && has(r.forbidUndisclosed, tag)) && v.binds(&r.rule) {
			v.hit(r.reason, r.id, r.cite)
			return
		}
	}
}

// onsite judges an event by its rules.
func (v *trial) onsite(r *onsiteRule) {
	if r.event != v.event || !v.binds(&r.rule) {
		return
	}
	if r.forbidden || r.needsConsent != "" && !v.consented(r.needsConsent, v.t) ||
		r.after != none && v.known(r.after) || r.needs != none && !v.known(r.needs) {
		v.hit(r.reason, r.id, r.cite)
	}
}

// known tells whether a fact (a code of onsites) is known at the door.
func (v *trial) known(fact int) bool {
	s := &v.action.Onsite
	return [len(onsites)]bool{s.AskedToLeave, s.Distressed, s.IdentityVerified}[fact]
}

var paperReasons = [len(papers)]string{"BADGE_MISSING", "AUTH_LETTER_MISSING", "CERT_MISSING"}

func (v *trial) team(r *teamRule) {
	if !v.binds(&r.rule) {
		return
	}
	if max(v.action.Agents, 1) < r.minAgents {
		v.hit(r.reason, r.id, r.cite)
	}
	for _, paper := range r.needs {
		if !has(v.action.Items, papers[paper]) {
			v.named(paperReasons[paper], r.id, r.cite)
		}
	}
}

func (v *trial) notice(r *noticeRule, holidays map[int32]bool) {
	n := &v.visitNotice
	if r.agency {
		n = &v.agencyNotice
		if v.byLender {
			return
		}
	}
	if !v.binds(&r.rule) {
		return
	}
	switch {
	case !n.meets(r), r.agency && n.at > v.t:
		v.hit(r.reason, r.id, r.cite)
	case r.agency:
	case n.at > v.t || workingDays(n.day, v.day, holidays, r.minDays) < r.minDays:
		v.hit(r.short, r.id, r.cite)
	}
}

// meets tells whether a notice was sent in the form and with the contents that a rule
// requires. A visit's notice must have a time of sending; an agency's need not.
func (n *sentNotice) meets(r *noticeRule) bool {
	if n.Notice == nil || len(r.forms) > 0 && !has(r.forms, n.Form) || !r.agency && n.SentAt.IsZero() {
		return false
	}
	for _, c := range r.contents {
		if !has(n.Contents, c) {
			return false
		}
	}
	return true
}

// workingDays counts the working days strictly between two days; it stops at enough.
func workingDays(from, to int32, holidays map[int32]bool, enough int) int {
	n := 0
	for day := from + 1; day < to && n < enough; day++ {
		if w := weekdayOf(day); w != 0 && w != 6 && !holidays[day] {
			n++
		}
	}
	return n
}
