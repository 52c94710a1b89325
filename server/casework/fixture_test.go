package casework

import (
	"bytes"

	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/server/casework/rows"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"

	"github.com/google/uuid"
)

const porto auth.BranchID = "porto"

// morning is a Wednesday's; in Porto clocks show UTC.
const morning = "2026-11-25T09:00:00Z"

// boss is a supervisor of the branch.
var boss = auth.Actor{User: "boss", Role: auth.RoleSupervisor, Branches: []auth.BranchID{porto}}

// fixture is casework and what phones speak with, on a real store under a clock the test sets.
type fixture struct {
	t     testing.TB
	now   time.Time
	store *sqlitestore.Store
	// folder is the store's.
	folder string
	vault  *seal.Vault
	svc    *Service
	sync   *offline.Service
	// rules are what the lenders allow in plans.
	rules planRules
	n     int // commands so far
}

// halves is a territory index of two: west and east of the city's middle; nothing north of it.
type halves struct{}

func (halves) Find(lon, lat float64) (string, bool) {
	switch {
	case lat > 41.2:
		return "", false
	case lon < -8.6:
		return "west", true
	}
	return "east", true
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	ctx := context.Background()
	h := &fixture{t: t, now: instant(morning)}
	clock := func() time.Time { return h.now }
	folder := t.TempDir()
	h.folder = folder
	var err error
	h.store, err = sqlitestore.Open(ctx, folder, Indexes())
	ok(t, err)
	j := journal.Open(h.store, journal.Options{Clock: clock})
	kek, err := seal.LoadOrCreateKEK(filepath.Join(folder, "kek"))
	ok(t, err)
	h.vault, err = seal.Open(ctx, h.store, kek, clock)
	ok(t, err)
	policy, err := conduct.Default()
	ok(t, err)
	h.svc = New(Options{Journal: j, Vault: h.vault, Policy: policy, Limits: PlanLimits{MaxInstalments: 6, MaxDays: 200},
		PlanRules:   &h.rules,
		Territories: func(context.Context, auth.BranchID) (TerritoryIndex, error) { return halves{}, nil }})
	h.sync = offline.New(offline.Options{Alone: true, Journal: j, Applier: h.svc, Records: h.svc,
		Hash: func(b []byte) [32]byte { return h.vault.Hash("mutation", b) }})
	t.Cleanup(func() {
		h.sync.Close()
		ok(t, j.Close(ctx))
		ok(t, h.store.Close())
	})
	return h
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func instant(s string) time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return at
}

// line is a case of an import, with the values that differ from the usual ones.
func line(ref string, with ...string) []string {
	v := map[string]string{"case_ref": ref, "lender": "north", "product_type": "card", "profile": "house-visit",
		"debtor_ref": "D" + ref,
		"debtor_name": "Test Debtor " +
			ref, "language": "pt", "phone": "+351912000001", "address": "Rua de Teste 1", "city": "Porto", "country": "PT",
		"lon": "-8.61", "lat": "41.15", "time_zone": "Europe/Lisbon", "currency": "EUR", "principal_minor": "90000",
		"amount_due_minor": "60000",
		"due_date":         "2026-07-01", "priority": "2", "service_min": "20"}
	for i := 0; i < len(with); i += 2 {
		if _, known := v[with[i]]; !known && !slices.ContainsFunc(caseColumns,
			func(c rows.Column) bool { return c.Name == with[i] }) {
			panic("no such rows.Column: " + with[i])
		}
		v[with[i]] = with[i+1]
	}
	out := make([]string, len(caseColumns))
	for i, c := range caseColumns {
		out[i] = v[c.Name]
	}
	return out
}

// file is a CSV file of lines.
func file(lines ...[]string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	var head []string
	for _, c := range caseColumns {
		head = append(head, c.Name)
	}
	_ = w.Write(head) // a buffer takes everything
	_ = w.WriteAll(lines)
	return b.String()
}

// take imports cases and expects every line to be taken.
func (h *fixture) take(lines ...[]string) {
	h.t.Helper()
	rep, err := h.svc.ImportCases(context.Background(), boss, porto, "text/csv", strings.NewReader(file(lines...)),
		ImportOptions{})
	ok(h.t, err)
	if rep.Rejected > 0 {
		h.t.Fatalf("the import refused lines: %+v", rep.Errors)
	}
}

// do runs a command as the supervisor.
func (h *fixture) do(cmd Cmd) (json.RawMessage, error) {
	h.t.Helper()
	h.n++
	r, err := h.svc.One(context.Background(), boss, porto, Request{ID: fmt.Sprintf("http:boss:%d", h.n), Cmd: cmd})
	return r.Body, err
}

