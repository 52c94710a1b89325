package offline_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// pages pulls from a request on to the end, and gives what each page said.
func (o *old) pages(t *testing.T, q offline.PullRequest) (out []offline.PullAnswer) {
	t.Helper()
	for {
		a, err := o.Pull(context.Background(), phone, q)
		check(t, err)
		out = append(out, a)
		if q.After, q.Epoch = a.Cursor, a.Epoch; !a.More {
			return out
		}
	}
}

func gone(err error) bool {
	var e *refusal.Error
	return errors.As(err, &e) && e.Kind == refusal.Gone
}

func TestP1ChangesAscendOnceForEachRecordAsItIs(t *testing.T) {
	o := newOld(t)
	for _, id := range []string{"a", "b", "c", "a", "b", "a"} {
		o.note(t, id, "ana")
	}
	o.note(t, "c", "")
	a := o.pages(t, offline.PullRequest{Limit: 2})
	last := uint64(0)
	all := ""
	for _, page := range a {
		for _, c := range page.Changes {
			if c.Seq <= last {
				t.Errorf("%d comes after %d", c.Seq, last)
			}
			last = c.Seq
			all += fmt.Sprint(c.Op, " ", c.ID, c.Rev, ", ")
		}
	}
	if all != "put b2, put a3, " {
		t.Errorf("a pull says %q", all)
	}
}

func TestP2APageIsFullUnlessItIsTheLast(t *testing.T) {
	o := newOld(t)
	for i := range 60 { // of each three one is shown
		o.note(t, fmt.Sprint("n", i), []string{"ana", "rui", "eva"}[i%3])
	}
	pages := o.pages(t, offline.PullRequest{Limit: 7})
	for i, page := range pages {
		if last := i == len(pages)-1; page.More == last || !last && len(page.Changes) != 7 {
			t.Errorf("page %d has %d changes, more %t", i, len(page.Changes), page.More)
		}
	}
	if len(pages) != 3 {
		t.Errorf("%d pages", len(pages))
	}
}

func TestP3TheCursorIsTheLastOfAPageOrTheTail(t *testing.T) {
	o := newOld(t)
	for i := range 5 {
		o.note(t, fmt.Sprint("n", i), "ana")
	}
	o.note(t, "other", "rui")
	tail, err := o.Tail(context.Background(), branch)
	check(t, err)
	for _, page := range o.pages(t, offline.PullRequest{Limit: 2}) {
		want := tail
		if page.More {
			want = page.Changes[len(page.Changes)-1].Seq
		}
		if page.Cursor != want {
			t.Errorf("the cursor is %d, want %d, more %t", page.Cursor, want, page.More)
		}
	}
	if a := o.pages(t, offline.PullRequest{Types: []string{"wishes"}}); a[0].Cursor != tail {
		t.Errorf("under a filter of types an idle phone is left at %d of %d", a[0].Cursor, tail)
	}
}

// P4 and P10: the feed's row said put when it was written.
func TestP4ScopeIsJudgedWhenItIsRead(t *testing.T) {
	o := newOld(t)
	o.note(t, "n", "ana")
	had := o.pages(t, offline.PullRequest{})[0]
	o.note(t, "n", "rui")
	a := o.pages(t, offline.PullRequest{After: had.Cursor, Epoch: had.Epoch})[0]
	if said(a) != "revoke n, " {
		t.Errorf("a pull says %q", said(a))
	}
}

func TestP6ThePagesAfterTheFirstCarryItsEpoch(t *testing.T) {
	o := newOld(t)
	o.note(t, "n", "ana")
	a, err := o.Pull(context.Background(), phone, offline.PullRequest{Epoch: "whatever"})
	check(t, err)
	for _, epoch := range []string{"", "another"} {
		if _, err := o.Pull(context.Background(), phone, offline.PullRequest{After: a.Cursor, Epoch: epoch}); !gone(err) {
			t.Errorf("a cursor with the epoch %q: %v", epoch, err)
		}
	}
}

func TestP7ACursorAheadOfTheFeedStartsAgain(t *testing.T) {
	o := newOld(t)
	o.note(t, "n", "ana")
	a := o.pages(t, offline.PullRequest{})[0]
	_, err := o.Pull(context.Background(), phone, offline.PullRequest{After: a.Cursor + 1, Epoch: a.Epoch})
	if !gone(err) {
		t.Errorf("a cursor of what is yet to come: %v", err)
	}
}

