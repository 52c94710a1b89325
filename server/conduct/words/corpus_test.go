package words

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The goals on texts and replies, in hundredths. No stop word may be missed.
const (
	mayPass   = 5  // of the unlawful texts
	mayRefuse = 10 // of the lawful texts
	mayErr    = 10 // of the intents
)

// rates counts what was judged.
type rates struct{ unlawful, passed, lawful, refused, replies, wrong, stops, missed int }

func (r *rates) text(lawful, passes bool) {
	if lawful {
		r.lawful++
		if !passes {
			r.refused++
		}
		return
	}
	r.unlawful++
	if passes {
		r.passed++
	}
}

func (r *rates) reply(want, got Reply) {
	r.replies++
	if want.Intent != got.Intent {
		r.wrong++
	}
	if want.Intent == Stop {
		r.stops++
		if got.Intent != Stop {
			r.missed++
		}
	}
}

func (r *rates) hold(t *testing.T, what string) {
	t.Helper()
	t.Logf("%s: %d of %d unlawful texts pass, %d of %d lawful ones are refused, %d of %d intents are wrong, "+
		"%d of %d stops are missed", what, r.passed, r.unlawful, r.refused, r.lawful, r.wrong, r.replies, r.missed, r.stops)
	if 100*r.passed > mayPass*r.unlawful || 100*r.refused > mayRefuse*r.lawful || 100*r.wrong > mayErr*r.replies {
		t.Errorf("%s: the goals are not met", what)
	}
}

// eachLine reads the files of testdata that match, line by line.
func eachLine(t *testing.T, pattern string, do func(file string, line []byte)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no %s: %v", pattern, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(bytes.NewReader(text))
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			do(strings.TrimSuffix(filepath.Base(f), ".jsonl"), s.Bytes())
		}
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
	}
}

// TestOwnSentencesAreJudged has sentences of each kind in the language of the file's name. A text is judged in a frame
// that passes by itself.
func TestOwnSentencesAreJudged(t *testing.T) {
	var all rates
	days := 3
	eachLine(t, "own/texts-*.jsonl", func(file string, line []byte) {
		var want struct{ Text, Reason string }
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		a := Lint(Request{Language: strings.TrimPrefix(file, "texts-"), Country: "GB", Step: "second_reminder",
			Recipient: "debtor", VerifiedDays: &days,
			Text: "{sender_name}\n{amount} {due_date} {pay_link} {plan_link}. " + want.Text + "\n{opt_out}"})
		if all.text(want.Reason == "", a.Verdict == Pass); (want.Reason == "") != (a.Verdict == Pass) {
			t.Logf("%s: %q: want %q, %v", file, want.Text, want.Reason, a.Reasons)
		}
	})
	eachLine(t, "own/replies-*.jsonl", func(file string, line []byte) {
		var want struct {
			Text string
			Reply
		}
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		got := Intent(strings.TrimPrefix(file, "replies-"), want.Text)
		all.reply(want.Reply, got)
		if got.Intent != want.Intent || got.Vulnerable != want.Vulnerable || !slices.Equal(got.Also, want.Also) {
			t.Logf("%s: %q: want %v, got %v", file, want.Text, want.Reply, got)
		}
	})
	all.hold(t, "own sentences")
	if all.missed > 0 {
		t.Errorf("%d stop words are missed", all.missed)
	}
}

// TestHeldOutCorpusIsJudged has whole requests that were written from the contract by somebody who did not know the
// lists. The files -b were judged once before they were read: 4 of 115 unlawful texts passed, 4 of 119 lawful ones were
// refused, 21 of 261 intents were wrong. What they showed has been mended since.
func TestHeldOutCorpusIsJudged(t *testing.T) {
	for _, half := range []string{"a", "b"} {
		var all rates
		eachLine(t, "heldout/*-"+half+".jsonl", func(file string, line []byte) {
			var want struct {
				ID, Language, Text string
				Expect             struct {
					Verdict string
					Reply
				}
			}
			if err := json.Unmarshal(line, &want); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(file, "intent-") {
				got := Intent(want.Language, want.Text)
				if all.reply(want.Expect.Reply, got); got.Intent != want.Expect.Intent {
					t.Logf("%s: %q: want %s, got %v", want.ID, want.Text, want.Expect.Intent, got)
				}
				return
			}
			var a Answer
			if err := json.Unmarshal(AppendLint(nil, line), &a); err != nil || a.Verdict == "" {
				t.Fatalf("%s is not judged: %v", want.ID, err)
			}
			if all.text(want.Expect.Verdict == Pass, a.Verdict == Pass); a.Verdict != want.Expect.Verdict {
				t.Logf("%s: %q: want %s, %v", want.ID, want.Text, want.Expect.Verdict, a.Reasons)
			}
		})
		all.hold(t, "held-out half "+half)
	}
}
