package repayment

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the answers of testdata/vectors.jsonl anew; then read each of them")

// vector is a question with its answer. They are shared with sync/clients/plan.
type vector struct {
	Title    string          `json:"title"`
	Question json.RawMessage `json:"question"`
	Answer   json.RawMessage `json:"answer"`
}

func TestVectors(t *testing.T) {
	const file = "testdata/vectors.jsonl"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var anew bytes.Buffer
	out := json.NewEncoder(&anew)
	out.SetEscapeHTML(false)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	reasons := map[string]bool{}
	for i, line := range lines {
		var v vector
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		got := AppendAnswer(nil, v.Question)
		if !*update && !bytes.Equal(got, v.Answer) {
			t.Errorf("%s:\n%s\nis answered\n%s\nwant\n%s", v.Title, v.Question, got, v.Answer)
		}
		v.Answer = got
		if err := out.Encode(v); err != nil {
			t.Fatal(err)
		}
		var answer Answered
		if err := json.Unmarshal(got, &struct{ Refused **Refusal }{&answer.Refused}); err != nil {
			t.Fatal(err)
		}
		if answer.Refused != nil {
			reasons[answer.Refused.Reason] = true
		}
	}
	for _, reason := range Reasons() {
		if !reasons[reason] {
			t.Errorf("no vector is refused for %s", reason)
		}
	}
	if *update {
		if err := os.WriteFile(file, anew.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