func TestP9AFirstPullHasBounds(t *testing.T) {
	o := newOld(t)
	o.note(t, "n", "ana")
	for limit, taken := range map[int]bool{-1: false, 0: true, 1: true, offline.MaxPull: true,
		offline.MaxPull + 1: false} {
		_, err := o.Pull(context.Background(), phone, offline.PullRequest{Limit: limit})
		if (err == nil) != taken {
			t.Errorf("a limit of %d: %v", limit, err)
		}
	}
}

func TestP10WhatIsGoneCarriesNothing(t *testing.T) {
	o := newOld(t)
	o.note(t, "n", "ana")
	o.note(t, "m", "ana")
	had := o.pages(t, offline.PullRequest{})[0]
	o.note(t, "n", "rui")
	o.note(t, "m", "")
	for _, c := range o.pages(t, offline.PullRequest{After: had.Cursor, Epoch: had.Epoch})[0].Changes {
		if c.Op == "put" || c.Doc != nil || c.Rev != 2 || c.Type != "notes" || c.ID == "" {
			t.Errorf("what is gone comes as %+v", c)
		}
	}
}

func TestP11TheCursorNeverGoesBack(t *testing.T) {
	o := newOld(t)
	o.note(t, "n", "ana")
	a := o.pages(t, offline.PullRequest{})[0]
	for range 3 {
		b := o.pages(t, offline.PullRequest{After: a.Cursor, Epoch: a.Epoch})[0]
		if b.Cursor < a.Cursor {
			t.Errorf("a pull after %d: %+v", a.Cursor, b)
		}
		a = b
		o.note(t, "unseen", "rui")
	}
}

// A device that moves to another branch begins another epoch: numbers of two journals are never compared.
func TestJ7AFeedBelongsToOneBranch(t *testing.T) {
	o := newOld(t)
	ctx := context.Background()
	o.note(t, "n", "ana")
	a := o.pages(t, offline.PullRequest{})[0]
	outs, err := o.journal.Do(ctx, "braga", []journal.Command{{ID: "c1",
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			_, there, err := r.Doc(ctx, "notes", "n")
			if there {
				t.Error("a decision in braga reads a note of porto")
			}
			d := journal.Draft{Action: "note"}
			d.Put("notes", "n", []byte(`{"owner":"ana","of":"braga"}`))
			d.Tell(journal.AgentFeed("ana"), "notes", "n")
			return d, err
		}}})
	check(t, errors.Join(err, outs[0].Err))
	moved := phone
	moved.Branch = "braga"
	if _, err := o.Pull(ctx, moved, offline.PullRequest{After: a.Cursor, Epoch: a.Epoch}); !gone(err) {
		t.Errorf("a cursor of porto in braga: %v", err)
	}
	for branch, c := range map[string]offline.Caller{"porto": phone, "braga": moved} {
		b, err := o.Pull(ctx, c, offline.PullRequest{})
		check(t, err)
		if said(b) != "put n, " || strings.Contains(string(b.Changes[0].Doc), "braga") != (branch == "braga") {
			t.Errorf("a pull in %s says %q: %s", branch, said(b), b.Changes[0].Doc)
		}
	}
}

// Each rule has a test, which the tables of the manual and of the journal's documentation name, and each test that they
// name is there.
func TestEveryRuleNamesItsTest(t *testing.T) {
	manual, err := os.ReadFile("../README.md")
	check(t, err)
	contract, err := os.ReadFile("../journal/doc.go")
	check(t, err)
	names := regexp.MustCompile(`\b(Test|Fuzz)[A-Z][A-Za-z0-9]+`)
	for _, c := range []struct {
		text, letter, row string
		from, to          int
	}{{string(manual), "P", "\n| %s |", 1, 11}, {string(manual), "M", "\n| %s |", 1, 8},
		{string(contract), "J", "\n//\t%-3s ", 0, 17}} {
		for n := c.from; n <= c.to; n++ {
			rule := fmt.Sprint(c.letter, n)
			_, row, there := strings.Cut(c.text, fmt.Sprintf(c.row, rule))
			row, _, _ = strings.Cut(row, "\n")
			if !there || !names.MatchString(row) && !strings.Contains(row, "test") {
				t.Errorf("%s names no test", rule)
			}
		}
	}
	known := map[string]bool{}
	check(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
				return filepath.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9]+)\(`).FindAllStringSubmatch(string(text),
			-1) {
			known[m[1]] = true
		}
		return err
	}))
	_, table, _ := strings.Cut(string(manual), "## The rules and their tests")
	table, _, _ = strings.Cut(table, "## Alerts")
	named := append(names.FindAllString(table, -1), names.FindAllString(string(contract), -1)...)
	slices.Sort(named)
	for _, name := range slices.Compact(named) {
		if !known[name] {
			t.Errorf("%s is named and is not there", name)
		}
	}
}
