package office

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/server/conduct/words"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

const porto auth.BranchID = "porto"

// fixture is an office on a real store.
type fixture struct {
	t *testing.T
	*Service
	n   int
	now time.Time
}

// plainly keeps passwords as they are: the real hashing has tests of its own.
type plainly struct{}

func (plainly) Hash(_ context.Context, _, password string) (string, error) {
	return "h:" + password, nil
}
func (plainly) Matches(_ context.Context, password, hash string) (bool, error) {
	return hash == "h:"+password, nil
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, t.TempDir(), Indexes())
	ok(t, err)
	h := &fixture{t: t, now: time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)}
	j := journal.Open(store, journal.Options{Clock: func() time.Time { return h.now }})
	t.Cleanup(func() {
		ok(t, j.Close(ctx))
		ok(t, store.Close())
	})
	h.Service = New(j, plainly{})
	for _, b := range []auth.BranchID{porto, "faro"} {
		_, err := h.PutBranch(ctx, h.ask(), Branch{ID: b, TimeZone: "Europe/Lisbon"})
		ok(t, err)
	}
	return h
}

func (h *fixture) ask() Ask {
	h.n++
	return Ask{By: "admin", Command: fmt.Sprintf("http:admin:%d", h.n)}
}

// agent makes an agent of a branch.
func (h *fixture) agent(id auth.UserID, b auth.BranchID) {
	h.t.Helper()
	_, _, err := h.CreateUser(context.Background(), h.ask(), NewUser{ID: id, Login: string(id), Role: auth.RoleAgent,
		Branches: []auth.BranchID{b}})
	ok(h.t, err)
}

// refused checks an error's code; "" for none.
func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	var e *refusal.Error
	got := ""
	if errors.As(err, &e) {
		got = e.Code()
	} else if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestWhoMayBeWhat(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	in := func(bs ...auth.BranchID) []auth.BranchID { return bs }
	_, err := h.PutLender(ctx, h.ask(), Lender{ID: "north"})
	ok(t, err)
	for _, c := range []struct {
		name string
		u    NewUser
		want string
	}{
		{"an agent of one branch", NewUser{Login: "Ana ", Role: auth.RoleAgent, Branches: in(porto)}, ""},
		{"the same login in capitals", NewUser{Login: "ANA", Role: auth.RoleAgent, Branches: in(porto)}, "user.login_taken"},
		{"an agent of none", NewUser{Login: "b", Role: auth.RoleAgent}, "user.branches"},
		{"an agent of two", NewUser{Login: "b", Role: auth.RoleAgent, Branches: in(porto, "faro")}, "user.branches"},
		{"an agent of no such branch", NewUser{Login: "b", Role: auth.RoleAgent, Branches: in("lisboa")}, "user.branches"},
		{"a supervisor of two", NewUser{Login: "s", Role: auth.RoleSupervisor, Branches: in(porto, "faro")}, ""},
		{"a supervisor of none", NewUser{Login: "s2", Role: auth.RoleSupervisor}, "user.branches"},
		{"an auditor of none", NewUser{Login: "au", Role: auth.RoleAuditor}, "user.branches"},
		{"a regulator's auditor", NewUser{Login: "au", Role: auth.RoleAuditor, Branches: in(porto), Regulator: true}, ""},
		{"a supervisor at a regulator's level", NewUser{Login: "s3", Role: auth.RoleSupervisor, Branches: in(porto),
			Regulator: true}, "user.regulator"},
		{"a lender's system", NewUser{Login: "l", Role: auth.RoleLender, Lender: "north"}, ""},
		{"a lender's system of no lender", NewUser{Login: "l2", Role: auth.RoleLender}, "user.lender"},
		{"a system of a lender that is none", NewUser{Login: "l4", Role: auth.RoleLender, Lender: "south"}, "user.lender"},
		{"an agent of a lender", NewUser{Login: "l3", Role: auth.RoleAgent, Branches: in(porto), Lender: "north"},
			"user.lender"},
		{"a role nobody knows", NewUser{Login: "x", Role: "king"}, "user.role"},
		{"a login with a space", NewUser{Login: "a b", Role: auth.RoleAdmin}, "user.login"},
	} {
		_, _, err := h.CreateUser(ctx, h.ask(), c.u)
		refused(t, c.name, err, c.want)
	}
	// The same request twice is one user.
	ask := h.ask()
	a, _, err := h.CreateUser(ctx, ask, NewUser{Login: "twice", Role: auth.RoleAdmin})
	ok(t, err)
	b, _, err := h.CreateUser(ctx, ask, NewUser{Login: "twice", Role: auth.RoleAdmin})
	ok(t, err)
	if a.ID != b.ID {
		t.Error("one request made two users")
	}
}

