package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodPlan = `{"request":{"kind":"ptp_single","today":"2026-11-29","currency":"EUR","balance_minor":%d,` +
	`"start_on":"2026-12-15"}}`

func TestEachLineOfPlansIsAnswered(t *testing.T) {
	good := fmt.Sprintf(goodPlan, 100)
	longest := good + strings.Repeat(" ", maxQuestion-len(good))
	lines := []struct{ question, answer string }{
		{good, `{"result":{"total_minor":100,`},
		{`{"request":{"kind":"loan"}}`, `{"refused":{"reason":"bad_request","at":"kind"}}`},
		{`{"request":{"kind":"loan","kind":"loan"}}`, `{"refused":{"reason":"bad_request","at":"kind"}}`},
		{``, `{"problem":{"code":"malformed","at":"","detail":"the JSON ends too early at byte 1"}}`},
		{`{"request":`, `{"problem":{"code":"malformed",`},
		{`{"request":{},"checks":[{"as_of":"2026-02-30"}]}`, `{"problem":{"code":"plan.question","at":"checks[0].as_of",`},
		{longest, `{"result":{`},
		{longest + " ", `{"problem":{"code":"too_large",`},
		{good + "\r", `{"result":{`},
		{good, `{"result":{`},
	}
	var in strings.Builder
	in.WriteString("\ufeff")
	for _, l := range lines {
		in.WriteString(l.question + "\n")
	}
	for what, text := range map[string]string{"": in.String(),
		"without a last line end": strings.TrimSuffix(in.String(), "\n")} {
		r := runs(t, text, "plans", "preview")
		answers := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
		if r.status != 0 || len(answers) != len(lines) {
			t.Fatalf("%s: status %d, %d answers, %s", what, r.status, len(answers), r.err)
		}
		for i, l := range lines {
			if !strings.HasPrefix(answers[i], l.answer) || !json.Valid([]byte(answers[i])) {
				t.Errorf("%s: line %d, %.80q, is answered %.200s, want %s", what, i+1, l.question, answers[i], l.answer)
			}
		}
	}
	if r := runs(t, "", "plans", "preview"); r.status != 0 || r.out != "" {
		t.Errorf("no question is answered %d %q", r.status, r.out)
	}
	file := filepath.Join(t.TempDir(), "plans.jsonl")
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runs(t, "", "plans", "preview", file); r.status != 0 || !strings.HasPrefix(r.out, `{"result":`) {
		t.Errorf("a file is answered %d %q", r.status, r.out)
	}
	if r := runs(t, "", "plans", "preview", file+"x"); r.status != badInput || r.out != "" {
		t.Errorf("a file that is not there is answered %d %q", r.status, r.out)
	}
}

// Who writes a line and waits for its answer must get it before the next line.
func TestPlansAnswerBeforeTheNextLine(t *testing.T) {
	in, ask := io.Pipe()
	out, answer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), []string{"plans", "preview"}, streams{in: in, out: answer, err: io.Discard})
	}()
	read := bufio.NewScanner(out)
	for i := range 3 {
		if _, err := fmt.Fprintf(ask, goodPlan+"\n", i+1); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`{"result":{"total_minor":%d,`, i+1); !read.Scan() || !strings.HasPrefix(read.Text(), want) {
			t.Fatalf("answer %d is %q", i+1, read.Text())
		}
	}
	if err := ask.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
