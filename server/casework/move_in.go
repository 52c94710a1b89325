package casework

import (
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// chunkBytes is how many bytes of states one command copies at most, and chunkDocs how many
// documents; a single document may be larger than chunkBytes.
const (
	chunkBytes = 256 << 10
	chunkDocs  = 500
)

// relocation is a move under way with what copying must know of it.
type relocation struct {
	record.Move
	// names are the ids that records have in the new branch, where they came from there
	// and had another id in the old one.
	names map[journal.DocRef]string
}

// belowCases reads what lies below the cases of a move, in chunks. The old branch says
// leaving, so that nothing of it changes any more.
func (s *Service) belowCases(ctx context.Context, m *relocation) ([][]journal.Record, error) {
	var chunks [][]journal.Record
	bytes := 0
	for _, kind := range record.Kinds() {
		if kind.ByCase.Type == "" || kind.Private {
			continue
		}
		for _, id := range m.Cases {
			q := journal.Query{Branch: m.From, Type: kind.Name, Index: kind.ByCase.Name, Eq: []any{string(id)}}
			if err := s.each(ctx, q, func(rec journal.Record) error {
				var of record.MovedIn
				if err := decode(rec, &of); err != nil {
					return err
				}
				if of.Origin != nil && of.Origin.Branch == m.To {
					m.names[journal.DocRef{Type: rec.Type, ID: rec.ID}] = of.Origin.ID
				}
				last := len(chunks) - 1
				if last < 0 || bytes+len(rec.Body) > chunkBytes || len(chunks[last]) == chunkDocs {
					chunks, bytes = append(chunks, nil), 0
					last++
				}
				chunks[last] = append(chunks[last], rec)
				bytes += len(rec.Body)
				return nil
			}); err != nil {
				return nil, err
			}
		}
	}
	return chunks, nil
}

// chunkName is the same for the same states, and for no others: should a chunk be cut
// elsewhere the next time, its command is another one.
func chunkName(docs []journal.Record) string {
	var of []string
	for _, rec := range docs {
		of = append(of, rec.Type, rec.ID, fmt.Sprint(rec.Rev))
	}
	return madeID("c", of...)
}

// topOf reads the cases of a move, and the links and erasures of its debtors.
func (s *Service) topOf(ctx context.Context, m *relocation) ([]journal.Record, error) {
	var refs []journal.DocRef
	for _, id := range m.Cases {
		refs = append(refs, journal.DocRef{Type: "cases", ID: string(id)})
	}
	for _, id := range m.Debtors {
		refs = append(refs, journal.DocRef{Type: "links", ID: string(id)})
	}
	recs, err := s.store.Records(ctx, m.From, refs)
	if err != nil {
		return nil, fmt.Errorf("read cases and links: %w", err)
	}
	recs = slices.DeleteFunc(recs, func(rec journal.Record) bool { return rec.Type == "" || rec.Deleted })
	for _, id := range m.Debtors {
		found, err := stored{s, m.From}.Some(ctx, erasuresByDebtor, journal.Range{}, string(id))
		if err != nil {
			return nil, err
		}
		recs = append(recs, found...)
	}
	return recs, nil
}

// arrive is said in the new branch before anything is copied.
type arrive struct{ move *relocation }

func (c arrive) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m := c.move.Move
	d := t.draft("debtor.arriving")
	for _, id := range m.Debtors {
		was, err := t.moveOf(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case was.ID == m.ID:
			return d.nothing(), nil
		case was.State == record.MoveLeaving || was.State == record.MoveArriving:
			return nil, refuseMoving() // another move is to end first
		}
		t.r.Depend(debtorKey(id))
	}
	m.State = record.MoveArriving
	putMoves(d, m)
	return d, nil
}

// arriving tells whether a move is between arrive and moveIn in the turn's branch.
func (t *turn) arriving(ctx context.Context, m *relocation) (bool, error) {
	now, err := t.moveOf(ctx, m.Debtors[0])
	return err == nil && now.ID == m.ID && now.State == record.MoveArriving, err
}

