package casework

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/ladder"
	"doorstep/server/record"
)

// phaseSend is the phase in which the law is asked about a text: at the moment of sending.
const phaseSend = "send"

// textAct is what the law must know of a text.
type textAct struct {
	kind, number string
	tags         []string
	overlays     []string
	// asked says that the text answers the person's own wish to end the texts, so that this wish does not forbid it.
	asked bool
}

// action is the text as the conduct decision takes it.
func (x textAct) action(k *record.Case, p *conduct.Policy) conduct.Action {
	a := conduct.Action{Channel: smsChannel, Party: record.DebtorParty, Case: string(k.ID), Number: x.number,
		TZ: k.Zones(), ContentTags: listedWords(x.tags, p.ContentTags())}
	switch x.kind {
	case ladder.StopConfirm:
		a.Purpose = "confirm_cease"
	case ladder.PageCode:
		a.Purpose = "send_verification"
	}
	return a
}

// textCase is the case as the conduct decision on a text takes it, on a local date.
func textCase(f *File, day string, at time.Time, x textAct) conduct.Case {
	c := conductCase(f, day, at)
	c.Consents = nil
	for _, g := range consentsFor(f, smsChannel, day, 0) {
		c.Consents = append(c.Consents, conduct.Consent{Scope: g.Scope, GivenAt: g.GivenAt, ValidFrom: g.ValidFrom,
			ExpiresAt: g.ExpiresAt})
	}
	for _, s := range f.Case.NumberStops.Plain() {
		if s.Kind == record.StopOptOut && !x.asked {
			c.Requests.OptOut = append(c.Requests.OptOut, conduct.OptOut{Channel: smsChannel, Number: s.Number})
		}
	}
	return c
}

// loadTextGrounds loads what a text at an instant is judged by.
func (t *turn) loadTextGrounds(ctx context.Context, f *File, x textAct) error {
	if err := t.fill(ctx, f, forConduct); err != nil {
		return err
	}
	var err error
	if f.linked, err = t.linked(ctx, f.Case.Debtor); err != nil {
		return err
	}
	g := grounds{find: t, file: f, reached: map[string]int{}, known: true}
	if g.look, err = t.policy().Lookback(profiles(&f.Case, x.overlays), x.action(&f.Case, t.policy())); err != nil {
		return err
	}
	g.reached[record.DebtorParty] = g.look.Reached
	if err := g.recent(ctx, t.At); err != nil {
		return err
	}
	return g.earliest(ctx, 0)
}

// lookAgain is after how many days a text is tried again that no rule allows within 60 days.
const lookAgain = 7

// judgeText asks whether a text at an instant is lawful, and if not, when to try again. An open hold and a plan that is
// being kept forbid texts that ask for money, whatever the profiles say.
func judgeText(ctx context.Context, policy *conduct.Policy, zones *zoneCache, f *File, at time.Time, x textAct) (
	v verdict, next time.Time, err error) {
	k := &f.Case
	day := zones.dayAt(at, k.TimeZone)
	ask := func(at time.Time) (conduct.Decision, error) {
		a := x.action(k, policy)
		a.At = conduct.At(at)
		return policy.Decide(ctx, conduct.Request{Profiles: profiles(k, x.overlays), Action: a,
			Case: textCase(f, zones.dayAt(at, k.TimeZone), at, x), History: conductHistory(f.Contacts)})
	}
	d, err := ask(at)
	if err != nil {
		return v, next, err
	}
	v = verdict{Phase: phaseSend, At: at.UTC(), Answer: d.Decision, Reason: d.Reason, Rule: d.Rule, All: hits(d.All),
		Cite: d.Cite, Policy: d.PolicyHash}
	asks := ladder.Collects(x.kind) || x.kind == ladder.VisitNotice
	deny := func(reason, rule string) {
		v.All = append(v.All, record.Hit{Reason: reason, Rule: rule})
		if v.Allowed() {
			v.Answer, v.Reason, v.Rule, v.Cite = conduct.Deny, reason, rule, []string{"house"}
		}
	}
	if asks && len(k.OpenHolds(day)) > 0 {
		deny(reasonHold, ruleHold)
	}
	if asks && f.planPerforming(day, at) {
		deny(reasonPlan, rulePlan)
	}
	if k.StopOf(x.number, smsChannel) != nil && !x.asked {
		deny("CHANNEL_OPTED_OUT", "house-opt-out")
	}
	switch {
	case v.Allowed():
		return v, time.Time{}, nil
	case !d.Allowed() && d.NextAllowedAt != nil:
		return v, *d.NextAllowedAt, nil
	case !d.Allowed():
		return v, zones.startOf(dayAfter(day, lookAgain), k.TimeZone), nil
	}
	// A rule of ours: it is looked at again when the next day's hours begin.
	next = zones.startOf(dayAfter(day, 1), k.TimeZone)
	if d, err = ask(next); err == nil && d.NextAllowedAt != nil {
		next = *d.NextAllowedAt
	}
	return v, next, err
}

