package casework

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// TestAVisitIsJudgedByAPartOfItsHistory judges visits with the contacts that grounds load
// and with all there are: the verdict is the same, for every profile that is shipped.
func TestAVisitIsJudgedByAPartOfItsHistory(t *testing.T) {
	h := newFixture(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	policy, err := conduct.Default()
	ok(t, err)
	chains := append(policy.Profiles(), "cn+house-humane", "us+us-ma", "us+us-nyc")
	var lines [][]string
	for i, chain := range chains {
		for _, c := range []string{"a", "b"} { // two cases of one debtor
			lines = append(lines, line(fmt.Sprint(c, i), "debtor_ref", fmt.Sprint("D", i), "profile", chain))
		}
	}
	h.take(lines...)
	var contacts strings.Builder
	at := h.now.Add(-time.Hour)
	for i := range chains {
		for n := range 30 {
			days := []int{0, 1, 6, 7, 8, 29, 30, 31, rnd.IntN(45), 300, 400, 500, 600, 700, 800}[rnd.IntN(15)]
			when := at.AddDate(0, 0, -days).Add(-time.Duration(rnd.IntN(48)) * time.Hour)
			pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
			fmt.Fprintf(&contacts,
				`{"case_ref":"%s%d","external_id":"x%d","channel":%q,"at":%q,"result":%q,"party":%q,"excluded":%t}`+"\n",
				pick("a", "a", "b"), i, n, pick("visit", "sms", "sms", "call", "call"), when.Format(time.RFC3339),
				pick("contact", "answered", "no_answer", "sent", "failed"),
				pick("debtor", "debtor", "employer", "neighbour"), rnd.IntN(8) == 0)
		}
	}
	rep, err := h.svc.ImportContacts(t.Context(), boss, porto, "application/x-ndjson",
		strings.NewReader(contacts.String()), ImportOptions{})
	ok(t, err)
	if rep.Rejected > 0 {
		t.Fatalf("contacts: %+v", rep.Errors)
	}
	read := stored{h.svc, porto}
	seen, loaded, whole := map[string]int{}, 0, 0
	for i := range chains {
		recs, err := h.store.Records(t.Context(), porto, []journal.DocRef{{Type: "cases", ID: fmt.Sprint("north.a", i)}})
		ok(t, err)
		var all File
		ok(t, decode(recs[0], &all.Case))
		all.Contacts, err = indexed[record.Contact](t.Context(), h.svc, porto, ContactsByDebtor, string(all.Case.Debtor))
		ok(t, err)
		for range 40 {
			first := at.AddDate(0, 0, -rnd.IntN(40)).Add(time.Duration(rnd.IntN(24)) * time.Hour)
			some := File{Case: all.Case}
			ok(t, loadGrounds(t.Context(), policy, read, &some, nil, first))
			loaded, whole = loaded+len(some.Contacts), whole+len(all.Contacts)
			act := visitAct{agents: 2, items: WellEquipped().Items, recording: true}
			if rnd.IntN(3) == 0 {
				act.party, act.purpose = []string{"employer", "neighbour"}[rnd.IntN(2)], "locate"
			}
			judged := first.Add(time.Duration(rnd.IntN(3)) * 24 * time.Hour)
			// What the judge is told to leave out must not be missed among the earliest.
			without := []string{all.Contacts[rnd.IntN(len(all.Contacts))].ID}
			for _, x := range some.Contacts[:min(len(some.Contacts), 4)] {
				without = append(without, x.ID)
			}
			some = File{Case: all.Case}
			part, err := groundsOf(t.Context(), policy, read, &some, nil, act.party)
			ok(t, err)
			ok(t, part.recent(t.Context(), first))
			ok(t, part.earliest(t.Context(), len(without)))
			want, err := judgeVisit(policy, &h.svc.zones, phaseSync, &all, judged, act, without...)
			ok(t, err)
			got, err := judgeVisit(policy, &h.svc.zones, phaseSync, &some, judged, act, without...)
			ok(t, err)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s at %v: with a part %+v, with all %+v", chains[i], judged, got, want)
			}
			for _, x := range want.All {
				seen[x.Reason]++
			}
			if want.Allowed() {
				seen["allowed"]++
			}
		}
	}
	for _, reason := range []string{"FREQ_CAP", "LAST_RESORT_NOT_MET", "PARTY_CAP", "allowed"} {
		if seen[reason] == 0 {
			t.Errorf("no verdict was %s: %v", reason, seen)
		}
	}
	if loaded > whole*3/4 {
		t.Errorf("%d of %d contacts were loaded", loaded, whole)
	}
}

