package casework

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// place is where a value stands in a report: names of members, and [] for a list's only entry.
type place []string

func (p place) String() string { return strings.Join(p, ".") }

// in is a report with a value at the place. What stands there is replaced.
func (p place) in(f members, value any) members {
	return p.into(map[string]any(f), value).(map[string]any)
}

func (p place) into(at any, value any) any {
	switch {
	case len(p) == 0:
		return value
	case p[0] == "[]":
		var entry any
		if list, is := at.([]members); is && len(list) > 0 {
			entry = map[string]any(list[0])
		}
		return []any{p[1:].into(entry, value)}
	}
	out := map[string]any{}
	switch m := at.(type) {
	case map[string]any:
		maps.Copy(out, m)
	case members:
		maps.Copy(out, m)
	}
	out[p[0]] = p[1:].into(out[p[0]], value)
	return out
}

// places calls fn for each member of a report that is not an object, with the member's Go type.
func places(ms []record.Member, at place, fn func(at place, t reflect.Type)) {
	for _, m := range ms {
		p, t := append(slices.Clone(at), m.Name), m.Type
		for again := true; again; {
			again = false
			switch {
			case t.Kind() == reflect.Pointer:
				t, again = t.Elem(), true
			case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
				t, p, again = t.Elem(), append(p, "[]"), true
			default:
				plain, is := t.MethodByName("Plain")
				if is && plain.Type.NumOut() == 1 && t.Name() != "Text" && t.Name() != "JSON" {
					t, again = plain.Type.Out(0), true
				}
			}
		}
		if t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() && t.PkgPath() == "doorstep/server/record" {
			places(record.Members(t), p, fn)
			continue
		}
		fn(p, t)
	}
}

// everyPlace calls fn for each place of a report of each kind that phones write.
func everyPlace(fn func(kind record.Kind, at place, t reflect.Type)) {
	for _, k := range record.Kinds() {
		if k.ReportMembers() != nil {
			places(k.ReportMembers(), nil, func(at place, t reflect.Type) { fn(k, at, t) })
		}
	}
}

// A name that a phone writes into any member of any kind, or anywhere else in a mutation, stands in no
// hashed bytes, and nothing of it can be read once its debtor is erased, whether it was taken or refused.
func TestNoTextOfAPhoneStandsInTheClearOrOutlivesItsDebtor(t *testing.T) {
	h, _ := erasing(t)
	h.take(line("c1", "debtor_ref", "D1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	h.want("a visit", rui.put("visits", "v1", least["visits"].with("agents",
		[]members{{"agent_id": "ana"}, {"agent_id": "rui"}})), "applied")
	const name = "Maria Silva, Rua 5"
	tried, applied, kept := 0, 0, []string{}
	push := func(what string, m offline.Mutation) {
		r := ana.push(m)[0]
		tried++
		if r.Status == offline.Applied {
			applied++
		} else if r.Quarantine != "" {
			kept = append(kept, r.Quarantine)
		} else {
			t.Errorf("%s: %s, and nothing is kept", what, said(r))
		}
		if strings.Contains(r.Code+r.Detail, "Maria") {
			t.Errorf("%s: the answer repeats it: %s %s", what, said(r), r.Detail)
		}
	}
	assignment := "a-c1-2026-11-25-r1"
	everyPlace(func(k record.Kind, at place, _ reflect.Type) {
		if at.String() == "case" {
			return
		}
		for _, value := range []any{name, []any{name}, map[string]any{name: name}} {
			what := fmt.Sprintf("%s.%s = %v", k.Name, at, value)
			switch f := at.in(least[k.Name], value); k.Name {
			case "assignments":
				push(what, write(k.Name, assignment, "patch", 1, f))
			default:
				push(what, write(k.Name, journal.NewID(), "put", 0, f))
			}
		}
	})
	note := least["visit_notes"].with("case", "north.c1")
	push("a newer member", write("visit_notes", "nn", "put", 0, note.with(name, name)))
	push("a type", write(name, "w1", "put", 0, note))
	push("a type that may be one", write("Maria-Silva", "w2", "put", 0, note.with("text", name)))
	push("an id", write("visit_notes", name, "put", 0, note.with("text", name)))
	push("an operation", write("visit_notes", "n7", "Maria Silva", 0, note))
	push("a requirement", func() offline.Mutation {
		m := write("visit_notes", "n8", "put", 0, note)
		m.Requires = []string{name}
		return m
	}())
	if tried < 300 || applied < 20 {
		t.Fatalf("%d places tried, %d applied", tried, applied)
	}
	h.eachEntry(func(text string, e journal.Entry) {
		for _, s := range []string{"Maria", "Rua 5"} {
			if strings.Contains(text, s) {
				t.Errorf("entry %d, %s: %s stands in hashed bytes: %.1500s", e.N, e.Action, s, text)
			}
		}
	})
	h.erase("north.D1")
	h.now = h.now.Add(2 * time.Minute)
	for _, id := range kept {
		var q record.Quarantined
		h.stored("quarantine", id, &q)
		ok(t, h.vault.OpenDoc(context.Background(), "", porto, "quarantine", id, &q))
		if text := q.Fields.Plain() + q.TypeSaid.Plain(); strings.Contains(text, "Maria") {
			t.Errorf("after the erasure %s of %s (%s) reads %s", id, q.Type, q.Code, text)
		}
	}
}

// A time that no entry can hold, in any member of any kind, refuses its own mutation at most: the note
// beside it is taken, a journal that is opened anew reads all of it, and fsck finds nothing.
func TestATimeOutOfRangeRefusesItsMutationOnly(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	note := least["visit_notes"].with("case", "north.c1")
	tried := 0
	push := func(what string, m offline.Mutation) {
		tried++
		rs := ana.push(m, write("visit_notes", fmt.Sprint("ok", tried), "put", 0, note))
		if rs[0].Status != offline.Applied && rs[0].Quarantine == "" {
			t.Errorf("%s: %s, and nothing is kept", what, said(rs[0]))
		}
		h.want("the note beside "+what, rs[1], "applied")
	}
	times := []string{"9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00+03:00",
		"0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"}
	everyPlace(func(k record.Kind, at place, typ reflect.Type) {
		if typ != reflect.TypeFor[time.Time]() {
			return
		}
		for _, when := range times {
			push(fmt.Sprintf("%s.%s = %s", k.Name, at, when),
				write(k.Name, journal.NewID(), "put", 0, at.in(least[k.Name], when)))
		}
	})
	for i, kind := range []string{"visits", "visit_notes"} {
		for n, when := range times {
			m := write(kind, fmt.Sprintf("x%d-%d", i, n), "put", 0, least[kind])
			var err error
			if m.ClientTS, err = time.Parse(time.RFC3339, when); err == nil {
				push(kind+" claimed at "+when, m)
			}
		}
	}
	if tried < 80 {
		t.Errorf("only %d times were tried", tried)
	}
	ctx := context.Background()
	j := journal.Open(h.store, journal.Options{})
	defer func() { ok(t, j.Close(ctx)) }()
	n := 0
	ok(t, j.Each(ctx, porto, 0, func(journal.Entry) error { n++; return nil }))
	if last, err := h.store.Watermark(ctx, porto); err != nil || uint64(n) != last {
		t.Errorf("%d entries are read of %d, %v", n, last, err)
	}
	if found, err := journal.Check(ctx, h.store, porto, nil); err != nil || len(found) > 0 {
		t.Errorf("fsck finds %v, %v", found, err)
	}
}
