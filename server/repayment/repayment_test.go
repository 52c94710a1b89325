package repayment

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"time"
)

func ExampleAnswer() {
	answer, err := Answer([]byte(`{"request": {"kind": "instalments", "today": "2027-01-31", "currency": "EUR",
		"balance_minor": 10000, "start_on": "2027-01-31", "frequency": "monthly", "count": 3,
		"holiday_rule": "next_working_day"}, "payments": [{"ref": "p1", "on": "2027-02-01", "amount_minor": 3334}],
		"checks": [{"as_of": "2027-03-02"}]}`))
	if err != nil {
		panic(err) // something beside the request is malformed
	}
	for _, in := range answer.Result.Instalments {
		fmt.Println(in.N, in.DueOn, in.AmountMinor)
	}
	fmt.Println(answer.Checks[0].State, answer.Checks[0].ArrearsMinor)
	// Output:
	// 1 2027-02-01 3334
	// 2 2027-03-01 3333
	// 3 2027-03-31 3333
	// active 3333
}

// TestDatesAreThoseOfTheCalendar compares each date of three centuries with package time.
func TestDatesAreThoseOfTheCalendar(t *testing.T) {
	for at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2310; at = at.AddDate(0, 0, 1) {
		text := at.Format(time.DateOnly)
		want := Date(at.Unix() / 86400)
		if d, ok := ParseDate(text); ok != (at.Year() < 2200) || ok && d != want {
			t.Fatalf("%s is read as %d, %v", text, d, ok)
		}
		if want.String() != text || want.weekday() != int(at.Weekday()) {
			t.Fatalf("%s is written as %s, on %s", text, want, weekdays[want.weekday()])
		}
		for _, n := range []int{0, 1, 11, 25} {
			for _, last := range []bool{false, true} {
				if got := want.addMonths(n, last); got != Date(month(at, n, last).Unix()/86400) {
					t.Fatalf("%s and %d months is %s", text, n, got)
				}
			}
		}
	}
	for _, text := range []string{"", "2027-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-04-31",
		"1999-12-31", "2200-01-01", "2026-1-01", "2026-01-1", "2026/01/01", "20260101", "2026-01-01 ", "+026-01-01",
		"2026-01-0٣", "2026-+1-01"} {
		if d, ok := ParseDate(text); ok {
			t.Errorf("%q is read as %s", text, d)
		}
	}
}

// TestWhatOnlyATextCanSay has requests that JSON.parse would change before sync/clients/plan sees them.
func TestWhatOnlyATextCanSay(t *testing.T) {
	const rest = `"today":"2026-11-29","currency":"EUR","start_on":"2026-12-15","kind":"instalments","frequency":"monthly"`
	for request, want := range map[string]string{
		`{"balance_minor":100,"count":2,"count":3,` + rest + `}`:                     "bad_request count",
		`{"balance_minor":100,"count":2,"c\u006funt":2,` + rest + `}`:                "bad_request count",
		`{"balance_minor":1,"count":2,"guardrails":{"a":1,"a":2},` + rest + `}`:      "bad_request guardrails.a",
		`{"balance_minor":100,"count":2,"Ann Lee":1,"Ann Lee":2,` + rest + `}`:       "bad_request …",
		`{"balance_minor":100.0,"count":2,` + rest + `}`:                             "bad_request balance_minor",
		`{"balance_minor":1e2,"count":2,` + rest + `}`:                               "bad_request balance_minor",
		`{"balance_minor":-0,"count":2,` + rest + `}`:                                "amount_out_of_range balance_minor",
		`{"balance_minor":1` + strings.Repeat("0", 500) + `,"count":2,` + rest + `}`: "amount_out_of_range balance_minor",
	} {
		for what, ask := range map[string]func() *Refusal{
			"Read":   func() *Refusal { _, refused := Read([]byte(request)); return refused },
			"Answer": func() *Refusal { a, _ := Answer([]byte(`{"request":` + request + `}`)); return a.Refused },
		} {
			if refused := ask(); refused == nil || refused.Reason+" "+refused.At != want {
				t.Errorf("%s of %.120s: %v, want %s", what, request, refused, want)
			}
		}
	}
	for question, want := range map[string]string{
		``:                               `"malformed","at":""`,
		`[]`:                             `"malformed","at":""`,
		`{"request":{}`:                  `"malformed","at":""`,
		`{"request":{},"request":{}}`:    `"malformed","at":"request"`,
		`{"request":{"a":"` + "\xff\"}}": `"malformed","at":"request.a"`,
		`{"request":{},"Ann Lee":[{"a":1,"a":2}]}`: `"malformed","at":"…"`,
		`{"request":{},"Ann Lee":1}`:               `"plan.question","at":"…"`,
	} {
		if got := string(AppendAnswer(nil, []byte(question))); !strings.Contains(got, `{"problem":{"code":`+want) {
			t.Errorf("%q is answered %s, want %s", question, got, want)
		}
	}
}

// TestItIsPure holds the package to what it imports: no clock, no chance, no input or output.
func TestItIsPure(t *testing.T) {
	allowed := " cmp encoding/json fmt math/bits regexp slices sort strconv strings unicode/utf8 " +
		"doorstep/auth/refusal doorstep/auth/strictjson github.com/bojanz/currency "
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			if name := strings.Trim(spec.Path.Value, `"`); !strings.Contains(allowed, " "+name+" ") {
				t.Errorf("%s imports %s", f.Name(), name)
			}
		}
		for _, name := range parsed.Unresolved {
			if strings.HasPrefix(name.Name, "float") {
				t.Errorf("%s has a %s", f.Name(), name.Name)
			}
		}
		seen++
	}
	if seen < 6 {
		t.Errorf("only %d files were read", seen)
	}
}

// FuzzAnswer holds that any text gets an answer, and a plan adds up.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"request":{"kind":"settlement"}}`))
	for i := range uint64(40) {
		text, _ := choose(i).question().marshal()
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := Answer(text)
		if err != nil {
			return
		}
		if (a.Result == nil) == (a.Refused == nil) {
			t.Fatalf("%s is answered %+v", text, a)
		}
		if a.Result == nil {
			return
		}
		sum, before := int64(0), Date(0)
		for _, in := range a.Result.Instalments {
			if in.AmountMinor < 1 || in.DueOn <= before || in.DueOn < a.Result.today {
				t.Fatalf("%s: %+v after %s", text, in, before)
			}
			sum, before = sum+in.AmountMinor, in.DueOn
		}
		if p := a.Result; sum != p.TotalMinor || sum < 1 || sum > MaxMinor || p.RemainingAfterMinor < 0 {
			t.Fatalf("%s: %+v", text, p)
		}
	})
}
