package mongostore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// generation is a journal.Generation as it is stored.
type generation struct {
	Key    string `bson:"_id"`
	Branch string `bson:"branch"`
	View   string `bson:"view"`
	Gen    int64  `bson:"gen"`
	W      int64  `bson:"w"`
	State  string `bson:"state"`
}

func (d generation) generation() journal.Generation {
	return journal.Generation{View: d.View, Gen: uint64(d.Gen), W: uint64(d.W), State: journal.GenState(d.State)}
}

// genKey sorts as the numbers do.
func genKey(b auth.BranchID, gen uint64) string { return key(string(b), fmt.Sprintf("%020d", gen)) }

func genDoc(b auth.BranchID, g journal.Generation) bson.D {
	return bson.D{{Key: "_id", Value: genKey(b, g.Gen)}, {Key: "branch", Value: string(b)}, {Key: "view", Value: g.View},
		{Key: "gen", Value: int64(g.Gen)}, {Key: "w", Value: int64(g.W)}, {Key: "state", Value: string(g.State)}}
}

// Generations lists a branch's generations by number, and remembers them for the reads that follow.
func (s *Store) Generations(ctx context.Context, b auth.BranchID) ([]journal.Generation, error) {
	began := time.Now()
	var out []journal.Generation
	filter := bson.D{{Key: "branch", Value: string(b)}, {Key: "_id", Value: bson.D{{Key: "$gte", Value: key(string(b),
		"")}, {Key: "$lt", Value: beyond(string(b))}}}}
	err := each(ctx, s, s.views, filter, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}), func(d generation) error {
		out = append(out, d.generation())
		return nil
	})
	if err == nil {
		s.remember(b, remembered{out, began})
	}
	return out, err
}

// begin gives a new branch its built-in views, before its first page: whatever branch
// has a page is then among Branches.
func (s *Store) begin(ctx context.Context, b auth.BranchID) error {
	var docs []any
	for i, view := range journal.BuiltInViews() {
		docs = append(docs, genDoc(b, journal.Generation{View: view, Gen: uint64(i + 1), State: journal.Live}))
	}
	_, err := s.insert(ctx, s.views, docs)
	return wrap("begin the views", err)
}

// AddGeneration adds an empty generation under the next number.
func (s *Store) AddGeneration(ctx context.Context, b auth.BranchID, view string) (journal.Generation, error) {
	for {
		gens, err := s.Generations(ctx, b)
		if err != nil {
			return journal.Generation{}, err
		}
		g := journal.Generation{View: view, Gen: 1, State: journal.Filling}
		if len(gens) > 0 {
			g.Gen = gens[len(gens)-1].Gen + 1
		}
		err = s.add(ctx, s.views, genDoc(b, g))
		if !mongo.IsDuplicateKeyError(err) {
			return g, err
		}
	}
}

// readable is the number of the generation that a view is read from; 0, under which no row is kept, when there is none.
func readable(gens []journal.Generation, view string) uint64 {
	g, _ := journal.Readable(gens, view)
	return g.Gen
}

// Watermark is W of a branch.
func (s *Store) Watermark(ctx context.Context, b auth.BranchID) (uint64, error) {
	gens, err := s.Generations(ctx, b)
	return journal.LowestOf(gens), err
}

// Watermarks gives the watermarks of all branches: each read is of a bounded number of
// generations, in the order of their _id.
func (s *Store) Watermarks(ctx context.Context) ([]journal.BranchMark, error) {
	gens := map[auth.BranchID][]journal.Generation{}
	for from, n := "", manyDocs; n == manyDocs; {
		n = 0
		err := each(ctx, s, s.views, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: from}}}}, byID(manyDocs),
			func(d generation) error {
				n++
				from = d.Key
				b := auth.BranchID(d.Branch)
				gens[b] = append(gens[b], d.generation())
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	var out []journal.BranchMark
	for _, b := range slices.Sorted(maps.Keys(gens)) {
		out = append(out, journal.BranchMark{Branch: b, W: journal.LowestOf(gens[b])})
	}
	return out, nil
}

