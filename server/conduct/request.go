package conduct

import (
	"regexp"
	"strconv"
	"strings"

	"doorstep/auth/strictjson"
)

// maxDurationMin is the longest duration of an act in minutes: one day.
const maxDurationMin = 24 * 60

// ParseRequest reads a question strictly: an unknown field, a value of the wrong kind, a
// word outside a closed list and a malformed time are a *refusal.Error with the field's
// path. Content tags, consent scopes and profiles depend on the policy, so Judge checks
// them.
func ParseRequest(data []byte) (Request, error) {
	var req Request
	err := unmarshal(data, func(p *problems, v any) { req = readRequest(p, v) })
	if err != nil {
		return Request{}, err
	}
	if err := checkLists(req.Action, req.Case, req.History); err != nil {
		return Request{}, err
	}
	return req, nil
}

// unmarshal decodes one JSON value and reads it strictly.
func unmarshal(data []byte, read func(p *problems, v any)) error {
	v, f := strictjson.Value(data)
	if f != nil {
		return invalid(shownPlace(f.Place), "%v", f)
	}
	p := &problems{code: "conduct.invalid"}
	read(p, v)
	return p.first()
}

// placePart matches the parts of a place that come from the names of fields.
var placePart = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}(\[\d+\])*$`)

// shownPlace is a place in a text up to the first name that a field cannot have: that name may be a person's.
func shownPlace(place string) string {
	parts := strings.Split(place, ".")
	for i, part := range parts {
		if !placePart.MatchString(part) {
			return strings.Join(parts[:i], ".")
		}
	}
	return place
}

func readRequest(p *problems, v any) Request {
	if v == nil {
		p.add("", "this must be an object")
	}
	o := newObject(p, "", v)
	var req Request
	req.Profiles = o.strs("profiles")
	if req.Profiles == nil {
		p.add("profiles", "this must be given")
	}
	if a, ok := o.object("action"); ok {
		req.Action = readAction(a)
	} else {
		p.add("action", "this must be given")
	}
	c, _ := o.object("case")
	req.Case = readCase(c)
	for _, h := range o.objects("history") {
		req.History = append(req.History, readEntry(h))
	}
	if _, lone := o.m["history"].(map[string]any); lone {
		p.add("history", "this must be a list")
	}
	o.done()
	return req
}

func readAction(o object) Action {
	a := Action{Channel: o.need("channel"), TZ: o.strs("tz"), Place: o.str("place"), Party: o.str("party"),
		PartyRef: o.str("party_ref"), Purpose: o.str("purpose"), Items: o.strs("items"), Recording: o.flag("recording"),
		By: o.str("by"), Case: o.str("case"), Debt: o.str("debt"), Number: o.str("number"),
		ContentTags: o.strs("content_tags"), Event: o.str("event")}
	o.filled("place", "party", "purpose", "by", "event")
	if o.need("at") != "" {
		a.At = o.when("at")
	}
	a.Agents, _ = o.integer("agents", 1, 1000)
	a.DurationMin, _ = o.integer("duration_min", 0, maxDurationMin)
	if s, ok := o.object("onsite"); ok {
		a.Onsite = Onsite{s.flag("asked_to_leave"), s.flag("distressed"), s.flag("identity_verified")}
		s.done()
	}
	o.done()
	return a
}

// filled refuses an empty text in fields that may be absent but not empty.
func (o object) filled(keys ...string) {
	for _, k := range keys {
		if o.m[k] == "" {
			o.p.add(o.at(k), "leave this out, or give it")
		}
	}
}

func readCase(o object) Case {
	var c Case
	if n, ok := o.integer("past_due_days", -1<<30, 1<<30); ok {
		c.PastDueDays = &n
	}
	if flags, ok := o.object("flags"); ok {
		c.Flags = map[string]Flag{}
		for _, name := range flags.keys() {
			c.Flags[name] = readFlag(o.p, flags.at(name), flags.m[name])
		}
	}
	if r, ok := o.object("requests"); ok {
		for i, v := range r.list("no_contact_times") {
			c.Requests.NoContactTimes = append(c.Requests.NoContactTimes, readSpan(o.p, index(r.at("no_contact_times"), i), v))
		}
		c.Requests.NoPlaces, c.Requests.NoChannels = r.strs("no_places"), r.strs("no_channels")
		for i, v := range r.list("opt_out") {
			c.Requests.OptOut = append(c.Requests.OptOut, readOptOut(o.p, index(r.at("opt_out"), i), v))
		}
		r.done()
	}
	for i, v := range o.list("consents") {
		co := newObject(o.p, index(o.at("consents"), i), v)
		consent := Consent{Scope: co.need("scope"), ExpiresAt: co.when("expires_at"), RevokedAt: co.when("revoked_at")}
		if co.need("given_at") != "" {
			consent.GivenAt = co.when("given_at")
		}
		consent.ValidFrom = co.when("valid_from")
		co.done()
		c.Consents = append(c.Consents, consent)
	}
	if n, ok := o.object("notice"); ok {
		c.Notice.Visit, c.Notice.Agency = readNotice(n, "visit"), readNotice(n, "agency")
		n.done()
	}
	o.done()
	return c
}

func readNotice(o object, key string) *Notice {
	n, ok := o.object(key)
	if !ok {
		return nil
	}
	notice := &Notice{SentAt: n.when("sent_at"), Form: n.str("form"), Contents: n.strs("contents")}
	n.filled("form")
	n.done()
	return notice
}

func readFlag(p *problems, path string, v any) Flag {
	switch v := v.(type) {
	case bool:
		return Flag{Off: !v}
	case map[string]any:
		o := newObject(p, path, v)
		f := Flag{Since: o.str("since"), Until: o.str("until")}
		o.filled("since", "until")
		o.done()
		if v["since"] == nil && v["until"] == nil {
			p.add(path, "a flag is true, false, or an object with since and until; an object needs one of them")
		}
		return f
	}
	p.add(path, "a flag is true, false, or an object with since and until")
	return Flag{Off: true}
}

func readSpan(p *problems, path string, v any) Span {
	l, ok := v.([]any)
	if !ok || len(l) != 2 {
		p.add(path, `a span is a pair such as ["08:00","12:00"]`)
		return Span{}
	}
	return Span{readStr(p, path+"[0]", l[0]), readStr(p, path+"[1]", l[1])}
}

func readOptOut(p *problems, path string, v any) OptOut {
	if s, ok := v.(string); ok {
		return OptOut{Channel: s}
	}
	if v == nil {
		p.add(path, "this must be a channel, or an object with channel and number")
	}
	o := newObject(p, path, v)
	out := OptOut{Channel: o.need("channel"), Number: o.str("number")}
	o.done()
	return out
}

func readEntry(o object) HistoryEntry {
	e := HistoryEntry{Channel: o.need("channel"), Result: o.str("result"), Party: o.str("party"),
		PartyRef: o.str("party_ref"), Place: o.str("place"), Purpose: o.str("purpose"), Case: o.str("case"),
		Debt: o.str("debt"), Number: o.str("number"), Event: o.str("event"), Excluded: o.flag("excluded")}
	o.filled("result", "party", "place", "purpose", "event")
	if o.need("at") != "" {
		e.At = o.when("at")
	}
	o.done()
	return e
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
