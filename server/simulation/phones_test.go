package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/play"
)

var noContext = context.Background()

// branchOf is the branch of each agent.
var branchOf = map[string]auth.BranchID{"ann": "north", "ben": "north", "cid": "north", "dea": "north", "eve": "south"}

// agents in the order of their names.
var agents = slices.Sorted(maps.Keys(branchOf))

// phone is a phone of an agent in this world.
type phone struct {
	*play.Phone
	w      *world
	line   *line
	r      *rand.Rand
	number int // of the device, among the agent's
	backup *play.Phone
	// wiped: the office has blocked it. out: its user must sign in.
	wiped, out bool
}

// newPhone gives an agent a new phone.
func (w *world) newPhone(agent string) *phone {
	w.devices[agent]++
	p := &phone{w: w, r: rand.New(rand.NewPCG(w.rand.Uint64(), 1)), number: w.devices[agent], out: true}
	p.attach(play.NewPhone("http://sim", agent, fmt.Sprintf("%s-phone-%d", agent, p.number), nil))
	return p
}

// attach puts a phone's storage into the device.
func (p *phone) attach(x *play.Phone) {
	if p.line == nil {
		skews := []time.Duration{0, 0, 0, -time.Hour, -26 * time.Hour, 3 * time.Minute, 7 * 24 * time.Hour}
		p.line = &line{w: p.w, r: rand.New(rand.NewPCG(p.r.Uint64(), 2)), skew: skews[p.r.IntN(len(skews))]}
	}
	p.line.agent, p.line.device = x.Agent, x.Device
	x.HTTP = &http.Client{Transport: p.line}
	x.Batch, x.Limit = []int{0, 1, 3}[p.r.IntN(3)], []int{0, 2, 7}[p.r.IntN(3)]
	p.Phone = x
}

// clock is the time that the phone shows.
func (p *phone) clock() time.Time { return p.w.now().Add(p.line.skew).Truncate(time.Second) }

// signIn signs the agent in, if need be.
func (p *phone) signIn() error {
	if !p.out {
		return nil
	}
	err := p.SignIn(noContext, p.Agent, password, p.Device)
	if err == nil {
		p.out = false
	}
	return p.seen(err)
}

// seen takes in an error of the phone's: it may have to sign in, or to wipe itself.
func (p *phone) seen(err error) error {
	switch code := play.CodeOf(err); {
	case code == "device_wiped":
		p.wiped = true
	case strings.HasPrefix(code, "auth."):
		p.out = true
	}
	return err
}

func (p *phone) push() error {
	if err := p.signIn(); err != nil {
		return err
	}
	return p.seen(p.Push(noContext, nil))
}

func (p *phone) pull() error {
	if err := p.signIn(); err != nil {
		return err
	}
	_, err := p.Pull(noContext)
	return p.seen(err)
}

// caseIDs are the cases that the phone holds.
func (p *phone) caseIDs() []string { return slices.Sorted(maps.Keys(p.Docs["cases"])) }

// recordIDs are the records of a type that the phone holds.
func (p *phone) recordIDs(typ string) []string { return slices.Sorted(maps.Keys(p.Docs[typ])) }

func pick[T any](r *rand.Rand, from []T) (x T, ok bool) {
	if len(from) == 0 {
		return x, false
	}
	return from[r.IntN(len(from))], true
}

