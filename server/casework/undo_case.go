package casework

import (
	"context"
	"slices"

	"doorstep/server/record"
	"doorstep/sync/seal"
)

// undoCase takes back what an import changed of a case: one that it opened is closed, and of another each group of
// members that is still as the import left it becomes what it was before.
type undoCase struct {
	undoOf
	before *record.Case // nil: the import opened the case
	after  *record.Case
}

func (c undoCase) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, kept, err := c.file(ctx, t, toRevoke)
	if kept != nil || err != nil {
		return kept, err
	}
	opened := c.before == nil || c.before.IsUndone()
	if opened {
		code, err := c.used(ctx, t, f)
		if err != nil {
			return nil, err
		}
		if code != "" {
			return c.kept(t, code), nil
		}
		d := t.draft("import.undo")
		decideUndoOpened(f, d)
		c.line.Became = becameClosed
		d.reply = c.line
		return d, nil
	}
	if code := c.overtaken(&f.Case); code != "" {
		return c.kept(t, code), nil
	}
	territory := ""
	if home, ok := homeOf(c.before); ok {
		if territory, err = t.territoryAt(ctx, home.Lon, home.Lat); err != nil {
			return nil, err
		}
	}
	d := t.draft("import.undo")
	c.line.Became, c.line.Kept = decideUndoChanged(f, d, c.before, c.after, territory, &t.svc.zones)
	d.reply = c.line
	return d, nil
}

// used tells why a case that the import opened cannot be closed with it any more; "" for none.
func (c undoCase) used(ctx context.Context, t *turn, f *File) (string, error) {
	k := &f.Case
	var paid []Filed[record.Payment]
	if err := allInto(ctx, t.r, &paid, PaymentsByCase, string(k.ID)); err != nil {
		return "", err
	}
	var complaints []Filed[record.Complaint]
	if err := allInto(ctx, t.r, &complaints, ComplaintsByCase, string(k.ID)); err != nil {
		return "", err
	}
	// A payment whose own import was undone was none.
	paid = slices.DeleteFunc(paid, func(p Filed[record.Payment]) bool {
		return p.State.UndoneBy != "" ||
			p.State.Reverses != ""
	})
	switch {
	case len(f.Visits) > 0:
		return keptVisited, nil
	case len(f.Plans) > 0:
		return keptPlan, nil
	case len(paid) > 0:
		return keptPaid, nil
	case len(f.Notes)+len(f.Consents)+len(f.Signatures)+len(f.Reported)+len(f.Confirmed)+len(complaints) > 0 ||
		len(k.Appointments.Plain()) > len(c.after.Appointments.Plain()):
		return keptRecorded, nil
	case k.IsUndone():
		return keptUndone, nil
	}
	if code := c.overtaken(k); code != "" {
		return code, nil
	}
	for _, g := range caseGroups {
		if !g.same(k, c.after) {
			return keptChanged, nil
		}
	}
	return "", nil
}

// overtaken tells why nothing of a case is taken back: it was closed or reopened since, or a later import gave its own
// word on all members; "" for neither.
func (c undoCase) overtaken(k *record.Case) string {
	said := c.after.Imported.Plain()
	switch {
	case !sameStatus(k, c.after):
		return keptClosed
	case k.Import == nil || k.Import.ID != c.imp || !k.Imported.Plain().Same(&said):
		return keptImported
	}
	return ""
}

// decideUndoOpened closes a case that should not have been opened, and takes it off the phones as if it was recalled.
// The line that opened it is forgotten, so that the same line opens it again.
func decideUndoOpened(f *File, d *draftBuilder) {
	f.Case.Imported = record.Personal[record.CaseLine]{}
	closeCase(f, d, record.ClosedUndone)
}

// sameStatus tells whether two states of a case are open or closed alike. One that is closed as paid can open again.
func sameStatus(a, b *record.Case) bool {
	paid := func(k *record.Case) bool {
		return k.Status == record.StatusOpen || k.Closed != nil && k.Closed.Reason == paidReason
	}
	return a.Status == b.Status && (a.Status != record.StatusClosed || paid(a) && paid(b))
}

// caseGroup is what an import changes of a case together, under the name of its first member.
type caseGroup struct {
	name string
	same func(a, b *record.Case) bool
	set  func(k, from *record.Case)
}

