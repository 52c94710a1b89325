package office

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/ladder"
	"doorstep/sync/journal"
)

// Template is the state of a document of type "sms_templates" in the organisation's journal: one version of a text. Its
// words never change; another text is another version.
type Template struct {
	ID     string `json:"id"`
	Lender string `json:"lender"`
	// Kind is the kind of texts that are made of it.
	Kind string `json:"kind"`
	// Language is BCP 47. A case gets the template of its own language, else of that language without a region.
	Language string `json:"language"`
	// Country is the only country that it is for, ISO 3166-1; "" for all.
	Country string `json:"country,omitempty"`
	// Neutral says that it is for numbers that were not verified within 180 days: it tells of no debt.
	Neutral bool   `json:"neutral,omitempty"`
	Version int    `json:"version"` // from 1, among templates of the same lender, kind, language, country and number
	Text    string `json:"text"`
	// Variables and Consequences are those that the text names.
	Variables    []string `json:"variables"`
	Consequences []string `json:"consequences,omitempty"`
	// Faults are what the judgement of the text found when it was proposed.
	Faults []ladder.Fault `json:"faults,omitempty"`
	// Releases are faults that a second person set aside, with the reason.
	Releases []ReleasedFault `json:"releases,omitempty"`
	// State is proposed, approved, replaced or rejected.
	State      string      `json:"state"`
	ProposedBy auth.UserID `json:"proposed_by"`
	ProposedAt time.Time   `json:"proposed_at"`
	// DecidedBy approved or rejected it.
	DecidedBy auth.UserID `json:"decided_by,omitempty"`
	DecidedAt time.Time   `json:"decided_at,omitzero"`
	Reason    string      `json:"reason,omitempty"` // why it was rejected
}

// ReleasedFault is a fault that was set aside, since the rules found it wrongly.
type ReleasedFault struct {
	Reason string      `json:"reason"`         // the fault's code
	Text   string      `json:"text,omitempty"` // what stands at its place
	Why    string      `json:"why"`
	By     auth.UserID `json:"by"`
	On     time.Time   `json:"on"`
}

// States of a template.
const (
	TemplateProposed = "proposed"
	TemplateApproved = "approved"
	TemplateReplaced = "replaced" // a later version was approved
	TemplateRejected = "rejected"
)

// maxTemplate is how many bytes the text of a template may have.
const maxTemplate = 2000

// slot is what only one template is approved for at a time.
func (t *Template) slot() string {
	parts := []string{t.Lender, t.Kind, t.Language, anyCountry}
	if t.Country != "" {
		parts[3] = t.Country
	}
	if t.Neutral {
		parts = append(parts, "neutral")
	}
	return strings.Join(parts, ".")
}

