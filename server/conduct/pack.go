package conduct

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// compiler turns the profiles of packs into rules. It collects problems, so that
// one error names every fault of a pack.
type compiler struct {
	p   *Policy
	ids map[string]bool
}

// notDecided are sections of a profile that are kept and shown, but have no effect on decisions.
var notDecided = []string{"complaint", "instruments", "outsourcing", "plan", "privacy", "proposed_effective",
	"retention", "training"}

func (c *compiler) profile(id string, o object) *profile {
	pr := &profile{effective: math.MinInt32, partiesID: id + "-parties"}
	pr.ID, pr.Title, pr.Extends, pr.Calendar = o.need("id"), o.str("title"), o.strs("extends"), o.str("calendar")
	if pr.ID != id {
		o.p.add(o.at("id"), "this is not the key it stands under")
	}
	pr.Status = o.need("status")
	if pr.Status != "in_force" && pr.Status != "draft" {
		o.p.add(o.at("status"), "a status is in_force or draft")
	}
	if pr.EffectiveFrom = o.str("effective_from"); pr.EffectiveFrom != "" {
		pr.effective = readDay(o.p, o.at("effective_from"), pr.EffectiveFrom)
	}
	if tz, ok := o.object("timezone"); ok {
		if pr.Zone = tz.str("default"); pr.Zone != "" && c.p.zone(pr.Zone) == nil {
			tz.p.add(tz.at("default"), "this is not a zone of the IANA list")
		}
		for key, only := range map[string]string{"basis": "debtor_location", "when_ambiguous": "intersection"} {
			if s := tz.str(key); s != "" && s != only {
				tz.p.add(tz.at(key), "only %s is known", only)
			}
		}
		c.cites(tz)
		tz.done()
	}
	if pr.Calendar != "" && c.p.calendars[pr.Calendar] == nil {
		o.p.add(o.at("calendar"), "there is no such calendar")
	}
	for _, r := range o.objects("hours") {
		pr.hours = append(pr.hours, c.hours(r))
	}
	for _, r := range o.objects("closed_days") {
		k := closedRule{rule: c.rule(r, "CLOSED_DAY"), holidays: r.flag("public_holidays")}
		if l, ok := r.m["days"].([]any); ok && len(l) == 0 && k.holidays {
			r.skip("days") // public holidays alone
		} else {
			k.days = c.days(r)
		}
		pr.closed = append(pr.closed, k)
		r.done()
	}
	for _, r := range o.objects("caps") {
		pr.caps = append(pr.caps, c.cap(r))
	}
	for _, r := range o.objects("cooldowns") {
		pr.cooldowns = append(pr.cooldowns, c.cooldown(r))
	}
	c.parties(pr, o)
	c.places(pr, o)
	if r, ok := o.object("requests"); ok {
		pr.requests = &requestsRule{id: id + "-requests", times: r.flag("honour_no_contact_times"),
			places: r.flag("honour_no_contact_places"), channels: r.flag("honour_no_channel"), cite: c.cites(r)}
		if !pr.requests.times && !pr.requests.places && !pr.requests.channels {
			neverDenies(r, "honour something")
		}
		r.done()
	}
	for _, r := range o.objects("channel_rules") {
		pr.channels = append(pr.channels, c.channel(r))
	}
	for _, r := range o.objects("prohibited_channels") {
		pr.stops = append(pr.stops, c.stop(r, "CHANNEL_PROHIBITED"))
	}
	for _, r := range o.objects("stops") {
		if r.m["flag"] == nil {
			r.p.add(r.at("flag"), "this must be given")
		}
		pr.stops = append(pr.stops, c.stop(r, ""))
	}
	for _, r := range o.objects("notice") {
		n := noticeRule{rule: c.rule(r, r.orElse("reason_missing", "NOTICE_MISSING")),
			short: c.reason(r, r.orElse("reason_short", "NOTICE_TOO_SHORT")),
			forms: c.forms(r), contents: r.strs("contents")}
		n.minDays, _ = r.integer("min_working_days", 0, 365)
		r.done()
		pr.notices = append(pr.notices, n)
	}
	for _, r := range o.objects("agency_notice") {
		pr.notices = append(pr.notices, noticeRule{rule: c.rule(r, "AGENCY_NOTICE_MISSING"), agency: true,
			forms: c.forms(r), contents: r.strs("contents")})
		r.done()
	}
	for _, r := range o.objects("team") {
		t := teamRule{rule: c.rule(r, "TEAM_TOO_SMALL")}
		t.minAgents, _ = r.integer("min_agents", 1, 100)
		for i, need := range r.strs("needs") {
			t.needs = append(t.needs, c.word(r.p, index(r.at("needs"), i), papers[:], need))
		}
		if t.minAgents < 2 && len(t.needs) == 0 && !states(r) {
			neverDenies(r, "give min_agents of 2 or more, or needs")
		}
		r.done()
		pr.team = append(pr.team, t)
	}
	for _, r := range o.objects("recording") {
		rec := c.rule(r, "RECORDING_REQUIRED")
		r.skip("media", "any_of", "whole_visit")
		if r.m["required"] == nil {
			r.p.add(r.at("required"), "this must be given: true, or false to say that the law does not ask for it")
		}
		if r.flag("required") {
			pr.recording = append(pr.recording, rec)
		}
		r.done()
	}
	for _, r := range o.objects("onsite") {
		pr.onsite = append(pr.onsite, c.onsite(r))
	}
	for _, r := range o.objects("content") {
		k := contentRule{rule: c.rule(r, ""), forbid: r.strs("forbid_tags"),
			forbidUndisclosed: r.strs("forbid_tags_when_no_disclosure")}
		if len(k.forbid)+len(k.forbidUndisclosed) == 0 && !states(r) {
			neverDenies(r, "forbid a tag")
		}
		r.done()
		for _, tag := range slices.Concat(k.forbid, k.forbidUndisclosed) {
			c.p.tags[tag] = true
		}
		pr.content = append(pr.content, k)
	}
	for _, r := range o.objects("last_resort") {
		l := lastResortRule{rule: c.rule(r, "LAST_RESORT_NOT_MET"), flag: r.str("needs_flag")}
		c.asks(l.flag)
		for _, need := range r.objects("needs_history") {
			n := historyNeed{channel: c.word(need.p, need.at("channel"), channels[:], need.need("channel"))}
			n.min, _ = need.integer("min", 1, 1000)
			need.done()
			l.needs = append(l.needs, n)
		}
		if l.flag == "" && len(l.needs) == 0 && !states(r) {
			neverDenies(r, "give needs_history or needs_flag")
		}
		r.done()
		pr.lastResort = append(pr.lastResort, l)
	}
	if k, ok := o.object("complaint"); ok {
		pr.answerDays, _ = k.integer("answer_days", 1, 365)
		pr.answerWorkingDays, _ = k.integer("answer_working_days", 1, 250)
		pr.answerCite = c.cites(k)
	}
	pr.Kept = map[string]any{}
	for _, key := range notDecided {
		if v, ok := o.take(key); ok {
			pr.Kept[key] = v
		}
	}
	o.skip("note")
	o.done()
	return pr
}

