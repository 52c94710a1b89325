package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/httpapi"
	"doorstep/server/play"
)

// twoBranches is a server with the branches north and south; the clients are an
// administrator, a supervisor of north, and the system of the lender L1.
func twoBranches(t *testing.T) (admin, sue, lender *play.Client) {
	t.Helper()
	ctx := context.Background()
	s, admin, _ := oneBranch(t, Config{Data: t.TempDir()})
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/branches/south",
		map[string]any{"name": "South", "time_zone": "Europe/London", "country": "GB"}, nil))
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/lenders/L1", map[string]any{"branches": []string{"north"}}, nil))
	user := func(id, role string, with map[string]any) *play.Client {
		body := map[string]any{"id": id, "login": id, "name": id, "password": adminPassword, "keep_password": true,
			"role": role}
		for k, v := range with {
			body[k] = v
		}
		ok(t, admin.Do(ctx, http.MethodPost, "/v1/users", body, nil))
		c := &play.Client{Base: s.URL(), HTTP: admin.HTTP}
		ok(t, c.SignIn(ctx, id, adminPassword, ""))
		return c
	}
	return admin, user("sue", "supervisor", map[string]any{"branches": []string{"north"}}),
		user("lou", "lender", map[string]any{"lender": "L1"})
}

// imported sends cases, each "lender case debtor", and gives what the report says in short.
func imported(t *testing.T, c *play.Client, branch string, cases ...string) string {
	t.Helper()
	lines := "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on,address," +
		"postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor,amount_due_minor," +
		"due_date,priority,service_min,flags\n"
	for _, text := range cases {
		of := strings.Fields(text)
		lines += fmt.Sprintf("%s,%s,card,house-visit,%s,Test Debtor,en,,,1 Test Street,,Town,GB,-1.5,53.5,,Europe/London,"+
			"GBP,100,100,2026-07-01,1,10,\n", of[1], of[0], of[2])
	}
	var rep casework.ImportReport
	ok(t, c.Send(context.Background(), http.MethodPost, "/v1/imports/cases?branch="+branch, "text/csv",
		strings.NewReader(lines), &rep))
	out := fmt.Sprint(rep.Accepted, rep.Updated, rep.Unchanged)
	for _, e := range rep.Errors {
		out += fmt.Sprintf(" %d:%s:%s", e.Line, e.Column, e.Code)
	}
	return out
}

// refused is the status and the code of an error answer, "" for none.
func refused(err error) string {
	if err == nil {
		return ""
	}
	var p *play.Problem
	if errors.As(err, &p) {
		return fmt.Sprint(p.Status, " ", p.Code)
	}
	return err.Error()
}

// keyed sends an Idempotency-Key with every request.
type keyed struct {
	http.RoundTripper
	key string
}

func (k keyed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Idempotency-Key", k.key)
	return k.RoundTripper.RoundTrip(req)
}

