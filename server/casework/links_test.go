package casework

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"doorstep/sync/journal"
)

// debtor is a debtor as a supervisor reads them.
func (h *fixture) debtor(id journal.DebtorID) DebtorFile {
	h.t.Helper()
	d, err := h.svc.Debtor(context.Background(), porto, id)
	ok(h.t, err)
	return d
}

// contacts are the ids of the contacts that count for a case, in order of time: in the
// office's plan, in a decision, and in a whole day's plan, which must agree.
func (h *fixture) contacts(c journal.CaseID) string {
	h.t.Helper()
	ctx, day := context.Background(), PlanningDay{mustPolicy(h.t), "2026-11-25", nil}
	ids := func(f *File) string {
		var out []string
		for _, x := range f.Contacts {
			out = append(out, x.ID)
		}
		return fmt.Sprint(out)
	}
	one, err := h.svc.PlanningFileOf(ctx, boss, porto, c, day)
	ok(h.t, err)
	var decided string
	_, err = h.do(looks(func(t *turn) error {
		f, err := t.file(ctx, c, 0)
		if err != nil {
			return err
		}
		err = t.loadGrounds(ctx, f, h.now, nil)
		decided = ids(f)
		return err
	}))
	ok(h.t, err)
	var planned string
	ok(h.t, h.svc.PlanningFiles(ctx, porto, day, func(f *PlanningFile) error {
		if f.Case.ID == c {
			planned = ids(&f.File)
		}
		return nil
	}))
	if decided != ids(&one.File) || planned != decided {
		h.t.Errorf("case %s counts %s when decided, %s when planned alone, %s with all", c, decided, ids(&one.File), planned)
	}
	return decided
}

// looks is a command that reads and changes nothing.
type looks func(*turn) error

func (l looks) decide(_ context.Context, t *turn) (*draftBuilder, error) { return nil, l(t) }

// Two lenders know one person. Until a supervisor links the two debtors, each is called
// upon as if they were alone; then their contacts count together, until they are unlinked.
func TestLinkedDebtorsCountTogether(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "debtor_ref", "D1", "phone_verified_on", "2026-11-01"),
		line("c1", "lender", "south", "debtor_ref", "D1", "phone_verified_on", "2026-11-01"),
		line("c2", "lender", "west", "debtor_ref", "D1", "phone_verified_on", ""),
		line("c3", "lender", "west", "debtor_ref", "D3", "phone", "+351912000002", "phone_verified_on", "2026-11-01"))
	for i, c := range []journal.CaseID{"north.c1", "south.c1", "west.c2", "north.c1"} {
		h.must(RecordContact{Case: c, ID: fmt.Sprint(i), Channel: "call",
			At: instant("2026-11-23T10:00:00Z").Add(time.Duration(i) * time.Hour), Result: "answered"})
	}
	wants := func(what, north, south, west string) {
		t.Helper()
		for c, want := range map[journal.CaseID]string{"north.c1": north, "south.c1": south, "west.c2": west} {
			if got := h.contacts(c); got != want {
				t.Errorf("%s, %s counts %s, want %s", what, c, got, want)
			}
		}
	}
	alone := [3]string{"[north.c1/0 north.c1/3]", "[south.c1/1]", "[west.c2/2]"}
	wants("unlinked", alone[0], alone[1], alone[2])
	if d := h.debtor("north.D1"); !slices.Equal(d.Suggested, []journal.DebtorID{"south.D1"}) || len(d.Linked) != 0 ||
		d.Lender != "north" || fmt.Sprint(d.Cases) != "[north.c1]" {
		t.Errorf("the debtor is %+v", d)
	}
	if r := h.must(LinkDebtors{"north.D1",
		"south.D1"}); fmt.Sprint(r) != "map[changed:true debtor:north.D1 linked:[south.D1]]" {
		t.Errorf("linking answers %v", r)
	}
	if r := h.must(LinkDebtors{"south.D1", "north.D1"}); r["changed"] != false {
		t.Errorf("linking again answers %v", r)
	}
	two := "[north.c1/0 south.c1/1 north.c1/3]"
	wants("two linked", two, two, alone[2])
	h.must(LinkDebtors{"west.D1", "south.D1"})
	three := "[north.c1/0 south.c1/1 west.c2/2 north.c1/3]"
	wants("three linked", three, three, three)
	if d := h.debtor("north.D1"); len(d.Suggested) != 0 || fmt.Sprint(d.Linked) != "[south.D1 west.D1]" {
		t.Errorf("linked, the debtor is %+v", d)
	}
	if got, err := h.svc.PersonsCases(context.Background(), porto, "west.D1"); err != nil ||
		fmt.Sprint(got) != "[north.c1 south.c1 west.c2]" {
		t.Errorf("the person's cases are %v (%v)", got, err)
	}
	who, err := h.svc.Persons(context.Background(), porto, []journal.CaseID{"north.c1", "west.c2", "west.c3"})
	ok(t, err)
	if who["north.c1"] != who["west.c2"] || who["west.c3"] != "west.D3" {
		t.Errorf("the persons are %v", who)
	}
	h.must(UnlinkDebtors{"north.D1", "south.D1"})
	wants("south unlinked", "[north.c1/0 west.c2/2 north.c1/3]", alone[1], "[north.c1/0 west.c2/2 north.c1/3]")
	h.must(UnlinkDebtors{"north.D1", "west.D1"})
	wants("all unlinked", alone[0], alone[1], alone[2])
	if left, err := h.svc.people(context.Background(), porto); err != nil || len(left) != 0 {
		t.Errorf("the links %v are left (%v)", left, err)
	}
	for what, c := range map[string]Cmd{"debtor.link_itself": LinkDebtors{"north.D1", "north.D1"},
		"debtor.not_found":  LinkDebtors{"north.D1", "north.D9"},
		"debtor.not_linked": UnlinkDebtors{"north.D1", "south.D1"}} {
		if _, err := h.do(c); code(err) != what {
			t.Errorf("%+v: %v, want %s", c, err, what)
		}
	}
}

