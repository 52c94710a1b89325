package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/doorway"
	"doorstep/server/ladder"
	"doorstep/server/record"
)

// talkPage asks what a person can pay, or shows the plan that is in force.
func (a *API) talkPage(q *doorCall) {
	if id, p := q.file.PlanInForce(); p != nil {
		a.planPage(q, id, p)
		return
	}
	a.askTalk(q, http.StatusOK, "", "", "", "")
}

func (a *API) askTalk(q *doorCall, status int, can, monthly, mendCan, mend string) {
	w := q.words
	d := q.question(w.Say("talk_head"))
	d.Blocks = []doorway.Block{{Says: []string{w.Say("talk_first")}}, q.advice(),
		{Form: &doorway.Form{To: q.at, Button: w.Say("continue"), Fields: []doorway.Field{
			{Name: "monthly", Label: w.Say("talk_label", "currency", q.file.Case.Currency), Why: w.Say("talk_hint"),
				Numbers: "decimal", Fill: "off", Value: monthly, Mend: mend},
			{Name: "can", Label: w.Say("talk_head"), Value: can, Mend: mendCan, Options: [][2]string{
				{"number", w.Say("talk_know")}, {"unknown", w.Say("talk_unknown")}, {"nothing", w.Say("talk_nothing")}}}}}}}
	a.showPage(q, status, d)
}

