package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"

	"github.com/nyaruka/phonenumbers"
)

// blindView is the name of the view by which cases are found by what is personal, and the type of its
// documents.
const blindView = "blind"

// Blind is the view by which cases are found by phone, part of a name, hold and token of a link. It has keyed hashes
// instead of these, which tell nothing without the key-encryption key, and other ones in each branch. They stand
// nowhere else. A row is taken away when the debtor is erased and when the case leaves the branch. The dates of holds,
// and that there are some, stand in it in the clear; which kind they are does not.
func Blind(vault *seal.Vault) journal.View {
	return journal.View{Name: blindView, Folds: true,
		Apply: func(ctx context.Context, run journal.Run) ([]journal.Record, error) {
			latest := map[journal.CaseID]blindCase{}
			var debtors []journal.DebtorID
			if err := run.Entries(func(e *journal.Entry) error {
				for i := range e.Docs {
					doc := &e.Docs[i]
					if doc.Type != "cases" || doc.Deleted {
						continue
					}
					c := blindCase{n: e.N}
					if err := json.Unmarshal(doc.State, &c.Case); err != nil {
						return fmt.Errorf("entry %d: cases/%s: %w", e.N, doc.ID, err)
					}
					if was, there := latest[c.ID]; there {
						c.before = was.before
						if !was.Holds.IsZero() || !was.PageLinks.IsZero() {
							was.before = nil
							c.before = append(c.before, was)
						}
					}
					latest[c.ID] = c
					debtors = append(debtors, c.Debtor)
				}
				return nil
			}); err != nil || len(latest) == 0 {
				return nil, err
			}
			if err := vault.Warm(ctx, debtors); err != nil {
				return nil, journal.Later(err)
			}
			ids := make([]string, 0, len(latest))
			for id := range latest {
				ids = append(ids, string(id))
			}
			slices.Sort(ids)
			had, err := run.Docs(ctx, ids...)
			if err != nil {
				return nil, err
			}
			var out []journal.Record
			for i, id := range ids {
				c := latest[journal.CaseID(id)]
				rows, err := c.rows(ctx, vault, run.Branch, had[i])
				if err != nil {
					return nil, fmt.Errorf("entry %d: cases/%s: %w", c.n, id, err)
				}
				out = append(out, rows...)
			}
			return out, nil
		}}
}

// The rows of the view.
type (
	// blindHead is the row under the case's id. Phone is absent where there is none to be found by.
	blindHead struct {
		ID    journal.CaseID `json:"id"`
		Phone string         `json:"phone,omitempty"`
		// Rows are the ids of the rows of its holds, of the parts of its name, and of its links to the page.
		Rows []string `json:"rows,omitempty"`
	}
	// blindPart is a part of the debtor's name, "<case>/~<n>": see partsOf.
	blindPart struct {
		Part string         `json:"part"`
		Case journal.CaseID `json:"case"`
	}
	// blindLink is a link to the page of the person visited that was not ended, "<case>/^<link>".
	blindLink struct {
		Link string         `json:"link"`
		Case journal.CaseID `json:"case"`
		ID   string         `json:"link_id"`
	}
	// blindHold is a hold that was not released, "<case>/<hold>".
	blindHold struct {
		Case journal.CaseID `json:"case"`
		Held int            `json:"held"`
		Hold string         `json:"hold"`
		// Until is the last local date on which it binds, or endless.
		Until string `json:"until"`
		// EndingSince is since when it waits for a second person's word on its end.
		EndingSince string `json:"ending_since,omitempty"`
	}
)

// endless is the last date of a hold that binds until it is released.
const endless = "9999-12-31"

// The indexes over the view.
var (
	blindByPhone  = journal.Index{Type: blindView, Name: "phone", Fields: []string{"phone", "id"}}
	blindByPart   = journal.Index{Type: blindView, Name: "part", Fields: []string{"part", "case"}}
	blindByHold   = journal.Index{Type: blindView, Name: "hold", Fields: []string{"hold", "until"}}
	blindHeld     = journal.Index{Type: blindView, Name: "held", Fields: []string{"held", "until"}}
	blindByLink   = journal.Index{Type: blindView, Name: "link", Fields: []string{"link", "case"}}
	blindByEnding = journal.Index{Type: blindView, Name: "ending", Fields: []string{"held", "ending_since"}}
)

func blindIndexes() []journal.Index {
	return []journal.Index{blindByPhone, blindByPart, blindByHold, blindHeld, blindByLink, blindByEnding}
}

// blindCase is the last state of a case in a run, and its entry. before are the states of the run before it that have
// holds: a run that ended with one of them may have been cut short after it wrote rows, and no head names those.
type blindCase struct {
	record.Case
	n      uint64
	before []blindCase
}

