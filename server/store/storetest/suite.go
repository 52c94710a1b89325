package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// Engine is a store under test.
type Engine struct {
	// Open opens an empty store with the suite's Indexes; it is closed by the suite.
	Open func(t *testing.T) journal.Store
	// Reopen closes the store and opens it again on the same data; nil if the engine cannot.
	Reopen func(t *testing.T, s journal.Store) journal.Store
	// Concurrent says that the engine keeps the contract under concurrent writers.
	Concurrent bool
}

// Indexes are what the suite declares.
func Indexes() []journal.Index {
	return []journal.Index{
		{Type: "things", Name: "owner", Fields: []string{"owner", "n"}},
		{Type: "things", Name: "word", Fields: []string{"word"}},
		{Type: "docs", Name: "owner", Fields: []string{"owner", "n"}},
		{Type: "owners", Name: "owner", Fields: []string{"owner", "n"}},
	}
}

// Run runs the whole contract.
func Run(t *testing.T, e Engine) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s journal.Store)
	}{
		{"PagesAreKeptInOrder", pagesAreKeptInOrder},
		{"APlaceIsTakenOnce", aPlaceIsTakenOnce},
		{"TheSamePageAgainIsWelcome", samePageAgain},
		{"WatermarkRisesInOrder", watermarkRisesInOrder},
		{"BranchesAreApart", branchesAreApart},
		{"OlderStatesDoNotWin", olderStatesDoNotWin},
		{"TombstonesStay", tombstonesStay},
		{"RecordsComeInTheOrderAsked", recordsInOrder},
		{"ReceiptsAreKeptForEver", receiptsAreKept},
		{"FindByIndex", findByIndex},
		{"FindPages", findPages},
		{"FindEach", findEach},
		{"FindRefusesOtherValues", findRefusesOtherValues},
		{"FindOrdersOddValues", findOrdersOddValues},
		{"IndexesFollowChanges", indexesFollow},
		{"ListOfAType", listOfAType},
		{"FeedsMerge", feedsMerge},
		{"FeedsStopAtTheWatermark", feedsStopAtWatermark},
		{"FeedsByType", feedsByType},
		{"SmallDocuments", smallDocuments},
		{"ManySmallDocuments", manySmallDocuments},
		{"DebtorsKeys", debtorsKeys},
		{"FramesOfABlob", framesOfABlob},
		{"JournalRoundTrip", journalRoundTrip},
		{"DraftsAreFound", draftsAreFound},
		{"WhatAViewCannotApplyIsParked", whatAViewCannotApplyIsParked},
		{"WhatIsErasedSinceIsNoDamage", whatIsErasedSinceIsNoDamage},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := e.Open(t)
			t.Cleanup(func() { _ = s.Close() })
			c.test(t, s)
		})
	}
	// These wait for those who read an old generation of a view, so they wait together.
	t.Run("Rebuilds", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, journal.Store){
			"ShowTheSame": rebuildsShowTheSame, "GoOn": rebuildGoesOn, "ViewsAreKept": viewsAreKept,
			"SweptIsWhatIsOld": sweptIsWhatIsOld,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := e.Open(t)
				t.Cleanup(func() { _ = s.Close() })
				test(t, s)
			})
		}
	})
	if e.Reopen != nil {
		t.Run("NothingIsLostByReopening", func(t *testing.T) { reopening(t, e) })
	}
	t.Run("OldAnswersAreNotBelieved", func(t *testing.T) { oldAnswers(t, e) })
	t.Run("DamageIsFound", func(t *testing.T) { damageIsFound(t, e) })
	if e.Concurrent {
		concurrent(t, e)
	} else {
		t.Run("Concurrent", func(t *testing.T) {
			t.Skip("this engine does not promise the contract under concurrent writers; run the suite against one that does")
		})
	}
}

const branch auth.BranchID = "b1"

// doc is a document with a state of the fields the indexes name.
func doc(id string, n uint64, state any) journal.Record {
	return journal.Record{Branch: branch, Type: "things", ID: id, N: n, Rev: n, Body: encode(state)}
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

type m = map[string]any

// page makes a page of entries first..last with nothing in them: stores do not look inside.
func page(b auth.BranchID, first, last uint64, id string) *journal.Page {
	p := &journal.Page{Branch: b, First: first, Last: last, ID: id, Node: "n", Edge: []tlog.Hash{}}
	for n := first; n <= last; n++ {
		raw := fmt.Appendf(nil, `{"n":%d}`, n)
		p.Entries = append(p.Entries, raw)
		p.Leaves = append(p.Leaves, tlog.RecordHash(raw))
	}
	return p
}

// put commits one page of one entry with documents and feed rows; the documents get its number.
func put(t *testing.T, s journal.Store, v journal.ViewWrites) uint64 {
	t.Helper()
	w, err := s.Watermark(context.Background(), branch)
	check(t, err)
	n := w + 1
	for i := range v.Records {
		v.Records[i].N, v.Records[i].Branch = n, branch
		if v.Records[i].Rev == 0 {
			v.Records[i].Rev = 1
		}
	}
	for i := range v.Feeds {
		v.Feeds[i].Seq = journal.Seq(0, n, i)
	}
	check(t, s.Commit(context.Background(), page(branch, n, n, fmt.Sprintf("p%d", n)), v))
	return n
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func ids(f journal.Found) string {
	out := ""
	for _, r := range f.Records {
		out += r.ID + " "
	}
	return out
}
