package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/server/casework"
	"doorstep/server/doorway"
)

// helpList is a list of where help is found.
func helpList(all []doorway.Help) (out []doorway.Link) {
	for _, h := range all {
		out = append(out, doorway.Link{To: h.URL, Text: strings.TrimSpace(h.Name + " " + h.Phone), Out: true})
	}
	return out
}

// outside says where else one can complain.
func (q *doorCall) outside() doorway.Block {
	b := doorway.Block{Heading: q.words.Say("outside"), Links: helpList(doorway.HelpIn(q.file.Case.Country).Outside)}
	if len(b.Links) == 0 {
		b.Says = []string{q.words.Say("no_outside")}
	}
	return b
}

// advice says where free advice is.
func (q *doorCall) advice() doorway.Block {
	b := doorway.Block{Heading: q.words.Say("advice"), Links: helpList(doorway.HelpIn(q.file.Case.Country).Advice)}
	if len(b.Links) == 0 {
		b.Says = []string{q.words.Say("no_advice")}
	}
	return b
}

func (a *API) rightsPage(q *doorCall) {
	w := q.words
	d := q.question(w.Say("rights"))
	var list []string
	for _, name := range []string{"door", "force", "police", "others", "no", "see", "help"} {
		list = append(list, w.Say("right_"+name))
	}
	d.Blocks = []doorway.Block{{List: list}, q.advice(), q.outside()}
	a.showPage(q, http.StatusOK, d)
}

func (a *API) figuresPage(q *doorCall) {
	w, f := q.words, q.file
	d := q.question(w.Say("figures"))
	rows := [][2]string{{w.Say("fig_to"), a.lender(q)}, {w.Say("fig_amount"), q.amount(f.Case.AmountDueMinor)},
		{w.Say("fig_since"), w.Date(f.Case.DueDate)}, {w.Say("fig_paid"), q.amount(f.Case.PaidMinor)}}
	for _, x := range f.Payments[max(0, len(f.Payments)-24):] {
		if n := x.State.Brought(); n > 0 {
			day := x.State.PaidAt.In(f.Zone).Format(time.DateOnly)
			rows = append(rows, [2]string{w.Say("fig_payment", "date", w.Date(day)), q.amount(n)})
		}
	}
	d.Blocks = []doorway.Block{{Rows: rows}, {Says: []string{w.Say("fig_wrong")},
		Links: []doorway.Link{{To: doorPath + "/wrong", Text: w.Say("wrong")}}}}
	a.showPage(q, http.StatusOK, d)
}

func (a *API) yoursPage(q *doorCall) {
	w, f := q.words, q.file
	k := &f.Case
	d := q.question(w.Say("yours"))
	rows := [][2]string{{w.Say("y_name"), k.DebtorName.Plain()},
		{w.Say("y_address"), strings.Trim(k.Address.Plain()+", "+k.PostalCode.Plain()+" "+k.City.Plain(), ", ")},
		{w.Say("y_phone"), k.Phone.Plain()}, {w.Say("y_reference"), k.CaseRef},
		{w.Say("figures"), q.amount(k.AmountDueMinor)}}
	texts := 0
	for i := range f.Messages {
		if !f.Messages[i].State.SentAt.IsZero() {
			texts++
		}
	}
	for _, n := range []struct {
		name  string
		count int
	}{{"y_visits", len(f.Visits)}, {"y_texts", texts}, {"y_notes", f.Notes}, {"y_complaints", len(f.Complaints)},
		{"y_plans", len(f.Plans)}} {
		rows = append(rows, [2]string{w.Say(n.name), strconv.Itoa(n.count)})
	}
	d.Blocks = []doorway.Block{{Says: []string{w.Say("yours_say", "lender", a.lender(q))},
		Rows: slices.DeleteFunc(rows, func(r [2]string) bool { return r[1] == "" })},
		{Links: []doorway.Link{{To: doorPath + "/agreed", Text: w.Say("agreed")},
			{To: doorPath + "/wrong", Text: w.Say("fig_wrong")}}},
		{Heading: w.Say("copy"), Says: []string{w.Say("copy_say")}, Form: &doorway.Form{To: q.at, Button: w.Say("copy")}}}
	a.showPage(q, http.StatusOK, d)
}