// Branches lists the branches that have a generation.
func (s *Store) Branches(ctx context.Context) ([]auth.BranchID, error) {
	marks, err := s.Watermarks(ctx)
	if err != nil {
		return nil, err
	}
	var out []auth.BranchID
	for _, m := range marks {
		out = append(out, m.Branch)
	}
	return out, nil
}

// What readers on other nodes go by: a generation that stopped being read is removed
// no sooner than grace later. Who read which generations there are less than grace ago
// has therefore read whole ones; who took longer looks again.
const (
	rememberFor = time.Second
	grace       = 3 * time.Second
)

// remembered is what generations a branch had at a time.
type remembered struct {
	gens []journal.Generation
	at   time.Time // before they were read
}

// remember keeps what was read, unless something newer is known.
func (s *Store) remember(b auth.BranchID, r remembered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, ok := s.gens[b]; !ok || was.at.Before(r.at) {
		s.gens[b] = r
	}
}

// pinned calls fn with the branch's generations, of a moment ago at most and never of
// before the last Commit, Apply or Generations of this store. It calls fn again in the rare case that
// what fn read may have been removed under it.
func (s *Store) pinned(ctx context.Context, b auth.BranchID, fn func([]journal.Generation) error) error {
	for {
		s.mu.Lock()
		r, ok := s.gens[b]
		s.mu.Unlock()
		if !ok || time.Since(r.at) > rememberFor {
			r = remembered{at: time.Now()}
			var err error
			if r.gens, err = s.Generations(ctx, b); err != nil {
				return err
			}
		}
		if err := fn(r.gens); err != nil || time.Since(r.at) < grace {
			return err
		}
		if same, err := s.stillThere(ctx, b, r.gens); err != nil || same {
			return err
		}
	}
}

// stillThere tells whether the rows of all generations that were readable are all there.
func (s *Store) stillThere(ctx context.Context, b auth.BranchID, was []journal.Generation) (bool, error) {
	now, err := s.Generations(ctx, b)
	if err != nil {
		return false, err
	}
	for _, g := range was {
		i := slices.IndexFunc(now, func(x journal.Generation) bool { return x.Gen == g.Gen })
		if (g.State == journal.Live || g.State == journal.Old) &&
			(i < 0 || now[i].State != journal.Live && now[i].State != journal.Old) {
			return false, nil
		}
	}
	return true, nil
}

// settled reads the generations, and ends a switch that was cut short between its two writes.
func (s *Store) settled(ctx context.Context, b auth.BranchID) (remembered, error) {
	for {
		r := remembered{at: time.Now()}
		var err error
		if r.gens, err = s.Generations(ctx, b); err != nil {
			return r, err
		}
		again := false
		for _, g := range r.gens {
			was, ok := journal.Readable(r.gens, g.View)
			if g.State != journal.Filling || !ok || was.State != journal.Old || g.Gen < was.Gen || g.W < was.W {
				continue
			}
			if err := s.setState(ctx, b, g, journal.Live); err != nil && !errors.Is(err, journal.ErrRaced) {
				return r, err
			}
			again = true
			break
		}
		if !again {
			return r, nil
		}
	}
}

// setState moves a generation to another state, if it is as it was read.
func (s *Store) setState(ctx context.Context, b auth.BranchID, g journal.Generation, to journal.GenState) error {
	filter := append(at(b, genKey(b, g.Gen)), bson.E{Key: "state", Value: string(g.State)})
	if g.State == journal.Live {
		filter = append(filter, bson.E{Key: "w", Value: int64(g.W)})
	}
	found, err := s.update(ctx, s.views, filter,
		bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: string(to)}}}})
	if err == nil && !found {
		return journal.ErrRaced
	}
	return err
}

