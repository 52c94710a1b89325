package server

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
)

// codePlace is where a body takes a code of a closed list, member by member; "0" is the first entry of a list.
type codePlace struct {
	way   []string
	codes []any
}

// codePlaces finds where a schema takes codes.
func codePlaces(s schema, resolve func(schema) schema, way []string) []codePlace {
	s = resolve(s)
	var out []codePlace
	if codes, is := s["enum"].([]any); is {
		out = append(out, codePlace{way, codes})
	}
	if len(way) > 6 {
		return out
	}
	for name, member := range s.properties() {
		out = append(out, codePlaces(member, resolve, append(way[:len(way):len(way)], name))...)
	}
	if item, is := s["items"].(schema); is {
		out = append(out, codePlaces(item, resolve, append(way[:len(way):len(way)], "0"))...)
	}
	return out
}

// replaced gives a body with another value at a place. What leads there is a sample of its schema.
func replaced(body any, s schema, resolve func(schema) schema, way []string, v any) any {
	if len(way) == 0 {
		return v
	}
	s = resolve(s)
	if way[0] == "0" {
		item, _ := s["items"].(schema)
		first := sample(item, resolve, 0)
		if list, is := body.([]any); is && len(list) > 0 {
			first = list[0]
		}
		return []any{replaced(first, item, resolve, way[1:], v)}
	}
	member, _ := s.child(way[0])
	out := map[string]any{}
	if m, is := body.(map[string]any); is {
		maps.Copy(out, m)
	}
	inner, there := out[way[0]]
	if !there {
		inner = sample(member, resolve, 0)
	}
	out[way[0]] = replaced(inner, member, resolve, way[1:], v)
	return out
}

// Whatever refuses a code that is not on its list names the codes of the list.
func TestARefusedCodeIsAnsweredByItsList(t *testing.T) {
	h := newHostile(t)
	places := 0
	ask := func(what string, q request, codes []any) {
		t.Helper()
		places++
		r := h.send(t, what, q)
		if r.status < 400 || r.status >= 500 {
			t.Errorf("%s: answered by %d: %.300s", what, r.status, r.body)
			return
		}
		for _, code := range codes {
			if !strings.Contains(string(r.body), fmt.Sprint(code)) {
				t.Errorf("%s: the answer does not name %v: %.600s", what, code, r.body)
				return
			}
		}
	}
	for _, o := range h.ops {
		for _, p := range o.params {
			if codes, is := p.schema["enum"].([]any); is && p.in == "query" {
				q := h.good(o)
				path, rest, _ := strings.Cut(q.path, "?")
				query, _ := url.ParseQuery(rest)
				query.Set(p.name, "no_such_code")
				if o.has("query", "branch") {
					query.Set("branch", north)
				}
				q.path = path + "?" + query.Encode()
				ask(o.id+" ?"+p.name, q, codes)
			}
		}
		if o.body == nil || o.id == "previewPlan" { // whose answer names the member alone
			continue
		}
		if o.id == "decideDay" { // its question is read as that of decide, below: at the first fault the reader stops
			continue
		}
		for _, place := range codePlaces(o.body, h.refs, nil) {
			q := h.good(o)
			q.body = render(replaced(h.goodBody(o), o.body, h.refs, place.way, "no_such_code"))
			ask(o.id+" "+strings.Join(place.way, "."), q, place.codes)
		}
	}
	for id, lists := range map[string]map[string][]any{
		"manifest": {"type": {"assignments", "visits", "policy"}},
	} {
		for _, o := range h.ops {
			for name, codes := range lists {
				if o.id == id {
					q := h.good(o)
					path, _, _ := strings.Cut(q.path, "?")
					q.path = path + "?" + name + "=no_such_code"
					ask(id+" ?"+name, q, codes)
				}
			}
		}
	}
	decide := func(what string, change func(action, kase map[string]any), codes ...any) {
		t.Helper()
		for _, o := range h.ops {
			if o.id == "decide" || o.id == "decideDay" {
				q := h.good(o)
				body := map[string]any{}
				maps.Copy(body, goodBodies[o.id])
				action, kase := map[string]any{}, map[string]any{}
				maps.Copy(action, body["action"].(map[string]any))
				change(action, kase)
				body["action"], body["case"] = action, kase
				q.body = render(body)
				ask(o.id+" "+what, q, codes)
			}
		}
	}
	for member, codes := range map[string][]any{"channel": {"call", "letter_delivery"}, "party": {"debtor", "neighbour"},
		"place": {"home", "public"}, "purpose": {"collect", "serve_process"}, "event": {"enter_home", "take_cash"},
		"by": {"agency", "lender"}} {
		decide(member, func(action, _ map[string]any) { action[member] = "no_such_code" }, codes...)
	}
	decide("items", func(action, _ map[string]any) { action["items"] = []any{"no_such_code"} }, "badge",
		"iibf_certificate")
	decide("flags", func(_, kase map[string]any) { kase["flags"] = map[string]any{"no_such_code": true} }, "deceased",
		"represented")
	if places < 40 {
		t.Errorf("only %d places take codes", places)
	}
}