func (a *API) takeCopy(q *doorCall) {
	w := q.words
	if q.form("send") == "" {
		d := q.question(w.Say("copy_head"))
		d.Back, d.Here = q.at, ""
		d.Blocks = []doorway.Block{{Says: []string{w.Say("copy_say")}, Form: &doorway.Form{To: q.at,
			Button: w.Say("copy_yes"), Hidden: [][2]string{{"send", "1"}, {"key", newKey()}}}}}
		a.showPage(q, http.StatusOK, d)
		return
	}
	a.tell(q, telling{kind: casework.PageCopy, done: []string{"done_copy"}})
}

func (a *API) agreedPage(q *doorCall) {
	w, f := q.words, q.file
	d := q.question(w.Say("agreed"))
	for _, x := range f.Agreed(q.now) {
		c := &x.Consent
		b := doorway.Block{Heading: q.scope(c.Scope),
			Says: []string{w.Say("agreed_on", "date", q.day(c.At))},
			Rows: [][2]string{{w.Say("agreed_how"), q.method(c.Method)}, {w.Say("agreed_to"), a.lender(q)},
				{w.Say("agreed_receipt"), x.ID}}}
		switch {
		case !x.Ended.IsZero():
			b.Says = append(b.Says, w.Say("agreed_ended", "date", q.day(x.Ended)))
		case c.ExpiresAt.IsZero():
			b.Says = append(b.Says, w.Say("agreed_open"))
		default:
			b.Says = append(b.Says, w.Say("agreed_until", "date", q.day(c.ExpiresAt)))
		}
		if x.Ended.IsZero() {
			b.Form = &doorway.Form{To: q.at, Button: w.Say("agreed_end"), Hidden: [][2]string{{"consent", x.ID}}}
		}
		d.Blocks = append(d.Blocks, b)
	}
	if len(d.Blocks) == 0 {
		d.Blocks = []doorway.Block{{Says: []string{w.Say("agreed_none")}}}
	}
	a.showPage(q, http.StatusOK, d)
}

// day writes the debtor's local date of an instant.
func (q *doorCall) day(at time.Time) string {
	return q.words.Date(at.In(q.file.Zone).Format(time.DateOnly))
}

// scope and method write codes of a consent in words.
func (q *doorCall) scope(code string) string { return q.coded("s_", code) }

func (q *doorCall) method(code string) string { return q.coded("m_", code) }

func (q *doorCall) coded(prefix, code string) string {
	if q.words.Has(prefix + code) {
		return q.words.Say(prefix + code)
	}
	return q.words.Say(prefix)
}

func (a *API) takeAgreed(q *doorCall) {
	w, id := q.words, q.form("consent")
	i := slices.IndexFunc(q.file.Agreed(q.now), func(x casework.Agreed) bool { return x.ID == id })
	if i < 0 {
		a.agreedPage(q)
		return
	}
	if q.form("send") == "" {
		d := q.question(w.Say("agreed_head"))
		d.Back, d.Here = q.at, ""
		d.Blocks = []doorway.Block{{Says: []string{q.scope(q.file.Agreed(q.now)[i].Consent.Scope), w.Say("agreed_say")},
			Form: &doorway.Form{To: q.at, Button: w.Say("agreed_yes"),
				Hidden: [][2]string{{"consent", id}, {"send", "1"}, {"key", newKey()}}}}}
		a.showPage(q, http.StatusOK, d)
		return
	}
	r, err := a.act(q, casework.PageConsentEnded{Case: q.ref.Case, Link: q.ref.Link, Consent: id})
	if a.doorRefused(q, err) {
		return
	}
	a.showDone(q, r, w.Say("done_agreed"))
}