// Whoever asks again because an answer was lost gets a password that works, until
// the user has one of their own.
func TestAMadeUpPasswordShownIsTheOneThatWorks(t *testing.T) {
	h := newFixture(t)
	ctx, ask := context.Background(), h.ask()
	make := func(password string) (User, bool) {
		u, set, err := h.CreateUser(ctx, ask, NewUser{Login: "rui", Role: auth.RoleAdmin, Password: password, MadeUp: true})
		ok(t, err)
		return u, set
	}
	const first, second, own, third = "blue-kettle-under-snow", "green-ladder-by-noon", "my own long password",
		"red-basket-of-fog"
	if _, set := make(first); !set {
		t.Fatal("a new user has no password")
	}
	u, set := make(second)
	if !set {
		t.Fatal("the request repeated shows a password that is not the user's")
	}
	change := func(old, next string) error {
		_, err := h.ChangePassword(ctx, u.ID, old, next)
		return err
	}
	refused(t, "the password of the first answer", change(first, own), "user.password_wrong")
	ok(t, change(second, own))
	if _, set := make(third); set {
		t.Error("a repeated request took the user's own password away")
	}
	ok(t, change(own, third))
}

// What narrows or widens a user's reach ends the tokens given so far; a new name does not.
func TestAChangeOfScopeEndsTokens(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("ana", porto)
	name, faro, both, off := "Ana", []auth.BranchID{"faro"}, []auth.BranchID{porto, "faro"}, true
	for _, c := range []struct {
		what string
		p    UserPatch
		gen  uint64
		want string
	}{
		{"a name", UserPatch{Name: &name}, 1, ""},
		{"another branch", UserPatch{Branches: &faro}, 2, ""},
		{"two branches", UserPatch{Branches: &both}, 2, "user.branches"},
		{"disabled", UserPatch{Disabled: &off}, 3, ""},
	} {
		_, err := h.PatchUser(ctx, h.ask(), "ana", c.p)
		refused(t, c.what, err, c.want)
		u, err := h.User(ctx, "ana")
		ok(t, err)
		if u.Generation != c.gen {
			t.Errorf("%s: generation %d, want %d", c.what, u.Generation, c.gen)
		}
	}
	_, err := h.PatchUser(ctx, h.ask(), "nobody", UserPatch{Name: &name})
	refused(t, "nobody", err, "user.not_found")
}

