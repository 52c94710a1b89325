package dispatch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/geo/travel"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/office"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"

	"github.com/google/uuid"
)

const porto auth.BranchID = "porto"

// today is a Wednesday.
const today = "2026-11-25"

// boss is a supervisor of the branch.
var boss = auth.Actor{User: "boss", Role: auth.RoleSupervisor, Branches: []auth.BranchID{porto}}

// fixture is dispatch with the rooms below it, on a real store under a clock the
// test sets. Nothing runs in the background: a test calls work.
type fixture struct {
	meanwhile *meanwhile
	t         *testing.T
	now       time.Time
	store     *sqlitestore.Store
	journal   *journal.Journal
	office    *office.Service
	cases     *casework.Service
	svc       *Service
	n         int
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newFixture has a branch with two territories side by side, west and east, and two
// agents and a team with a shift in each.
// meanwhile is a store at which something happens right after a search of an index, once.
type meanwhile struct {
	*sqlitestore.Store
	after  string // type and index: "rounds date"
	happen func()
}

func (m *meanwhile) Find(ctx context.Context, q journal.Query) (journal.Found, error) {
	f, err := m.Store.Find(ctx, q)
	if happen := m.happen; happen != nil && m.after == q.Type+" "+q.Index {
		m.happen = nil
		happen()
	}
	return f, err
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	ctx := context.Background()
	h := &fixture{t: t, now: time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return h.now }
	folder := t.TempDir()
	var err error
	h.store, err = sqlitestore.Open(ctx, folder, slices.Concat(office.Indexes(), casework.Indexes(), Indexes()))
	ok(t, err)
	h.meanwhile = &meanwhile{Store: h.store}
	h.journal = journal.Open(h.meanwhile, journal.Options{Clock: clock})
	t.Cleanup(func() {
		ok(t, h.journal.Close(ctx))
		ok(t, h.store.Close())
	})
	kek, err := seal.LoadOrCreateKEK(filepath.Join(folder, "kek"))
	ok(t, err)
	vault, err := seal.Open(ctx, h.store, kek, clock)
	ok(t, err)
	policy, err := conduct.Default()
	ok(t, err)
	h.office = office.New(h.journal, nil)
	h.cases = casework.New(casework.Options{Journal: h.journal, Vault: vault, Policy: policy, Lenders: h.office,
		Devices: h.office, Teams: TeamsOf(h.office),
		Territories: func(ctx context.Context, b auth.BranchID) (casework.TerritoryIndex, error) {
			return h.office.Index(ctx, b)
		}})
	h.svc = New(Options{Journal: h.journal, Casework: h.cases, Office: h.office, Travel: travel.CrowFly{},
		Policy: func() *conduct.Policy { return policy }})
	h.svc.second = 50 * time.Millisecond
	_, err = h.office.PutBranch(ctx, office.Ask{By: "admin"}, office.Branch{ID: porto, TimeZone: "Europe/Lisbon"})
	ok(t, err)
	for i, id := range []string{"west", "east"} {
		lon := -8.65 + 0.05*float64(i)
		h.territory(id, lon, 41.10, lon+0.05, 41.20)
		a, b := auth.UserID(id+"-1"), auth.UserID(id+"-2")
		h.agents(a, b)
		h.team(office.Team{ID: "t-" + id, Agents: []auth.UserID{a, b}, Territories: []string{id},
			Items: []string{"badge", "authorisation_letter"}, Recording: true})
		h.shift("t-"+id, today)
	}
	return h
}

// agents makes agents of the branch, each with a phone.
func (h *fixture) agents(ids ...auth.UserID) {
	h.t.Helper()
	ctx := context.Background()
	for _, u := range ids {
		_, _, err := h.office.CreateUser(ctx, office.Ask{By: "admin"}, office.NewUser{ID: u, Login: string(u),
			Role: auth.RoleAgent, Branches: []auth.BranchID{porto}})
		ok(h.t, err)
		ok(h.t, h.office.RegisterDevice(ctx, auth.Device{ID: auth.DeviceID("phone-" + u), User: u, Platform: "android"}))
	}
}

// territory is a box.
func (h *fixture) territory(id string, west, south, east, north float64) {
	h.t.Helper()
	shape, err := geo.ParseShape(fmt.Appendf(nil,
		`{"type":"Polygon","coordinates":[[[%f,%f],[%f,%f],[%f,%f],[%f,%f],[%f,%f]]]}`,
		west, south, east, south, east, north, west, north, west, south))
	ok(h.t, err)
	_, err = h.office.PutTerritory(context.Background(), office.Ask{By: "boss"}, office.Territory{ID: id, Branch: porto,
		Shape: shape.E7()})
	ok(h.t, err)
}

func (h *fixture) team(t office.Team) {
	h.t.Helper()
	t.Branch = porto
	_, err := h.office.PutTeam(context.Background(), office.Ask{By: "boss"}, t)
	ok(h.t, err)
}

// shift is a working day from 08:30 to 18:00.
func (h *fixture) shift(team, date string, agents ...auth.UserID) {
	h.t.Helper()
	_, err := h.office.PutShift(context.Background(), office.Ask{By: "boss"}, office.Shift{Branch: porto, Team: team,
		Date: date, From: "08:30", To: "18:00", Agents: agents,
		Breaks: []office.Break{{From: "12:00", To: "14:00", Minutes: 30}}})
	ok(h.t, err)
}

// columns of a case import, and what they hold unless a test says otherwise.
var columns = []string{"case_ref", "lender", "product_type", "profile", "debtor_ref", "debtor_name", "language",
	"phone", "phone_verified_on", "address",
	"postal_code", "city", "country", "lon", "lat", "address_verified_on", "time_zone", "currency", "principal_minor",
	"amount_due_minor", "due_date",
	"priority", "service_min", "flags"}

// take imports a case: in the west, unless it says otherwise.
func (h *fixture) take(ref string, with ...string) {
	h.t.Helper()
	h.takeAll([][]string{append([]string{ref}, with...)})
}

// takeAll imports cases, each of what take is given.
func (h *fixture) takeAll(cases [][]string) {
	h.t.Helper()
	var b bytes.Buffer
	rows := [][]string{columns}
	for _, with := range cases {
		v := map[string]string{"case_ref": with[0], "lender": "north", "profile": "house-visit",
			"debtor_ref":  "D" + with[0][max(0, len(with[0])-50):],
			"debtor_name": "Test Debtor", "language": "pt",
			"address": "Rua de Teste 1", "city": "Porto", "country": "PT", "lon": "-8.62", "lat": "41.15",
			"time_zone": "Europe/Lisbon", "currency": "EUR",
			"principal_minor": "90000", "amount_due_minor": "60000", "due_date": "2026-07-01", "priority": "2",
			"service_min": "20"}
		for i := 1; i < len(with); i += 2 {
			v[with[i]] = with[i+1]
		}
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = v[c]
		}
		rows = append(rows, row)
	}
	_ = csv.NewWriter(&b).WriteAll(rows) // a buffer takes everything
	rep, err := h.cases.ImportCases(context.Background(), boss, porto, "text/csv", &b, casework.ImportOptions{})
	ok(h.t, err)
	if rep.Rejected > 0 {
		h.t.Fatalf("cases: %+v", rep.Errors[0])
	}
}