// show writes a stored page's views to the generations that are read or keep step, and
// raises their watermarks: those that are filled first, so that the generation that is
// read never has what the next one lacks. With must it is an error if the page is not
// visible then.
//
// Which generations there are is read after the page was stored: a generation that comes
// later meets the page in the journal. A generation that is switched off meanwhile can no
// longer be raised, and the page is shown in the one that took its place.
func (s *Store) show(ctx context.Context, p *journal.Page, v journal.ViewWrites, must bool) error {
	for {
		r, err := s.settled(ctx, p.Branch)
		if err != nil {
			return wrap("read generations", err)
		}
		if len(r.gens) == 0 {
			return fmt.Errorf("branch %s has a journal and no views; run doorstep rebuild", p.Branch)
		}
		var into, filling, live []journal.Generation
		late := false
		for _, g := range r.gens {
			if !slices.Contains(journal.BuiltInViews(), g.View) {
				continue
			}
			step := g.W == p.First-1
			switch {
			case g.State == journal.Live:
				into = append(into, g)
				if late = late || !step; step {
					live = append(live, g)
				}
			case g.State == journal.Filling && step:
				into, filling = append(into, g), append(filling, g)
			}
		}
		if err := s.writeAll(ctx, p.Branch, into, v); err != nil {
			return err
		}
		if _, err := s.raise(ctx, p.Branch, filling, p.First-1, p.Last); err != nil {
			return err
		}
		raised, err := s.raise(ctx, p.Branch, live, p.First-1, p.Last)
		if err != nil {
			return err
		}
		if !late && raised == len(live) && raised == len(journal.BuiltInViews()) {
			return nil
		}
		if r, err = s.settled(ctx, p.Branch); err != nil {
			return wrap("read generations", err)
		}
		w := journal.LowestOf(r.gens)
		switch {
		case w >= p.Last:
			return nil
		case w < p.First-1 && must:
			return fmt.Errorf("page %s/%d is stored, but entries above %d are not visible yet", p.Branch, p.First, w)
		case w < p.First-1:
			return nil // a page ahead of a gap
		}
	}
}

// raise raises watermarks from one number to another and tells how many stood there.
func (s *Store) raise(ctx context.Context, b auth.BranchID, gens []journal.Generation, from, to uint64) (int, error) {
	if len(gens) == 0 {
		return 0, nil
	}
	ids := make([]string, len(gens))
	for i, g := range gens {
		ids[i] = genKey(b, g.Gen)
	}
	filter := append(among(b, ids), bson.E{Key: "w", Value: int64(from)},
		bson.E{Key: "state", Value: bson.D{{Key: "$in", Value: bson.A{string(journal.Live), string(journal.Filling)}}}})
	raised := 0
	err := s.call(ctx, "raise watermark", func(ctx context.Context) error {
		res, err := s.views.UpdateMany(ctx, filter, bson.D{{Key: "$set", Value: bson.D{{Key: "w", Value: int64(to)}}}})
		if err == nil {
			raised = int(res.MatchedCount)
		}
		return err
	})
	return raised, err
}