// copyIn copies records from below the cases of a move.
type copyIn struct {
	move *relocation
	docs []journal.Record // as the old branch keeps them
}

func (c copyIn) refs() []journal.DocRef {
	refs := make([]journal.DocRef, len(c.docs))
	for i, rec := range c.docs {
		refs[i] = journal.DocRef{Type: rec.Type, ID: rec.ID}
	}
	return refs
}

func (c copyIn) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d := t.draft("debtor.copied")
	if now, err := t.arriving(ctx, c.move); err != nil || !now {
		return d.nothing(), err
	}
	if _, err := t.r.Docs(ctx, c.refs()...); err != nil {
		return nil, err
	}
	p := &placing{turn: t, move: c.move}
	for _, rec := range c.docs {
		state, err := p.open(ctx, rec)
		if err != nil {
			return nil, err
		}
		id, err := p.settle(ctx, rec, state)
		if err != nil {
			return nil, err
		}
		if known, err := p.known(ctx, rec.Type, id); err != nil {
			return nil, err
		} else if known {
			continue
		}
		var of struct {
			owned
			Debtor journal.DebtorID `json:"debtor"`
		}
		if err := decode(rec, &of); err != nil {
			return nil, err
		}
		d.put(rec.Type, id, of.Debtor, state)
		d.copied()
		d.write(journal.CaseKey(of.Case), debtorKey(of.Debtor))
	}
	return d, nil
}

// copied says that the document put last counts in the branch it came from.
func (d *draftBuilder) copied() {
	docs := d.now().docs
	docs[len(docs)-1].copy = true
}

// placing finds the ids that what moves has in the turn's branch.
type placing struct {
	turn *turn
	move *relocation
}

// open reads a record of the old branch; its personal parts are yet to be sealed for the new one.
func (p *placing) open(ctx context.Context, rec journal.Record) (any, error) {
	kind, _ := record.KindOf(rec.Type)
	state := kind.New()
	if err := decode(rec, state); err != nil {
		return nil, err
	}
	if err := p.turn.svc.vault.OpenDoc(ctx, "", rec.Branch, rec.Type, rec.ID, state); err != nil {
		return nil, fmt.Errorf("open %s/%s of %s: %w", rec.Type, rec.ID, rec.Branch, err)
	}
	seal.Renew(state)
	return state, nil
}

// settle makes a record one of the turn's branch, and gives its id there.
func (p *placing) settle(ctx context.Context, rec journal.Record, state any) (string, error) {
	id, err := p.place(ctx, rec.Type, rec.ID)
	if err != nil {
		return "", err
	}
	was, ofVisit := state.(*record.Contact)
	ofVisit = ofVisit && was.Visit != "" && rec.ID == contactID(was.Case, "visit:"+was.Visit)
	if err := p.rename(ctx, state); err != nil {
		return "", err
	}
	switch v := state.(type) {
	case *record.Contact:
		// An import is a branch's own, and so is the undoing of it.
		v.Branch, v.Import = p.turn.Branch, nil
		if ofVisit {
			id = contactID(v.Case, "visit:"+v.Visit)
		}
	case *record.Payment:
		v.Import = nil
	case *record.Plan:
		v.Branch = p.turn.Branch
	case *record.CorrectionReview:
		id = v.ID()
	case *record.VisitReview: // it has its visit's id
		if id, err = p.place(ctx, "visits", rec.ID); err != nil {
			return "", err
		}
	}
	record.MoveIn(state, record.Origin{Branch: rec.Branch, ID: rec.ID, No: visitNo(rec)}, p.turn.Branch)
	_, _, err = p.turn.r.Doc(ctx, rec.Type, id)
	return id, err
}

// rename puts the ids that records have here into a state that names them.
func (p *placing) rename(ctx context.Context, state any) (err error) {
	record.Rename(state, func(kind, id string) string {
		here, failed := p.place(ctx, kind, id)
		if failed != nil {
			err = failed
		}
		return here
	})
	return err
}