// rows are the rows of a case's last state, and those that it has no more. had is its head until now.
func (c *blindCase) rows(ctx context.Context, vault *seal.Vault, branch auth.BranchID,
	had journal.Record) ([]journal.Record, error) {
	if had.N > c.n { // a fill that was cut short may have written the head, and not all rows
		return nil, nil
	}
	var was blindHead
	if had.Body != nil {
		if err := json.Unmarshal(had.Body, &was); err != nil {
			return nil, err
		}
	}
	head := blindHead{ID: c.ID}
	var out []journal.Record
	put := func(id string, state any) error {
		rec := journal.Record{ID: id, N: c.n, Rev: c.n, Deleted: state == nil}
		var err error
		if state != nil {
			rec.Body, err = json.Marshal(state)
		}
		out = append(out, rec)
		return err
	}
	gone := c.IsErased() || c.HasMoved()
	if !gone {
		if err := vault.OpenDoc(ctx, c.Debtor, branch, "cases", string(c.ID), &c.Case); err != nil {
			return nil, journal.Later(err)
		}
		// A debtor whose erasure is under way is one already.
		gone = seal.Erased(&c.Case)
	}
	if !gone {
		head.Phone = blinded(vault, branch, "phone", c.Phone.Plain())
		for i, part := range partsOf(c.DebtorName.Plain()) {
			id := string(c.ID) + "/~" + strconv.Itoa(i)
			head.Rows = append(head.Rows, id)
			if err := put(id, blindPart{blinded(vault, branch, "name", part), c.ID}); err != nil {
				return nil, err
			}
		}
		for _, h := range c.AllHolds() {
			if h.Released != nil {
				continue
			}
			row := blindHold{Case: c.ID, Held: 1, Hold: blinded(vault, branch, "hold", sameHold(h.Kind)), Until: h.Until}
			if row.Until == "" {
				row.Until = endless
			}
			if h.Ending != nil {
				row.EndingSince = second(h.Ending.At)
			}
			id := string(c.ID) + "/" + h.ID
			head.Rows = append(head.Rows, id)
			if err := put(id, row); err != nil {
				return nil, err
			}
		}
		for _, l := range c.PageLinks.Plain() {
			if l.Ended != nil {
				continue
			}
			id := linkRow(c.ID, l.ID)
			head.Rows = append(head.Rows, id)
			if err := put(id, blindLink{blinded(vault, branch, "page_link", pageToken(vault, l.ID)), c.ID, l.ID}); err != nil {
				return nil, err
			}
		}
	}
	for i := range c.before {
		b := &c.before[i]
		if err := vault.OpenDoc(ctx, b.Debtor, branch, "cases", string(b.ID), &b.Case); err != nil {
			return nil, journal.Later(err)
		}
		for _, h := range b.AllHolds() {
			if id := string(b.ID) + "/" + h.ID; !slices.Contains(was.Rows, id) {
				was.Rows = append(was.Rows, id)
			}
		}
		for _, l := range b.PageLinks.Plain() {
			if id := linkRow(b.ID, l.ID); !slices.Contains(was.Rows, id) {
				was.Rows = append(was.Rows, id)
			}
		}
	}
	for _, id := range was.Rows {
		if slices.Contains(head.Rows, id) {
			continue
		}
		if err := put(id, nil); err != nil {
			return nil, err
		}
	}
	if gone {
		return out, put(string(c.ID), nil)
	}
	return out, put(string(c.ID), head)
}

// linkRow is the id of the row of a link.
func linkRow(c journal.CaseID, link string) string { return string(c) + "/^" + link }

// blinded is the keyed hash of a text for one purpose in one branch; "" for none.
func blinded(vault *seal.Vault, branch auth.BranchID, purpose, text string) string {
	if text == "" {
		return ""
	}
	blind, _ := vault.Blind(context.Background(), "case_"+purpose+"/"+string(branch), text) // never an error
	return blind
}

// sameName is what spellings of one name have in common: letter case, accents, punctuation, spaces and the
// order of its words do not count. It is "" for a text without letters and digits.
func sameName(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(cases.Fold().String(norm.NFKC.String(name))) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case r == '\'' || r == '’': // O'Neill is ONeill
		default:
			b.WriteByte(' ')
		}
	}
	words := strings.Fields(b.String())
	slices.Sort(words)
	return strings.Join(words, " ")
}

// samePhone is a phone number in E.164: spaces, dots, dashes and brackets do not count, and 00 may stand for
// +. region is the ISO 3166-1 country whose numbers may be written without their country code; "" for none.
func samePhone(text, region string) (string, bool) {
	digits := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r) || r == '+':
			return r
		case unicode.IsSpace(r) || strings.ContainsRune(".-()/‐‑–\u00a0", r):
			return -1
		}
		return 'x'
	}, norm.NFKC.String(text))
	if rest, is := strings.CutPrefix(digits, "00"); is {
		digits = "+" + rest
	}
	if strings.Contains(digits, "x") {
		return "", false
	}
	n, err := phonenumbers.Parse(digits, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// sameHold is the kind under which a hold is found: kinds that raise the same flags are one.
func sameHold(kind string) string {
	k, known := record.HoldKindNamed(kind)
	if !known || len(k.Flags) == 0 {
		return kind
	}
	flags := slices.Clone(k.Flags)
	slices.Sort(flags)
	return strings.Join(flags, ",")
}
