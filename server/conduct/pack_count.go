package conduct

var counted = map[string]mask{
	"attempts":            every,
	"conversations":       1 << resultAnswered,
	"unanswered_attempts": 1 << resultNoAnswer,
	"contacts":            1<<resultContact | 1<<resultAnswered | 1<<resultDelivered | 1<<resultSent,
}

func (c *compiler) cap(o object) capRule {
	r := capRule{rule: c.rule(o, "FREQ_CAP"), counts: c.counts(o, "count"), scope: c.scope(o),
		presumptive: o.flag("presumptive")}
	var ok bool
	if r.max, ok = o.integer("max", 0, 10000); !ok {
		o.p.add(o.at("max"), "this must be given")
	}
	w, _ := o.object("window")
	switch w.need("type") {
	case "calendar_day", "rolling_days":
	case "calendar_month":
		r.window = calendarMonth
	default:
		w.p.add(w.at("type"), "this is not one of calendar_day, rolling_days, calendar_month")
	}
	if r.n, ok = w.integer("n", 1, 1000); !ok {
		r.n = 1
	}
	w.done()
	o.done()
	return r
}

func (c *compiler) cooldown(o object) capRule {
	r := capRule{rule: c.rule(o, "COOLDOWN"), scope: c.scope(o), presumptive: o.flag("presumptive")}
	switch o.need("after") {
	case "attempt":
		r.counts = counted["attempts"]
	case "contact":
		r.counts = counted["contacts"]
	case "conversation":
		r.counts = counted["conversations"]
	default:
		o.p.add(o.at("after"), "this is not one of attempt, contact, conversation")
	}
	var ok bool
	if r.n, ok = o.integer("days", 1, 1000); !ok {
		o.p.add(o.at("days"), "this must be given")
	}
	// The day of the event counts as the first day, unless the pack says first_day_is_event: false.
	if _, given := o.take("first_day_is_event"); given && !o.flag("first_day_is_event") {
		r.n++
	}
	o.done()
	return r
}

func (c *compiler) counts(o object, key string) mask {
	m, ok := counted[o.need(key)]
	if !ok {
		o.p.add(o.at(key), "this is not one of attempts, conversations, unanswered_attempts, contacts")
	}
	return m
}

func (c *compiler) scope(o object) scopeKind {
	code := c.word(o.p, o.at("scope"), []string{"case", "debt", "number", "debtor"}, o.need("scope"))
	return scopeKind(max(code, 0))
}
