package journal

import (
	"bytes"
	"context"
	"fmt"

	"doorstep/auth"
)

// Finding is one thing Check found wrong.
type Finding struct {
	Branch auth.BranchID
	Entry  uint64 // 0 when it is about the whole branch
	What   string
}

func (f Finding) String() string {
	if f.Entry == 0 {
		return fmt.Sprintf("branch %s: %s", f.Branch, f.What)
	}
	return fmt.Sprintf("branch %s, entry %d: %s", f.Branch, f.Entry, f.What)
}

// checkChunk is how many pages are held at once, and so how many documents are compared in one read.
const checkChunk = 16

// Check compares a branch with itself: pages dense, entries decodable and in
// their place, leaves and roots as hashed, numbers dense, and every view what
// the journal says it must be. It reads only. progress, if given, hears entry numbers.
func Check(ctx context.Context, s Store, b auth.BranchID, progress func(done, of uint64)) ([]Finding, error) {
	var found []Finding
	bad := func(n uint64, format string, args ...any) {
		found = append(found, Finding{b, n, fmt.Sprintf(format, args...)})
	}
	w, err := s.Watermark(ctx, b)
	if err != nil {
		return nil, err
	}
	var (
		edge     Edge
		numbered uint64
		after    uint64
		latest   = map[DocRef]Record{}
	)
	for {
		pages, err := s.Pages(ctx, b, after, checkChunk)
		if err != nil {
			return nil, err
		}
		if len(pages) == 0 {
			break
		}
		var receipts []Receipt
		for _, p := range pages {
			if p.First != after+1 {
				bad(p.First, "the page begins at %d, the one before ends at %d", p.First, after)
				return found, nil
			}
			if p.Root != edge.Root() {
				bad(p.First, "the page was written on another tree: root before it is %v, computed %v", p.Root, edge.Root())
			}
			if p.Numbered != numbered {
				bad(p.First, "the page counts %d %s before it, there are %d", p.Numbered, NumberedType, numbered)
			}
			entries, err := p.Decode()
			if err != nil {
				bad(p.First, "%v", err)
				return found, nil
			}
			for i := range entries {
				e := &entries[i]
				if leaf := Leaf(p.Entries[i]); leaf != p.Leaves[i] {
					bad(e.N, "its bytes hash to %v, the page says %v", leaf, p.Leaves[i])
				}
				edge.Add(p.Leaves[i])
				for _, d := range e.Docs {
					if isNumbered(&d) {
						if numbered++; d.No != numbered {
							bad(e.N, "%s/%s is number %d, must be %d", d.Type, d.ID, d.No, numbered)
						}
					}
					if was := latest[DocRef{d.Type, d.ID}]; d.Rev != was.Rev+1 {
						bad(e.N, "%s/%s goes from revision %d to %d", d.Type, d.ID, was.Rev, d.Rev)
					}
					latest[DocRef{d.Type, d.ID}] = Record{Type: d.Type, ID: d.ID, N: e.N, Rev: d.Rev, Deleted: d.Deleted, Body: d.State}
				}
			}
			after = p.Last
			if p.Last <= w {
				receipts = append(receipts, Project(entries).Receipts...)
			}
		}
		if err := checkReceipts(ctx, s, b, receipts, bad); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(min(after, w), max(after, w))
		}
	}
	if after < w {
		bad(0, "the watermark is %d but the journal ends at %d", w, after)
	}
	if after == w {
		if err := checkRecords(ctx, s, b, latest, bad); err != nil {
			return nil, err
		}
	} else if after > w {
		bad(0, "entries %d to %d are not in the views yet; start the server and they will be", w+1, after)
	}
	return found, nil
}

func checkReceipts(ctx context.Context, s Store, b auth.BranchID, want []Receipt, bad func(uint64, string, ...any)) error {
	ids := make([]string, len(want))
	for i, r := range want {
		ids[i] = r.Command
	}
	got, err := s.Receipts(ctx, b, ids)
	if err != nil {
		return err
	}
	for i, r := range want {
		switch {
		case got[i].Command == "":
			bad(r.N, "the receipt of its command is missing")
		case got[i].N != r.N || !bytes.Equal(got[i].Body, r.Body) || !bytes.Equal(got[i].Said, r.Said):
			bad(r.N, "the receipt of its command is not the one that was given")
		}
	}
	return nil
}

func checkRecords(ctx context.Context, s Store, b auth.BranchID, latest map[DocRef]Record, bad func(uint64, string, ...any)) error {
	refs := make([]DocRef, 0, 500)
	compare := func() error {
		got, err := s.Records(ctx, b, refs)
		if err != nil {
			return err
		}
		for i, ref := range refs {
			want := latest[ref]
			switch {
			case got[i].Type == "":
				bad(want.N, "the view lacks %s/%s", ref.Type, ref.ID)
			case got[i].N != want.N || got[i].Rev != want.Rev || got[i].Deleted != want.Deleted || !bytes.Equal(got[i].Body, want.Body):
				bad(want.N, "the view of %s/%s is not what the journal says", ref.Type, ref.ID)
			}
		}
		refs = refs[:0]
		return nil
	}
	for ref := range latest {
		if refs = append(refs, ref); len(refs) == cap(refs) {
			if err := compare(); err != nil {
				return err
			}
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return compare()
}