func TestTeamsAndShifts(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("ana", porto)
	h.agent("rui", porto)
	h.agent("eva", "faro")
	who := func(ids ...auth.UserID) []auth.UserID { return ids }
	for _, c := range []struct {
		what string
		team Team
		want string
	}{
		{"a team", Team{ID: "t1", Agents: who("ana")}, ""},
		{"of nobody", Team{ID: "t2"}, "team.agents"},
		{"of another branch's agent", Team{ID: "t2", Agents: who("eva")}, "team.agents"},
		{"of one agent twice", Team{ID: "t2", Agents: who("ana", "ana")}, "team.agents"},
		{"for a territory that is not there", Team{ID: "t2", Agents: who("ana"), Territories: []string{"moon"}},
			"team.territory"},
		{"by rocket", Team{ID: "t2", Agents: who("ana"), Mode: "rocket"}, "team.mode"},
		{"with papers nobody knows", Team{ID: "t2", Agents: who("ana"), Items: []string{"sword"}}, "team.items"},
	} {
		c.team.Branch = porto
		_, err := h.PutTeam(ctx, h.ask(), c.team)
		refused(t, c.what, err, c.want)
	}
	for _, c := range []struct {
		what string
		sh   Shift
		want string
	}{
		{"a day", Shift{Team: "t1", Date: "2026-11-25", From: "08:30", To: "18:00", Breaks: []Break{{"12:00", "14:00", 30}}},
			""},
		{"with another agent that day", Shift{Team: "t1", Date: "2026-11-26", From: "08:30", To: "18:00", Agents: who("rui")},
			""},
		{"with a stranger", Shift{Team: "t1", Date: "2026-11-27", From: "08:30", To: "18:00", Agents: who("eva")},
			"shift.agents"},
		{"of no team", Shift{Team: "t9", Date: "2026-11-25", From: "08:30", To: "18:00"}, "team.not_found"},
		{"over midnight", Shift{Team: "t1", Date: "2026-11-27", From: "20:00", To: "04:00"}, "shift.to"},
		{"on no day", Shift{Team: "t1", Date: "2026-11-31", From: "08:30", To: "18:00"}, "shift.date"},
		{"with a break after it", Shift{Team: "t1", Date: "2026-11-27", From: "08:30", To: "18:00",
			Breaks: []Break{{"17:00", "19:00", 30}}}, "shift.breaks"},
	} {
		c.sh.Branch = porto
		_, err := h.PutShift(ctx, h.ask(), c.sh)
		refused(t, c.what, err, c.want)
	}
	day, err := h.Shifts(ctx, porto, "2026-11-26")
	ok(t, err)
	team, err := h.Team(ctx, porto, "t1")
	ok(t, err)
	if len(day) != 1 || day[0].Agents[0] != "rui" || team.Agents[0] != "ana" {
		t.Errorf("that day %v goes, of team %v", day, team.Agents)
	}
	if there, err := h.Shifts(ctx, "faro", "2026-11-26"); err != nil || len(there) != 0 {
		t.Errorf("another branch sees %v, %v", there, err)
	}
}

// The index is the map as it stands, also just after it changed.
func TestTheMapIsReadAsItStands(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("ana", porto)
	put := func(id string, west float64) {
		t.Helper()
		shape, err := geo.ParseShape(fmt.Appendf(nil,
			`{"type":"Polygon","coordinates":[[[%f,41],[%f,41],[%f,42],[%f,42],[%f,41]]]}`,
			west, west+0.1, west+0.1, west, west))
		ok(t, err)
		_, err = h.PutTerritory(ctx, h.ask(), Territory{ID: id, Branch: porto, Shape: shape.E7()})
		ok(t, err)
	}
	find := func(lon float64) string {
		t.Helper()
		ix, err := h.Index(ctx, porto)
		ok(t, err)
		id, _ := ix.Find(lon, 41.5)
		return id
	}
	put("a", -8.6)
	if find(-8.55) != "a" || find(-8.45) != "" {
		t.Errorf("found %q and %q", find(-8.55), find(-8.45))
	}
	put("b", -8.5)
	if find(-8.45) != "b" {
		t.Errorf("a new territory is not found: %q", find(-8.45))
	}
	put("a", -8.4) // moved
	if find(-8.55) != "" || find(-8.35) != "a" {
		t.Errorf("after it moved: %q and %q", find(-8.55), find(-8.35))
	}
	_, err := h.PutTeam(ctx, h.ask(), Team{ID: "t1", Branch: porto, Agents: []auth.UserID{"ana"},
		Territories: []string{"a"}})
	ok(t, err)
	refused(t, "one that a team works", h.DeleteTerritory(ctx, h.ask(), porto, "a"), "territory.in_use")
	refused(t, "one that is not there", h.DeleteTerritory(ctx, h.ask(), porto, "z"), "territory.not_found")
	ok(t, h.DeleteTerritory(ctx, h.ask(), porto, "b"))
	if find(-8.45) != "" {
		t.Errorf("after it was deleted: %q", find(-8.45))
	}
}

