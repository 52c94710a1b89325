package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// putRecords writes to a generation the documents that are newer than what is there,
// and their index rows. With fresh the page is stored for the first time: a first revision
// then has no predecessor to look for.
func (s *Store) putRecords(ctx context.Context, tx *txn, branch auth.BranchID, gen uint64, recs []journal.Record,
	fresh bool) error {
	if len(recs) == 0 {
		return nil
	}
	newest := map[journal.DocRef]journal.Record{}
	var order, ask []journal.DocRef
	for _, r := range recs {
		ref := journal.DocRef{Type: r.Type, ID: r.ID}
		was, there := newest[ref]
		if !there {
			order = append(order, ref)
			if !fresh || r.Rev > 1 {
				ask = append(ask, ref)
			}
		}
		if !there || was.N < r.N || was.N == r.N && was.Rev < r.Rev {
			newest[ref] = r
		}
	}
	old := map[journal.DocRef]journal.Record{}
	had, err := records(ctx, tx, branch, gen, ask)
	if err != nil {
		return err
	}
	for i, r := range had {
		if r.Type != "" {
			old[ask[i]] = r
		}
	}
	var docs, add [][]any
	for _, ref := range order {
		r := newest[ref]
		was, there := old[ref]
		if there && was.N >= r.N {
			continue
		}
		docs = append(docs, []any{branch, gen, r.Type, r.ID, r.N, r.Rev, r.No, r.Deleted, []byte(r.Body)})
		for _, ix := range s.byType[r.Type] {
			var next, before []byte
			if !r.Deleted {
				next = ix.keyOf(r.Body)
			}
			if there && !was.Deleted {
				before = ix.keyOf(was.Body)
			}
			if string(next) == string(before) {
				continue
			}
			if before != nil {
				if _, err := tx.ExecContext(ctx, "DELETE FROM found WHERE branch = ? AND gen = ? AND ix = ? AND key = ? AND id = ?",
					branch, gen, ix.name, before, r.ID); err != nil {
					return err
				}
			}
			if next != nil {
				add = append(add, []any{branch, gen, ix.name, next, r.ID})
			}
		}
	}
	if err := bulk(ctx, tx, "INSERT INTO records (branch, gen, type, id, n, rev, no, deleted, body) VALUES ",
		"(?,?,?,?,?,?,?,?,?)",
		` ON CONFLICT (branch, gen, type, id) DO UPDATE SET n = excluded.n, rev = excluded.rev, no = excluded.no,
		  deleted = excluded.deleted, body = excluded.body WHERE excluded.n > n`, docs); err != nil {
		return err
	}
	return bulk(ctx, tx, "INSERT INTO found (branch, gen, ix, key, id) VALUES ", "(?,?,?,?,?)", " ON CONFLICT DO NOTHING",
		add)
}

// Records reads documents by type and id, in the order asked.
func (s *Store) Records(ctx context.Context, b auth.BranchID, refs []journal.DocRef) ([]journal.Record, error) {
	return records(ctx, s.read, b, 0, refs)
}

type rowsQuerier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// manyDocs is how many documents one query asks for.
const manyDocs = 200

// liveGen is the live generation of the view that holds a type's documents, found in
// the same statement that reads them: no moment lies between. Its parameters are the
// branch and the type.
const liveGen = "(SELECT gen FROM views WHERE branch = ? AND state = 'live' AND view IN (?, 'records') ORDER BY " +
	"view = 'records' LIMIT 1)"

