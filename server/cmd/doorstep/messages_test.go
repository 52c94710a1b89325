package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEachLineOfMessagesIsAnswered(t *testing.T) {
	good := `{"id":7,"language":"en","country":"GB","step":"stop_confirm","recipient":"debtor",` +
		`"number_verified_days":null,"text":"{sender_name}: we will not write again.","lender":"x"`
	fault := `"problem":{"code":"messages.question","at":`
	for _, c := range []struct {
		command string
		lines   [][2]string
	}{
		{"lint", [][2]string{
			{good + `}`, `{"id":7,"verdict":"pass","reasons":[],"encoding":"gsm7",`},
			{good + `,"vars":{"sender_name":"Debt Recovery"}}`, `{"id":7,"verdict":"refuse","reasons":[`},
			{good + `,"expect":{"verdict":"pass"}}`, `{"id":7,"verdict":"pass",`},
			{strings.Replace(good, "stop_confirm", "letter", 1) + `}`, `{"id":7,` + fault + `"step",`},
			{strings.Replace(good, `"text":`, `"txt":`, 1) + `}`, `{"id":7,` + fault + `"text",`},
			{strings.Replace(good, `"text":`, `"text":1,"t":`, 1) + `}`, `{"id":7,` + fault + `"text",`},
			{``, `{"problem":{"code":"malformed",`},
			{`{"id":`, `{"problem":{"code":"malformed",`},
			{good + `,"x":"` + strings.Repeat("x", maxQuestion) + `"}`, `{"problem":{"code":"too_large",`},
			{good + `}`, `{"id":7,"verdict":"pass",`},
		}},
		{"intent", [][2]string{
			{`{"id":"a","language":"en","text":"STOP"}`, `{"id":"a","intent":"stop","also":[],"vulnerable":false}`},
			{`{"id":"b","language":"english please","text":"STOP"}`, `{"id":"b",` + fault + `"language",`},
			{`{"id":"c","language":"en"}`, `{"id":"c",` + fault + `"text",`},
			{`[]`, `{"problem":{"code":"malformed",`},
			{`{"language":"en","text":"I have paid and I lost my job"}`,
				`{"intent":"paid_already","also":[],"vulnerable":true}`},
		}},
	} {
		var in strings.Builder
		in.WriteString("\ufeff")
		for _, l := range c.lines {
			in.WriteString(l[0] + "\n")
		}
		r := runs(t, in.String(), "messages", c.command)
		answers := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
		if r.status != 0 || len(answers) != len(c.lines) {
			t.Fatalf("%s: status %d, %d answers, %s", c.command, r.status, len(answers), r.err)
		}
		for i, l := range c.lines {
			if !strings.HasPrefix(answers[i], l[1]) || !json.Valid([]byte(answers[i])) {
				t.Errorf("%s: line %d, %.80q, is answered %.200s, want %s", c.command, i+1, l[0], answers[i], l[1])
			}
		}
	}
}