// faultsOf judges a template in each country that it may be sent in: its own, or those of the lender's branches.
// template.country where there is none.
func (s *Service) faultsOf(ctx context.Context, t *Template, l Lender, lint ladder.Lint) ([]ladder.Fault, error) {
	countries := []string{t.Country}
	if t.Country == "" {
		countries = nil
		for _, id := range l.Branches {
			b, ok, err := load[Branch](ctx, s, auth.OrgBranch, "branches", string(id))
			if err != nil {
				return nil, err
			}
			if ok && b.Country != "" && !slices.Contains(countries, b.Country) {
				countries = append(countries, b.Country)
			}
		}
	}
	if len(countries) == 0 {
		return nil, invalid("template.country", "country",
			"no branch of the lender says in which country it is; name the country of the text")
	}
	x := ladder.Text{Language: t.Language, Step: t.Kind, Recipient: "debtor", Text: t.Text, Lender: t.Lender}
	if !t.Neutral {
		x.VerifiedDays = new(int)
	}
	x.Products, x.Consequences = l.Said()
	var out []ladder.Fault
	for _, country := range countries {
		x.Country = country
		for _, f := range lint(x) {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out, nil
}

// refused are the faults that no release sets aside.
func (t *Template) refused(faults []ladder.Fault) []ladder.Fault {
	return slices.DeleteFunc(slices.Clone(faults), func(f ladder.Fault) bool { return t.Released(f) })
}

// Released tells whether a fault was set aside.
func (t *Template) Released(f ladder.Fault) bool {
	return slices.ContainsFunc(t.Releases, func(r ReleasedFault) bool { return r.Reason == f.Reason && r.Text == f.Text })
}

// ProposeTemplate keeps a new version of a text, which another user has to approve. Its faults are kept with it: words
// that the rules refuse can be released by who approves it; variables that are unknown or missing are refused at once.
// Errors: lender.not_found, template.*.
func (s *Service) ProposeTemplate(ctx context.Context, ask Ask, t Template, lint ladder.Lint) (Template, error) {
	l, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", t.Lender)
	if err != nil {
		return Template{}, err
	}
	if !ok {
		return Template{}, notFound("lender.not_found", "there is no such lender; make it first with PUT /v1/lenders/{id}")
	}
	tag, err := language.Parse(t.Language)
	switch {
	case err != nil || t.Language == "" || len(t.Language) > 35:
		return Template{}, invalid("template.language", "language", "write a BCP 47 language such as pt or zh-CN")
	case !slices.Contains(ladder.Kinds(), t.Kind):
		return Template{}, invalid("template.kind", "kind", "this is not one of "+strings.Join(ladder.Kinds(), ", "))
	case !countryShape.MatchString(t.Country):
		return Template{}, invalid("template.country", "country",
			"write two capital letters of ISO 3166-1, such as PT, or leave it out for all countries")
	case strings.TrimSpace(t.Text) == "" || len(t.Text) > maxTemplate:
		return Template{}, invalid("template.text", "text", fmt.Sprintf("write 1 to %d bytes", maxTemplate))
	}
	t.Language = tag.String()
	t.Variables, t.Consequences = []string{}, nil
	for _, name := range ladder.Variables(t.Text) {
		if id, is := strings.CutPrefix(name, ladder.ConsequencePrefix); is {
			t.Consequences = append(t.Consequences, id)
		} else {
			t.Variables = append(t.Variables, name)
		}
	}
	if t.Faults, err = s.faultsOf(ctx, &t, *l, lint); err != nil {
		return Template{}, err
	}
	for _, f := range t.Faults {
		if !ladder.Releasable(f.Reason) {
			return Template{}, invalid("template."+f.Reason, "text", faultWords(f))
		}
	}
	slot := t.slot()
	t.ID, t.State, t.ProposedBy = journal.NewID(), TemplateProposed, ask.By
	var head templateHead
	out, err := apply(ctx, s, ask, change[Template]{branch: auth.OrgBranch, typ: "sms_templates", id: t.ID,
		action: "template.propose",
		decide: func(ctx context.Context, r *journal.Reader, _ *Template) (*Template, error) {
			now, err := readDoc[templateHead](ctx, r, "sms_template_heads", slot)
			if err != nil {
				return nil, err
			}
			head = templateHead{}
			if now != nil {
				head = *now
			}
			head.Versions++
			t.Version, t.ProposedAt = head.Versions, r.At.UTC().Truncate(time.Second)
			return &t, nil
		},
		also: func(_ context.Context, _ *journal.Reader, d *journal.Draft) error {
			return putState(d, "sms_template_heads", slot, head)
		}})
	if err != nil {
		return Template{}, err
	}
	return *out, nil
}

// putState drafts the new state of a document that was read.
func putState(d *journal.Draft, typ, id string, state any) error {
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encode %s: %w", typ, err)
	}
	d.Put(typ, id, text)
	return nil
}

// templateHead is the state of a document of type "sms_template_heads": how many versions a text has had, and which of
// them is in force.
type templateHead struct {
	Versions int    `json:"versions"`
	Approved string `json:"approved,omitempty"`
}

// faultWords says what is wrong with a text.
func faultWords(f ladder.Fault) string {
	name := strings.Trim(f.Text, "{}")
	switch f.Reason {
	case "unknown_variable":
		return "there is no variable {" + name + "}"
	case "missing_variable", "missing_sender", "missing_opt_out":
		return "texts of this kind name {" + name + "}"
	}
	return f.Reason + " at " + f.At + ": " + f.Text
}

// ApproveTemplate puts a proposed text in force, in the place of the one before it. Who proposed it may not approve it.
// The text is judged again; releases set aside what the rules find wrongly. Errors: template.not_found,
// template.state, template.own, template.faults, template.release.
func (s *Service) ApproveTemplate(ctx context.Context, ask Ask, id string, releases []ReleasedFault, lint ladder.Lint) (
	Template, error) {
	t, l, err := s.template(ctx, id)
	if err != nil {
		return Template{}, err
	}
	faults, err := s.faultsOf(ctx, &t, l, lint)
	if err != nil {
		return Template{}, err
	}
	head := t.slot()
	_, err = apply(ctx, s, ask, change[Template]{branch: auth.OrgBranch, typ: "sms_templates", id: id,
		action: "template.approve",
		decide: func(_ context.Context, r *journal.Reader, now *Template) (*Template, error) {
			switch {
			case now == nil:
				return nil, notFound("template.not_found", "there is no such template")
			case now.State != TemplateProposed:
				return nil, conflict("template.state", "only a proposed template is approved; this one is "+now.State)
			case now.ProposedBy == ask.By:
				return nil, refusal.New(refusal.Forbidden, "template.own", "",
					"who proposed a text does not approve it; another user has to")
			}
			next := *now
			at := r.At.UTC().Truncate(time.Second)
			next.Releases = nil
			for i, rel := range releases {
				if bad := checkRelease(i, rel, faults); bad != nil {
					return nil, bad
				}
				rel.By, rel.On = ask.By, at
				next.Releases = append(next.Releases, rel)
			}
			next.Faults = faults
			if left := next.refused(faults); len(left) > 0 {
				e := refusal.New(refusal.Refused, "template.faults", "text", "%s", faultWords(left[0]))
				for _, f := range left {
					e.Faults = append(e.Faults, refusal.Fault{Place: "text", Msg: faultWords(f)})
				}
				return nil, e
			}
			next.State, next.DecidedBy, next.DecidedAt = TemplateApproved, ask.By, at
			return &next, nil
		},
		also: func(ctx context.Context, r *journal.Reader, d *journal.Draft) error {
			now, err := readDoc[templateHead](ctx, r, "sms_template_heads", head)
			if err != nil || now == nil {
				return err
			}
			if now.Approved != "" && now.Approved != id {
				was, err := readDoc[Template](ctx, r, "sms_templates", now.Approved)
				if err != nil {
					return err
				}
				if was != nil && was.State == TemplateApproved {
					was.State = TemplateReplaced
					if err := putState(d, "sms_templates", was.ID, was); err != nil {
						return err
					}
				}
			}
			now.Approved = id
			return putState(d, "sms_template_heads", head, now)
		}})
	if err != nil {
		return Template{}, err
	}
	t, _, err = s.template(ctx, id)
	return t, err
}

func checkRelease(i int, r ReleasedFault, faults []ladder.Fault) *refusal.Error {
	at := fmt.Sprintf("releases[%d]", i)
	switch {
	case !slices.ContainsFunc(faults, func(f ladder.Fault) bool { return f.Reason == r.Reason && f.Text == r.Text }):
		return refusal.New(refusal.Invalid, "template.release", at+".reason",
			"the text has no such fault: write its reason and text as GET /v1/templates shows them")
	case !ladder.Releasable(r.Reason):
		return refusal.New(refusal.Refused, "template.release", at+".reason", "%s is set aside by no one; change the text",
			r.Reason)
	case len(strings.TrimSpace(r.Why)) < 5 || len(r.Why) > 500:
		return refusal.New(refusal.Invalid, "template.release", at+".why", "say why, in 5 to 500 bytes")
	}
	return nil
}

// RejectTemplate takes a text out of use, whether it was approved or only proposed. Errors: template.not_found,
// template.state, template.reason.
func (s *Service) RejectTemplate(ctx context.Context, ask Ask, id, reason string) (Template, error) {
	if len(strings.TrimSpace(reason)) < 3 || len(reason) > 500 {
		return Template{}, invalid("template.reason", "reason", "say why, in 3 to 500 bytes")
	}
	t, _, err := s.template(ctx, id)
	if err != nil {
		return Template{}, err
	}
	head := t.slot()
	_, err = apply(ctx, s, ask, change[Template]{branch: auth.OrgBranch, typ: "sms_templates", id: id,
		action: "template.reject",
		decide: func(_ context.Context, r *journal.Reader, now *Template) (*Template, error) {
			if now == nil {
				return nil, notFound("template.not_found", "there is no such template")
			}
			if now.State != TemplateProposed && now.State != TemplateApproved {
				return nil, conflict("template.state", "the template is out of use already: it is "+now.State)
			}
			next := *now
			next.State, next.DecidedBy, next.Reason = TemplateRejected, ask.By, reason
			next.DecidedAt = r.At.UTC().Truncate(time.Second)
			return &next, nil
		},
		also: func(ctx context.Context, r *journal.Reader, d *journal.Draft) error {
			now, err := readDoc[templateHead](ctx, r, "sms_template_heads", head)
			if err != nil || now == nil || now.Approved != id {
				return err
			}
			now.Approved = ""
			return putState(d, "sms_template_heads", head, now)
		}})
	if err != nil {
		return Template{}, err
	}
	t, _, err = s.template(ctx, id)
	return t, err
}

// template reads a template and its lender; template.not_found.
func (s *Service) template(ctx context.Context, id string) (Template, Lender, error) {
	t, ok, err := load[Template](ctx, s, auth.OrgBranch, "sms_templates", id)
	if err != nil {
		return Template{}, Lender{}, err
	}
	if !ok {
		return Template{}, Lender{}, notFound("template.not_found", "there is no such template")
	}
	l, _, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", t.Lender)
	if err != nil || l == nil {
		return *t, Lender{ID: t.Lender}, err
	}
	return *t, *l, nil
}

// Templates lists the templates of a state, newest first; state "" for those that wait for an approval.
func (s *Service) Templates(ctx context.Context, state, lender string, limit int, after string) ([]Template, string,
	error) {
	if state == "" {
		state = TemplateProposed
	}
	states := []string{TemplateProposed, TemplateApproved, TemplateReplaced, TemplateRejected}
	if !slices.Contains(states, state) {
		return nil, "", invalid("template.state", "state", "this is not one of "+strings.Join(states, ", "))
	}
	q := journal.Query{Branch: auth.OrgBranch, Type: "sms_templates", Index: templatesByState.Name, Eq: []any{state},
		Desc: true, Limit: limit, After: after}
	if lender != "" {
		q.Index, q.Eq = templatesByLender.Name, []any{lender, state}
	}
	return page[Template](ctx, s, q)
}

// TemplateFor is the text in force for a case: in its language, else in the language without its region, of its
// country, else of all. ok is false for none.
func (s *Service) TemplateFor(ctx context.Context, lender, kind, lang, country string, neutral bool) (Template, bool,
	error) {
	if len(country) > 2 {
		country = country[:2]
	}
	base, _, _ := strings.Cut(lang, "-")
	for _, l := range slices.Compact([]string{lang, base}) {
		for _, c := range slices.Compact([]string{country, ""}) {
			of := Template{Lender: lender, Kind: kind, Language: l, Country: c, Neutral: neutral}
			head, ok, err := load[templateHead](ctx, s, auth.OrgBranch, "sms_template_heads", of.slot())
			if err != nil {
				return Template{}, false, err
			}
			if !ok || head.Approved == "" {
				continue
			}
			t, ok, err := load[Template](ctx, s, auth.OrgBranch, "sms_templates", head.Approved)
			if err != nil || !ok || t.State != TemplateApproved {
				return Template{}, false, err
			}
			return *t, true, nil
		}
	}
	return Template{}, false, nil
}

// Texting lists the lenders that have a text in force, sorted.
func (s *Service) Texting(ctx context.Context) ([]string, error) {
	found, err := list[Template](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "sms_templates",
		Index: templatesByState.Name, Eq: []any{TemplateApproved}})
	var out []string
	for _, t := range found {
		if !slices.Contains(out, t.Lender) {
			out = append(out, t.Lender)
		}
	}
	slices.Sort(out)
	return out, err
}