// records reads documents of a generation; 0 is the live one.
func records(
	ctx context.Context, q rowsQuerier, b auth.BranchID, gen uint64, refs []journal.DocRef,
) ([]journal.Record, error) {
	out := make([]journal.Record, len(refs))
	at := make(map[journal.DocRef][]int, len(refs))
	byType := map[string][]string{}
	for i, ref := range refs {
		if at[ref] == nil {
			byType[ref.Type] = append(byType[ref.Type], ref.ID)
		}
		at[ref] = append(at[ref], i)
	}
	for typ, ids := range byType {
		for len(ids) > 0 {
			n := min(len(ids), manyDocs)
			args := make([]any, 0, n+4)
			which := "?"
			if args = append(args, b, gen); gen == 0 {
				which, args = liveGen, append(args[:1], b, typ)
			}
			args, list := appendList(append(args, typ), ids[:n])
			rows, err := q.QueryContext(ctx,
				"SELECT id, n, rev, no, deleted, body FROM records WHERE branch = ? AND gen = "+which+
					" AND type = ? AND id IN ("+list+")", args...)
			if err != nil {
				return nil, err
			}
			err = scan(rows, func() error {
				r := journal.Record{Branch: b, Type: typ}
				if err := rows.Scan(&r.ID, &r.N, &r.Rev, &r.No, &r.Deleted, (*sql.RawBytes)(&r.Body)); err != nil {
					return err
				}
				tidy(&r)
				for _, i := range at[journal.DocRef{Type: typ, ID: r.ID}] {
					out[i] = r
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

// tidy gives a tombstone no body.
func tidy(r *journal.Record) {
	if r.Deleted || len(r.Body) == 0 {
		r.Body = nil
	}
}

// scan calls each for every row. A body that each takes as sql.RawBytes is its own for good: for database/sql such
// bytes are the driver's until the next row, but the driver makes new ones for each row, and the copy that a *[]byte
// would get is as large as the page of documents that is read. TestBodiesOutliveTheirRows fails if that changes.
func scan(rows *sql.Rows, each func() error) error {
	for rows.Next() {
		if err := each(); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// liveView is the live generation of a view. Its parameters are the branch and the view.
const liveView = "(SELECT gen FROM views WHERE branch = ? AND state = 'live' AND view = ?)"

// Receipts reads receipts by command id, in the order asked.
func (s *Store) Receipts(ctx context.Context, b auth.BranchID, commands []string) ([]journal.Receipt, error) {
	out := make([]journal.Receipt, len(commands))
	at := make(map[string][]int, len(commands))
	for i, c := range commands {
		at[c] = append(at[c], i)
	}
	for len(commands) > 0 {
		n := min(len(commands), manyDocs)
		args, list := appendList([]any{b, b, journal.ReceiptsView}, commands[:n])
		rows, err := s.read.QueryContext(ctx,
			"SELECT command, n, said, body FROM receipts WHERE branch = ? AND gen = "+liveView+" AND command IN ("+list+")",
			args...)
		if err != nil {
			return nil, err
		}
		err = scan(rows, func() error {
			var r journal.Receipt
			var body []byte
			if err := rows.Scan(&r.Command, &r.N, &r.Said, &body); err != nil {
				return err
			}
			if len(body) > 0 {
				r.Body = body
			}
			for _, i := range at[r.Command] {
				out[i] = r
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		commands = commands[n:]
	}
	return out, nil
}

// Feed reads rows of several feeds merged by number, with their documents, in one snapshot.
func (s *Store) Feed(ctx context.Context, q journal.FeedQuery) (journal.FeedRead, error) {
	var out journal.FeedRead
	if len(q.Feeds) == 0 || q.Limit <= 0 {
		w, err := s.Watermark(ctx, q.Branch)
		return journal.FeedRead{W: w}, err
	}
	err := s.snapshot(ctx, func(tx *txn) error {
		var err error
		if out.W, err = watermark(ctx, tx, q.Branch); err != nil {
			return err
		}
		gens, err := generations(ctx, tx, q.Branch)
		if err != nil {
			return err
		}
		live, ok := journal.Readable(gens, journal.FeedsView)
		if !ok {
			return nil
		}
		top := journal.SeqTop(0, out.W)
		feeds := make([]any, len(q.Feeds))
		for i, f := range q.Feeds {
			feeds[i] = string(f)
		}
		// Each feed of the generation is read along its own numbers; a record that several name counts at its highest.
		var parts []string
		var args []any
		for _, f := range feeds {
			part := "SELECT * FROM (SELECT feed, seq, type, id FROM feeds f WHERE branch = ? AND gen = ? AND feed = ? AND " +
				"seq > ? AND seq <= ?"
			args = append(args, q.Branch, live.Gen, f, q.After, top)
			if len(q.Types) > 0 {
				part += " AND type IN (" + marks(len(q.Types)) + ")"
				for _, t := range q.Types {
					args = append(args, t)
				}
			}
			if len(feeds) > 1 {
				part += " AND NOT EXISTS (SELECT 1 FROM feeds g WHERE g.branch = f.branch AND g.gen = f.gen AND g.feed IN (" +
					marks(len(feeds)) +
					") AND g.type = f.type AND g.id = f.id AND g.seq > f.seq AND g.seq <= ?)"
				args = append(append(args, feeds...), top)
			}
			parts = append(parts, part+" ORDER BY seq LIMIT ?)")
			args = append(args, q.Limit+1)
		}
		rows, err := tx.QueryContext(ctx, strings.Join(parts, " UNION ALL ")+" ORDER BY seq LIMIT ?",
			append(args, q.Limit+1)...)
		if err != nil {
			return err
		}
		var refs []journal.DocRef
		if err := scan(rows, func() error {
			var r journal.FeedRecord
			if err := rows.Scan(&r.Feed, &r.Seq, &r.FeedEntry.Type, &r.FeedEntry.ID); err != nil {
				return err
			}
			if out.Rows == nil { // most pulls find nothing new; others fill their page
				out.Rows, refs = make([]journal.FeedRecord, 0, q.Limit+1), make([]journal.DocRef, 0, q.Limit+1)
			}
			out.Rows = append(out.Rows, r)
			refs = append(refs, journal.DocRef{Type: r.FeedEntry.Type, ID: r.FeedEntry.ID})
			return nil
		}); err != nil {
			return err
		}
		if len(out.Rows) > q.Limit {
			out.More, out.Rows, refs = true, out.Rows[:q.Limit], refs[:q.Limit]
		}
		docs, err := records(ctx, tx, q.Branch, 0, refs)
		if err != nil {
			return err
		}
		for i := range docs {
			out.Rows[i].Record = docs[i]
		}
		return nil
	})
	return out, err
}