// rule reads the fields that all rules have. reason is the default of the rule's kind; "" means that the
// rule must give its own.
func (c *compiler) rule(o object, reason string) rule {
	r := rule{id: o.need("id"), channels: c.words(o, "channels", channels[:]), places: c.words(o, "places", places[:]),
		cite: c.cites(o), unless: c.unless(o)}
	if c.ids[r.id] {
		o.p.add(o.at("id"), "two rules have this id")
	}
	c.ids[r.id] = true
	switch by := o.str("by"); by {
	case "":
	case bys[0]:
		r.agencyOnly = true
	default:
		o.p.add(o.at("by"), "only agency is known")
	}
	r.placeKnown = o.flag("place_known")
	o.skip("obligation", "must_state")
	if own := o.str("reason"); own != "" {
		reason = own
	} else if reason == "" {
		o.p.add(o.at("reason"), "this must be given")
		return r
	}
	r.reason = c.reason(o, reason)
	return r
}

func (c *compiler) reason(o object, name string) int {
	i := slices.Index(c.p.reasons, name)
	if i < 0 {
		o.p.add(o.at("reason"), "reason_priority does not list %s", name)
	}
	return i
}

// cites reads a rule's sources.
func (c *compiler) cites(o object) []string {
	cite := o.strs("cite")
	for i, key := range cite {
		if _, ok := c.p.sources[key]; !ok {
			o.p.add(index(o.at("cite"), i), "there is no such source")
		}
	}
	o.skip("certainty", "note")
	return cite
}

