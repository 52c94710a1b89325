package office

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorstep/auth"
	"doorstep/server/conduct/words"
	"doorstep/sync/journal"
)

// Lender is the state of a document of type "lenders".
type Lender struct {
	ID    string `json:"id"` // the first part of the ids of its cases and debtors
	Name  string `json:"name,omitempty"`
	Phone string `json:"complaint_phone,omitempty"` // the complaint line told to debtors
	// Branches are those the lender has a contract with, in order: it imports into these only, and sees its cases
	// there only.
	Branches []auth.BranchID `json:"branches"`
	// Products are the names of its products, which no text to a debtor may hold.
	Products []string `json:"products,omitempty"`
	// Consequences are what texts to debtors may say will follow.
	Consequences []words.Consequence `json:"consequences,omitempty"`
	// ContactLimit is how often one debtor may be contacted before the case is left alone; nil for no limit.
	ContactLimit *ContactLimit `json:"contact_limit,omitempty"`
}

// ContactLimit is a number of contacts, by any channel and in all cases of a debtor, within a number of days.
type ContactLimit struct {
	Contacts int `json:"contacts"`
	Days     int `json:"days"` // the day of the last contact included
}

// Limits of a ContactLimit.
const (
	MostLimitContacts = 1000
	MostLimitDays     = 90
)

