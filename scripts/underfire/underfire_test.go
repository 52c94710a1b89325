package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// built builds the program as it is shipped.
func built(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "doorstep")
	if out, err := exec.Command("go", "build", "-o", path, "doorstep/server/cmd/doorstep").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// TestAShortRunUnderFire kills, backs up, fills the disk of and restores the real program once each at least, while
// phones work through a bad network. scripts/torture makes long runs.
func TestAShortRunUnderFire(t *testing.T) {
	w := &world{binary: built(t), root: t.TempDir(), seed: 1, say: t.Logf}
	var report bytes.Buffer
	err := w.all(t.Context(), 10*time.Second, &report)
	t.Logf("\n%s", report.String())
	if err != nil {
		t.Fatal(err)
	}
	met := int64(0)
	for f := delayed; f < fates; f++ {
		met += w.proxy.met[f].Load()
	}
	if w.counts.restores.Load() == 0 || w.counts.kills.Load() == 0 || w.book.answers == 0 || met == 0 {
		t.Error("the run tried nothing")
	}
}

// TestTheBookSeesWhatIsWrong hands the book answers that break an invariant each.
func TestTheBookSeesWhatIsWrong(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	push := func(answer string) exchange {
		return exchange{Path: "/sync/v1/push", Device: "d1", Sent: at, Answered: at.Add(time.Second), Status: 200,
			Body:   []byte(`{"mutations":[{"mid":"m1","type":"visit_notes","id":"n1","op":"put","fields":{"case":"c1"}}]}`),
			Answer: []byte(answer)}
	}
	pull := func(after, page string) exchange {
		return exchange{Path: "/sync/v1/pull?after=" + after, Device: "d1", Sent: at, Answered: at.Add(time.Second),
			Status: 200, Answer: []byte(page)}
	}
	applied := `{"epoch":"e","results":[{"mid":"m1","status":"applied","rev":1}]}`
	for want, said := range map[string][]exchange{
		"": {push(applied), push(`{"epoch":"e","results":[{"mid":"m1","status":"duplicate","rev":1}]}`),
			push(`{"epoch":"after a restore","results":[{"mid":"m1","status":"applied","rev":1}]}`),
			pull("3", `{"epoch":"e","cursor":4,"changes":[{"type":"cases","id":"c1","rev":2,"op":"put","doc":{}},`+
				`{"type":"cases","id":"c2","rev":2,"op":"revoke"}]}`)},
		"doubled":        {push(applied), push(applied)},
		"another answer": {push(applied), push(`{"epoch":"e","results":[{"mid":"m1","status":"rejected","quarantine":"q"}]}`)},
		"quarantine":     {push(`{"epoch":"e","results":[{"mid":"m1","status":"rejected"}]}`)},
		"answers":        {push(`{"epoch":"e","results":[]}`)},
		"out of scope": {pull("0", `{"epoch":"e","cursor":4,"changes":[{"type":"cases","id":"c2","rev":1,"op":"put",`+
			`"doc":{}}]}`)},
		"cursors went back": {pull("5", `{"epoch":"e","cursor":4,"changes":[]}`)},
	} {
		o := &owners{cases: map[string][]span{}}
		o.give("c1", []string{"ana"}, at.Add(-time.Hour))
		o.give("c2", []string{"ana"}, at.Add(-time.Hour))
		o.end("c2", at.Add(-time.Minute), func(time.Time) bool { return true })
		b := newBook(o)
		b.device("d1", "ana")
		for _, x := range said {
			b.hear(x)
		}
		if want == "" && len(b.faults) > 0 || want != "" && (len(b.faults) != 1 || len(b.faults[want]) == 0) {
			t.Errorf("want %q, and the book says %v", want, b.faults)
		}
	}
}

// TestTheDiceKnowEachFate draws fates until each was drawn.
func TestTheDiceKnowEachFate(t *testing.T) {
	p, err := newProxy(1, func() string { return "" }, func(exchange) {})
	if err != nil {
		t.Fatal(err)
	}
	met := map[fate]int{}
	for range 2000 {
		f, _ := p.draw()
		met[f]++
	}
	if len(met) != int(fates) {
		t.Errorf("of %d fates the dice know %v", fates, met)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
}