// must runs a command as the supervisor and gives its receipt.
func (h *fixture) must(cmd Cmd) map[string]any {
	h.t.Helper()
	body, err := h.do(cmd)
	ok(h.t, err)
	out := map[string]any{}
	if body != nil {
		ok(h.t, json.Unmarshal(body, &out))
	}
	return out
}

// issue issues one route of a team to agents' phones: the id of case c's assignment is "a-<c>-<date>".
func (h *fixture) issue(round, team, date string, agents []auth.UserID, cases ...journal.CaseID) IssueReceipt {
	h.t.Helper()
	cmd := IssueRoute{Round: round, Route: round + "." + team, Team: team, Date: date, Agents: agents,
		Items: []string{"badge"}}
	for i, c := range cases {
		eta := instant(date + "T10:00:00Z").Add(time.Duration(i) * 30 * time.Minute)
		cmd.Stops = append(cmd.Stops, IssuedStop{Case: c, Assignment: "a-" + strings.TrimPrefix(string(c), "north.") + "-" +
			date + "-" + round, Seq: i + 1, ETA: eta,
			Window: record.Window{From: instant(date + "T08:00:00Z"), To: instant(date + "T20:00:00Z")}, ServiceS: 1200})
	}
	body, err := h.do(cmd)
	ok(h.t, err)
	var out IssueReceipt
	ok(h.t, json.Unmarshal(body, &out))
	return out
}

// shown is a case file as a supervisor reads it.
func (h *fixture) shown(c journal.CaseID) map[string]any {
	h.t.Helper()
	doc, err := h.svc.Case(context.Background(), boss, porto, c)
	ok(h.t, err)
	// Through JSON, so that a test sees what a caller sees.
	return object(h.t, jsonOf(h.t, doc))
}

// jsonOf is a value as JSON.
func jsonOf(t testing.TB, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	ok(t, err)
	return text
}

// object reads a JSON object.
func object(t testing.TB, text json.RawMessage) map[string]any {
	t.Helper()
	out := map[string]any{}
	ok(t, json.Unmarshal(text, &out))
	return out
}

// openCase is a case as stored, opened.
func (h *fixture) openCase(id string) *record.Case {
	h.t.Helper()
	k := &record.Case{}
	h.stored("cases", id, k)
	ok(h.t, h.vault.OpenDoc(context.Background(), k.Debtor, porto, "cases", id, k))
	return k
}

// child finds a record below a case.
func (h *fixture) child(c journal.CaseID, list, id string) map[string]any {
	h.t.Helper()
	for _, x := range h.shown(c)[list].([]any) {
		if m := x.(map[string]any); m["id"] == id {
			return m
		}
	}
	h.t.Fatalf("case %s has no %s in its %s", c, id, list)
	return nil
}

// stored is a document as the store keeps it, sealed.
func (h *fixture) stored(typ, id string, into any) journal.Record {
	h.t.Helper()
	recs, err := h.store.Records(context.Background(), porto, []journal.DocRef{{Type: typ, ID: id}})
	ok(h.t, err)
	if recs[0].Type == "" {
		h.t.Fatalf("there is no %s %s", typ, id)
	}
	ok(h.t, json.Unmarshal(recs[0].Body, into))
	return recs[0]
}

// phone is one device of an agent, with what it holds.
type phone struct {
	h      *fixture
	caller offline.Caller
	epoch  string
	cursor uint64
	docs   map[string]map[string]map[string]any // by type and id
}

func (h *fixture) phone(agent auth.UserID, device auth.DeviceID) *phone {
	return &phone{h: h, caller: offline.Caller{Actor: auth.Actor{User: agent, Role: auth.RoleAgent,
		Branches: []auth.BranchID{porto}, Device: device},
		Device: device, Branch: porto, Schema: record.Schema}, docs: map[string]map[string]map[string]any{}}
}

// members are the members of a record as a phone sends them.
type members map[string]any

// mutation is a write of a phone under a fresh mid.
func write(typ, id, op string, base uint64, f members) offline.Mutation {
	m := offline.Mutation{Mid: uuid.NewString(), Type: typ, ID: id, Op: op, Base: base}
	if f != nil {
		text, err := json.Marshal(f)
		if err != nil {
			panic(err)
		}
		m.Fields = text
	}
	return m
}

