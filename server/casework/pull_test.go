package casework

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// notesOf gives the phone of an agent with 20 cases who has pushed so many hundred notes.
func notesOf(t testing.TB, hundreds, text int) *phone {
	h := newFixture(t)
	var lines [][]string
	var cases []journal.CaseID
	for i := range 20 {
		lines = append(lines, line(fmt.Sprint("c", i)))
		cases = append(cases, journal.CaseID(fmt.Sprint("north.c", i)))
	}
	h.take(lines...)
	h.issue("r", "t", "2026-11-26", []auth.UserID{"ana"}, cases...)
	ana := h.phone("ana", "d1")
	for i := range hundreds {
		var ms []offline.Mutation
		for k := range 100 {
			ms = append(ms, write("visit_notes", fmt.Sprintf("n%d-%d", i, k), "put", 0, members{"case": cases[k%20],
				"at": h.now, "kind": "general", "text": strings.Repeat("x", text)}))
		}
		for _, r := range ana.push(ms...) {
			h.want("a note", r, "applied")
		}
	}
	return ana
}

// P2: a page holds as many changes as were asked for, though they are read a part at a time.
func TestLongPageIsFull(t *testing.T) {
	ana := notesOf(t, 5, 10)
	seen := map[string]bool{}
	var after uint64
	for _, want := range []int{450, 90} { // 500 notes, 20 cases, 20 assignments
		a, err := ana.h.sync.Pull(t.Context(), ana.caller, offline.PullRequest{Limit: 450, After: after, Epoch: ana.epoch})
		ok(t, err)
		if len(a.Changes) != want || a.More != (want == 450) {
			t.Fatalf("a page of %d changes, more is %t; want %d", len(a.Changes), a.More, want)
		}
		for _, c := range a.Changes {
			if c.Seq <= after {
				t.Errorf("number %d after %d", c.Seq, after)
			}
			after = c.Seq
			seen[c.Type+"/"+c.ID] = true
		}
		after, ana.epoch = a.Cursor, a.Epoch
	}
	if len(seen) != 540 {
		t.Errorf("%d records, want 540", len(seen))
	}
}

// BenchmarkPullPage pulls one full page of an agent's feed, 1 MiB or 2,000 changes,
// whichever comes first. "sent" is the size of the answer.
func BenchmarkPullPage(b *testing.B) {
	for _, text := range []int{40, 2000} {
		b.Run(fmt.Sprint("text=", text), func(b *testing.B) {
			ana := notesOf(b, 20, text)
			sent := 0
			b.ReportAllocs()
			for b.Loop() {
				a, err := ana.h.sync.Pull(b.Context(), ana.caller, offline.PullRequest{Limit: offline.MaxPull})
				ok(b, err)
				n, err := a.WriteTo(io.Discard)
				ok(b, err)
				sent = int(n)
			}
			b.ReportMetric(float64(sent), "sent/op")
		})
	}
}

// A page costs little more memory than reading, opening and showing its documents once each: that is 1.4 times the page
// for the sealed documents, and 1.2, 1 and 1 for the parts as they are sealed, opened and shown.
func TestPullPageAllocatesFewTimesItsSize(t *testing.T) {
	ana := notesOf(t, 6, 2000)
	var before, after runtime.MemStats
	for range 2 { // the first fills caches
		runtime.ReadMemStats(&before)
		a, err := ana.h.sync.Pull(t.Context(), ana.caller, offline.PullRequest{Limit: offline.MaxPull})
		ok(t, err)
		sent, err := a.WriteTo(io.Discard)
		ok(t, err)
		runtime.ReadMemStats(&after)
		if !a.More || sent < offline.MaxPullBytes*9/10 {
			t.Fatalf("the page has %d bytes and more is %t, want a full one", sent, a.More)
		}
		if times := float64(after.TotalAlloc-before.TotalAlloc) / float64(sent); times > 8.5 {
			t.Errorf("a page of %d bytes allocated %.1f times as many, want at most 8.5", sent, times)
		} else {
			t.Logf("a page of %d bytes allocated %.1f times as many", sent, times)
		}
	}
}