// ref is how the lender of the tests calls a case.
func ref(c journal.CaseID) string { return strings.TrimPrefix(string(c), "north.") }

// do runs a command of casework.
func (h *fixture) do(cmd casework.Cmd) {
	h.t.Helper()
	h.n++
	_, err := h.cases.One(context.Background(), boss, porto, casework.Request{ID: fmt.Sprintf("http:boss:case-%d", h.n),
		Cmd: cmd})
	ok(h.t, err)
}

// ask is a request of the supervisor under a fresh command id.
func (h *fixture) ask() Ask {
	h.n++
	return Ask{Actor: boss, Command: fmt.Sprintf("http:boss:%d", h.n)}
}

// work does what waits until nothing does.
func (h *fixture) work() {
	h.t.Helper()
	for {
		found, err := h.svc.work(context.Background())
		ok(h.t, err)
		if !found {
			return
		}
	}
}

// request asks for a round of a date.
func (h *fixture) request(date string) Round {
	h.t.Helper()
	r, err := h.svc.Create(context.Background(), h.ask(), Params{Branch: porto, Date: date, Seed: 1, TimeLimitS: 1})
	ok(h.t, err)
	return r
}

// plan makes a round of a date.
func (h *fixture) plan(date string) View {
	h.t.Helper()
	r := h.request(date)
	h.work()
	return h.view(r.ID)
}

