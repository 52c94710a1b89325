package conduct

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// repoRoot returns the directory that holds go.mod.
func repoRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above this directory")
		}
		dir = parent
	}
}

// defaultPolicy loads the shipped policy.
func defaultPolicy(t testing.TB) *Policy {
	t.Helper()
	p, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// vector is one line of a file of decision vectors. Members that expect lacks are not compared.
type vector struct {
	ID, Title string
	Profiles  []string
	Action    json.RawMessage
	Case      json.RawMessage
	History   json.RawMessage
	Expect    struct {
		Decision, Reason string
		Rule             *string
		All              []Hit
		Advisory         []string
		Presumptive      []string
		Next             json.RawMessage
	}
}

func (v vector) request(t testing.TB) Request {
	t.Helper()
	body, err := json.Marshal(map[string]any{"profiles": v.Profiles, "action": v.Action, "case": v.Case,
		"history": v.History})
	if err != nil {
		t.Fatal(err)
	}
	req, err := ParseRequest(body)
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	return req
}

// sharedVectors reads the vectors that lie beside the checkout.
func sharedVectors(t testing.TB) []vector {
	t.Helper()
	path := filepath.Join(repoRoot(t), "..", "shared", "data", "conduct", "vectors.jsonl")
	if _, err := os.Stat(path); err != nil {
		t.Skip("THE SHARED VECTORS WERE NOT JUDGED: shared/data/conduct/vectors.jsonl does not lie beside the checkout")
	}
	return readVectors(t, path)
}

// ownVectors reads vectors that were written from the description of the rules alone; each tests one sentence.
func ownVectors(t testing.TB) []vector {
	return readVectors(t, filepath.Join("testdata", "vectors.jsonl"))
}

func readVectors(t testing.TB, path string) []vector {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var vectors []vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 60 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	return vectors
}

func TestSharedVectors(t *testing.T) { judgeVectors(t, sharedVectors(t)) }

func TestOwnVectors(t *testing.T) { judgeVectors(t, ownVectors(t)) }

func judgeVectors(t *testing.T, vectors []vector) {
	p := defaultPolicy(t)
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			want := v.Expect
			d, err := p.Decide(context.Background(), v.request(t))
			if err != nil {
				t.Fatal(err)
			}
			if d.Decision != want.Decision || d.Reason != want.Reason {
				t.Fatalf("%s: got %s %v, want %s %s", v.Title, d.Decision, pairs(d.All), want.Decision, want.Reason)
			}
			if want.Rule != nil && !slices.ContainsFunc(d.All, func(h Hit) bool { return h.Rule == *want.Rule }) {
				t.Errorf("%s: rule %s is not among %v", v.Title, *want.Rule, pairs(d.All))
			}
			if want.All != nil && pairs(d.All) != pairs(want.All) {
				t.Errorf("%s: got %s, want %s", v.Title, pairs(d.All), pairs(want.All))
			}
			if want.Advisory != nil && !slices.Equal(d.Advisory, want.Advisory) {
				t.Errorf("%s: advisory %v, want %v", v.Title, d.Advisory, want.Advisory)
			}
			if want.Presumptive != nil && !slices.Equal(d.Presumptive, want.Presumptive) {
				t.Errorf("%s: presumptive %v, want %v", v.Title, d.Presumptive, want.Presumptive)
			}
			if want.Next != nil {
				if next, _ := json.Marshal(d.NextAllowedAt); string(next) != string(want.Next) {
					t.Errorf("%s: next allowed at %s, want %s", v.Title, next, want.Next)
				}
			}
		})
	}
}

// pairs returns hits as JSON pairs of reason and rule.
func pairs(hits []Hit) string {
	b, _ := json.Marshal(hits)
	return string(b)
}