// orElse reads a text; it returns missing if the field is absent.
func (o object) orElse(key, missing string) string {
	if s := o.str(key); s != "" {
		return s
	}
	return missing
}

// words reads a list of words, or "all"; an absent field means all. An empty list is a fault: a rule that speaks of
// nothing would never deny.
func (c *compiler) words(o object, key string, list []string) mask {
	v, ok := o.take(key)
	if !ok || v == "all" {
		return every
	}
	var m mask
	if l, ok := v.([]any); ok && len(l) == 0 {
		o.p.add(o.at(key), "this is empty, so the rule could never deny; leave it out to mean all")
	}
	for i, w := range o.strs(key) {
		if code := c.word(o.p, index(o.at(key), i), list, w); code != none {
			m |= 1 << code
		}
	}
	return m
}

func (c *compiler) word(p *problems, path string, list []string, w string) int {
	code := indexOf(list, w)
	if code == none {
		p.add(path, "this is not one of %s", strings.Join(list, ", "))
	}
	return code
}

func (c *compiler) unless(o object) []lift {
	var lifts []lift
	for i, s := range o.strs("unless") {
		kind, value, _ := strings.Cut(s, ":")
		n, err := strconv.Atoi(value)
		scope, dates, limited := strings.Cut(value, ":")
		days, daysErr := strconv.Atoi(dates)
		switch {
		case kind == "consent" && scope != "" && (!limited || daysErr == nil && days >= 1 && days <= 1000):
			c.p.scopes[scope] = true
			lifts = append(lifts, lift{scope: scope, days: int32(days)})
		case kind == "past_due_gt" && err == nil:
			lifts = append(lifts, lift{pastDue: n})
		default:
			o.p.add(index(o.at("unless"), i), "write consent:<scope>, consent:<scope>:<days> or past_due_gt:<days>")
		}
	}
	return lifts
}

func (c *compiler) days(o object) mask { return c.words(o, "days", weekdays[:]) }

func (c *compiler) hours(o object) hoursRule {
	h := hoursRule{rule: c.rule(o, "OUTSIDE_HOURS"), days: c.days(o), endInclusive: o.flag("end_inclusive")}
	for i, v := range o.list("allow") {
		path := index(o.at("allow"), i)
		s := readSpan(o.p, path, v)
		from, okFrom := parseClock(s.From)
		to, okTo := parseClock(s.To)
		if !okFrom || !okTo || from >= to {
			o.p.add(path, "hours run from one time to a later one of the same day, such as 08:00 to 24:00")
		}
		h.allow = append(h.allow, span{from, to})
	}
	o.done()
	return h
}

func (c *compiler) parties(pr *profile, o object) {
	table, ok := o.object("parties")
	if !ok {
		return
	}
	pr.hasParties = true
	table.skip("unreachable_definition", "note")
	for code, name := range parties {
		r, ok := table.object(name)
		if !ok {
			continue
		}
		row := &partyRow{id: pr.ID + "-party-" + name, cite: c.cites(r), allow: r.flag("allow"),
			allowIfFlag: r.strs("allow_if_flag"), unless: c.unless(r), purposes: c.words(r, "purposes", purposes[:]),
			stopOnRefusal: r.flag("stop_on_refusal"), refusedFlag: "refused_" + name}
		c.asks(row.refusedFlag)
		c.asks(row.allowIfFlag...)
		if r.m["allow"] == nil {
			r.p.add(r.at("allow"), "this must be given")
		}
		row.disclose = row.allow
		if _, given := r.take("disclose_debt"); given {
			row.disclose = r.flag("disclose_debt")
		}
		if n, ok := r.integer("max_contacts_ever", 1, 1000); ok {
			row.max = n
		}
		r.skip("must_state")
		r.done()
		pr.parties[code] = row
	}
	table.done()
}

