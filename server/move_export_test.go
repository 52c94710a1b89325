package server

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/audit"
	"doorstep/server/casework"
	"doorstep/server/play"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// stopOf puts one stop on an agent's phone, as publishing a round does.
func stopOf(t *testing.T, s *running, branch auth.BranchID, agent auth.UserID, of journal.CaseID, date string) {
	t.Helper()
	from, err := time.Parse(time.RFC3339, date+"T08:00:00Z")
	ok(t, err)
	r, err := s.casework.One(context.Background(), auth.Actor{User: "admin", Role: auth.RoleAdmin}, branch,
		casework.Request{ID: fmt.Sprint("issue:", branch, of, agent, date), Cmd: casework.IssueRoute{
			Round: "r" + date, Route: fmt.Sprint("r", date, ".", branch), Team: "t1", Date: date, Agents: []auth.UserID{agent},
			Stops: []casework.IssuedStop{{Case: of, Assignment: fmt.Sprint("a-", of, "-", date), Seq: 1,
				ETA: from.Add(time.Hour), Window: record.Window{From: from, To: from.Add(10 * time.Hour)}, ServiceS: 600}}}})
	ok(t, err)
	var got casework.IssueReceipt
	ok(t, json.Unmarshal(r.Body, &got))
	if got.New != 1 {
		t.Fatalf("the stop was not issued: %+v", got)
	}
}

// knock pushes a visit and gives its status, and where it is kept if it was not applied.
func knock(t *testing.T, c *play.Client, id string, of journal.CaseID, at string) (status, quarantine string) {
	t.Helper()
	var out struct {
		Results []struct{ Status, Code, Quarantine string }
	}
	ok(t, c.Do(context.Background(), http.MethodPost, "/sync/v1/push", map[string]any{"mutations": []any{map[string]any{
		"mid": play.NewID(), "type": "visits", "id": id, "op": "put", "client_ts": at, "fields": map[string]any{"case": of,
			"at": at, "outcome": "NOT_MET_NOBODY", "outcome_detail": "detail of " + id}}}}, &out))
	return strings.TrimSpace(out.Results[0].Status + " " + out.Results[0].Code), out.Results[0].Quarantine
}

// exported is the export of a branch's visits, and the visits in it, "number id", in order.
func exported(t *testing.T, s *running, admin *play.Client, branch, format string) (file []byte, visits []string) {
	t.Helper()
	var b bytes.Buffer
	path := "/v1/audit/visits?branch=" + branch + "&format=" + format
	ok(t, admin.Send(context.Background(), http.MethodGet, path, "", nil, &b))
	file = b.Bytes()
	switch format {
	case "ndjson":
		for line := range bytes.Lines(file) {
			var v struct {
				No uint64 `json:"visit_no"`
				ID string `json:"visit_id"`
			}
			ok(t, json.Unmarshal(line, &v))
			if v.ID != "" {
				visits = append(visits, fmt.Sprint(v.No, " ", v.ID))
			}
		}
	case "csv":
		r := csv.NewReader(bytes.NewReader(file))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		ok(t, err)
		head := strings.Split(strings.TrimPrefix(strings.Join(rows[0], ","), "\ufeff"), ",")
		no, id := slices.Index(head, "visit_no"), slices.Index(head, "visit_id")
		for _, row := range rows[1:] {
			if !strings.HasPrefix(row[0], "#") {
				visits = append(visits, row[no]+" "+row[id])
			}
		}
	}
	report, err := audit.Verify(bytes.NewReader(file), s.AuditKey())
	if err != nil {
		t.Errorf("the %s export of %s does not verify: %v", format, branch, err)
	}
	if report.Manifest.Visits != len(visits) || !report.Manifest.Complete {
		t.Errorf("the %s export of %s has %d visits, its manifest says %d, complete %t", format, branch, len(visits),
			report.Manifest.Visits, report.Manifest.Complete)
	}
	return file, visits
}

