package conduct

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// repoRoot is the directory that holds go.mod.
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

// defaultPolicy is the shipped policy.
func defaultPolicy(t testing.TB) *Policy {
	t.Helper()
	p, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// vector is one line of the shared decision vectors.
type vector struct {
	ID, Title string
	Profiles  []string
	Action    json.RawMessage
	Case      json.RawMessage
	History   json.RawMessage
	Expect    struct {
		Decision, Reason string
		Rule             *string
	}
}

func (v vector) request(t testing.TB) Request {
	t.Helper()
	body, err := json.Marshal(map[string]any{"profiles": v.Profiles, "action": v.Action, "case": v.Case, "history": v.History})
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
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("shared data not beside the checkout: %v", err)
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
	return vectors
}

func TestSharedVectors(t *testing.T) {
	p := defaultPolicy(t)
	for _, v := range sharedVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			req := v.request(t)
			d, err := p.Judge(req.Profiles, req.Action, req.Case, req.History)
			if err != nil {
				t.Fatal(err)
			}
			if d.Decision != v.Expect.Decision || d.Reason != v.Expect.Reason {
				t.Fatalf("%s: got %s %v, want %s %s", v.Title, d.Decision, d.All, v.Expect.Decision, v.Expect.Reason)
			}
			if v.Expect.Rule == nil {
				return
			}
			for _, h := range d.All {
				if h.Rule == *v.Expect.Rule {
					return
				}
			}
			t.Errorf("%s: rule %s is not among %v", v.Title, *v.Expect.Rule, d.All)
		})
	}
}
