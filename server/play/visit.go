package play

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// ends are the outcomes of played visits, about as frequent as in practice.
var ends = []struct {
	outcome, reason, met string
	weight               int
	words                string // for people
}{
	{"NOT_MET_NOBODY", "", "nobody", 38, "nobody was there"},
	{"MET_PTP", "006", "debtor", 14, "a payment was promised"},
	{"MET_PLAN_SIGNED", "016", "debtor", 12, "a repayment plan was agreed"},
	{"MET_HARDSHIP", "002", "debtor", 8, "hardship was told of"},
	{"NOT_MET_THIRD_PARTY", "", "spouse", 8, "only another person was there, who was told nothing"},
	{"MET_REFUSED_TALK", "unwilling", "debtor", 6, "the debtor did not want to talk"},
	{"MET_PAID", "forgot", "debtor", 5, "it had been paid"},
	{"ADDR_MOVED", "", "nobody", 3, "the debtor has moved"},
	{"MET_DISPUTE", "027", "debtor", 3, "the debt was disputed: no visit until that is settled"},
	{"MET_ASKED_NO_VISITS", "other", "debtor", 2, "no more visits were asked for, and none will come"},
	{"MET_VULNERABLE_STOP", "002", "debtor", 1, "the agents left: the debtor is vulnerable"},
}

// Visit queues a visit at a stop, and what follows from it: a note, a consent, a payment
// that the debtor says was made, a plan and the signature under it.
func (p *Phone) Visit(a Assignment, r *rand.Rand) error {
	card, err := p.Card(a.Case)
	if err != nil {
		return err
	}
	total := 0
	for _, e := range ends {
		total += e.weight
	}
	pick := r.IntN(total)
	end := ends[0]
	for _, e := range ends {
		if pick < e.weight {
			end = e
			break
		}
		pick -= e.weight
	}
	at := a.ETA
	out := at.Add(time.Duration(a.ServiceS) * time.Second)
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	agents := []map[string]any{}
	for i, id := range a.Agents {
		agents = append(agents, map[string]any{"agent_id": id, "role": []string{"lead", "second"}[min(i, 1)],
			"badge_no": "B-" + id})
	}
	fields := map[string]any{
		"case": a.Case, "assignment": a.ID, "at": stamp(at), "agents": agents, "purpose": "negotiate", "place": "home",
		"items":     []string{"badge", "authorisation_letter"},
		"recording": map[string]any{"media": "audio", "started_at": stamp(at), "ended_at": stamp(out)},
		"outcome":   end.outcome, "outcome_detail": "played visit", "announced_identity": true,
		"person_met": map[string]any{"relationship": end.met, "identity_check": "none"},
	}
	if end.reason != "" {
		fields["overdue_reason"] = end.reason
		fields["person_met"] = map[string]any{"relationship": end.met, "identity_check": "verbal_two_facts"}
	}
	if len(card.Home) == 2 {
		fix := func(t time.Time) map[string]any {
			return map[string]any{"at": stamp(t),
				"point":      []float64{card.Home[0] + (r.Float64()-.5)*4e-4, card.Home[1] + (r.Float64()-.5)*4e-4},
				"accuracy_m": 8 + r.IntN(20), "provider": "gps"}
		}
		fields["check_in"], fields["check_out"] = fix(at), fix(out)
	}
	p.Write("assignments", a.ID, "patch", at, map[string]any{"agent_status": "at_door"})
	visit := NewID()
	plan := ""
	if end.outcome == "MET_PLAN_SIGNED" && card.AmountDue > 300 {
		plan = NewID()
		fields["plan"] = plan
	}
	draft := ""
	if plan != "" { // the plan took a while to write down
		draft = NewID()
		p.Write("drafts", draft, "put", at, map[string]any{"case": a.Case, "of_type": "plans",
			"content": map[string]any{"kind": "instalments", "note": "Played draft: two instalments?"}})
	}
	mid := p.Write("visits", visit, "put", out, fields)
	if r.IntN(3) == 0 {
		p.Write("visit_notes", NewID(), "put", out,
			map[string]any{"case": a.Case, "visit": visit, "at": stamp(out), "kind": "general",
				"text": "Played note: come in the afternoon."}, mid)
	}
	if end.met == "debtor" {
		p.Write("consents", NewID(), "put", out,
			map[string]any{"case": a.Case, "visit": visit, "scope": "recording_audio", "status": "given",
				"method": "verbal_recorded", "at": stamp(at), "text_shown_sha256": fmt.Sprintf("%x", sha256.Sum256([]byte("said"))),
				"evidence": map[string]any{"recording_ref": visit}}, mid)
	}
	if end.outcome == "MET_PAID" && card.Currency != "" {
		p.Write("payments_reported", NewID(), "put", out, map[string]any{"case": a.Case, "visit": visit, "at": stamp(out),
			"amount_minor": max(card.AmountDue, 1), "currency": card.Currency, "method": "transfer"}, mid)
	}
	if plan != "" {
		p.Write("plans", plan, "put", out, planOf(a.Case, visit, card, at), mid)
		p.Write("signatures", NewID(), "put", out, map[string]any{"case": a.Case, "visit": visit, "at": stamp(out),
			"of_type": "plans", "of": plan, "signer_role": "debtor", "sha256": fmt.Sprintf("%x",
				sha256.Sum256([]byte(plan)))}, mid)
		p.Write("drafts", draft, "delete", out, nil)
	}
	return nil
}

// Confirm queues a confirmation of every visit of the phone's copy that a colleague recorded
// and that names its agent, and returns how many.
func (p *Phone) Confirm() (int, error) {
	n := 0
	for _, id := range slices.Sorted(maps.Keys(p.Docs["visits"])) {
		var v struct {
			Case   string    `json:"case"`
			By     string    `json:"by"`
			At     time.Time `json:"at"`
			Agents []struct {
				ID string `json:"agent_id"`
			} `json:"agents"`
		}
		if err := json.Unmarshal(p.Docs["visits"][id], &v); err != nil {
			return n, err
		}
		if v.By == p.Agent {
			continue
		}
		for _, a := range v.Agents {
			if a.ID == p.Agent {
				p.Write("visit_confirmations", NewID(), "put", v.At, map[string]any{"case": v.Case, "visit": id,
					"at": v.At.UTC().Format(time.RFC3339)})
				n++
			}
		}
	}
	return n, nil
}

// planOf returns a plan of three instalments. The server computes them from what is due.
func planOf(id, visit string, card Card, at time.Time) map[string]any {
	return map[string]any{"case": id, "visit": visit, "state": "accepted", "at": at.UTC().Format(time.RFC3339),
		"request": map[string]any{"kind": "instalments", "start_on": at.AddDate(0, 1, 5).Format(time.DateOnly),
			"frequency": "monthly", "count": 3}}
}

// Door is an outcome of visits and how often it occurred.
type Door struct {
	Outcome, Words string
	Count          int
}

// Doors counts the visits in the phones' queues by outcome, the most frequent first.
func (d *Day) Doors() []Door {
	n := map[any]int{}
	for _, p := range d.Phones {
		for _, m := range p.Queue {
			if m.Type == "visits" {
				n[m.Fields["outcome"]]++
			}
		}
	}
	var out []Door
	for _, e := range ends {
		if c := n[e.outcome]; c > 0 {
			out = append(out, Door{e.outcome, e.words, c})
		}
	}
	slices.SortStableFunc(out, func(a, b Door) int { return b.Count - a.Count })
	return out
}