// wording is a message as it would be sent.
type wording struct {
	template TextTemplate
	values   map[string]string
	text     string
	neutral  bool
	verified *int
	// link says that the text brings a link to the page of the person visited: text has linkToken in its place.
	link bool
	// reason, rule and faults say why the text may not be sent.
	reason, rule string
	faults       []record.WordFault
}

// Why a message has no text that may be sent.
const (
	reasonNoTemplate = "NO_TEMPLATE"
	reasonNoValue    = "NO_VALUE"
	reasonWords      = "TEXT_REFUSED"
	ruleTemplate     = "house-template"
	ruleWords        = "house-words"
)

// word makes the text of a message from the template in force and judges it. The error is the store's.
func (t *turn) word(ctx context.Context, f *File, m *record.Message) (wording, error) {
	k := &f.Case
	today := t.day(f)
	w := wording{neutral: !ladder.Verified(k.PhoneVerifiedOn, today)}
	if days, ok := ladder.VerifiedDays(k.PhoneVerifiedOn, today); ok {
		w.verified = &days
	}
	if m.Kind == ladder.PageCode {
		w.template.Language, w.text = k.Language, strings.Replace(ladder.CodeText(k.Language), "{code}", codeToken, 1)
		return w, nil
	}
	tpl, there, err := t.svc.texting.Texts.Template(ctx, k.Lender, m.Kind, k.Language, k.Country, w.neutral)
	if err != nil {
		return w, err
	}
	if !there {
		w.reason, w.rule = reasonNoTemplate, ruleTemplate
		return w, nil
	}
	sender, err := t.svc.texting.Texts.Sender(ctx, k.Lender)
	if err != nil {
		return w, err
	}
	w.template = tpl
	w.values = textValues(k, m, tpl.Language, today, sender)
	maps.Copy(w.values, t.svc.zones.visitValues(k, m, tpl.Language))
	text, bad := ladder.Fill(tpl.Text, w.values)
	if bad != nil {
		w.reason, w.rule = reasonNoValue, ruleTemplate
		w.faults = []record.WordFault{{Reason: "missing_value", At: bad.Place}}
		return w, nil
	}
	w.text = text
	w.link = strings.Contains(text, linkToken)
	// Lint judges a consequence by its id and its source, so its words are left out.
	said := maps.Clone(w.values)
	maps.DeleteFunc(said, func(name, _ string) bool { return strings.HasPrefix(name, ladder.ConsequencePrefix) })
	for name, value := range said {
		said[name] = strings.ReplaceAll(value, linkToken, tokenShape)
	}
	for _, fault := range t.svc.texting.Lint(ladder.Text{Language: tpl.Language, Country: k.Country, Step: m.Kind,
		Recipient: record.DebtorParty, VerifiedDays: w.verified, Text: tpl.Text, Lender: k.Lender, Vars: said,
		Products: sender.Products, Consequences: sender.Consequences}) {
		if tpl.Released == nil || !tpl.Released(fault) {
			w.faults = append(w.faults, record.WordFault{Reason: asCode(fault.Reason), At: asCode(fault.At)})
		}
	}
	if w.faults = w.faults[:min(len(w.faults), 20)]; len(w.faults) > 0 {
		w.reason, w.rule = reasonWords, ruleWords
	}
	return w, nil
}