func TestBranchesAndLenders(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	for want, b := range map[string]Branch{"branch.id": {ID: "a b", TimeZone: "Europe/Lisbon"},
		"branch.time_zone": {ID: "x", TimeZone: "Mars/Base"}, "branch.country": {ID: "x", TimeZone: "Europe/Lisbon",
			Country: "PRT"}} {
		_, err := h.PutBranch(ctx, h.ask(), b)
		refused(t, want, err, want)
	}
	for want, l := range map[string]Lender{"lender.id": {ID: "north.bank"}, "lender.branches": {ID: "x",
		Branches: []auth.BranchID{"lisboa"}},
		"lender.complaint_phone": {ID: "x", Phone: strings.Repeat("1", 41)}} {
		_, err := h.PutLender(ctx, h.ask(), l)
		refused(t, want, err, want)
	}
	// Imports name lenders: they are made once, and what the office wrote stays.
	_, err := h.PutLender(ctx, h.ask(), Lender{ID: "north", Name: "North Bank", Branches: []auth.BranchID{"faro"}})
	ok(t, err)
	for range 2 {
		ok(t, h.AddLender(ctx, "boss", "north", porto))
		ok(t, h.AddLender(ctx, "boss", "south", porto))
	}
	ls, err := h.Lenders(ctx)
	ok(t, err)
	if fmt.Sprint(ls) != "[{north North Bank  [faro] [] [] <nil>} {south   [porto] [] [] <nil>}]" {
		t.Errorf("the lenders are %+v", ls)
	}
	// Another name leaves the contracts; naming no branch ends them.
	l, err := h.PutLender(ctx, h.ask(), Lender{ID: "north", Name: "The North Bank"})
	ok(t, err)
	if fmt.Sprint(l) != "{north The North Bank  [faro] [] [] <nil>}" {
		t.Errorf("renamed, the lender is %+v", l)
	}
	l, err = h.PutLender(ctx, h.ask(), Lender{ID: "north", Branches: []auth.BranchID{}})
	ok(t, err)
	if len(l.Branches) != 0 {
		t.Errorf("the lender has contracts with %v still", l.Branches)
	}
}

// Texts to debtors may tell of a consequence only if somebody can look up where it comes from.
func TestConsequencesNeedASourceAndCountries(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	good := words.Consequence{ID: "fee", Text: map[string]string{"pt": "Pode ser cobrada uma taxa."},
		Countries: []string{"PT"}, Source: "contract, clause 4"}
	for place, change := range map[string]func(c *words.Consequence){
		"consequences[1].id":           func(c *words.Consequence) { c.ID = "Late fee" },
		"consequences[1].source":       func(c *words.Consequence) { c.Source = " " },
		"consequences[1].countries":    func(c *words.Consequence) { c.Countries = nil },
		"consequences[1].countries[0]": func(c *words.Consequence) { c.Countries = []string{"Portugal"} },
		"consequences[1].text":         func(c *words.Consequence) { c.Text = map[string]string{"pt": "{amount}"} },
	} {
		bad := good
		bad.ID = "other"
		change(&bad)
		_, err := h.PutLender(ctx, h.ask(), Lender{ID: "north", Consequences: []words.Consequence{good, bad}})
		refused(t, place, err, "lender.consequence")
		if no, is := refusal.Of(err); !is || no.Place != place {
			t.Errorf("the place is %v, want %s", err, place)
		}
	}
	_, err := h.PutLender(ctx, h.ask(), Lender{ID: "north", Products: []string{"QuickCash", " "}})
	refused(t, "an empty product", err, "lender.products")
	_, err = h.PutLender(ctx, h.ask(), Lender{ID: "north", Products: []string{"QuickCash"},
		Consequences: []words.Consequence{good}})
	ok(t, err)
	// Another name leaves both; an empty list ends them.
	l, err := h.PutLender(ctx, h.ask(), Lender{ID: "north", Name: "North Bank"})
	ok(t, err)
	if len(l.Products) != 1 || len(l.Consequences) != 1 {
		t.Errorf("renamed, the lender has %v %v", l.Products, l.Consequences)
	}
	l, err = h.PutLender(ctx, h.ask(), Lender{ID: "north", Products: []string{}, Consequences: []words.Consequence{}})
	ok(t, err)
	if len(l.Products) != 0 || len(l.Consequences) != 0 {
		t.Errorf("the lender has %v %v still", l.Products, l.Consequences)
	}
}