// minorOf reads an amount that a person typed, with a point or a comma, in minor units; false for what is none.
func minorOf(text, currency string) (int64, bool) {
	text = strings.Map(func(r rune) rune {
		if d, ok := digit(r); ok {
			return d
		}
		switch r {
		case '，', '٫', ',':
			return '.'
		case ' ', '\u00a0', '\u202f':
			return -1
		}
		return r
	}, text)
	whole, part, _ := strings.Cut(text, ".")
	shown := ladder.Amount(1, currency, "en") // as many decimals as the currency has
	_, decimals, _ := strings.Cut(strings.TrimSuffix(shown, " "+currency), ".")
	if len(whole) == 0 || len(whole) > 12 || len(part) > len(decimals) || strings.Trim(whole+part, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", len(decimals)-len(part)), 10, 64)
	return n, err == nil && n > 0
}

func (a *API) takeTalk(q *doorCall) {
	w := q.words
	if id := q.form("end"); id != "" {
		a.endPlan(q, id)
		return
	}
	if q.form("plan") != "" {
		a.choosePlan(q)
		return
	}
	if id, p := q.file.PlanInForce(); p != nil {
		a.planPage(q, id, p)
		return
	}
	can, typed := q.form("can"), q.form("monthly")
	monthly, ok := minorOf(typed, q.file.Case.Currency)
	if can == "" && typed != "" {
		can = "number"
	}
	switch {
	case can == "nothing":
		a.tell(q, telling{kind: casework.PagePlan, what: w.Say("talk_nothing"), text: q.form("text"), hidden: "can",
			done: []string{"done_answer"}})
	case can == "number" && !ok:
		a.askTalk(q, http.StatusUnprocessableEntity, can, typed, "", w.Say("talk_bad"))
	case can != "number" && can != "unknown":
		a.askTalk(q, http.StatusUnprocessableEntity, can, typed, w.Say("missing_choice"), "")
	default:
		if can == "unknown" {
			monthly = 0
		}
		a.showOffers(q, http.StatusOK, monthly, "")
	}
}

// offered are the plans that may be chosen, as options: the value is the request of the plan.
func (a *API) offered(q *doorCall, monthly int64) (options [][2]string, offers []casework.PageOffer, err error) {
	offers, err = a.opt.Casework.PageOffers(q.ctx, q.file, monthly, q.now)
	for _, o := range offers {
		text, bad := json.Marshal(o.Asked)
		if bad != nil {
			return nil, nil, bad
		}
		options = append(options, [2]string{string(text), a.offerSays(q, &o.Plan)})
	}
	return options, offers, err
}

func (a *API) offerSays(q *doorCall, p *record.Plan) string {
	first, last := p.Instalments[0], p.Instalments[len(p.Instalments)-1]
	return q.words.Say("offer", "amount", q.amount(first.AmountMinor), "count", strconv.Itoa(len(p.Instalments)), "first",
		q.words.Date(first.DueOn), "last", q.words.Date(last.DueOn), "total", q.amount(p.TotalMinor))
}

func (a *API) showOffers(q *doorCall, status int, monthly int64, mend string) {
	w := q.words
	options, _, err := a.offered(q, monthly)
	if err != nil {
		a.doorTrouble(q, err)
		return
	}
	d := q.question(w.Say("offers"))
	d.Back, d.Here = q.at, ""
	says := []string{w.Say("offers_no")}
	if len(options) > 0 {
		says = []string{w.Say("talk_first"), w.Say("offers_say", "amount", q.amount(q.file.Case.AmountDueMinor)),
			w.Say("offers_interest", "lender", a.lender(q))}
	}
	options = append(options, [2]string{noneOfThese, w.Say("offers_none")})
	d.Blocks = []doorway.Block{{Says: says, Form: &doorway.Form{To: q.at, Button: w.Say("continue"),
		Hidden: [][2]string{{"monthly", strconv.FormatInt(monthly, 10)}, {"plan", "choose"}},
		Fields: []doorway.Field{{Name: "offer", Label: w.Say("offers"), Options: options, Mend: mend}}}}}
	a.showPage(q, status, d)
}

// choosePlan takes the choice of a plan.
func (a *API) choosePlan(q *doorCall) {
	w, chosen := q.words, q.form("offer")
	monthly, err := strconv.ParseInt(q.form("monthly"), 10, 64)
	if err != nil || monthly < 0 || monthly > record.MaxMinor {
		monthly = 0
	}
	if chosen == noneOfThese || q.form("told") != "" {
		text := q.form("text")
		if text == "" && monthly > 0 {
			text = w.Say("talk_label", "currency", q.file.Case.Currency) + " " + q.amount(monthly)
		}
		if q.form("send") == "" {
			a.showChecked(q, []string{w.Say("offers_none"), text}, "", [][2]string{{"plan", "choose"}, {"text", text},
				{"told", "1"}})
			return
		}
		a.tell(q, telling{kind: casework.PagePlan, text: text, done: []string{"done_answer"}})
		return
	}
	var asked record.PlanAsked
	if json.Unmarshal([]byte(chosen), &asked) != nil {
		a.showOffers(q, http.StatusUnprocessableEntity, monthly, w.Say("missing_choice"))
		return
	}
	if q.form("send") == "" {
		options, _, err := a.offered(q, monthly)
		if err != nil {
			a.doorTrouble(q, err)
			return
		}
		for _, o := range options {
			if o[0] == chosen {
				a.showChecked(q, []string{o[1]}, w.Say("talk_first"), [][2]string{{"plan", "choose"}, {"offer", chosen},
					{"monthly", strconv.FormatInt(monthly, 10)}})
				return
			}
		}
		a.showOffers(q, http.StatusUnprocessableEntity, monthly, w.Say("missing_choice"))
		return
	}
	r, err := a.act(q, casework.PagePlanAgreed{Case: q.ref.Case, Link: q.ref.Link, Asked: asked})
	if no, refused := refusal.Of(err); refused && (strings.HasPrefix(no.Code(), "plan.") || no.Code() == "page.plan") {
		a.showOffers(q, http.StatusUnprocessableEntity, monthly, w.Say("missing_choice"))
		return
	}
	if a.doorRefused(q, err) || !a.find(q, a.opt.Casework.PageToken(q.ref.Link), http.StatusUnauthorized, "over") {
		return
	}
	says := []string{w.Say("done_plan")}
	if _, p := q.file.PlanInForce(); p != nil {
		says = append(says, a.planSays(q, p)...)
	}
	a.showDone(q, r, says...)
}

// planSays sums a plan up in plain language.
func (a *API) planSays(q *doorCall, p *record.Plan) []string {
	w := q.words
	first, last := p.Instalments[0], p.Instalments[len(p.Instalments)-1]
	paid := int64(0)
	if p.Standing != nil {
		paid = p.Standing.PaidMinor
	}
	out := []string{w.Say("plan_say", "amount", q.amount(first.AmountMinor), "count", strconv.Itoa(len(p.Instalments))),
		w.Say("plan_dates", "first", w.Date(first.DueOn), "last", w.Date(last.DueOn)),
		w.Say("plan_total", "total", q.amount(p.TotalMinor), "paid", q.amount(paid)), w.Say("plan_keep"), w.Say("plan_hard")}
	if q.now.Before(p.CoolingOff) {
		out = append(out, w.Say("plan_cool", "date", q.day(p.CoolingOff)))
	}
	return out
}

func (a *API) planPage(q *doorCall, id string, p *record.Plan) {
	w := q.words
	d := q.question(w.Say("plan"))
	d.Blocks = []doorway.Block{{Says: a.planSays(q, p)}}
	var rows [][2]string
	for _, in := range p.Instalments[:min(len(p.Instalments), 60)] {
		rows = append(rows, [2]string{w.Date(in.DueOn), q.amount(in.AmountMinor)})
	}
	d.Blocks = append(d.Blocks, doorway.Block{Rows: rows})
	if q.now.Before(p.CoolingOff) {
		d.Blocks = append(d.Blocks, doorway.Block{Form: &doorway.Form{To: q.at, Button: w.Say("plan_end"),
			Hidden: [][2]string{{"end", id}}}})
	}
	d.Blocks = append(d.Blocks, q.advice())
	a.showPage(q, http.StatusOK, d)
}

// endPlan withdraws from a plan within its cooling-off.
func (a *API) endPlan(q *doorCall, id string) {
	w := q.words
	if q.form("send") == "" {
		d := q.question(w.Say("plan_end_head"))
		d.Back, d.Here = q.at, ""
		d.Blocks = []doorway.Block{{Form: &doorway.Form{To: q.at, Button: w.Say("plan_end_yes"),
			Hidden: [][2]string{{"end", id}, {"send", "1"}, {"key", newKey()}}}}}
		a.showPage(q, http.StatusOK, d)
		return
	}
	r, err := a.act(q, casework.PagePlanEnded{Case: q.ref.Case, Link: q.ref.Link, Plan: id})
	if no, refused := refusal.Of(err); refused && strings.HasPrefix(no.Code(), "plan.") {
		a.doorSays(q, http.StatusConflict, "plan_over")
		return
	}
	if a.doorRefused(q, err) {
		return
	}
	a.showDone(q, r, w.Say("done_plan_end"))
}