// writeAll writes to several generations what belongs to their views, all at once. It is durable when it returns nil.
func (s *Store) writeAll(ctx context.Context, b auth.BranchID, gens []journal.Generation, v journal.ViewWrites) error {
	byType := map[string][]journal.Record{}
	for _, r := range v.Records {
		byType[r.Type] = append(byType[r.Type], r)
	}
	var jobs []func() error
	for _, g := range gens {
		switch {
		case g.View == journal.FeedsView:
			if len(v.Feeds) > 0 {
				jobs = append(jobs, func() error { return wrap("write feeds", s.putFeeds(ctx, b, g.Gen, v.Feeds)) })
			}
		case g.View == journal.ReceiptsView:
			if len(v.Receipts) > 0 {
				jobs = append(jobs, func() error { return wrap("write receipts", s.putReceipts(ctx, b, g.Gen, v.Receipts)) })
			}
		default:
			for typ, recs := range byType {
				jobs = append(jobs, func() error { return wrap("write documents", s.putRecords(ctx, b, g.Gen, typ, recs)) })
			}
		}
	}
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { errs[i] = job() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// generation finds one generation. ErrRaced when it is not there.
func (s *Store) generation(
	ctx context.Context, b auth.BranchID, gen uint64,
) (journal.Generation, []journal.Generation, error) {
	gens, err := s.Generations(ctx, b)
	if err != nil {
		return journal.Generation{}, nil, err
	}
	i := slices.IndexFunc(gens, func(x journal.Generation) bool { return x.Gen == gen })
	if i < 0 {
		return journal.Generation{}, gens, fmt.Errorf("branch %s has no generation %d: %w", b, gen, journal.ErrRaced)
	}
	return gens[i], gens, nil
}

// Fill writes to one generation, then raises its watermark.
func (s *Store) Fill(ctx context.Context, b auth.BranchID, gen, after, upTo uint64, v journal.ViewWrites) error {
	g, _, err := s.generation(ctx, b, gen)
	if err != nil {
		return err
	}
	if g.W != after || g.State != journal.Filling && g.State != journal.Live {
		return journal.ErrRaced
	}
	if err := s.writeAll(ctx, b, []journal.Generation{g}, v); err != nil {
		return err
	}
	n, err := s.raise(ctx, b, []journal.Generation{g}, after, upTo)
	if err == nil && n == 0 {
		return journal.ErrRaced
	}
	return err
}

// Switch makes a filling generation the live one, in two writes: the live one becomes
// old, if it has nothing that the new one lacks, and can no longer be raised; then the
// new one becomes live. In between, readers see the old one as it is, and a writer ends
// the switch before it shows anything (settled).
func (s *Store) Switch(ctx context.Context, b auth.BranchID, gen uint64) error {
	g, gens, err := s.generation(ctx, b, gen)
	if err != nil {
		return err
	}
	was, there := journal.Readable(gens, g.View)
	if g.State != journal.Filling || there && (was.W > g.W || was.Gen > g.Gen) {
		return journal.ErrRaced
	}
	if there && was.State == journal.Live {
		if err := s.setState(ctx, b, was, journal.Old); err != nil {
			return err
		}
	}
	if err := s.setState(ctx, b, g, journal.Live); err != nil {
		return err
	}
	_, err = s.settled(ctx, b)
	return err
}

// DropGeneration removes a generation's rows, once no reader can be reading them any more.
func (s *Store) DropGeneration(ctx context.Context, b auth.BranchID, gen uint64) error {
	g, gens, err := s.generation(ctx, b, gen)
	switch {
	case errors.Is(err, journal.ErrRaced):
		// Rows without a generation: no reader finds them.
	case err != nil:
		return err
	case readable(gens, g.View) == gen:
		return journal.ErrRaced
	case g.State == journal.Old:
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		fallthrough
	case g.State == journal.Filling:
		if err := s.setState(ctx, b, g, journal.Dropping); err != nil {
			return err
		}
	}
	names, err := s.viewCollections(ctx)
	if err != nil {
		return err
	}
	all := func(bson.Raw) bool { return true }
	for _, c := range append([]*mongo.Collection{s.feeds, s.receipts}, s.collections(names)...) {
		run := rows{c, string(b), rowKey(b, gen, ""), beyondGen(b, gen)}
		if _, err := s.remove(ctx, run, bson.D{{Key: "_id", Value: 1}}, all); err != nil {
			return fmt.Errorf("remove generation %s of %s: %w", strconv.FormatUint(gen, 10), b, err)
		}
	}
	_, err = s.update(ctx, s.views, at(b, genKey(b, gen)), bson.D{{Key: "$set", Value: bson.D{{Key: "state",
		Value: string(journal.Gone)}}}})
	return err
}
