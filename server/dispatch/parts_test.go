package dispatch

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// A route of 500 stops is kept in parts, read whole, issued, and planned anew.
func TestALongRouteReachesThePhones(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN in short mode: it takes long")
	}
	h := newFixture(t)
	const doors, each = 10, 50
	for d := range doors {
		var lines [][]string
		for i := range each {
			// Ids as long as they may be.
			ref := fmt.Sprintf("%s-%d-%02d", strings.Repeat("c", 52), d, i)
			lines = append(lines, []string{ref, "lon", fmt.Sprintf("-8.6%02d", 10+d), "service_min", "1"})
		}
		h.takeAll(lines)
	}
	_, err := h.office.PutShift(context.Background(), office.Ask{By: "boss"}, office.Shift{Branch: porto, Team: "t-west",
		Date: today, From: "08:30", To: "20:00"})
	ok(t, err)
	v := h.plan(today)
	if v.Status != Planned || v.Stops != doors*each {
		t.Fatalf("the round is %s (%s) with %d stops in %d routes", v.Status, v.FailureText, v.Stops, len(v.Routes))
	}
	docs := 0
	for _, r := range v.Routes {
		parts, err := r.parts()
		ok(t, err)
		docs += len(parts)
		for i, st := range r.Stops {
			if st.Seq != i+1 {
				t.Fatalf("stop %d of %s has number %d", i+1, r.Team, st.Seq)
			}
		}
	}
	if docs < 3 {
		t.Errorf("the routes are %d documents: this test says nothing", docs)
	}
	v = h.publish(v.ID)
	if phone := h.onPhone("west-1"); v.Status != Published || v.Issued != doors*each ||
		strings.Count(phone, today) != doors*each {
		t.Fatalf("the round is %s (%s), %d are issued, the phone shows %d", v.Status, v.FailureText, v.Issued,
			strings.Count(phone, today))
	}
	// The team drops out at noon: all its stops are taken back, none is forgotten for the length of its id.
	h.now = h.now.Add(6 * time.Hour)
	_, err = h.svc.Replan(context.Background(), h.ask(), v.ID, ReplanParams{Without: []string{"t-west"}, TimeLimitS: 1})
	ok(t, err)
	h.work()
	if v := h.view(v.ID); v.Status != Published || v.Replan.Failure != "" || h.onPhone("west-1") != "" {
		t.Errorf("the round is %s (%s), the phone shows %d", v.Status, v.Replan.FailureText,
			strings.Count(h.onPhone("west-1"), today))
	}
	h.now = h.now.Add(24 * time.Hour)
	h.work()
	if phone := h.onPhone("east-1"); phone != "" {
		t.Errorf("the day is over, and a phone shows %d", strings.Count(phone, today))
	}
}

// Cutting and joining gives the same route, whatever lies between.
func TestPartsAreJoinedInOrder(t *testing.T) {
	var all []routePart
	var want []Route
	for _, team := range []string{"b", "a", "a.part2"} {
		r := Route{ID: "r." + team, Round: "r", Run: "run", Branch: porto, Team: team, Date: today,
			Agents: []auth.UserID{"x"}, Mode: "foot", Stops: []Stop{}}
		for i := range 900 {
			r.Stops = append(r.Stops, Stop{Seq: i + 1, Case: journal.CaseID(fmt.Sprint("north.", i)),
				Assignment: journal.NewID()})
		}
		parts, err := r.parts()
		ok(t, err)
		for i := range parts {
			n, err := sizeOf(parts[i])
			ok(t, err)
			if n > journal.MaxStateBytes*4/5 {
				t.Errorf("part %d has %d bytes", i, n)
			}
			all = append([]routePart{parts[i]}, all...) // the last first
		}
		want = append(want, r)
	}
	want[0], want[1], want[2] = want[1], want[2], want[0]
	if got := joined(all); !reflect.DeepEqual(got, want) {
		t.Errorf("%d routes came of %d", len(got), len(want))
	}
	if got := joined(nil); got == nil || len(got) != 0 {
		t.Errorf("no parts are %v", got)
	}
}

// A route no document can hold, not even in parts, fails with the reason instead of cycling.
func TestARoundThatCannotBeKeptFails(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	id := h.request(today).ID
	plan := h.svc.plan
	tries := 0
	h.svc.lanes = func() []*lane {
		return []*lane{{Queued, func(ctx context.Context, r Round) error {
			tries++
			r.Run = journal.NewID()
			big := Route{ID: r.docID("t-west"), Round: r.ID, Run: r.Run, Team: "t-west", Items: []string{strings.Repeat("x",
				journal.MaxStateBytes)}}
			return h.svc.storeDay(ctx, r, &day{routes: []Route{big}})
		}, newQueue(1)}}
	}
	h.work()
	v := h.view(id)
	if v.Status != Failed || tries != 1 || v.Failure != "command.too_large" || !strings.Contains(v.FailureText, "bytes") {
		t.Fatalf("after %d attempts the round is %s for %s: %s", tries, v.Status, v.Failure, v.FailureText)
	}
	h.svc.lanes = func() []*lane { return []*lane{{Queued, plan, newQueue(1)}} }
	if again := h.plan(today); again.ID == id || again.Status != Planned {
		t.Errorf("asked again it is %s %s", again.ID, again.Status)
	}
}
