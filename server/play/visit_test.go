package play

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"doorstep/server/record"
)

// The played phones send every kind that phones write, and each of what they send is
// read without a refusal.
func TestPlayedPhonesSendEveryKind(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	p := NewPhone("", "ana", "d1", nil)
	p.Docs["cases"] = map[string]json.RawMessage{"c1": json.RawMessage(`{"home":[-8.61,41.15],"currency":"EUR","amount_due_minor":60000}`)}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		if err := p.Visit(Assignment{ID: "a1", Case: "c1", ETA: at, ServiceS: 600, Agents: []string{"ana", "rui"}},
			r); err != nil {
			t.Fatal(err)
		}
	}
	p.Docs["visits"] = map[string]json.RawMessage{
		"v1": json.RawMessage(`{"case":"c1","by":"rui","at":"2026-11-25T10:00:00Z","agents":[{"agent_id":"rui"},{"agent_id":"ana"}]}`),
		"v2": json.RawMessage(`{"case":"c1","by":"ana","at":"2026-11-25T10:00:00Z","agents":[{"agent_id":"ana"}]}`),
		"v3": json.RawMessage(`{"case":"c1","by":"rui","at":"2026-11-25T10:00:00Z","agents":[{"agent_id":"rui"}]}`)}
	if n, err := p.Confirm(); n != 1 || err != nil {
		t.Fatalf("%d visits are confirmed, want 1: %v", n, err)
	}
	sent := map[string]int{}
	for _, m := range p.Queue {
		sent[m.Type]++
		if m.Op == "delete" {
			continue
		}
		kind, _ := record.KindOf(m.Type)
		text, err := json.Marshal(m.Fields)
		if err != nil {
			t.Fatal(err)
		}
		if _, bad := kind.Read(text, at); bad != nil {
			t.Fatalf("%s is refused: %v\n%s", m.Type, bad, text)
		}
	}
	for _, k := range record.Kinds() {
		if k.ReportMembers() != nil && sent[k.Name] == 0 {
			t.Errorf("no phone sends %s: %v", k.Name, sent)
		}
	}
}
