package casework

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// importCase takes in one line of a case import. It is made by ImportCases only,
// which has claimed the homes of case and debtor before.
type importCase struct {
	line record.CaseLine
	imp  string // the import's id
}

// importReceipt answers importCase.
type importReceipt struct {
	Case      journal.CaseID `json:"case"`
	Change    string         `json:"change"`
	Territory string         `json:"territory"`
}

func (c importCase) refs() []journal.DocRef {
	return append(append(caseRef(c.line.ID()), importRefs(c.imp)...),
		journal.DocRef{Type: "moves", ID: string(c.line.Debtor())})
}

func (c importCase) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.stillImporting(ctx, c.imp); err != nil {
		return nil, err
	}
	rec, there, err := t.r.Doc(ctx, "cases", string(c.line.ID()))
	if err != nil {
		return nil, err
	}
	// An erasure that ends meanwhile, or a move that begins, has this decided again.
	t.r.Depend(debtorKey(c.line.Debtor()))
	if m, err := t.moveOf(ctx, c.line.Debtor()); err != nil {
		return nil, err
	} else if m.Away() {
		return nil, refuseMovingLine("debtor_ref")
	}
	f := &File{}
	if there {
		f.Rev = rec.Rev
		if err := decode(rec, &f.Case); err != nil {
			return nil, err
		}
		if err := t.openCase(ctx, f); err != nil {
			return nil, err
		}
		// Only a case on a phone has anything to revoke.
		if err := t.loadToRevoke(ctx, f, len(f.Case.Agents) > 0); err != nil {
			return nil, err
		}
	}
	territory := ""
	if c.line.Home != nil {
		p := c.line.Home.Point()
		if territory, err = t.territoryAt(ctx, p.Lon, p.Lat); err != nil {
			return nil, err
		}
	}
	f.Case.Branch = t.Branch
	return decideImport(f, t.draft("case.import"), c, importMark(c.imp, rec, there), territory,
		t.dayIn(c.line.TimeZone), &t.svc.zones)
}

// decideImport decides a line of an import. mark goes on the case that it changes, territory is that of the imported
// home, today the local date.
func decideImport(f *File, d *draftBuilder, c importCase, mark *record.Imported, territory, today string,
	zones *zoneCache) (*draftBuilder, error) {
	k, l := &f.Case, &c.line
	fresh := f.Rev == 0 || k.IsUndone()
	answer := importReceipt{Case: l.ID(), Change: accepted}
	if f.Rev > 0 {
		answer.Change = updated
		switch {
		case k.IsErased():
			return nil, refuseErased("debtor_ref")
		case k.Debtor != l.Debtor():
			return nil, refuse(refusal.Conflict, "import.debtor_changed", "debtor_ref",
				"the case belongs to another debtor; a case keeps its debtor, so use a case_ref of its own")
		case k.Currency != l.Currency:
			return nil, refuse(refusal.Conflict, "import.currency_changed", "currency",
				"the case is kept in %s; a case keeps its currency, so use a case_ref of its own", k.Currency)
		}
		if err := refuseClosed(k); err != nil {
			return nil, err
		}
		if !fresh && k.Imported.Plain().Same(l) {
			answer.Change, answer.Territory = unchanged, k.Territory
			d.reply = answer
			return d.nothing(), nil
		}
		if fresh {
			answer.Change, k.Status, k.Closed = reopened, record.StatusOpen, nil
		}
	} else {
		k.ID, k.CaseRef, k.Lender, k.Currency = l.ID(), l.CaseRef, l.Lender, l.Currency
		k.Debtor, k.DebtorRef = l.Debtor(), l.DebtorRef
		k.Status, k.OpenedAt = record.StatusOpen, d.At
	}
	k.ProductType, k.Profiles, k.DebtorName = l.ProductType, l.Profiles, seal.NewText(l.DebtorName)
	k.PrincipalMinor, k.DueDate, k.Priority = l.PrincipalMinor, l.DueDate, l.Priority
	was := k.Imported.Plain()
	importContactData(k, &was, l, fresh, territory)
	settleZones(zones, k, d.At)
	if fresh || was.AmountDueMinor != l.AmountDueMinor {
		if err := importAmount(k, l, today); err != nil {
			return nil, err
		}
	}
	k.Imported, k.Import = record.NewPersonal(*l), mark
	d.putCase(f)
	if f.Rev == 0 {
		d.write(debtorKey(k.Debtor)) // who moves or erases the debtor must see the new case
	}
	if importHolds(f, d, l.Flags, today) {
		revokeOpen(f, d, "revoked", "hold")
	}
	if settle(f, d) {
		answer.Change = reopened
	}
	answer.Territory = k.Territory
	d.reply = answer
	return d, nil
}

