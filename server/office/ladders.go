package office

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/ladder"
	"doorstep/sync/journal"
)

// Ladder is the state of a document of type "sms_ladders" in the organisation's journal: the texts that a lender's
// cases are sent in a country.
type Ladder struct {
	Lender string `json:"lender"`
	// Country is ISO 3166-1 alpha-2; "" for all that have no ladder of their own.
	Country string `json:"country"`
	ladder.Definition
	By auth.UserID `json:"by,omitempty"` // the user who put it; "" for the house's own
	At time.Time   `json:"at,omitzero"`
}

var countryShape = regexp.MustCompile(`^([A-Z]{2})?$`)

// anyCountry stands for no country in ids.
const anyCountry = "all"

func ladderID(lender, country string) string {
	if country == "" {
		country = anyCountry
	}
	return lender + "." + country
}

// PutLadder puts a ladder in force for a lender's cases in a country. lawful refuses one that a profile of the country
// forbids. A ladder that is refused leaves the one in force. Errors: lender.not_found, ladder.*.
func (s *Service) PutLadder(ctx context.Context, ask Ask, l Ladder, lawful func(ladder.Definition, string) error) (
	Ladder, error) {
	if _, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", l.Lender); err != nil {
		return Ladder{}, err
	} else if !ok {
		return Ladder{}, notFound("lender.not_found", "there is no such lender; make it first with PUT /v1/lenders/{id}")
	}
	if !countryShape.MatchString(l.Country) {
		return Ladder{}, invalid("ladder.country", "country",
			"write two capital letters of ISO 3166-1, such as PT, or leave it out for all countries")
	}
	if bad := l.Definition.Check(); bad != nil {
		return Ladder{}, bad
	}
	if err := lawful(l.Definition, l.Country); err != nil {
		return Ladder{}, err
	}
	out, err := apply(ctx, s, ask, change[Ladder]{branch: auth.OrgBranch, typ: "sms_ladders",
		id: ladderID(l.Lender, l.Country), action: "ladder.put",
		decide: func(_ context.Context, r *journal.Reader, _ *Ladder) (*Ladder, error) {
			l.By, l.At = ask.By, r.At.UTC().Truncate(time.Second)
			return &l, nil
		}})
	if err != nil {
		return Ladder{}, err
	}
	return *out, nil
}

// LadderOf is the ladder in force for a lender's cases in a country (ISO 3166-1 or 3166-2): the country's, else the
// lender's for all countries, else the house's own.
func (s *Service) LadderOf(ctx context.Context, lender, country string) (Ladder, error) {
	if len(country) > 2 {
		country = country[:2]
	}
	for _, c := range slices.Compact([]string{country, ""}) {
		l, ok, err := load[Ladder](ctx, s, auth.OrgBranch, "sms_ladders", ladderID(lender, c))
		if err != nil {
			return Ladder{}, err
		}
		if ok {
			return *l, nil
		}
	}
	return Ladder{Lender: lender, Definition: ladder.Default()}, nil
}

// Ladders lists the ladders that were put for a lender.
func (s *Service) Ladders(ctx context.Context, lender string) ([]Ladder, error) {
	found, err := list[Ladder](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "sms_ladders",
		Index: laddersByLender.Name, Eq: []any{lender}})
	return values(found), err
}

// TextSender is the state of a document of type "text_senders": how a lender signs its texts, and where its links lead.
type TextSender struct {
	Lender string `json:"lender"`
	// Name stands in each text; "" for the lender's own name.
	Name string `json:"sender_name,omitempty"`
	// Links are the pages that texts name, by variable: pay_link, plan_link, hardship_link, code_link, who_link. One that
	// ends in /d/{token} is the page of the person visited: each text brings a link of its own.
	Links map[string]string `json:"links,omitempty"`
}

// linkNames are the variables that are links.
var linkNames = []string{"pay_link", "plan_link", "hardship_link", "code_link", "who_link"}

var linkShape = regexp.MustCompile(`^https://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,190}$`)

// pageLink is the end of a link to the page of the person visited.
const pageLink = "/d/{token}"

// PutTextSender says how a lender signs its texts. Errors: lender.not_found, text_sender.*.
func (s *Service) PutTextSender(ctx context.Context, ask Ask, t TextSender) (TextSender, error) {
	if _, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", t.Lender); err != nil {
		return TextSender{}, err
	} else if !ok {
		return TextSender{}, notFound("lender.not_found", "there is no such lender; make it first with PUT /v1/lenders/{id}")
	}
	if len(t.Name) > 60 {
		return TextSender{}, invalid("text_sender.name", "sender_name", "at most 60 bytes: it stands in each text")
	}
	for name, link := range t.Links {
		switch {
		case !slices.Contains(linkNames, name):
			return TextSender{}, invalid("text_sender.link", "links", "a link is one of pay_link, plan_link, hardship_link, "+
				"code_link and who_link")
		case strings.HasSuffix(link, pageLink) && name != "who_link" &&
			linkShape.MatchString(strings.TrimSuffix(link, "{token}")):
		case !linkShape.MatchString(link):
			return TextSender{}, invalid("text_sender.link", "links."+name,
				"write a URL with https, of at most 200 characters; it may end in /d/{token}, the page of the person visited")
		}
	}
	out, err := apply(ctx, s, ask, change[TextSender]{branch: auth.OrgBranch, typ: "text_senders", id: t.Lender,
		action: "text_sender.put",
		decide: func(context.Context, *journal.Reader, *TextSender) (*TextSender, error) { return &t, nil }})
	if err != nil {
		return TextSender{}, err
	}
	return *out, nil
}

// TextSenderOf is how a lender signs its texts, with the lender's own name where it has no other.
func (s *Service) TextSenderOf(ctx context.Context, lender string) (TextSender, Lender, error) {
	l, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", lender)
	if err != nil || !ok {
		return TextSender{Lender: lender}, Lender{ID: lender}, err
	}
	t, ok, err := load[TextSender](ctx, s, auth.OrgBranch, "text_senders", lender)
	if err != nil {
		return TextSender{}, *l, err
	}
	if !ok {
		t = &TextSender{Lender: lender}
	}
	if t.Name == "" {
		t.Name = l.Name
	}
	return *t, *l, nil
}
