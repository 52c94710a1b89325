package record

import "strings"

// Rename gives every id by which a state names a record of another kind to fn, and puts
// what fn answers in its place. Cases and debtors keep their ids everywhere and are not
// given. The state must be open.
func Rename(state any, fn func(kind, id string) string) {
	set := func(kind string, id *string) {
		if *id != "" {
			*id = fn(kind, *id)
		}
	}
	about := func(a *About, own string) {
		set("visits", &a.Visit)
		set(own, &a.Supersedes)
	}
	step := func(s *PlanStep) {
		if s != nil {
			set("consents", &s.Consent)
		}
	}
	switch v := state.(type) {
	case *Visit:
		set("assignments", &v.Assignment)
		set("visits", &v.Supersedes)
		set("plans", &v.Plan)
		if v.Recording != nil {
			set("consents", &v.Recording.Consent)
		}
		if signs := v.Vulnerability.Plain(); len(signs) > 0 {
			for i := range signs {
				set("consents", &signs[i].Consent)
			}
			v.Vulnerability = NewPersonal(signs)
		}
	case *Note:
		about(&v.About, "visit_notes")
	case *Consent:
		about(&v.About, "consents")
		set("consents", &v.Withdraws)
	case *Confirmation:
		about(&v.About, "visit_confirmations")
	case *Signature:
		about(&v.About, "signatures")
		if v.OfType != "" {
			set(v.OfType, &v.Of)
		}
	case *PaymentReported:
		about(&v.About, "payments_reported")
	case *StoredAttachment:
		set(v.RecordType, &v.Record)
	case *Plan:
		set("visits", &v.Visit)
		set("plans", &v.ReplacedBy)
		step(v.Offered)
		step(v.Accepted)
	case *CorrectionReview:
		set(v.Type, &v.Record)
	case *Complaint:
		set("visits", &v.Visit)
	case *Contact:
		set("visits", &v.Visit)
	case *Message:
		set("replies", &v.Reply)
		set("replies", &v.Answers)
	case *Ladder:
		set("messages", &v.Waiting)
		for i := range v.Texts {
			set("messages", &v.Texts[i].Message)
		}
	case *Reply:
		set("messages", &v.Message)
	case *Assignment:
		if v.Status == AssignmentDone {
			set("visits", &v.ClosedBy)
		}
	case *Case:
		set("plans", &v.LivePlan)
		v.renameSources(fn)
	}
}

// renameSources renames in the sources of holds and appointments: "visit:<id>", "consent:<id>", "complaint:<id>",
// "reply:<id>".
func (c *Case) renameSources(fn func(kind, id string) string) {
	source := func(s string) string {
		kind, id, found := strings.Cut(s, ":")
		kinds := map[string]string{"visit": "visits", "consent": "consents", "complaint": "complaints", "reply": "replies"}
		if !found || kinds[kind] == "" {
			return s
		}
		return kind + ":" + fn(kinds[kind], id)
	}
	if holds := c.AllHolds(); len(holds) > 0 && c.Holds.IsOpen() {
		for i := range holds {
			holds[i].Source = source(holds[i].Source)
		}
		c.SetHolds(holds)
	}
	if stops := c.NumberStops.Plain(); len(stops) > 0 {
		for i := range stops {
			stops[i].Source = source(stops[i].Source)
		}
		c.NumberStops = NewPersonal(stops)
	}
	if links := c.PageLinks.Plain(); len(links) > 0 {
		for i := range links {
			for _, m := range []*string{&links[i].Message, &links[i].Code} {
				if *m != "" {
					*m = fn("messages", *m)
				}
			}
		}
		c.PageLinks = NewPersonal(links)
	}
	if times := c.AllAppointments(); len(times) > 0 {
		for i := range times {
			times[i].Source = source(times[i].Source)
		}
		c.SetAppointments(times)
	}
}