// A debtor is visited, moves, is visited in the new branch, moves back and is visited again. Each visit
// stands in the export of the branch it was made in, and in no other; both exports verify, and an
// altered byte is found. A visit that comes late is exported where it is decided on.
func TestVisitsOfADebtorWhoMovesAreExportedOnce(t *testing.T) {
	ctx := context.Background()
	s, admin, _ := oneBranch(t, Config{Data: t.TempDir(), Now: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)})
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/branches/south",
		map[string]any{"name": "South", "time_zone": "Europe/London", "country": "GB"}, nil))
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/lenders/L1", map[string]any{"branches": []string{"north", "south"}}, nil))
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "bea", "login": "bea", "name": "Bea",
		"password": adminPassword, "keep_password": true, "role": "agent", "branches": []string{"south"}}, nil))
	phone := func(login string) *play.Client {
		c := &play.Client{Base: s.URL(), HTTP: admin.HTTP}
		ok(t, c.SignIn(ctx, login, adminPassword, login+"-phone"))
		return c
	}
	ann, bea := phone("ann"), phone("bea")
	if got := imported(t, admin, "north", "L1 C1 D1", "L1 C2 D2") + "|" + imported(t, admin, "south", "L1 C3 D3"); got !=
		"2 0 0|1 0 0" {
		t.Fatalf("imported %s", got)
	}
	move := func(branch, want string) {
		t.Helper()
		var m struct{ State string }
		ok(t, admin.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/move", map[string]any{"branch": branch,
			"reason": "areas_changed"}, &m))
		if m.State != want {
			t.Fatalf("the move to %s is %s", branch, m.State)
		}
	}
	visit := func(c *play.Client, id string, of journal.CaseID, want string) string {
		t.Helper()
		got, kept := knock(t, c, id, of, "2026-11-25T09:00:00Z")
		if got != want {
			t.Errorf("the visit %s: %s, want %s", id, got, want)
		}
		return kept
	}
	stopOf(t, s, "north", "ann", "L1.C1", "2026-11-25")
	stopOf(t, s, "north", "ann", "L1.C2", "2026-11-25")
	stopOf(t, s, "south", "bea", "L1.C3", "2026-11-25")
	visit(ann, "before-1", "L1.C1", "applied")
	visit(ann, "other-north", "L1.C2", "applied")
	visit(bea, "other-south", "L1.C3", "applied")
	visit(ann, "before-2", "L1.C1", "applied")

	move("south", "here")
	late := visit(ann, "late", "L1.C1", "revoked case.moved")
	stopOf(t, s, "south", "bea", "L1.C1", "2026-11-26")
	visit(bea, "after", "L1.C1", "applied")
	_, south := exported(t, s, admin, "south", "ndjson")
	if late == "" || len(south) != 2 {
		t.Errorf("kept as %q; south exports %v", late, south)
	}
	ok(t, s.casework.FinishMoves(ctx)) // as the server does now and then
	var waiting struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	ok(t, admin.Do(ctx, http.MethodGet, "/v1/quarantine?branch=south", nil, &waiting))
	if len(waiting.Items) != 1 {
		t.Fatalf("in south's quarantine: %+v", waiting.Items)
	}
	accept := "/v1/quarantine/" + waiting.Items[0].ID + "?branch=south"
	ok(t, admin.Do(ctx, http.MethodPost, accept, map[string]any{"accept": true}, nil))

	move("north", "here")
	stopOf(t, s, "north", "ann", "L1.C1", "2026-11-27")
	visit(ann, "back", "L1.C1", "applied")
	want := map[string]string{
		"north": "1 before-1, 2 other-north, 3 before-2, 4 back",
		"south": "1 other-south, 2 after, 3 late",
	}
	for branch, made := range want {
		for _, format := range []string{"ndjson", "csv"} {
			file, visits := exported(t, s, admin, branch, format)
			if got := strings.Join(visits, ", "); got != made {
				t.Errorf("the %s export of %s holds %s, want %s", format, branch, got, made)
			}
			// A byte of the first and of the last visit, and of the manifest.
			lines := bytes.SplitAfter(bytes.TrimSuffix(file, []byte("\n")), []byte("\n"))
			at := 0
			for i, line := range lines {
				if i == 0 && format == "csv" {
					at += len(line)
					continue
				}
				altered := bytes.Clone(file)
				altered[at+len(line)/2] ^= 1
				if _, err := audit.Verify(bytes.NewReader(altered), s.AuditKey()); err == nil {
					t.Errorf("%s of %s: line %d is altered, and the file verifies", format, branch, i+1)
				}
				at += len(line)
			}
			// A visit less.
			if _, err := audit.Verify(bytes.NewReader(bytes.Join(slices.Delete(lines, 1, 2), nil)), s.AuditKey()); err == nil {
				t.Errorf("%s of %s: a line is left out, and the file verifies", format, branch)
			}
		}
	}
	var file struct {
		Visits []struct {
			ID string `json:"id"`
		} `json:"visits"`
	}
	ok(t, admin.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file))
	if len(file.Visits) != 5 {
		t.Errorf("the case file shows %d visits of the debtor, want before-1, before-2, late, after and back: %v",
			len(file.Visits), file.Visits)
	}
}
