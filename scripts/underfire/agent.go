package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"doorstep/server/play"
)

// agent works with a phone behind the proxy.
type agent struct {
	w       *world
	phone   *play.Phone
	index   int
	dice    *rand.Rand
	copies  []*play.Phone // backups of the phone
	visited map[string]bool
	devices int
}

func newAgent(w *world, p *play.Phone, index int) *agent {
	p.Base = w.proxy.url()
	p.HTTP = &http.Client{Timeout: 20 * time.Second,
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1}}
	p.Batch = 50
	return &agent{w: w, phone: p, index: index, dice: rand.New(rand.NewPCG(w.seed, uint64(100+index))),
		visited: map[string]bool{}}
}

// run works until the world is over, and then until everything is sent.
func (a *agent) run(ctx context.Context) {
	for !a.w.over.Load() && ctx.Err() == nil {
		a.w.gate.RLock()
		a.step(ctx)
		a.w.gate.RUnlock()
		pause(ctx, time.Duration(a.dice.IntN(60))*time.Millisecond)
	}
}

func (a *agent) step(ctx context.Context) {
	switch n := a.dice.IntN(200); {
	case n < 5:
		a.copies = append(a.copies, a.phone.Copy())
		if len(a.copies) > 3 {
			a.copies = a.copies[1:]
		}
	case n < 6 && len(a.copies) > 0:
		a.goBack(ctx)
	}
	a.write()
	a.send(ctx)
	if a.dice.IntN(3) == 0 {
		a.pull(ctx)
	}
}

// goBack replaces the phone by an old copy of its state: a new phone with the backup of the old one.
func (a *agent) goBack(ctx context.Context) {
	p := a.copies[a.dice.IntN(len(a.copies))].Copy()
	a.devices++
	p.Device = fmt.Sprintf("%s-phone-%d", p.Agent, a.devices)
	a.w.book.device(p.Device, p.Agent)
	a.phone = p
	a.w.book.phoneRestored(p.Agent, func(_, mid string) bool { return p.Keeps(mid) })
	a.w.counts.phonesRestored.Add(1)
	a.signIn(ctx)
}

func (a *agent) signIn(ctx context.Context) {
	if err := a.phone.SignIn(ctx, a.phone.Agent, play.Password, a.phone.Device); err != nil {
		a.trouble(ctx, err)
	}
}

// write queues some records on cases that the phone holds. It writes less when much is queued.
func (a *agent) write() {
	p := a.phone
	stops, err := p.Assignments(a.w.day.Date)
	if err != nil {
		a.w.book.fault("answers", "an assignment of %s cannot be read: %v", p.Agent, err)
		return
	}
	if len(stops) == 0 || len(p.Queue) > 150 {
		return
	}
	before := len(p.Queue)
	now := a.w.now()
	for range 1 + a.dice.IntN(5) {
		s := stops[a.dice.IntN(len(stops))]
		place := a.dice.IntN(10_000)
		switch a.dice.IntN(8) {
		case 0:
			p.Write("payments_reported", play.NewID(), "put", now, map[string]any{"case": s.Case, "at": now,
				"amount_minor": 1000 + place, "currency": "EUR", "method": "cash", "reference": fmt.Sprintf("R-%d", place)})
		case 1:
			p.Write("consents", play.NewID(), "put", now, map[string]any{"case": s.Case, "scope": "visit_time",
				"status": "refused", "method": "verbal_recorded", "at": now})
		case 2, 3:
			if a.mine(s.ID) {
				p.Write("assignments", s.ID, "patch", now, map[string]any{"visit_order": place % 500,
					"agent_remark": fmt.Sprintf("Remark %d, made up.", place)})
			}
		case 4:
			// Each stop is visited once, and few are, so that supervisors have stops to reassign.
			if a.mine(s.ID) && !a.visited[s.ID] && a.dice.IntN(8) == 0 {
				a.visited[s.ID] = true
				s.ETA = now.Add(-10 * time.Minute)
				_ = p.Visit(s, a.dice) // it needs the case's card, which may have been taken away
			}
		default:
			p.Write("visit_notes", play.NewID(), "put", now, map[string]any{"case": s.Case, "at": now, "kind": "general",
				"text": fmt.Sprintf("Note %d of %s, made up.", place, p.Agent)})
		}
	}
	a.w.counts.written.Add(int64(len(p.Queue) - before))
}

// mine tells whether a stop of the team is this agent's to change: its two agents share the stops.
func (a *agent) mine(stop string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(stop))
	return int(h.Sum32()%2) == a.index%2
}

// send pushes the queue. Without an answer it stays, and is sent again at the next step.
func (a *agent) send(ctx context.Context) {
	if err := a.phone.Push(ctx, nil); err != nil {
		a.trouble(ctx, err)
	}
}

func (a *agent) pull(ctx context.Context) {
	begun := time.Now()
	if _, err := a.phone.Pull(ctx); err != nil {
		a.trouble(ctx, err)
		return
	}
	for id := range a.phone.Docs["cases"] {
		if !a.w.owners.may(a.phone.Agent, id, begun, time.Now()) {
			a.w.book.fault("left on a phone", "%s still has case %s, which was taken away before it pulled", a.phone.Agent, id)
		}
	}
}

// trouble takes in an error of a request: sign in again where the server says so.
func (a *agent) trouble(ctx context.Context, err error) {
	var p *play.Problem
	if !errors.As(err, &p) {
		a.w.counts.unanswered.Add(1)
		return
	}
	switch {
	case p.Status == http.StatusUnauthorized, p.Code == "auth.device_mismatch":
		if err := a.phone.SignIn(ctx, a.phone.Agent, play.Password, a.phone.Device); err != nil {
			a.w.counts.unanswered.Add(1)
		}
	case p.Status == http.StatusTooManyRequests:
		a.w.counts.tooOften.Add(1)
	case p.Status == http.StatusServiceUnavailable:
		a.w.counts.unanswered.Add(1)
	default:
		a.w.book.fault("refused requests", "%s: %v", a.phone.Agent, err)
	}
}

// settle sends and pulls in calm until nothing is queued and nothing new comes.
func (a *agent) settle(ctx context.Context) error {
	var err error
	for range 100 {
		if err = a.phone.Push(ctx, nil); err == nil {
			var n int
			if n, err = a.phone.Pull(ctx); err == nil && n == 0 && len(a.phone.Queue) == 0 {
				return nil
			}
		}
		if err != nil {
			a.trouble(ctx, err)
			pause(ctx, 100*time.Millisecond)
		}
	}
	return fmt.Errorf("the phone of %s does not come to rest: %d queued: %w", a.phone.Agent, len(a.phone.Queue), err)
}

// teamOf returns the agents of a team.
func (w *world) teamOf(team string) []string {
	i := slices.IndexFunc(w.day.Teams, func(t play.TeamOfDay) bool { return t.ID == team })
	if i < 0 {
		return nil
	}
	return w.day.Teams[i].Agents
}
