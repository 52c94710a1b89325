package ferrettest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server"
	"doorstep/server/play"
	"doorstep/server/store/mongostore"
	"doorstep/sync/journal"
)

// node serves a node of a deployment: nodes share a database, keys and secrets.
func node(t *testing.T, uri, data, password string) *play.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.Open(ctx, server.Config{Listen: "127.0.0.1:0", MongoDB: uri, Data: data, AdminPassword: password})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		check(t, <-ended)
	})
	c := &play.Client{Base: s.URL()}
	check(t, c.SignIn(ctx, "admin", password, ""))
	return c
}

// TestADebtorMovesBetweenNodes moves a debtor to another branch on one node and back on another (J7).
// After each move every case is in one branch, whichever node is asked, and nothing is damaged.
func TestADebtorMovesBetweenNodes(t *testing.T) {
	ctx, uri, data := context.Background(), start(t).uri(), t.TempDir()
	const password = "a-password-of-the-tests"
	nodes := []*play.Client{node(t, uri, data, password), node(t, uri, data, password)}
	for _, b := range []string{"north", "south"} {
		check(t, nodes[0].Do(ctx, http.MethodPut, "/v1/branches/"+b,
			map[string]any{"name": b, "time_zone": "Europe/London", "country": "GB"}, nil))
	}
	check(t, nodes[0].Do(ctx, http.MethodPut, "/v1/lenders/L1", map[string]any{"branches": []string{"north", "south"}},
		nil))
	lines := "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on,address," +
		"postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor,amount_due_minor," +
		"due_date,priority,service_min,flags\n"
	for _, c := range []string{"C1,D1", "C2,D1", "C3,D3"} {
		ref, debtor, _ := strings.Cut(c, ",")
		lines += ref + ",L1,card,house-visit," + debtor +
			",Test Debtor,en,,,1 Test Street,,Town,GB,-1.5,53.5,,Europe/London,GBP,100,100,2026-07-01,1,10,\n"
	}
	var rep struct{ Accepted int }
	check(t, nodes[0].Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv", strings.NewReader(lines),
		&rep))
	if rep.Accepted != 3 {
		t.Fatalf("%d of 3 cases were imported", rep.Accepted)
	}
	for i, to := range []string{"south", "north"} {
		mover := nodes[1-i]
		var m struct{ State, To string }
		check(t, mover.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/move",
			map[string]any{"branch": to, "reason": "areas_changed"}, &m))
		if m.State != "here" || m.To != to {
			t.Fatalf("the move to %s is %+v", to, m)
		}
		want := map[string]string{"north": "[L1.C3]", "south": "[L1.C1 L1.C2]"}
		if to == "north" {
			want = map[string]string{"north": "[L1.C1 L1.C2 L1.C3]", "south": "[]"}
		}
		for n, c := range nodes {
			for branch, cases := range want {
				var list struct{ Items []struct{ ID string } }
				check(t, c.Do(ctx, http.MethodGet, "/v1/cases?branch="+branch, nil, &list))
				found := map[string]bool{}
				for _, item := range list.Items {
					found[item.ID] = true
				}
				var ids []string
				for _, id := range []string{"L1.C1", "L1.C2", "L1.C3"} {
					if found[id] {
						ids = append(ids, id)
					}
				}
				if got := fmt.Sprint(ids); got != cases || len(found) != len(list.Items) {
					t.Errorf("moved to %s, node %d lists in %s %s of %d, want %s", to, n, branch, got, len(list.Items), cases)
				}
			}
			var file struct{ Branch string }
			check(t, c.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file))
			if file.Branch != to {
				t.Errorf("moved to %s, node %d shows the case in %q", to, n, file.Branch)
			}
		}
	}
	s, err := mongostore.Open(ctx, uri, server.Indexes())
	check(t, err)
	t.Cleanup(func() { _ = s.Close() })
	for _, b := range []auth.BranchID{"north", "south"} {
		found, err := journal.Check(ctx, s, b, nil)
		check(t, err)
		for _, f := range found {
			if !f.Harmless {
				t.Errorf("%s: %v", b, f)
			}
		}
	}
}