// importAmount takes over a changed amount due on the debtor's local date. Where payments are
// known, the lender must say whether they are in it, so that none counts twice.
func importAmount(k *record.Case, l *record.CaseLine, today string) error {
	switch {
	case k.PaidMinor == 0:
		k.AmountDueMinor = l.AmountDueMinor
	case l.Net == nil:
		return refuse(refusal.Conflict, "import.net", "amount_due_minor",
			"payments of %d in minor units are recorded for this case: say in the column net, or for the whole file, "+
				"whether the amount is net of payments", k.PaidMinor)
	case *l.Net:
		k.AmountDueMinor = l.AmountDueMinor
	default:
		k.AmountDueMinor = max(0, l.AmountDueMinor-k.PaidMinor)
	}
	if l.Net != nil && *l.Net {
		k.NetOn = today
	}
	return nil
}

// refuseClosed refuses a line about a case that was closed for another reason than that it is
// paid, or that its import was undone: the lender believes that it is open, and must be told.
func refuseClosed(k *record.Case) error {
	if k.Status != record.StatusClosed || k.Closed == nil || k.Closed.Reason == paidReason || k.IsUndone() {
		return nil
	}
	return refuse(refusal.Conflict, "import.case_closed", "case_ref",
		"the case was closed (%s) on %s; reopen it first, or leave it out of the file", k.Closed.Reason,
		k.Closed.At.UTC().Format("2006-01-02"))
}

// importContactData takes over how and where the debtor is reached, each part only
// if the lender's own word on it has changed: what people corrected since stays.
func importContactData(k *record.Case, was, l *record.CaseLine, fresh bool, territory string) {
	if fresh || !was.SamePhone(l) {
		k.Phone, k.PhoneVerifiedOn, k.PhoneState = seal.NewText(l.Phone), l.PhoneVerifiedOn, ""
	}
	if fresh || !was.SameAddress(l) {
		k.Address, k.PostalCode, k.City, k.Country = seal.NewText(l.Address), seal.NewText(l.PostalCode),
			seal.NewText(l.City), l.Country
		k.Home, k.Datum = seal.Point{}, l.Datum
		if l.Home != nil {
			k.Home = seal.NewPoint(l.Home.Point())
		}
		k.AddressVerifiedOn, k.AddressVerification = l.AddressVerifiedOn, ""
		if !k.TerritoryPinned {
			k.Territory = territory
		}
	}
	if fresh || was.Language != l.Language {
		k.Language = l.Language
	}
	if fresh || was.TimeZone != l.TimeZone {
		k.TimeZone = l.TimeZone
	}
	if fresh || was.ServiceMin != l.ServiceMin {
		k.ServiceMin = l.ServiceMin
	}
}

// Sources of holds that imports made.
const (
	fromImport = "import"
	// fromEarlierImport marks a hold of a flag that the lender has dropped since.
	fromEarlierImport = "import:ended"
)

// importHolds opens a hold for each flag the lender raises. That a flag is dropped ends no
// hold: a person of the office releases it. A hold that was released stays so while the lender
// goes on sending the flag; should the flag come back after it was dropped, it holds anew.
// Holds that people opened are not touched.
func importHolds(f *File, d *draftBuilder, flags []string, today string) (added bool) {
	raised := map[string]bool{}
	holds := f.Case.AllHolds()
	for i := range holds {
		h := &holds[i]
		flagged := slices.Contains(flags, h.Kind)
		switch {
		case h.Source == fromImport && !flagged:
			h.Source = fromEarlierImport
		case h.Source == fromEarlierImport && flagged && h.Released == nil:
			h.Source = fromImport
		}
		raised[h.Kind] = raised[h.Kind] || h.Source == fromImport
	}
	f.Case.SetHolds(holds)
	for _, kind := range flags {
		if !raised[kind] {
			_, _ = addHold(f, d, record.Hold{Kind: kind, Since: today, Source: fromImport})
			added = true
		}
	}
	return added
}

// homeTerritory finds the territory a case's home lies in now.
func (t *turn) homeTerritory(ctx context.Context, f *File) (string, error) {
	if err := t.openCase(ctx, f); err != nil {
		return "", err
	}
	p, ok := homeOf(&f.Case)
	if !ok {
		return "", nil
	}
	return t.territoryAt(ctx, p.Lon, p.Lat)
}

// homeOf is the opened position of a case's home; false when it has none.
func homeOf(c *record.Case) (geo.Point, bool) { return c.Home.Plain() }

// sha256Hex is the hash of some texts, in hexadecimal digits.
func sha256Hex(of ...string) string {
	h := sha256Of(of...)
	return hex.EncodeToString(h[:])
}

// sha256Of is the hash of some texts.
func sha256Of(of ...string) [32]byte { return sha256.Sum256([]byte(strings.Join(of, "\x00"))) }

// same tells whether two states say the same, personal parts included. Both are pointers, and opened.
func same(a, b any) bool {
	x, err := seal.Show(a)
	if err != nil {
		return false
	}
	y, err := seal.Show(b)
	return err == nil && string(x) == string(y)
}