func TestADebtorMovesToAnotherBranch(t *testing.T) {
	ctx := context.Background()
	admin, sue, lender := twoBranches(t)
	if got := imported(t, admin, "north", "L1 C1 D1", "L2 C1 D1", "L1 C3 D3"); got != "3 0 0" {
		t.Fatalf("imported %s", got)
	}
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/links", map[string]any{"debtor": "L2.D1"}, nil))
	once := *admin
	once.HTTP = &http.Client{Transport: keyed{admin.HTTP.Transport, "one"}}
	var held, again struct {
		Hold  string `json:"hold_id"`
		Entry uint64 `json:"entry"`
	}
	hold := map[string]any{"kind": "dispute"}
	ok(t, once.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/holds", hold, &held))

	move := func(c *play.Client, debtor, branch string) (m httpapi.Move, why string) {
		why = refused(c.Do(ctx, http.MethodPost, "/v1/debtors/"+debtor+"/move",
			map[string]any{"branch": branch, "reason": "areas_changed"}, &m))
		return m, why
	}
	for what, x := range map[string][4]string{
		"a lender without a contract": {"", "L1.D1", "south", "409 move.no_contract"},
		"to where they are":           {"", "L1.D1", "north", "409 move.same_branch"},
		"a branch that is not there":  {"", "L1.D1", "west", "404 branch.not_found"},
		"a branch of others":          {"sue", "L1.D1", "south", "404 branch.not_found"},
		"nobody":                      {"", "L1.D9", "south", "404 debtor.not_found"},
		"a lender":                    {"lou", "L1.D1", "south", "403 auth.role"},
	} {
		c := map[string]*play.Client{"": admin, "sue": sue, "lou": lender}[x[0]]
		if _, why := move(c, x[1], x[2]); why != x[3] {
			t.Errorf("%s: %s, want %s", what, why, x[3])
		}
	}
	if why := refused(admin.Do(ctx, http.MethodGet, "/v1/debtors/L1.D1/move", nil, nil)); why != "404 move.not_found" {
		t.Errorf("who never moved: %s", why)
	}
	for _, l := range []string{"L1", "L2"} {
		ok(t, admin.Do(ctx, http.MethodPut, "/v1/lenders/"+l, map[string]any{"branches": []string{"north", "south"}}, nil))
	}
	m, why := move(admin, "L1.D1", "south")
	if why != "" || m.State != "here" || m.From != "north" || m.To != "south" ||
		fmt.Sprint(m.Debtors, m.Cases) != "[L1.D1 L2.D1] [L1.C1 L2.C1]" {
		t.Fatalf("the move is %+v, %s", m, why)
	}
	if twice, why := move(admin, "L2.D1", "south"); why != "" || twice.Move != m.Move || twice.State != "here" {
		t.Errorf("asked again: %+v, %s", twice, why)
	}

	states := map[*play.Client]string{}
	for _, c := range []*play.Client{admin, sue} {
		var m httpapi.Move
		ok(t, c.Do(ctx, http.MethodGet, "/v1/debtors/L1.D1/move", nil, &m))
		states[c] = m.State
	}
	if states[admin] != "here" || states[sue] != "gone" {
		t.Errorf("the administrator reads %s, the old branch's supervisor %s", states[admin], states[sue])
	}
	for _, c := range []*play.Client{admin, lender} {
		var file struct {
			Branch string `json:"branch"`
			Status string `json:"status"`
		}
		ok(t, c.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file))
		if file.Branch != "south" || file.Status != "open" {
			t.Errorf("the case file says %+v", file)
		}
	}
	for path, want := range map[string]string{"/v1/cases/L1.C1": "404 case.not_found",
		"/v1/debtors/L1.D1": "404 debtor.not_found", "/v1/debtors/L1.D9/move": "404 debtor.not_found"} {
		if why := refused(sue.Do(ctx, http.MethodGet, path, nil, nil)); why != want {
			t.Errorf("the old branch's supervisor reads %s: %s", path, why)
		}
	}
	for query, want := range map[string]string{"branch=north": "[L1.C3]", "branch=north&status=moved": "[L1.C1 L2.C1]",
		"branch=north&status=open": "[L1.C3]", "branch=south": "[L1.C1 L2.C1]"} {
		var p struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
		}
		ok(t, admin.Do(ctx, http.MethodGet, "/v1/cases?"+query, nil, &p))
		ids := make([]string, len(p.Items))
		for i := range p.Items {
			ids[i] = p.Items[i].ID
		}
		if got := fmt.Sprint(ids); got != want {
			t.Errorf("%s lists %s, want %s", query, got, want)
		}
	}
	if got := imported(t, lender, "north", "L1 C1 D1", "L1 C2 D1"); got !=
		"0 0 0 2:case_ref:import.case_elsewhere 3:debtor_ref:import.debtor_elsewhere" {
		t.Errorf("imported into the old branch: %s", got)
	}
	if got := imported(t, lender, "south", "L1 C1 D1", "L1 C2 D1"); got != "1 0 1" {
		t.Errorf("imported into the new branch: %s", got)
	}
	ok(t, once.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/holds", hold, &again))
	if held.Hold == "" || again != held {
		t.Errorf("the same key is answered %+v, before the move %+v", again, held)
	}
	if why := refused(once.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/holds", map[string]any{"kind": "stop"},
		nil)); why != "409 command.reused" {
		t.Errorf("the same key for something else: %s", why)
	}
}