func (c *compiler) places(pr *profile, o object) {
	table, ok := o.object("places")
	if !ok {
		return
	}
	if source := table.str("source"); source != "" {
		if _, ok := c.p.sources[source]; !ok {
			table.p.add(table.at("source"), "there is no such source")
		}
		pr.placesCite = []string{source}
	}
	for code, name := range places {
		word := table.str(name)
		if word == "" {
			continue
		}
		mode, ok := placeModes[word]
		if !ok {
			table.p.add(table.at(name), "this is not a rule for a place")
		}
		pr.places[code] = placeRule{pr.ID + "-place-" + name, mode}
	}
	table.skip("note", "certainty")
	table.done()
}

func (c *compiler) channel(o object) channelRule {
	r := channelRule{rule: c.rule(o, ""), needsTag: o.str("needs_content_tag"), needsConsent: o.str("needs_consent")}
	if r.needsTag != "" {
		c.p.tags[r.needsTag] = true
	}
	if r.needsConsent != "" {
		c.p.scopes[r.needsConsent] = true
	}
	switch o.str("deny_if_request") {
	case "opt_out":
		r.denyIfOptOut = true
	case "":
	default:
		o.p.add(o.at("deny_if_request"), "only opt_out is known")
	}
	if r.needsTag == "" && r.needsConsent == "" && !r.denyIfOptOut && !states(o) {
		neverDenies(o, "give needs_content_tag, needs_consent or deny_if_request")
	}
	o.done()
	return r
}

func (c *compiler) stop(o object, reason string) stopRule {
	s := stopRule{rule: c.rule(o, reason), flag: o.str("flag")}
	if n, ok := o.integer("max_days", 1, 10000); ok {
		s.maxDays = int32(n)
	}
	if v, ok := o.take("unless_flag"); ok {
		if name, lone := v.(string); lone {
			s.unlessFlags = []string{name}
		} else {
			s.unlessFlags = o.strs("unless_flag")
		}
	}
	c.asks(s.flag)
	c.asks(s.unlessFlags...)
	if o.m["unless_party"] != nil {
		s.unlessParty = c.words(o, "unless_party", parties[:])
	}
	for _, key := range []string{"allow_purpose", "unless_purpose"} {
		if _, given := o.take(key); given {
			s.allowPurpose |= c.words(o, key, purposes[:])
		}
	}
	o.read["unless_party"] = true
	switch {
	case s.unlessParty.covers(len(parties)):
		neverDenies(o, "unless_party names every party")
	case s.allowPurpose.covers(len(purposes)):
		neverDenies(o, "allow_purpose and unless_purpose name every purpose")
	case s.flag != "" && slices.Contains(s.unlessFlags, s.flag):
		neverDenies(o, "unless_flag names its own flag")
	}
	o.done()
	return s
}

func (c *compiler) onsite(o object) onsiteRule {
	r := onsiteRule{rule: c.rule(o, ""), event: c.word(o.p, o.at("event"), events[:], o.need("event")),
		needsConsent: o.str("needs_consent"), after: none, needs: none}
	if r.needsConsent != "" {
		c.p.scopes[r.needsConsent] = true
	}
	if w := o.str("after"); w != "" {
		r.after = c.word(o.p, o.at("after"), onsites[:], w)
	}
	if w := o.str("needs"); w != "" {
		r.needs = c.word(o.p, o.at("needs"), onsites[:], w)
	}
	if _, given := o.take("allowed"); given {
		r.forbidden = !o.flag("allowed")
	}
	switch {
	case states(o):
	case !r.forbidden && r.needsConsent == "" && r.after == none && r.needs == none:
		neverDenies(o, "give needs_consent, after, needs or allowed: false")
	case !r.channels.has(chVisit):
		neverDenies(o, "only a visit has events, and channels leaves it out")
	}
	o.done()
	return r
}

func readDay(p *problems, path, s string) int32 {
	d, ok := parseDay(s)
	if !ok {
		p.add(path, "write a date as 2006-01-02")
	}
	return d
}
