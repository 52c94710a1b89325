package office

import (
	"context"
	"net/url"
	"strings"
	"unicode/utf8"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Firm is who collects: the state of the one document of type "firm". Whoever asks at /who is told all of it.
type Firm struct {
	Name string `json:"name"`
	// Phone is who to call about a visit.
	Phone string `json:"phone,omitempty"`
	// Hours say when the phone is answered, in words.
	Hours string `json:"hours,omitempty"`
	// Licence is the number of the firm's licence.
	Licence string `json:"licence_no,omitempty"`
	// Register is where anybody can look the licence up; https.
	Register string `json:"register_url,omitempty"`
}

// PutFirm says who collects. firm.*.
func (s *Service) PutFirm(ctx context.Context, ask Ask, f Firm) (Firm, error) {
	for _, m := range []struct {
		name, text string
		most       int
	}{{"name", f.Name, 100}, {"phone", f.Phone, 40}, {"hours", f.Hours, 100}, {"licence_no", f.Licence, 60},
		{"register_url", f.Register, 300}} {
		if utf8.RuneCountInString(m.text) > m.most {
			return Firm{}, invalid("firm."+m.name, m.name, "this is too long for the page that shows it")
		}
	}
	if strings.TrimSpace(f.Name) == "" {
		return Firm{}, invalid("firm.name", "name", "say the name by which the people visited know the firm")
	}
	if f.Register != "" {
		if u, err := url.Parse(f.Register); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			return Firm{}, invalid("firm.register_url", "register_url", "a register is an address that begins with https://")
		}
	}
	out, err := apply(ctx, s, ask, change[Firm]{branch: auth.OrgBranch, typ: "firm", id: "firm", action: "firm.put",
		decide: func(context.Context, *journal.Reader, *Firm) (*Firm, error) { return &f, nil }})
	if err != nil {
		return Firm{}, err
	}
	return *out, nil
}

// Firm reads who collects; empty when nobody has said so yet.
func (s *Service) Firm(ctx context.Context) (Firm, error) {
	f, ok, err := load[Firm](ctx, s, auth.OrgBranch, "firm", "firm")
	if err != nil || !ok {
		return Firm{}, err
	}
	return *f, nil
}