// TestEarlierContactsMakeUpForThoseLeftOut loads contacts of years ago that rules count for ever. The judge is told to
// leave out some of the earliest, so as many more must be there.
func TestEarlierContactsMakeUpForThoseLeftOut(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "profile", "us;house-humane"))
	var contacts strings.Builder
	for n := range 8 {
		for _, c := range []struct{ channel, result, party string }{
			{"sms", "sent", "debtor"}, {"call", "no_answer", "debtor"}, {"visit", "contact", "neighbour"}} {
			fmt.Fprintf(&contacts, `{"case_ref":"c1","external_id":"%s%d","channel":%q,"at":%q,"result":%q,"party":%q}`+"\n",
				c.channel, n, c.channel, h.now.AddDate(-2, 0, n).Format(time.RFC3339), c.result, c.party)
		}
	}
	rep, err := h.svc.ImportContacts(t.Context(), boss, porto, "application/x-ndjson",
		strings.NewReader(contacts.String()), ImportOptions{})
	ok(t, err)
	if rep.Accepted != 24 {
		t.Fatalf("contacts: %+v", rep)
	}
	policy, err := conduct.Default()
	ok(t, err)
	recs, err := h.store.Records(t.Context(), porto, []journal.DocRef{{Type: "cases", ID: "north.c1"}})
	ok(t, err)
	for leftOut := range 4 {
		f := &File{}
		ok(t, decode(recs[0], &f.Case))
		law, err := groundsOf(t.Context(), policy, stored{h.svc, porto}, f, nil, "neighbour")
		ok(t, err)
		ok(t, law.earliest(t.Context(), leftOut))
		got := map[string]int{}
		for _, c := range f.Contacts {
			got[c.State.Channel]++
			if day := c.State.At.Sub(h.now.AddDate(-2, 0, 0)) / (24 * time.Hour); int(day) != got[c.State.Channel]-1 {
				t.Errorf("%d left out: the %s of day %d is loaded, want the earliest", leftOut, c.State.Channel, day)
			}
		}
		// hh-ladder asks for 3 and 2; Reg F lets a neighbour be reached once, ever.
		if want := map[string]int{"sms": 3 + leftOut, "call": 2 + leftOut, "visit": 1 + leftOut}; !reflect.DeepEqual(got,
			want) {
			t.Errorf("%d left out: %v are loaded, want %v", leftOut, got, want)
		}
	}
}

// TestALaterStopIsJudgedByItsOwnOverlays visits a debtor two weeks before a stop under a rule of one visit in 30 days,
// which is the overlay's; the case's own profile asks for 7 days.
func TestALaterStopIsJudgedByItsOwnOverlays(t *testing.T) {
	for overlay, want := range map[string]string{"": "open", "us-ma": "revoked law:FREQ_CAP"} {
		h := newFixture(t)
		h.take(line("c1"))
		later := IssueRoute{Round: "r2", Route: "r2.t1", Team: "t1", Date: "2026-12-09", Agents: []auth.UserID{"ana"},
			Items: []string{"badge"}, Stops: []IssuedStop{{Case: "north.c1", Assignment: "later", Seq: 1,
				ETA: instant("2026-12-09T10:00:00Z"), ServiceS: 1200,
				Window: record.Window{From: instant("2026-12-09T08:00:00Z"), To: instant("2026-12-09T20:00:00Z")}}}}
		if overlay != "" {
			later.Overlays = []string{overlay}
		}
		if got := h.must(later)["issued"]; fmt.Sprint(got) != "1" {
			t.Fatalf("the later stop: %v", got)
		}
		h.now = instant("2026-11-25T08:00:00Z")
		h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
		h.now = instant("2026-11-25T11:00:00Z")
		h.want("the visit", h.phone("ana", "d1").put("visits", "v1",
			visit("north.c1", "2026-11-25T10:10:00Z", "outcome", "MET_REFUSED_TALK")), "applied")
		var a record.Assignment
		h.stored("assignments", "later", &a)
		if got := strings.TrimSpace(a.Status + " " + a.ClosedBy); got != want {
			t.Errorf("overlay %q: the later stop is %s, want %s", overlay, got, want)
		}
	}
}

// BenchmarkVisitWithHistory records a visit to a debtor with so many contacts of earlier years.
func BenchmarkVisitWithHistory(b *testing.B) {
	for _, n := range []int{0, 6000} {
		b.Run(fmt.Sprint("contacts=", n), func(b *testing.B) {
			h := newFixture(b)
			var cases [][]string
			for i := range 200 {
				cases = append(cases, line(fmt.Sprint("c", i), "debtor_ref", "D"))
			}
			h.take(cases...)
			var contacts strings.Builder
			for i := range n {
				fmt.Fprintf(&contacts,
					`{"case_ref":"north.c1","external_id":"x%d","channel":"call","at":%q,"result":"no_answer"}`+"\n", i,
					h.now.AddDate(-1, 0, 0).Add(-time.Duration(i)*time.Hour).Format(time.RFC3339))
			}
			if n > 0 {
				rep, err := h.svc.ImportContacts(b.Context(), boss, porto, "application/x-ndjson",
					strings.NewReader(contacts.String()), ImportOptions{})
				ok(b, err)
				if rep.Accepted != n {
					b.Fatalf("%d of %d contacts were accepted: %v", rep.Accepted, n, rep.Errors[:1])
				}
			}
			for i := 0; b.Loop(); i++ {
				v := record.Visit{}
				v.Case, v.At, v.Outcome = journal.CaseID(fmt.Sprint("north.c",
					i%200)), h.now.Add(time.Duration(i-1e6)*time.Second), "BLOCKED_BY_POLICY"
				_, err := h.svc.One(context.Background(), boss, porto, Request{ID: fmt.Sprint("v", i),
					Cmd: RecordVisit{ID: fmt.Sprint("v", i), From: record.Sent{By: "ana"}, Visit: &v}})
				ok(b, err)
			}
		})
	}
}