// place gives the id that a record of what moves has here: its own, unless another case's
// record has it. Phones make ids, and two branches' phones may make the same.
func (p *placing) place(ctx context.Context, kind, id string) (string, error) {
	if home := p.move.names[journal.DocRef{Type: kind, ID: id}]; home != "" {
		return home, nil
	}
	if _, known := record.KindOf(kind); !known {
		return id, nil
	}
	rec, there, err := p.turn.r.Doc(ctx, kind, id)
	if err != nil || !there {
		return id, err
	}
	ours, err := p.move.owns(rec)
	if err != nil || ours {
		return id, err
	}
	return madeID("m", string(p.move.From), kind, id), nil
}

// owns tells whether a record belongs to a debtor of the move.
func (m *relocation) owns(rec journal.Record) (bool, error) {
	var of struct {
		owned
		Debtor journal.DebtorID `json:"debtor"`
	}
	if err := decode(rec, &of); err != nil {
		return false, err
	}
	return slices.Contains(m.Cases, of.Case) || slices.Contains(m.Debtors, of.Debtor), nil
}

// known tells whether the branch has a record that is written once: from an earlier stay of
// the debtor, or because it was copied a moment ago. What can change is written again.
func (p *placing) known(ctx context.Context, typ, id string) (bool, error) {
	kind, _ := record.KindOf(typ)
	if kind.Rules.Policy != offline.AppendOnly {
		return false, nil
	}
	_, there, err := p.turn.r.Doc(ctx, typ, id)
	return there, err
}

// moveIn is the step with which the new branch has the debtors.
type moveIn struct {
	move *relocation
	top  []journal.Record // cases, links and erasures, as the old branch keeps them
}

func (c moveIn) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d := t.draft("debtor.moved_in")
	if now, err := t.arriving(ctx, c.move); err != nil || !now {
		return d.nothing(), err
	}
	p := &placing{turn: t, move: c.move}
	for _, rec := range c.top {
		if _, _, err := t.r.Doc(ctx, rec.Type, rec.ID); err != nil {
			return nil, err
		}
		state, err := p.open(ctx, rec)
		if err != nil {
			return nil, err
		}
		switch v := state.(type) {
		case *record.Case:
			if err := p.rename(ctx, v); err != nil {
				return nil, err
			}
			if err := t.enterBranch(ctx, v, c.move.From); err != nil {
				return nil, err
			}
			f := &File{Case: *v}
			d.putCase(f)
			d.next("debtor.moved_in")
		case *record.Link:
			d.put(rec.Type, rec.ID, "", v)
		case *record.Erasure:
			v.Branch = t.Branch
			d.put(rec.Type, rec.ID, "", v)
		}
	}
	for _, id := range c.move.Debtors {
		if _, err := t.moveOf(ctx, id); err != nil {
			return nil, err
		}
	}
	m := c.move.Move
	m.State, m.DoneAt = record.MoveHere, t.At
	putMoves(d, m)
	return d, nil
}

// enterBranch makes a case one of the turn's branch: teams and territories are each branch's own.
func (t *turn) enterBranch(ctx context.Context, k *record.Case, from auth.BranchID) error {
	var was record.CaseMove
	if k.Moved != nil {
		was = *k.Moved
	}
	k.Branch, k.Status, k.Agents, k.Team, k.TerritoryPinned, k.Territory = t.Branch, was.Status, nil, "", false, ""
	k.Import = nil
	k.Moved = &record.CaseMove{At: was.At, By: was.By, Was: append(slices.Clone(was.Was), from)}
	if erased, err := t.svc.vault.IsErased(ctx, k.Debtor); err != nil {
		return err
	} else if erased { // on the way, by the erasure list of a backup that was set back
		k.Status, k.Closed = record.StatusClosed, &record.Closing{Reason: record.ClosedErased, At: t.At, By: t.Actor.User}
	}
	home, ok := homeOf(k)
	if !ok {
		return nil
	}
	var err error
	k.Territory, err = t.territoryAt(ctx, home.Lon, home.Lat)
	return err
}