// Whoever is linked meanwhile is counted: a decision that rested on fewer contacts is taken again.
func TestALinkHasDecisionsTakenAgain(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "debtor_ref", "D1"), line("c1", "lender", "south", "debtor_ref", "D1"))
	h.must(RecordContact{Case: "south.c1", ID: "1", Channel: "call", At: instant("2026-11-23T10:00:00Z"),
		Result: "answered"})
	ctx := context.Background()
	var counted []int
	_, err := h.do(writes(func(t *turn) (*draftBuilder, error) {
		f, err := t.file(ctx, "north.c1", 0)
		if err != nil {
			return nil, err
		}
		if err := t.loadGrounds(ctx, f, h.now, nil); err != nil {
			return nil, err
		}
		if counted = append(counted, len(f.Contacts)); len(counted) == 1 {
			if _, err := h.svc.One(ctx, boss, porto, Request{ID: "http:boss:link", Cmd: LinkDebtors{"south.D1",
				"north.D1"}}); err != nil {
				return nil, err
			}
		}
		d := t.draft("case.test")
		d.putCase(f)
		return d, nil
	}))
	ok(t, err)
	if fmt.Sprint(counted) != "[0 1]" {
		t.Errorf("the decision counted %v contacts, want none and then the other debtor's", counted)
	}
}

// writes is a command made of its decision.
type writes func(*turn) (*draftBuilder, error)

func (w writes) decide(_ context.Context, t *turn) (*draftBuilder, error) { return w(t) }

// Linked debtors keep their own keys: erasing one leaves the other's records readable.
func TestErasingALinkedDebtorLeavesTheOther(t *testing.T) {
	h, _ := erasing(t)
	h.take(line("c1", "debtor_ref", "D1", "debtor_name", "Ana"), line("c1", "lender", "south", "debtor_ref", "D1",
		"debtor_name", "Ana"))
	h.must(LinkDebtors{"north.D1", "south.D1"})
	h.must(RecordContact{Case: "north.c1", ID: "1", Channel: "call", At: instant("2026-11-23T10:00:00Z"),
		Result: "answered", Number: "+351912000001"})
	h.erase("north.D1")
	if k := h.shown("south.c1"); k["debtor_name"] != "Ana" {
		t.Errorf("the other case shows %v", k["debtor_name"])
	}
	if got := h.contacts("south.c1"); got != "[north.c1/1]" {
		t.Errorf("the case counts %s; a contact that took place counts on", got)
	}
}