// linkToken and codeToken stand in a text in the place of a token and of a code, which are put in when the text is
// handed to the carrier: neither is kept.
const (
	linkToken = "{token}"
	codeToken = "{code}"
)

// tokenShape is as long as a token.
const tokenShape = "AAAAAAAAAAAAAAAAAAAAAAAAAAA"

// linkOfText is the id of the link that a text brings.
func linkOfText(message string) string { return madeID("w", "message", message) }

// asCode is a word as it may stand in the clear: "" for one that is more than a code. The place text[12:25] becomes
// text:12:25.
func asCode(word string) string {
	word = strings.NewReplacer("[", ":", "]", "").Replace(word)
	if record.IsID(word) {
		return word
	}
	return ""
}

// offerDays is in how many days a plan that is offered by a step of a ladder is to be answered. Our own value.
const offerDays = 14

// textValues are the values of the variables of a message.
func textValues(k *record.Case, m *record.Message, language, today string, sender TextSender) map[string]string {
	v := map[string]string{"sender_name": sender.Name, "complaint_phone": sender.ComplaintPhone,
		"amount":   ladder.Amount(k.AmountDueMinor, k.Currency, language),
		"due_date": ladder.Date(k.DueDate, language), "days_late": strconv.Itoa(ladder.DaysLate(k.DueDate, today)),
		"reference": k.CaseRef, "opt_out": ladder.OptOut(language)}
	if m.Kind == ladder.PlanOffer {
		v["answer_by"] = ladder.Date(dayAfter(today, offerDays), language)
	}
	for name, link := range sender.Links {
		v[name] = link
	}
	base, _, _ := strings.Cut(language, "-")
	for _, c := range sender.Consequences {
		if len(c.Countries) > 0 && !slices.Contains(c.Countries, k.Country[:min(2, len(k.Country))]) || c.Source == "" {
			continue
		}
		for _, l := range []string{language, base} {
			if text := c.Text[l]; text != "" {
				v[ladder.ConsequencePrefix+c.ID] = text
				break
			}
		}
	}
	for _, g := range m.Given.Plain() {
		v[g.Name] = g.Value
	}
	return v
}

// tags are what the law must know of the words of a message.
func (w *wording) tags() []string {
	if w.template.ID == "" && w.text != "" {
		return nil
	}
	if w.template.ID == "" {
		return []string{"opt_out_instruction"} // what the law says beside it is asked all the same
	}
	var out []string
	for _, name := range ladder.Variables(w.template.Text) {
		switch name {
		case "opt_out":
			out = append(out, "opt_out_instruction")
		case "amount":
			out = append(out, "amount", "debt_exists")
		}
	}
	return out
}

// refusedWith is the verdict on a message that has no text that may be sent.
func (w *wording) refusedWith(v verdict) verdict {
	v.Answer, v.Reason, v.Rule, v.Cite = conduct.Deny, w.reason, w.rule, []string{"house"}
	v.All = append(v.All, record.Hit{Reason: w.reason, Rule: w.rule})
	return v
}

// checkGiven refuses values that a text of a kind does not take, or that it lacks.
func checkGiven(kind string, given map[string]string) error {
	names := ladder.Given(kind)
	for name, value := range given {
		switch {
		case !slices.Contains(names, name):
			return refuse(refusal.Invalid, "message.value", "values",
				"a %s takes these values: %s", kind, strings.Join(names, ", "))
		case len(value) > 100 || strings.ContainsAny(value, "{}\n\r"):
			return refuse(refusal.Invalid, "message.value", "values."+name, "at most 100 bytes, on one line, without braces")
		}
	}
	for _, name := range names {
		if strings.TrimSpace(given[name]) == "" {
			return refuse(refusal.Invalid, "message.value", "values."+name, "a text of this kind needs it")
		}
	}
	return nil
}