// A lender's system sees the branches its lender has a contract with, and of them
// those it was given itself.
func TestALendersSystemSeesTheBranchesOfItsContracts(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	_, err := h.PutLender(ctx, h.ask(), Lender{ID: "north"})
	ok(t, err)
	for login, branches := range map[string][]auth.BranchID{"all": nil, "one": {porto}} {
		_, _, err := h.CreateUser(ctx, h.ask(), NewUser{ID: auth.UserID(login), Login: login, Role: auth.RoleLender,
			Lender: "north", Branches: branches})
		ok(t, err)
	}
	for _, c := range []struct {
		contracts []auth.BranchID
		all, one  string
	}{{nil, "[]", "[]"}, {[]auth.BranchID{"faro", porto}, "[faro porto]", "[porto]"}, {[]auth.BranchID{"faro"}, "[faro]",
		"[]"}} {
		if c.contracts != nil {
			_, err := h.PutLender(ctx, h.ask(), Lender{ID: "north", Branches: c.contracts})
			ok(t, err)
		}
		for login, want := range map[auth.UserID]string{"all": c.all, "one": c.one} {
			u, err := h.ByID(ctx, login)
			ok(t, err)
			if got := fmt.Sprint(u.Branches); got != want {
				t.Errorf("with contracts %v, %s sees %s, want %s", c.contracts, login, got, want)
			}
		}
	}
}

func TestADeviceKeepsItsUser(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("ana", porto)
	h.agent("rui", porto)
	ok(t, h.RegisterDevice(ctx, auth.Device{ID: "d1", User: "ana", Platform: "ios", PushToken: "one"}))
	err := h.RegisterDevice(ctx, auth.Device{ID: "d1", User: "rui", Platform: "ios", PushToken: "stolen"})
	refused(t, "another user", err, "device.taken")
	ok(t, h.RegisterDevice(ctx, auth.Device{ID: "d1", User: "ana", Platform: "ios", Name: "blue", PushToken: "two"}))
	ds, err := h.Of(ctx, []auth.UserID{"ana", "rui"})
	ok(t, err)
	if len(ds) != 1 || ds[0].User != "ana" || ds[0].Name != "blue" {
		t.Errorf("the devices are %+v", ds)
	}
	// A token that is dead by now is not the one that replaced it.
	ok(t, h.DropPushToken(ctx, "d1", "one"))
	if token, err := h.PushToken(ctx, "d1"); err != nil || token != "two" {
		t.Errorf("the token is %q, %v", token, err)
	}
	ok(t, h.DropPushToken(ctx, "d1", "two"))
	if token, err := h.PushToken(ctx, "d1"); err != nil || token != "" {
		t.Errorf("the dead token is still %q, %v", token, err)
	}
	_, err = h.BlockDevice(ctx, h.ask(), "d1", true)
	ok(t, err)
	if ds, err := h.Of(ctx, []auth.UserID{"ana"}); err != nil || len(ds) != 0 {
		t.Errorf("a blocked device gets notices: %+v, %v", ds, err)
	}
	st, err := h.DeviceStatus(ctx, "d1")
	ok(t, err)
	if !st.Blocked || !st.Wipe {
		t.Errorf("the device is %+v", st)
	}
	refused(t, "a blocked device and another user", h.RegisterDevice(ctx, auth.Device{ID: "d1", User: "rui",
		Platform: "ios"}), "device.taken")
}

func TestANewDeviceOfABlockedUserWaitsForApproval(t *testing.T) {
	for _, on := range []bool{false, true} {
		h := newFixture(t)
		h.DeviceApproval = on
		ctx := context.Background()
		h.agent("ana", porto)
		h.agent("rui", porto)
		register := func(u auth.UserID, d auth.DeviceID) error {
			return h.RegisterDevice(ctx, auth.Device{ID: d, User: u, Platform: "ios", PushToken: "token"})
		}
		ok(t, register("ana", "d1"))
		ok(t, register("ana", "d2")) // nothing is blocked yet
		_, err := h.BlockDevice(ctx, h.ask(), "d1", false)
		ok(t, err)
		want := map[bool]string{true: "device.waiting"}[on]
		for range 2 { // asking again changes nothing
			refused(t, "the new device", register("ana", "d3"), want)
		}
		ok(t, register("ana", "d2"))
		ok(t, register("rui", "d4"))
		if st, err := h.DeviceStatus(ctx, "d3"); err != nil || st.Waiting != on {
			t.Errorf("with approval %v the new device is %+v, %v", on, st, err)
		}
		ds, err := h.Of(ctx, []auth.UserID{"ana"})
		ok(t, err)
		if n := map[bool]int{false: 2, true: 1}[on]; len(ds) != n {
			t.Errorf("with approval %v alerts go to %+v", on, ds)
		}
		_, err = h.ApproveDevice(ctx, h.ask(), "d3")
		ok(t, err)
		ok(t, register("ana", "d3"))
		_, err = h.ApproveDevice(ctx, h.ask(), "none")
		refused(t, "a device that does not exist", err, "device.not_found")
	}
}