// lenderShape has no dot: the first dot of a case's id ends the lender's.
var lenderShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,62}$`)

// PutLender makes or changes a lender. Nil branches leave the contracts as they are, and so do nil products,
// consequences and a nil limit; a limit of no contacts takes it away. lender.*.
func (s *Service) PutLender(ctx context.Context, ask Ask, l Lender) (Lender, error) {
	switch {
	case !lenderShape.MatchString(l.ID):
		return Lender{}, invalid("lender.id", "id",
			"a lender's id has 1 to 62 letters A to Z, digits, dashes and underscores")
	case reserved(l.ID):
		return Lender{}, invalid("lender.id", "id", "this id stands for the organisation or the server; choose another")
	case len(l.Name) > 200:
		return Lender{}, invalid("lender.name", "name", "a lender's name has at most 200 bytes")
	case len(l.Phone) > 40:
		return Lender{}, invalid("lender.complaint_phone", "complaint_phone", "a complaint line has at most 40 bytes")
	}
	if err := checkProducts(l.Products); err != nil {
		return Lender{}, err
	}
	if err := words.CheckConsequences(l.Consequences); err != nil {
		return Lender{}, err
	}
	if err := l.ContactLimit.check(); err != nil {
		return Lender{}, err
	}
	for _, b := range l.Branches {
		if _, ok, err := load[Branch](ctx, s, auth.OrgBranch, "branches", string(b)); err != nil {
			return Lender{}, err
		} else if !ok {
			return Lender{}, invalid("lender.branches", "branches", "no such branch; make it first with PUT /v1/branches/{id}")
		}
	}
	return s.changeLender(ctx, ask, l.ID, func(now *Lender) *Lender {
		next := l
		next.Branches = slices.Clone(l.Branches)
		if l.Branches == nil && now != nil {
			next.Branches = now.Branches
		}
		if l.Products == nil && now != nil {
			next.Products = now.Products
		}
		if l.Consequences == nil && now != nil {
			next.Consequences = now.Consequences
		}
		switch {
		case l.ContactLimit == nil && now != nil:
			next.ContactLimit = now.ContactLimit
		case l.ContactLimit != nil && l.ContactLimit.Contacts == 0:
			next.ContactLimit = nil
		}
		slices.Sort(next.Branches)
		next.Branches = append([]auth.BranchID{}, slices.Compact(next.Branches)...)
		return &next
	})
}

// check refuses a limit that means nothing.
func (l *ContactLimit) check() error {
	switch {
	case l == nil || l.Contacts == 0 && l.Days == 0:
		return nil
	case l.Contacts < 1 || l.Contacts > MostLimitContacts:
		return invalid("lender.contact_limit", "contact_limit.contacts",
			"a limit is 1 to 1000 contacts; send 0 contacts and 0 days to have none")
	case l.Days < 1 || l.Days > MostLimitDays:
		return invalid("lender.contact_limit", "contact_limit.days", "contacts are counted within 1 to 90 days")
	}
	return nil
}

// ContactLimit gives a lender's limit; no contacts for none. It implements casework.Lenders.
func (s *Service) ContactLimit(ctx context.Context, lender string) (contacts, days int, err error) {
	l, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", lender)
	if err != nil || !ok || l.ContactLimit == nil {
		return 0, 0, err
	}
	return l.ContactLimit.Contacts, l.ContactLimit.Days, nil
}

// checkProducts refuses names of products that say nothing, or too much.
func checkProducts(names []string) error {
	if len(names) > words.MaxProducts {
		return invalid("lender.products", "products", "a lender has at most 200 products")
	}
	for i, name := range names {
		if n := utf8.RuneCountInString(strings.TrimSpace(name)); n < 2 || n > 100 {
			return invalid("lender.products", "products["+strconv.Itoa(i)+"]", "a product's name has 2 to 100 characters")
		}
	}
	return nil
}

func (s *Service) changeLender(ctx context.Context, ask Ask, id string, next func(now *Lender) *Lender) (Lender,
	error) {
	out, err := apply(ctx, s, ask, change[Lender]{branch: auth.OrgBranch, typ: "lenders", id: id, action: "lender.put",
		decide: func(_ context.Context, _ *journal.Reader, now *Lender) (*Lender, error) { return next(now), nil }})
	if err != nil {
		return Lender{}, err
	}
	return *out, nil
}

// Lenders lists all lenders.
func (s *Service) Lenders(ctx context.Context) ([]Lender, error) {
	ls, err := list[Lender](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "lenders"})
	return values(ls), err
}

// Lender reads one lender; one that does not exist has its id for a name.
func (s *Service) Lender(ctx context.Context, id string) (Lender, error) {
	l, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", id)
	if err != nil {
		return Lender{}, err
	}
	if !ok {
		return Lender{ID: id, Name: id}, nil
	}
	if l.Name == "" {
		l.Name = id
	}
	return *l, nil
}

// Contracts gives the branches a lender has a contract with; known is false for a
// lender that does not exist. It implements casework.Lenders.
func (s *Service) Contracts(ctx context.Context, lender string) (branches []auth.BranchID, known bool, err error) {
	l, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", lender)
	if err != nil || !ok {
		return nil, false, err
	}
	return l.Branches, true, nil
}

// AddLender makes a lender that an import names, with a contract with the branch it
// is imported into. A lender that exists stays as it is. It implements casework.Lenders.
func (s *Service) AddLender(ctx context.Context, by auth.UserID, lender string, branch auth.BranchID) error {
	if !lenderShape.MatchString(lender) {
		return invalid("lender.id", "lender", "a lender's id has 1 to 62 letters A to Z, digits, dashes and underscores")
	}
	if reserved(lender) {
		return invalid("lender.id", "lender", "this id stands for the organisation or the server; choose another")
	}
	_, err := s.changeLender(ctx, Ask{By: by}, lender, func(now *Lender) *Lender {
		if now != nil {
			return now
		}
		return &Lender{ID: lender, Branches: []auth.BranchID{branch}}
	})
	return err
}

// contractsOf narrows what a user of role lender may see to the branches the lender
// has a contract with. Branches given to the user narrow it further.
func (s *Service) contractsOf(ctx context.Context, u User) ([]auth.BranchID, error) {
	signed, _, err := s.Contracts(ctx, u.Lender)
	if err != nil {
		return nil, fmt.Errorf("read the contracts of a lender: %w", err)
	}
	if len(u.Branches) == 0 {
		return signed, nil
	}
	return slices.DeleteFunc(slices.Clone(signed), func(b auth.BranchID) bool {
		return !slices.Contains(u.Branches,
			b)
	}), nil
}

// Said is what the lender calls its products and what it may announce, as texts are judged by.
func (l *Lender) Said() (products []string, consequences []words.Consequence) {
	return l.Products, l.Consequences
}