// Debtors are linked within one branch, by who may know of both.
func TestDebtorsAreLinkedWithinABranch(t *testing.T) {
	ctx := context.Background()
	admin, sue, _ := twoBranches(t)
	if got := imported(t, admin, "north", "L1 C1 D1", "L2 C1 D1", "L1 C2 D2") + "|" +
		imported(t, admin, "south", "L3 C1 D1"); got != "3 0 0|1 0 0" {
		t.Fatalf("imported %s", got)
	}
	call := func(c *play.Client, method, path string, body any) string {
		return refused(c.Do(ctx, method, "/v1/debtors/"+path, body, nil))
	}
	link := func(c *play.Client, debtor, other string) string {
		return call(c, http.MethodPost, debtor+"/links", map[string]any{"debtor": other})
	}
	for _, x := range [][2]string{
		{link(admin, "L1.D1", "L3.D1"), "409 debtor.elsewhere"},
		{link(admin, "L3.D1", "L1.D1"), "409 debtor.elsewhere"},
		{link(admin, "L1.D1", "L1.D9"), "404 debtor.not_found"},
		{link(admin, "L1.D9", "L1.D1"), "404 debtor.not_found"},
		{link(sue, "L1.D1", "L3.D1"), "404 debtor.not_found"}, // of a branch that is not hers
		{call(sue, http.MethodGet, "L3.D1", nil), "404 debtor.not_found"},
		{link(admin, "L1.D1", "L1.D1"), "422 debtor.link_itself"},
		{call(sue, http.MethodDelete, "L1.D1/links/L2.D1", nil), "404 debtor.not_linked"},
		{link(sue, "L1.D1", "L2.D1"), ""},
		{call(sue, http.MethodDelete, "L1.D1/links/L1.D2", nil), "404 debtor.not_linked"},
	} {
		if x[0] != x[1] {
			t.Errorf("answered %q, want %q", x[0], x[1])
		}
	}
	var d casework.DebtorFile
	ok(t, sue.Do(ctx, http.MethodGet, "/v1/debtors/L2.D1", nil, &d))
	if fmt.Sprint(d.Cases, d.Linked) != "[L2.C1] [L1.D1]" || d.Branch != "north" || d.Lender != "L2" {
		t.Errorf("the debtor is %+v", d)
	}
	if why := call(sue, http.MethodDelete, "L2.D1/links/L1.D1", nil); why != "" {
		t.Errorf("unlinked: %s", why)
	}
	ok(t, sue.Do(ctx, http.MethodGet, "/v1/debtors/L2.D1", nil, &d))
	if len(d.Linked) != 0 {
		t.Errorf("unlinked, the debtor is %+v", d)
	}
}

// A lender imports where it has a contract; elsewhere each of its lines says so, in a report like any other.
func TestALenderImportsWhereItHasAContract(t *testing.T) {
	admin, _, lender := twoBranches(t)
	for _, x := range []struct {
		c            *play.Client
		branch, line string
		want         string
	}{
		{lender, "north", "L1 C1 D1", "1 0 0"},
		{lender, "south", "L1 C2 D2", "0 0 0 2:lender:import.no_contract"},
		{lender, "north", "L2 C2 D2", "0 0 0 2:lender:import.lender"},
		{admin, "south", "L1 C2 D2", "0 0 0 2:lender:import.no_contract"},
		{admin, "south", "L2 C2 D2", "1 0 0"}, // a new lender of the office gets a contract
		{admin, "north", "L2 C3 D3", "0 0 0 2:lender:import.no_contract"},
	} {
		if got := imported(t, x.c, x.branch, x.line); got != x.want {
			t.Errorf("%s into %s: %s, want %s", x.line, x.branch, got, x.want)
		}
	}
	ok(t, admin.Do(context.Background(), http.MethodPut, "/v1/lenders/L1",
		map[string]any{"branches": []string{"south"}}, nil))
	if got := imported(t, lender, "south", "L1 C2 D2") + "|" + imported(t, lender, "north", "L1 C1 D1"); got !=
		"1 0 0|0 0 0 2:lender:import.no_contract" {
		t.Errorf("with another contract: %s", got)
	}
}

// A server that finds a move half done finishes it.
func TestAMoveIsFinishedAtTheNextStart(t *testing.T) {
	ctx := context.Background()
	data := t.TempDir()
	s, admin, _ := oneBranch(t, Config{Data: data})
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/branches/south",
		map[string]any{"name": "South", "time_zone": "Europe/London", "country": "GB"}, nil))
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/lenders/L1", map[string]any{"branches": []string{"north", "south"}}, nil))
	if got := imported(t, admin, "north", "L1 C1 D1"); got != "1 0 0" {
		t.Fatalf("imported %s", got)
	}
	// The first step alone, as if the server had died after it.
	_, err := s.casework.One(ctx, auth.Actor{User: "admin", Role: auth.RoleAdmin}, "north", casework.Request{ID: "move",
		Cmd: casework.MoveDebtor{Debtor: "L1.D1", To: "south", Reason: "workload"}})
	ok(t, err)
	var m httpapi.Move
	read := func() string {
		ok(t, admin.Do(ctx, http.MethodGet, "/v1/debtors/L1.D1/move", nil, &m))
		return m.State
	}
	if got := read(); got != "leaving" {
		t.Fatalf("after the first step the move is %s", got)
	}
	if why := refused(admin.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/holds", map[string]any{"kind": "stop"},
		nil)); why != "409 case.moved" {
		t.Errorf("a hold meanwhile: %s", why)
	}
	s.stop()
	s = run(t, Config{Data: data})
	admin.Base = s.URL()
	for deadline := time.Now().Add(time.Minute); read() != "here"; {
		if time.Now().After(deadline) {
			t.Fatalf("the move is still %s", m.State)
		}
		runtime.Gosched()
	}
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/holds", map[string]any{"kind": "stop"}, nil))
}