// caseGroups are the members that an import changes, but for holds.
var caseGroups = []caseGroup{
	{"product_type", func(a, b *record.Case) bool { return a.ProductType == b.ProductType },
		func(k, from *record.Case) { k.ProductType = from.ProductType }},
	{"profiles", func(a, b *record.Case) bool { return slices.Equal(a.Profiles, b.Profiles) },
		func(k, from *record.Case) { k.Profiles = slices.Clone(from.Profiles) }},
	{"debtor_name", func(a, b *record.Case) bool { return sameText(a.DebtorName, b.DebtorName) },
		func(k, from *record.Case) { k.DebtorName = textOf(from.DebtorName) }},
	{"language", func(a, b *record.Case) bool { return a.Language == b.Language },
		func(k, from *record.Case) { k.Language = from.Language }},
	{"phone", func(a, b *record.Case) bool {
		return sameText(a.Phone, b.Phone) && a.PhoneVerifiedOn == b.PhoneVerifiedOn && a.PhoneState == b.PhoneState
	}, func(k, from *record.Case) {
		k.Phone, k.PhoneVerifiedOn, k.PhoneState = textOf(from.Phone), from.PhoneVerifiedOn, from.PhoneState
	}},
	{"address", sameAddress, func(k, from *record.Case) {
		k.Address, k.PostalCode, k.City = textOf(from.Address), textOf(from.PostalCode), textOf(from.City)
		k.Country, k.Datum, k.Home = from.Country, from.Datum, seal.Point{}
		if home, ok := homeOf(from); ok {
			k.Home = seal.NewPoint(home)
		}
		k.AddressVerifiedOn, k.AddressVerification = from.AddressVerifiedOn, from.AddressVerification
	}},
	{"time_zone", func(a, b *record.Case) bool { return a.TimeZone == b.TimeZone },
		func(k, from *record.Case) { k.TimeZone = from.TimeZone }},
	{"principal_minor", func(a, b *record.Case) bool { return a.PrincipalMinor == b.PrincipalMinor },
		func(k, from *record.Case) { k.PrincipalMinor = from.PrincipalMinor }},
	{"amount_due_minor", func(a, b *record.Case) bool {
		return a.AmountDueMinor == b.AmountDueMinor && a.NetOn == b.NetOn && a.PaidMinor == b.PaidMinor
	}, func(k, from *record.Case) { k.AmountDueMinor, k.NetOn = from.AmountDueMinor, from.NetOn }},
	{"due_date", func(a, b *record.Case) bool { return a.DueDate == b.DueDate },
		func(k, from *record.Case) { k.DueDate = from.DueDate }},
	{"priority", func(a, b *record.Case) bool { return a.Priority == b.Priority },
		func(k, from *record.Case) { k.Priority = from.Priority }},
	{"service_min", func(a, b *record.Case) bool { return a.ServiceMin == b.ServiceMin },
		func(k, from *record.Case) { k.ServiceMin = from.ServiceMin }},
}

func sameText(a, b seal.Text) bool { return a.Plain() == b.Plain() }

// textOf is an open text that is sealed anew with its case.
func textOf(t seal.Text) seal.Text { return seal.NewText(t.Plain()) }

func sameAddress(a, b *record.Case) bool {
	x, there := homeOf(a)
	y, too := homeOf(b)
	return there == too && x == y && sameText(a.Address, b.Address) && sameText(a.PostalCode, b.PostalCode) &&
		sameText(a.City, b.City) && a.Country == b.Country && a.Datum == b.Datum &&
		a.AddressVerifiedOn == b.AddressVerifiedOn && a.AddressVerification == b.AddressVerification
}

// decideUndoChanged gives a case the values that it had before an import, as far as it still has those that the import
// gave it. territory is where the home of before lies now.
func decideUndoChanged(f *File, d *draftBuilder, before, after *record.Case, territory string,
	zones *zoneCache) (became string, kept []UndoKept) {
	k, changed := &f.Case, 0
	was := *k // before any group is set
	for _, g := range caseGroups {
		if g.same(before, after) || g.name == "amount_due_minor" && sameAmount(before, after) {
			continue
		}
		switch {
		case g.name == "amount_due_minor" && k.LivePlan != "" && k.LivePlan != after.LivePlan:
			kept = append(kept, UndoKept{g.name, keptPlan, ""})
		case !g.same(&was, after) && was.PaidMinor != after.PaidMinor && g.name == "amount_due_minor":
			kept = append(kept, UndoKept{g.name, keptPaid, ""})
		case !g.same(&was, after):
			kept = append(kept, UndoKept{g.name, keptChanged, ""})
		default:
			g.set(k, before)
			changed++
			if g.name == "address" && !k.TerritoryPinned {
				k.Territory = territory
			}
		}
	}
	// The lender's line of before is the one that counts again, so that the line that is taken back can come anew.
	k.Imported, k.Import = record.NewPersonal(before.Imported.Plain()), before.Import
	ended, stay := undoHolds(k, before, after, record.Release{At: d.At, By: d.Actor.User, Reason: record.ClosedUndone})
	if changed += ended; stay > 0 {
		kept = append(kept, UndoKept{"holds", keptHold, ""})
	}
	switch {
	case len(kept) == 0:
		became = becameRestored
	case changed > 0:
		became = becamePartly
	default:
		became = becameLeft
	}
	settleZones(zones, k, d.At)
	d.putCase(f)
	settle(f, d)
	return became, kept
}

// sameAmount tells whether an import left the amount alone: what was paid is not its doing.
func sameAmount(before, after *record.Case) bool {
	return before.AmountDueMinor == after.AmountDueMinor && before.NetOn == after.NetOn
}

// undoHolds ends the holds that an import opened, but those whose end takes two people, and gives those whose flag it
// had dropped their source back.
func undoHolds(k, before, after *record.Case, release record.Release) (ended, stay int) {
	holds := k.AllHolds()
	find := func(of *record.Case, id string) *record.Hold {
		all := of.AllHolds()
		if i := slices.IndexFunc(all, func(h record.Hold) bool { return h.ID == id }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	for i := range holds {
		h := &holds[i]
		was, then := find(before, h.ID), find(after, h.ID)
		switch {
		case then == nil || h.Released != nil: // opened later, or ended
		case was != nil && was.Source != then.Source && h.Source == then.Source:
			h.Source = was.Source
			ended++
		case was != nil:
		case h.NeedsTwo():
			stay++
		default:
			end := release
			h.Released = &end
			ended++
		}
	}
	k.SetHolds(holds)
	return ended, stay
}