func TestReservedIDsAreRefused(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	for _, id := range []string{"system", "import", "org", "System", "ORG", "_org"} {
		_, _, err := h.CreateUser(ctx, h.ask(), NewUser{ID: auth.UserID(id), Login: "l", Role: auth.RoleAdmin})
		refused(t, "a user "+id, err, "user.id")
		_, err = h.PutBranch(ctx, h.ask(), Branch{ID: auth.BranchID(id), TimeZone: "Europe/Lisbon"})
		refused(t, "a branch "+id, err, "branch.id")
		_, err = h.PutLender(ctx, h.ask(), Lender{ID: id})
		refused(t, "a lender "+id, err, "lender.id")
		refused(t, "a lender of an import "+id, h.AddLender(ctx, "admin", id, porto), "lender.id")
	}
	_, _, err := h.CreateUser(ctx, h.ask(), NewUser{ID: "systems", Login: "system", Role: auth.RoleAdmin})
	ok(t, err)
}

func TestTheLastAdministratorStays(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	for _, id := range []auth.UserID{"one", "two"} {
		_, _, err := h.CreateUser(ctx, h.ask(), NewUser{ID: id, Login: string(id), Role: auth.RoleAdmin})
		ok(t, err)
	}
	off, on, auditor, name := true, false, auth.RoleAuditor, "One"
	change := func(id auth.UserID, p UserPatch) error {
		_, err := h.PatchUser(ctx, h.ask(), id, p)
		return err
	}
	ok(t, change("two", UserPatch{Disabled: &off}))
	refused(t, "to disable the last", change("one", UserPatch{Disabled: &off}), "user.last_admin")
	refused(t, "to give them another role", change("one", UserPatch{Role: &auditor,
		Branches: &[]auth.BranchID{porto}}), "user.last_admin")
	ok(t, change("one", UserPatch{Name: &name}))
	ok(t, change("two", UserPatch{Disabled: &on}))
	ok(t, change("one", UserPatch{Disabled: &off}))
	refused(t, "to disable the other", change("two", UserPatch{Disabled: &off}), "user.last_admin")
}

func TestAOneTimePasswordEndsAndIsNotKept(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	u, _, err := h.CreateUser(ctx, h.ask(), NewUser{Login: "rui", Role: auth.RoleAdmin, Password: "one-time"})
	ok(t, err)
	ends := func(want time.Time) {
		t.Helper()
		now, err := h.ByID(ctx, u.ID)
		ok(t, err)
		if !now.PasswordEnds.Equal(want) || now.MustChangePassword == want.IsZero() {
			t.Errorf("the password ends %v, must change %v, want %v", now.PasswordEnds, now.MustChangePassword, want)
		}
	}
	tomorrow := h.journal.Now().Add(auth.OneTimeTTL)
	ends(tomorrow)
	_, err = h.ChangePassword(ctx, u.ID, "one-time", "one-time")
	refused(t, "to keep it", err, "user.password_same")
	generation, err := h.ChangePassword(ctx, u.ID, "one-time", "my own")
	ok(t, err)
	if now, err := h.User(ctx, u.ID); err != nil || now.Generation != generation || generation != u.Generation+1 {
		t.Errorf("the generation is %d, the answer says %d, before it was %d; %v", now.Generation, generation,
			u.Generation, err)
	}
	ends(time.Time{})
	ok(t, h.ResetPassword(ctx, h.ask(), "rui", "again", false))
	ends(tomorrow)
	machine, _, err := h.CreateUser(ctx, h.ask(), NewUser{Login: "m", Role: auth.RoleAdmin, Password: "x", Keep: true})
	ok(t, err)
	if now, err := h.ByID(ctx, machine.ID); err != nil || !now.PasswordEnds.IsZero() {
		t.Errorf("a machine's password ends %v, %v", now.PasswordEnds, err)
	}
}
