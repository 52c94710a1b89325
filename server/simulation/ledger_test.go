package simulation

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"doorstep/server/play"
)

// sent is a mutation that a phone has sent, and what the nodes have answered. An answer counts once a node that lived
// has given it, whether or not the phone heard it: what is answered must be durable before.
type sent struct {
	agent, device string
	play.Mutation
	raw json.RawMessage // as it was sent first
	// done: it was answered applied, merged or duplicate. refused is the other final answer it was given.
	done    bool
	refused string
	// kept are the items of the quarantine that its answers named.
	kept map[string]bool
	// lost: a restore took what was answered, and no phone is left that offers it again.
	lost bool
}

// ledger is what is known of all that phones have sent.
type ledger struct {
	mu   sync.Mutex
	sent map[string]*sent // by command id
}

func commandOf(agent, mid string) string { return "m:" + agent + ":" + strings.ToLower(mid) }

// answered takes in an answer to a push. What is said of one mutation twice must not contradict itself.
func (w *world) answered(agent, device string, request, answer []byte) {
	var q struct {
		Mutations []json.RawMessage `json:"mutations"`
	}
	var a struct {
		Results []play.Result `json:"results"`
	}
	w.must(json.Unmarshal(request, &q))
	w.must(json.Unmarshal(answer, &a))
	if len(q.Mutations) != len(a.Results) {
		w.fail("one answer each", "%d mutations, %d results", len(q.Mutations), len(a.Results))
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for i, raw := range q.Mutations {
		var m play.Mutation
		w.must(json.Unmarshal(raw, &m))
		r := a.Results[i]
		if r.Mid != m.Mid {
			w.fail("one answer each", "result %d is about %s, not about %s", i, r.Mid, m.Mid)
		}
		s := w.ledger.sent[commandOf(agent, m.Mid)]
		if s == nil {
			s = &sent{agent: agent, device: device, Mutation: m, raw: raw, kept: map[string]bool{}}
			w.ledger.sent[commandOf(agent, m.Mid)] = s
		}
		w.tally["answers: "+r.Status]++
		if m.Type == "drafts" && len(r.Doc) > 0 {
			var of struct{ By string }
			w.must(json.Unmarshal(r.Doc, &of))
			if of.By != agent {
				w.fail("nothing out of scope is delivered", "the draft %s of %s was told to %s by an answer", m.ID, of.By, agent)
			}
		}
		if r.Quarantine != "" {
			s.kept[r.Quarantine] = true
		}
		said := r.Status + " " + r.Code
		switch r.Status {
		case "applied", "merged", "duplicate":
			if s.refused != "" {
				w.fail("one answer", "%s %s of %s was %s, and is %s", m.Type, m.ID, agent, s.refused, said)
			}
			s.done = true
		case "conflict", "rejected", "revoked", "not_yet":
			if s.done || s.refused != "" && s.refused != said && !strings.HasPrefix(s.refused, "not_yet") {
				w.fail("one answer", "%s %s %s of %s was %s (done: %t), and is %s: %s", m.Op, m.Type, m.ID, agent, s.refused,
					s.done, said, r.Detail)
			}
			if r.Quarantine == "" && r.Status != "not_yet" {
				w.fail("everything refused is in quarantine", "%s %s %s of %s: %s names no item", m.Op, m.Type, m.ID, agent, said)
			}
			s.refused = said
		case "retry":
		default:
			w.fail("one answer each", "a status %q", r.Status)
		}
	}
}

// all are the mutations that were answered, in an order that does not depend on a map.
func (l *ledger) all() []*sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*sent
	for _, s := range l.sent {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *sent) int { return strings.Compare(a.Mid, b.Mid) })
	return out
}