// write has the agent write something, with or without network.
func (p *phone) write() {
	r, at := p.r, p.clock()
	stamp := at.UTC().Format(time.RFC3339)
	of, has := pick(r, p.caseIDs())
	if !has || r.IntN(12) == 0 {
		of = fmt.Sprintf("L1.C%d", 1+r.IntN(caseCount)) // perhaps not the agent's, or no more
	}
	note := func(text string) map[string]any {
		return map[string]any{"case": of, "at": stamp, "kind": "general", "text": text}
	}
	id := play.NewID()
	text := "A note of the simulation " + id
	switch r.IntN(16) {
	case 0, 1, 2, 3:
		p.visit(of)
	case 4, 5:
		p.Write("visit_notes", id, "put", at, note(text))
	case 6:
		a, ok := pick(r, p.recordIDs("assignments"))
		if ok {
			p.Write("assignments", a, "patch", at, map[string]any{"agent_remark": text})
		}
	case 7:
		a, ok := pick(r, p.recordIDs("assignments"))
		if ok {
			status := []string{"en_route", "at_door", "accepted", "declined", "nonsense"}[r.IntN(5)]
			fields := map[string]any{"agent_status": status, "visit_order": r.IntN(9)}
			if status == "declined" {
				fields["decline_reason"] = "unwell"
			}
			p.Write("assignments", a, "patch", at, fields)
		}
	case 8:
		p.Write("drafts", id, "put", at, map[string]any{"case": of, "of_type": "visits",
			"content": map[string]any{"outcome_detail": text, "n": r.IntN(9)}})
	case 9:
		d, ok := pick(r, p.recordIDs("drafts"))
		if ok {
			p.Write("drafts", d, "patch", at, map[string]any{"content": map[string]any{"outcome_detail": text}})
		}
	case 10:
		d, ok := pick(r, p.recordIDs("drafts"))
		if ok {
			p.Write("drafts", d, "delete", at, nil)
		}
	case 11: // what phones may not do
		v, ok := pick(r, p.recordIDs("visits"))
		if ok && r.IntN(2) == 0 {
			p.Write("visits", v, "delete", at, nil)
		} else if ok {
			p.Write("visits", v, "patch", at, map[string]any{"outcome": "MET_PAID"})
		} else {
			p.Write("cases", of, "patch", at, map[string]any{"debtor_name": "Another"})
		}
	case 12: // what the server does not know, what cannot be right, and what is a colleague's
		switch r.IntN(3) {
		case 0:
			p.Write("tea_breaks", id, "put", at, map[string]any{"case": of, "text": text})
		case 1:
			p.Write("visit_notes", id, "put", at, map[string]any{"case": of, "at": "yesterday", "text": text})
		default:
			other := p.w.phones[agents[r.IntN(len(agents))]]
			if d, ok := pick(r, other.recordIDs("drafts")); ok {
				p.Write("drafts", d, "patch", at, map[string]any{"content": map[string]any{"no name": text}})
			}
		}
	case 13: // a child, before or after its parent
		parent := p.Write("visit_notes", id, "put", at, note(text))
		p.Write("visit_notes", play.NewID(), "put", at, note("a child of "+id), parent)
		if n := len(p.Queue); r.IntN(3) == 0 {
			p.Queue[n-1], p.Queue[n-2] = p.Queue[n-2], p.Queue[n-1]
		}
	case 14: // a plan, and another word about it before the answer to the first
		p.plan(of, stamp)
	case 15: // A, B, A, B, A
		a, ok := pick(r, p.recordIDs("assignments"))
		for i := range 5 {
			if ok {
				p.Write("assignments", a, "patch", at, map[string]any{"agent_remark": []string{"A", "B"}[i%2]})
			}
		}
	}
}

// visit has the agent visit a case: with all that follows where the phone has a stop of it.
func (p *phone) visit(of string) {
	for _, id := range p.recordIDs("assignments") {
		var a play.Assignment
		p.w.must(json.Unmarshal(p.Docs["assignments"][id], &a))
		if a.ID = id; a.Case == of && p.Docs["cases"][of] != nil {
			a.ETA = p.clock()
			p.w.must(p.Visit(a, p.r))
			return
		}
	}
	at := p.clock()
	p.Write("visits", play.NewID(), "put", at, map[string]any{"case": of, "at": at.UTC().Format(time.RFC3339),
		"outcome": "NOT_MET_NOBODY"})
}

func (p *phone) plan(of, stamp string) {
	at, id := p.clock(), play.NewID()
	fields := func(count int) map[string]any {
		return map[string]any{"case": of, "state": "offered", "at": stamp, "request": map[string]any{"kind": "instalments",
			"start_on": "2026-12-05", "frequency": "monthly", "count": count}}
	}
	p.Write("plans", id, "put", at, fields(2))
	if p.r.IntN(2) == 0 {
		p.Write("plans", id, "put", at, fields(3))
	}
	if old, ok := pick(p.r, p.recordIDs("plans")); ok && p.r.IntN(2) == 0 {
		p.Write("plans", old, "put", at, fields(4))
	}
}