// push sends mutations and gives a result for each.
func (p *phone) push(ms ...offline.Mutation) []offline.Result {
	p.h.t.Helper()
	p.h.until(ms)
	p.caller.At = p.h.now
	a, err := p.h.sync.Push(context.Background(), p.caller, offline.PushRequest{Mutations: ms})
	ok(p.h.t, err)
	if len(a.Results) != len(ms) {
		p.h.t.Fatalf("%d mutations, %d results", len(ms), len(a.Results))
	}
	return a.Results
}

// until lets time go on until what is pushed has happened, as far as it is of the same or the
// next few days: a phone does not report what is still to come.
func (h *fixture) until(ms []offline.Mutation) {
	for i := range ms {
		var f struct {
			At time.Time `json:"at"`
		}
		if json.Unmarshal(ms[i].Fields, &f) == nil && f.At.After(h.now) && f.At.Sub(h.now) < 72*time.Hour {
			h.now = f.At
		}
	}
}

// put creates a record and gives its result.
func (p *phone) put(typ, id string, f members) offline.Result {
	p.h.t.Helper()
	return p.push(write(typ, id, "put", 0, f))[0]
}

// said is a result in short: status and code.
func said(r offline.Result) string { return strings.TrimSuffix(r.Status+" "+r.Code, " ") }

// want checks results in short.
func (h *fixture) want(what string, r offline.Result, status string) {
	h.t.Helper()
	if said(r) != status {
		h.t.Errorf("%s: %s (%s), want %s", what, said(r), r.Detail, status)
	}
}

// pull brings the phone up to date and lists what came, "put visits/v1" and so on, in order.
func (p *phone) pull() []string {
	p.h.t.Helper()
	var out []string
	for {
		p.caller.At = p.h.now
		a, err := p.h.sync.Pull(context.Background(), p.caller, offline.PullRequest{Epoch: p.epoch, After: p.cursor})
		ok(p.h.t, err)
		p.epoch, p.cursor = a.Epoch, a.Cursor
		for _, c := range a.Changes {
			out = append(out, c.Op+" "+c.Type+"/"+c.ID)
			if c.Op != "put" {
				delete(p.docs[c.Type], c.ID)
				continue
			}
			var doc map[string]any
			ok(p.h.t, json.Unmarshal(c.Doc, &doc))
			if p.docs[c.Type] == nil {
				p.docs[c.Type] = map[string]map[string]any{}
			}
			p.docs[c.Type][c.ID] = doc
		}
		if !a.More {
			return out
		}
	}
}

// holds lists the ids of a type on the phone, sorted.
func (p *phone) holds(typ string) string {
	var ids []string
	for id := range p.docs[typ] {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// visit is a visit nobody answered, at a time, with what differs.
func visit(c journal.CaseID, at string, with ...any) members {
	f := members{"case": string(c), "at": at, "outcome": "NOT_MET_NOBODY", "items": []string{"badge"}}
	for i := 0; i < len(with); i += 2 {
		f[with[i].(string)] = with[i+1]
	}
	return f
}

// flags of a visit as stored.
func (h *fixture) flags(id string) string {
	h.t.Helper()
	var v record.Visit
	h.stored("visits", id, &v)
	return strings.Join(v.Flags, " ")
}

// code is the code of an error, "" for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := err.(interface{ Code() string }); ok {
		return e.Code()
	}
	return err.Error()
}

func ptr[T any](v T) *T { return &v }

// turnAt is a draft as a decision at an instant begins it, for deciders that are called by themselves.
func draftAt(at string, by auth.UserID) *draftBuilder {
	return &draftBuilder{At: instant(at), Actor: auth.Actor{User: by, Role: auth.RoleSupervisor}, Command: "north.c1",
		parts: []draftPart{{action: "test"}}}
}

// put lists what a draft writes, "cases/c1" and so on, sorted.
func wrote(d *draftBuilder) string {
	var out []string
	for _, p := range d.parts {
		for _, x := range p.docs {
			out = append(out, x.typ+"/"+x.id)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// aFile is a case file with an open case, for deciders that are called by themselves.
func aFile() *File {
	return &File{Rev: 1, Case: record.Case{ID: "north.c1", CaseRef: "c1", Branch: porto, Lender: "north", Debtor: "d1",
		Status: record.StatusOpen, Country: "PT", TimeZone: "Europe/Lisbon",
		Currency: "EUR", AmountDueMinor: 60_000, Profiles: []string{"house-visit"}, Home: seal.NewPoint(geo.Point{Lon: -8.61,
			Lat: 41.15}), Territory: "west"}}
}

// mustPolicy is the policy that ships.
func mustPolicy(t testing.TB) *conduct.Policy {
	t.Helper()
	p, err := conduct.Default()
	ok(t, err)
	return p
}
