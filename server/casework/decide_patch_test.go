package casework

import (
	"context"
	"encoding/json"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// declined lists the cases that a list of those declined shows.
func (h *fixture) declined() string {
	h.t.Helper()
	page, err := h.svc.Cases(context.Background(), boss, CaseQuery{Branch: porto, Declined: true})
	ok(h.t, err)
	out := ""
	for _, item := range page.Items {
		var c struct {
			ID       string           `json:"id"`
			Declined []record.Decline `json:"declined"`
		}
		ok(h.t, json.Unmarshal(item, &c))
		if len(c.Declined) == 0 {
			h.t.Errorf("%s is listed without who declined", c.ID)
		}
		out += c.ID
	}
	return out
}

// A case remembers who declined it and why, until they take it back.
func TestACaseRemembersWhoDeclinedIt(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1", "north.c2")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	say := func(p *phone, base uint64, m members) {
		t.Helper()
		p.pull()
		h.want("a step", p.push(write("assignments", "a-c1-2026-11-25-r1", "patch", base, m))[0], "applied")
	}
	say(ana, 1, members{"agent_status": "declined"})
	say(ana, 2, members{"decline_reason": "unsafe"})
	var k record.Case
	h.stored("cases", "north.c1", &k)
	if len(k.Declined) != 1 || k.Declined[0].Agent != "ana" || k.Declined[0].Team != "t1" ||
		k.Declined[0].Reason != "unsafe" || k.Declined[0].Round != "r1" || k.Declined[0].Date != "2026-11-25" ||
		h.declined() != "north.c1" {
		t.Errorf("the case remembers %+v; listed are %q", k.Declined, h.declined())
	}
	if !k.DeclinedBy([]auth.UserID{"eva", "ana"}) || k.DeclinedBy([]auth.UserID{"rui"}) {
		t.Error("it is ana who declined, and nobody else")
	}
	// Her own route does not bring it back; one without her does.
	if r := h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana", "eva"}, "north.c1"); len(r.Refused) != 1 ||
		r.Refused[0].Reason != "DECLINED" {
		t.Errorf("issued to who declined: %+v", r)
	}
	if r := h.issue("r3", "t2", "2026-11-27", []auth.UserID{"eva"}, "north.c1"); r.Issued != 1 {
		t.Errorf("issued to others: %+v", r)
	}
	h.want("an unknown reason", ana.push(write("assignments", "a-c1-2026-11-25-r1", "patch", 3,
		members{"decline_reason": "a hunch"}))[0], "rejected validation.decline_reason")
	say(rui, 3, members{"agent_status": "accepted"})
	h.stored("cases", "north.c1", &k)
	if k.DeclinedBy([]auth.UserID{"ana"}) || k.Declined[0].EndedBy != "rui" || h.declined() != "" {
		t.Errorf("taken up after all the case remembers %+v; listed are %q", k.Declined, h.declined())
	}
}
