package mongostore

import (
	"context"

	"doorstep/auth"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// manyDocs is how many documents one query asks for.
const manyDocs = 1000

// document is a view document as it is read: without its native fields.
type document struct {
	ID      string        `bson:"id"`
	N       int64         `bson:"n"`
	Rev     int64         `bson:"rev"`
	No      int64         `bson:"no"`
	Deleted bool          `bson:"deleted"`
	JSON    bson.RawValue `bson:"json"`
}

func (d document) record(b auth.BranchID, typ string) journal.Record {
	r := journal.Record{Branch: b, Type: typ, ID: d.ID, N: uint64(d.N), Rev: uint64(d.Rev), No: uint64(d.No),
		Deleted: d.Deleted}
	if !d.Deleted {
		r.Body = untext(d.JSON)
	}
	return r
}

// withoutNative leaves the native fields behind: the JSON says it all.
func withoutNative() bson.D { return bson.D{{Key: "state", Value: 0}} }

// putRecords writes to a generation the documents of a type that are newer than what is there.
func (s *Store) putRecords(ctx context.Context, b auth.BranchID, gen uint64, typ string, recs []journal.Record) error {
	last := map[string]journal.Record{}
	var order []string
	for _, r := range recs {
		was, there := last[r.ID]
		if !there {
			order = append(order, r.ID)
		}
		if !there || was.N < r.N || was.N == r.N && was.Rev < r.Rev {
			last[r.ID] = r
		}
	}
	var made, changed []versioned
	for _, id := range order {
		r := last[id]
		d := versioned{id: rowKey(b, gen, r.ID), n: int64(r.N)}
		d.doc = bson.D{{Key: "_id", Value: d.id}, {Key: "branch", Value: string(b)}, {Key: "gen", Value: int64(gen)},
			{Key: "id", Value: r.ID},
			{Key: "n", Value: d.n}, {Key: "rev", Value: int64(r.Rev)}, {Key: "no", Value: int64(r.No)}, {Key: "deleted",
				Value: r.Deleted}}
		if !r.Deleted {
			d.doc = append(d.doc, bson.E{Key: "json", Value: text(r.Body)}, bson.E{Key: "state",
				Value: native(r.Body, s.indexed[typ])})
		}
		if r.Rev <= 1 {
			made = append(made, d)
		} else {
			changed = append(changed, d)
		}
	}
	return newest{s: s, c: s.view(typ), branch: b, by: "n"}.put(ctx, made, changed)
}

// versioned is a document with the number that says which of two is newer.
type versioned struct {
	id  string
	n   int64
	doc bson.D
}

// newest writes documents of a collection that only ever give way to newer ones and
// are never deleted. It is J4 for many documents at once: update where the number is
// lower; what was not there, insert; where another writer was faster, update again.
type newest struct {
	s      *Store
	c      *mongo.Collection
	branch auth.BranchID
	by     string // the field that holds the number
}

// put writes documents that are probably new (made) and probably there (changed); it is right either way.
func (t newest) put(ctx context.Context, made, changed []versioned) error {
	there, err := t.insert(ctx, made)
	if err != nil {
		return err
	}
	all, err := t.replace(ctx, append(there, changed...))
	if all || err != nil || len(changed) == 0 {
		return err
	}
	absent, older, err := t.unwritten(ctx, changed)
	if err != nil {
		return err
	}
	there, err = t.insert(ctx, absent)
	if err != nil {
		return err
	}
	// All these exist now: one that does not match is newer.
	_, err = t.replace(ctx, append(there, older...))
	return err
}

// insert inserts what is absent and gives back what is not.
func (t newest) insert(ctx context.Context, docs []versioned) (there []versioned, err error) {
	raw := make([]any, len(docs))
	for i, d := range docs {
		raw[i] = d.doc
	}
	had, err := t.s.insert(ctx, t.c, raw)
	for _, i := range had {
		there = append(there, docs[i])
	}
	return there, err
}

// replace replaces what is there and older. all is true when every document was.
func (t newest) replace(ctx context.Context, docs []versioned) (all bool, err error) {
	all = true
	for ; len(docs) > 0; docs = docs[min(len(docs), manyWrites):] {
		some := docs[:min(len(docs), manyWrites)]
		err := t.s.callMany(ctx, "replace in "+t.c.Name(), len(some), func(ctx context.Context) error {
			replaced, err := t.replaceOnce(ctx, some)
			all = all && replaced
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return all, nil
}

func (t newest) replaceOnce(ctx context.Context, docs []versioned) (all bool, err error) {
	models := make([]mongo.WriteModel, len(docs))
	for i, d := range docs {
		older := append(at(t.branch, d.id), bson.E{Key: t.by, Value: bson.D{{Key: "$lt", Value: d.n}}})
		models[i] = mongo.NewReplaceOneModel().SetFilter(older).SetReplacement(d.doc)
	}
	res, err := t.c.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if err != nil {
		return false, err
	}
	return res.MatchedCount == int64(len(docs)), nil
}

// unwritten tells what is absent and what is there but older.
func (t newest) unwritten(ctx context.Context, docs []versioned) (absent, older []versioned, err error) {
	for len(docs) > 0 {
		some := docs[:min(len(docs), manyDocs)]
		docs = docs[len(some):]
		ids := make([]string, len(some))
		for i, d := range some {
			ids[i] = d.id
		}
		have := make(map[string]int64, len(some))
		err := each(ctx, t.s, t.c, among(t.branch, ids), options.Find().SetProjection(bson.D{{Key: t.by, Value: 1}}),
			func(d bson.Raw) error {
				have[d.Lookup("_id").StringValue()] = d.Lookup(t.by).Int64()
				return nil
			})
		if err != nil {
			return nil, nil, err
		}
		for _, d := range some {
			n, there := have[d.id]
			switch {
			case !there:
				absent = append(absent, d)
			case n < d.n:
				older = append(older, d)
			}
		}
	}
	return absent, older, nil
}

// Records reads documents by type and id, in the order asked.
func (s *Store) Records(ctx context.Context, b auth.BranchID, refs []journal.DocRef) (out []journal.Record, err error) {
	err = s.pinned(ctx, b, func(gens []journal.Generation) error {
		out, err = s.records(ctx, b, refs, func(typ string) uint64 { return readable(gens, journal.ViewOf(gens, typ)) })
		return err
	})
	return out, err
}

// RecordsOf reads documents of one generation, in the order asked.
func (s *Store) RecordsOf(
	ctx context.Context, b auth.BranchID, gen uint64, refs []journal.DocRef,
) ([]journal.Record, error) {
	return s.records(ctx, b, refs, func(string) uint64 { return gen })
}

func (s *Store) records(ctx context.Context, b auth.BranchID, refs []journal.DocRef,
	genOf func(typ string) uint64) ([]journal.Record, error) {
	out := make([]journal.Record, len(refs))
	wanted := make(map[journal.DocRef][]int, len(refs))
	byType := map[string][]string{}
	for i, ref := range refs {
		if wanted[ref] == nil && ref.Type != "" {
			byType[ref.Type] = append(byType[ref.Type], rowKey(b, genOf(ref.Type), ref.ID))
		}
		wanted[ref] = append(wanted[ref], i)
	}
	for typ, ids := range byType {
		for len(ids) > 0 {
			n := min(len(ids), manyDocs)
			err := each(ctx, s, s.view(typ), among(b, ids[:n]), options.Find().SetProjection(withoutNative()),
				func(d document) error {
					for _, i := range wanted[journal.DocRef{Type: typ, ID: d.ID}] {
						out[i] = d.record(b, typ)
					}
					return nil
				})
			if err != nil {
				return nil, err
			}
			ids = ids[n:]
		}
	}
	return out, nil
}

// receipt is a journal.Receipt as it is stored.
type receipt struct {
	Command string        `bson:"command"`
	N       int64         `bson:"n"`
	Said    bson.Binary   `bson:"said"`
	JSON    bson.RawValue `bson:"json"`
}

// putReceipts keeps the first receipt of each command.
func (s *Store) putReceipts(ctx context.Context, b auth.BranchID, gen uint64, receipts []journal.Receipt) error {
	docs := make([]any, len(receipts))
	for i, r := range receipts {
		docs[i] = bson.D{{Key: "_id", Value: rowKey(b, gen, r.Command)}, {Key: "branch", Value: string(b)},
			{Key: "gen", Value: int64(gen)}, {Key: "command", Value: r.Command},
			{Key: "n", Value: int64(r.N)}, {Key: "said", Value: bson.Binary{Data: r.Said}}, {Key: "json", Value: text(r.Body)}}
	}
	_, err := s.insert(ctx, s.receipts, docs)
	return err
}

// Receipts reads receipts by command id, in the order asked.
func (s *Store) Receipts(ctx context.Context, b auth.BranchID, commands []string) ([]journal.Receipt, error) {
	out := make([]journal.Receipt, len(commands))
	wanted := make(map[string][]int, len(commands))
	var once []string
	for i, c := range commands {
		if wanted[c] == nil {
			once = append(once, c)
		}
		wanted[c] = append(wanted[c], i)
	}
	return out, s.pinned(ctx, b, func(gens []journal.Generation) error {
		gen := readable(gens, journal.ReceiptsView)
		for left := once; len(left) > 0; {
			n := min(len(left), manyDocs)
			ids := make([]string, n)
			for i, c := range left[:n] {
				ids[i] = rowKey(b, gen, c)
			}
			err := each(ctx, s, s.receipts, among(b, ids), options.Find(), func(d receipt) error {
				for _, i := range wanted[d.Command] {
					out[i] = d.receipt()
				}
				return nil
			})
			if err != nil {
				return err
			}
			left = left[n:]
		}
		return nil
	})
}

func (d receipt) receipt() journal.Receipt {
	r := journal.Receipt{Command: d.Command, N: uint64(d.N), Body: untext(d.JSON)}
	if len(d.Said.Data) > 0 {
		r.Said = d.Said.Data
	}
	return r
}
