package casework

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/server/casework/rows"
)

// lines gives as many lines as are read, each made by its number.
type lines struct {
	line func(n int) string
	n    int
	left string
}

func (l *lines) Read(p []byte) (int, error) {
	if l.left == "" {
		l.n++
		l.left = l.line(l.n) + "\n"
	}
	n := copy(p, l.left)
	l.left = l.left[n:]
	return n, nil
}

// TestAnImportEndsWithoutEndOfBadLines: a file that is not what it should be is not read to its end, whether its lines
// cannot be read or are refused.
func TestAnImportEndsWithoutEndOfBadLines(t *testing.T) {
	im := lineImport[string]{
		schema: []rows.Column{{Name: "a"}},
		parse: func(vals []string) (string, []rows.LineError) {
			if vals[0] == "bad" {
				return "", []rows.LineError{{Column: "a", Code: "a.bad", Message: "it is bad"}}
			}
			return vals[0], nil
		},
		key: func(v string) string { return v },
		apply: func(_ context.Context, ls []*importLine[string]) error {
			for _, l := range ls {
				if l.change = accepted; strings.HasPrefix(l.val, "refused") {
					l.refuse("a", "a.refused", "it is refused")
				}
			}
			return nil
		},
	}
	run := func(in io.Reader) (ImportReport, *refusal.Error, error) {
		rep, err := runImport(context.Background(), im, "application/x-ndjson", in, ImportOptions{})
		e, _ := refusal.Of(err)
		return rep, e, err
	}
	value := func(f func(n int) string) func(int) string {
		return func(n int) string { return fmt.Sprintf(`{"a":%q}`, f(n)) }
	}
	for what, line := range map[string]func(int) string{
		"unreadable": func(int) string { return "no JSON" },
		"bad":        value(func(int) string { return "bad" }),
		"refused":    value(func(n int) string { return fmt.Sprint("refused", n) }),
		"both": value(func(n int) string {
			if n%2 == 0 {
				return "bad"
			}
			return fmt.Sprint("refused", n)
		}),
		"good, then bad": value(func(n int) string {
			if n < 20_000 {
				return fmt.Sprint("good", n)
			}
			return "bad"
		}),
	} {
		in := &lines{line: line}
		rep, e, err := run(in)
		if e == nil || e.Code() != "import.bad_lines" || e.Kind != refusal.Invalid {
			t.Fatalf("%s: %v", what, err)
		}
		if len(e.Faults) != 10 || e.Faults[0].Line == 0 || e.Faults[0].Msg == "" {
			t.Errorf("%s: the faults are %v", what, e.Faults)
		}
		if rep.Rejected < maxBadRun || rep.Rejected > maxBadRun+5*chunkLines {
			t.Errorf("%s: ended after %d bad lines", what, rep.Rejected)
		}
		if what == "good, then bad" && rep.Accepted != 19_999 {
			t.Errorf("%s: %d are accepted", what, rep.Accepted)
		}
	}
	// A good line now and then says that the file is what it should be.
	i := 0
	rep, _, err := run(io.MultiReader(io.LimitReader(&lines{line: value(func(n int) string {
		if i = n; n%9000 == 0 {
			return fmt.Sprint("good", n)
		}
		return "bad"
	})}, 1<<20)))
	if err != nil || rep.Rejected < 3*maxBadRun {
		t.Errorf("with good lines between: %d bad of %d, %v", rep.Rejected, i, err)
	}
}