// publish publishes a planned round.
func (h *fixture) publish(id string) View {
	h.t.Helper()
	_, err := h.svc.Publish(context.Background(), h.ask(), id)
	ok(h.t, err)
	h.work()
	return h.view(id)
}

func (h *fixture) view(id string) View {
	h.t.Helper()
	v, err := h.svc.Round(context.Background(), boss, id)
	ok(h.t, err)
	return v
}

// stops lists the cases that have a stop, by team: "t-west: a b".
func stops(v View) string {
	var out []string
	for _, r := range v.Routes {
		var cases []string
		for _, s := range r.Stops {
			cases = append(cases, ref(s.Case))
		}
		if len(cases) > 0 {
			slices.Sort(cases)
			out = append(out, r.Team+": "+strings.Join(cases, " "))
		}
	}
	return strings.Join(out, "; ")
}

// leftOut lists what was left out: "a NO_TEAM", with the rule where there is one.
func leftOut(v View) map[string]string {
	out := map[string]string{}
	for _, l := range v.LeftOut {
		out[ref(l.Case)] = strings.TrimSpace(l.Code + " " + l.Rule)
	}
	return out
}

// onPhone lists the assignments an agent's phone shows, as "case date", sorted.
func (h *fixture) onPhone(agent auth.UserID) string {
	h.t.Helper()
	ctx := context.Background()
	c := offline.Caller{Actor: auth.Actor{User: agent, Role: auth.RoleAgent, Branches: []auth.BranchID{porto}},
		Branch: porto, At: h.now}
	revs, err := h.cases.InScope(ctx, c, "assignments")
	ok(h.t, err)
	refs := make([]journal.DocRef, len(revs))
	for i, r := range revs {
		refs[i] = journal.DocRef{Type: "assignments", ID: r.ID}
	}
	recs, err := h.store.Records(ctx, porto, refs)
	ok(h.t, err)
	var out []string
	for _, rec := range recs {
		out = append(out, ref(journal.CaseID(field(h.t, rec, "case")))+" "+field(h.t, rec, "date"))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// stop is the stop of a case in a view; it must be there.
func (v View) stop(c string) Stop {
	for _, r := range v.Routes {
		for _, st := range r.Stops {
			if ref(st.Case) == c {
				return st
			}
		}
	}
	panic("no stop of " + c)
}

// say is what an agent's phone says of a stop.
func (h *fixture) say(agent auth.UserID, st Stop, fields string) {
	h.t.Helper()
	h.n++
	sync := offline.New(offline.Options{Alone: true, Journal: h.journal, Applier: h.cases, Records: h.cases,
		Hash: sha256.Sum256})
	defer sync.Close()
	device := auth.DeviceID("phone-" + agent)
	recs, err := h.store.Records(context.Background(), porto, []journal.DocRef{{Type: "assignments", ID: st.Assignment}})
	ok(h.t, err)
	a, err := sync.Push(context.Background(), offline.Caller{Actor: auth.Actor{User: agent, Role: auth.RoleAgent,
		Branches: []auth.BranchID{porto}, Device: device}, Device: device, Branch: porto, Schema: 1, At: h.now},
		offline.PushRequest{Mutations: []offline.Mutation{{Mid: uuid.NewString(), Type: "assignments", ID: st.Assignment,
			Op: "patch", Base: recs[0].Rev, Fields: []byte(fields)}}})
	ok(h.t, err)
	if a.Results[0].Status != offline.Applied {
		h.t.Fatalf("%s says %s of %s: %+v", agent, fields, st.Case, a.Results[0])
	}
}

// code is the code of an error, "" for none.
func code(err error) string {
	var coded interface{ Code() string }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
