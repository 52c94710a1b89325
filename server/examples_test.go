package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth/factor"
	"doorstep/server/play"
)

var updateExamples = flag.Bool("update", false, "write openapi/examples.json anew")

// exchange is a request and its answer, each by content type; the answer by status before that.
type exchange struct {
	Request  map[string]any            `json:"request,omitempty"`
	Response map[string]map[string]any `json:"response"`
}

// recorder is an http.RoundTripper that keeps the next exchange under a name.
type recorder struct {
	next string
	kept map[string]exchange
	tidy tidy
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	req.Header.Set("Accept-Encoding", "identity")
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || r.next == "" {
		return answer, err
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	_ = answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(got))
	e := exchange{Response: map[string]map[string]any{fmt.Sprint(answer.StatusCode): r.body(answer.Header, got)}}
	if len(sent) > 0 {
		e.Request = r.body(req.Header, sent)
	}
	r.kept[r.next], r.next = e, ""
	return answer, nil
}

func (r *recorder) body(h http.Header, text []byte) map[string]any {
	if len(text) == 0 {
		return map[string]any{}
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return map[string]any{kind: r.tidy.text(kind, text)}
}

// tidy replaces what differs from run to run: ids by numbered ones, instants of the run by
// the start of its server's clock, and secrets and hashes by stand-ins.
type tidy struct {
	ids    map[string]string
	starts []time.Time // of the servers of the run
}

// runsFor is how long a server of the run may take: instants so long after its start are its own.
const runsFor = 20 * time.Minute

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	// made are ids that the server makes of a command's id, and ids of keys.
	made = regexp.MustCompile(`[0-9a-f]{24}`)
	// secrets are hashes, signatures and sealed texts.
	secrets = regexp.MustCompile(`[A-Za-z0-9+/_-]{40,}=*`)
	hexes   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	// standIns are for members whose values are made at random.
	standIns = map[string]string{"access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl",
		"refresh_token": "r1.4f1c.Zm9yIG9uZSB1c2U", "epoch": "e1", "challenge": "Y2hhbGxlbmdl",
		"secret": "JBSWY3DPEHPK3PXP", "uri": "otpauth://totp/Doorstep:s-2?secret=JBSWY3DPEHPK3PXP&issuer=Doorstep",
		"recovery_codes": "mk3x7q-2dwz5c-h4taoe-6nbgp3"}
	// sixDigits are codes of authenticator apps.
	sixDigits = regexp.MustCompile(`^[0-9]{6}$`)
	// factorIDs are ids of second factors.
	factorIDs = regexp.MustCompile(`^[a-z2-7]{26}$`)
	// groups are recovery codes.
	groups = regexp.MustCompile(`^[a-z2-7]{6}(-[a-z2-7]{6}){3}$`)
)

func (d *tidy) text(kind string, text []byte) any {
	switch {
	case strings.HasSuffix(kind, "ndjson"):
		var out strings.Builder
		for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
			out.Write(compact(d.text("application/json", line)))
			out.WriteString("\n")
		}
		return out.String()
	case strings.HasSuffix(kind, "json"):
		var v any
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			panic(err)
		}
		return d.value("", v)
	}
	return string(text)
}

func compact(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func (d *tidy) value(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = d.value(k, v[k])
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = d.value(name, x)
		}
		return v
	case json.Number:
		if name == "took_ms" {
			return json.Number("120")
		}
	case string:
		return d.word(name, v)
	}
	return v
}

func (d *tidy) word(name, s string) string {
	if to := standIns[name]; to != "" && s != "" {
		return to
	}
	if name == "path" && strings.HasPrefix(s, "/d/") {
		return "/d/AAECAwQFBgcICQoLDA0ODxAREhM"
	}
	if name == "code" && sixDigits.MatchString(s) {
		return "123456"
	}
	if name == "id" && factorIDs.MatchString(s) {
		return "abcdefghijklmnopqrstuvwxyz"
	}
	if name == "code" && groups.MatchString(s) {
		return standIns["recovery_codes"]
	}
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		after := time.Duration(0)
		if name == "cooling_off_until" { // three days after it was accepted
			after = 72 * time.Hour
		}
		for _, start := range d.starts {
			if from := start.Add(after); !at.Before(from) && at.Before(from.Add(runsFor)) {
				return from.Format(time.RFC3339)
			}
		}
		return s
	}
	s = secrets.ReplaceAllStringFunc(s, func(secret string) string {
		if hexes.MatchString(secret) {
			return strings.Repeat("0123456789abcdef", 4)
		}
		return "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	})
	number := func(form string) func(id string) string {
		return func(id string) string {
			if d.ids[id] == "" {
				d.ids[id] = fmt.Sprintf(form, len(d.ids)+1)
			}
			return d.ids[id]
		}
	}
	if strings.Contains(s, "0123456789abcdef") {
		return s
	}
	return made.ReplaceAllStringFunc(uuids.ReplaceAllStringFunc(s, number("01936f00-0000-7000-8000-%012d")),
		number("5d0c%020d"))
}

// TestExamplesAreReal plays a short day, and compares what its clients sent and got with the
// examples that openapi.yaml shows.
func TestExamplesAreReal(t *testing.T) {
	const file = "../openapi/examples.json"
	got := playExamples(t)
	text, err := json.MarshalIndent(got, "", "  ")
	ok(t, err)
	text = append(text, '\n')
	if *updateExamples {
		ok(t, os.WriteFile(file, text, 0o644))
	}
	have, err := os.ReadFile(file)
	ok(t, err)
	if !bytes.Equal(have, text) {
		var was map[string]json.RawMessage
		ok(t, json.Unmarshal(have, &was))
		for name, e := range got {
			var old bytes.Buffer
			_ = json.Compact(&old, was[name])
			if now := compact(e); !bytes.Equal(old.Bytes(), now) {
				t.Errorf("the example of %s is\n%s\nwas\n%s", name, now, old.Bytes())
			}
		}
		t.Error("openapi/examples.json is not what the server does; run: go test ./server -run TestExamplesAreReal -update")
	}
}

func playExamples(t *testing.T) map[string]exchange {
	t.Helper()
	ctx := context.Background()
	began := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	cfg := Config{Data: t.TempDir(), Now: began}
	s := run(t, cfg)
	rec := &recorder{kept: map[string]exchange{}, tidy: tidy{map[string]string{}, []time.Time{began}}}
	office := &play.Client{Base: s.URL(), HTTP: &http.Client{Transport: rec}}
	ok(t, office.SignIn(ctx, "admin", adminPassword, ""))
	show := func(name, method, path string, body, into any) {
		t.Helper()
		rec.next = name
		ok(t, office.Do(ctx, method, path, body, into))
	}
	send := func(name, path, kind, text string) {
		t.Helper()
		rec.next = name
		ok(t, office.Send(ctx, http.MethodPost, path, kind, io.Reader(strings.NewReader(text)), nil))
	}
	show("putBranch", "PUT", "/v1/branches/porto", map[string]any{"name": "Porto", "time_zone": "Europe/Lisbon",
		"country": "PT"}, nil)
	show("putLender", "PUT", "/v1/lenders/north", map[string]any{"name": "North Bank", "branches": []string{"porto"},
		"products": []string{"QuickCash"}, "consequences": []map[string]any{{"id": "fee", "countries": []string{"PT"},
			"text": map[string]any{"pt": "Pode ser cobrada uma taxa."}, "source": "contrato, cláusula 4"}}}, nil)
	show("putPlanRules", "PUT", "/v1/lenders/north/plan-rules", map[string]any{"version": 0, "rules": []map[string]any{
		{"product_type": "card", "currency": "EUR", "agent_max_instalments": 6, "cooling_off_days": 7,
			"guardrails": map[string]any{"min_instalment_minor": 1000, "max_term_months": 36, "max_concession_bp": 2000,
				"agent_max_concession_bp": 0, "agent_max_term_months": 12, "min_answer_days": 7}}}}, nil)
	show("getPlanRules", "GET", "/v1/lenders/north/plan-rules", nil, nil)
	show("createUser", "POST", "/v1/users", map[string]any{"id": "u-17", "login": "u-17", "name": "Agent 17",
		"role": "agent", "branches": []string{"porto"}, "language": "pt", "badge_no": "4711",
		"password": "correct horse battery staple", "keep_password": true}, nil)
	show("putTerritory", "PUT", "/v1/territories/ribeira?branch=porto", map[string]any{"type": "Feature",
		"properties": map[string]any{"name": "Ribeira"}, "geometry": map[string]any{"type": "Polygon",
			"coordinates": [][][]float64{{{-8.63, 41.13}, {-8.59, 41.13}, {-8.59, 41.17}, {-8.63, 41.17},
				{-8.63, 41.13}}}}}, nil)
	show("putTeam", "PUT", "/v1/teams/t-1", map[string]any{"branch": "porto", "name": "Team 1",
		"agents": []string{"u-17"}, "territories": []string{"ribeira"}, "mode": "foot",
		"items": []string{"badge", "authorisation_letter"}, "start": []float64{-8.6109, 41.1496}}, nil)
	show("putShift", "PUT", "/v1/teams/t-1/shifts/2026-11-25", map[string]any{"branch": "porto", "from": "09:00",
		"to": "17:00"}, nil)
	show("closeDay", "PUT", "/v1/branches/porto/closed-days/2026-12-24", map[string]any{"reason": "holiday"}, nil)
	show("putLeave", "PUT", "/v1/agents/u-17/leaves/l-1", map[string]any{"from": "2026-12-21", "to": "2026-12-23"}, nil)
	line := func(ref, debtor, lon, lat, due string) string {
		return ref + ",north,personal_loan,house-visit," + debtor + ",Debtor " + debtor + ",pt,+351912345678,2026-11-20," +
			"Rua Direita 1,4000-001,Porto,PT," + lon + "," + lat + ",2026-11-20,Europe/Lisbon,EUR,518322,172774," + due +
			",2,15,\n"
	}
	send("importCases", "/v1/imports/cases?branch=porto", "text/csv", caseHeader+"\n"+
		line("1001", "d-77", "-8.6132", "41.1456", "2026-08-11")+line("1002", "d-78", "-8.6201", "41.1502", "2026-09-01")+
		line("1003", "d-79", "-8.6050", "41.1520", "2026-10-02")+line("1004", "d-80", "-8.6071", "41.1533", "tomorrow"))
	var taken struct {
		Import string `json:"import_id"`
	}
	rec.next = ""
	ok(t, office.Send(ctx, "POST", "/v1/imports/cases?branch=porto", "text/csv", strings.NewReader(caseHeader+"\n"+
		line("9001", "d-90", "-8.6132", "41.1456", "2026-08-11")), &taken))
	show("undoImport", "POST", "/v1/imports/"+taken.Import+"/undo?dry_run=true", map[string]any{"reason": "wrong_file"},
		nil)
	ok(t, office.Do(ctx, "POST", "/v1/imports/"+taken.Import+"/undo", map[string]any{"reason": "wrong_file"}, nil))
	show("listImports", "GET", "/v1/imports?branch=porto&limit=1", nil, nil)
	send("importContacts", "/v1/imports/contacts?branch=porto", "application/x-ndjson",
		`{"case_ref":"1001","lender":"north","channel":"call","at":"2026-11-23T10:30:00","result":"no_answer",`+
			`"external_id":"call-5001"}`+"\n")
	show("recordContact", "POST", "/v1/cases/north.1001/contacts", map[string]any{"channel": "call",
		"at": "2026-11-24T16:20:00Z", "result": "no_answer"}, nil)
	show("readLawNow", "GET", "/v1/cases/north.1003/law", nil, nil)
	show("openHold", "POST", "/v1/cases/north.1003/holds", map[string]any{"kind": "dispute", "until": "2026-12-31"}, nil)
	show("makeAppointment", "POST", "/v1/cases/north.1002/appointments", map[string]any{"from": "2026-11-25T15:00:00Z",
		"to": "2026-11-25T17:00:00Z"}, nil)
	var link struct {
		ID string `json:"link_id"`
	}
	show("issueLink", "POST", "/v1/cases/north.1002/links", map[string]any{"days": 30}, &link)
	show("revokeLink", "POST", "/v1/cases/north.1002/links/"+link.ID+"/revoke",
		map[string]any{"reason": "the letter came back"}, nil)
	var round struct{ ID, Status string }
	show("planRound", "POST", "/v1/rounds", map[string]any{"branch": "porto", "date": "2026-11-25", "time_limit_s": 1,
		"seed": 1}, &round)
	await := func(status string) {
		t.Helper()
		for until := time.Now().Add(time.Minute); round.Status != status; {
			if time.Now().After(until) {
				t.Fatalf("the round is %s, not %s", round.Status, status)
			}
			ok(t, office.Do(ctx, "GET", "/v1/rounds/"+round.ID, nil, &round))
		}
	}
	await("planned")
	show("getRound", "GET", "/v1/rounds/"+round.ID, nil, nil)
	show("publishRound", "POST", "/v1/rounds/"+round.ID+"/publish", nil, nil)
	await("published")
	published := round.ID
	var proposed struct{ ID string }
	show("proposeRound", "POST", "/v1/rounds/"+round.ID+"/proposals", map[string]any{"time_limit_s": 1, "seed": 1,
		"locks": []any{map[string]any{"case": "north.1002", "keep": "visit"}}}, &proposed)
	show("acceptProposal", "POST", "/v1/rounds/"+round.ID+"/proposals/"+proposed.ID+"/accept", nil, nil)
	await("published")
	ok(t, office.Do(ctx, "POST", "/v1/rounds", map[string]any{"date": "2026-11-25", "branch": "porto", "time_limit_s": 1,
		"seed": 1}, &round))
	await("planned")
	show("stopRound", "POST", "/v1/rounds/"+round.ID+"/stop", nil, nil)
	show("cancelRound", "POST", "/v1/rounds/"+round.ID+"/cancel", nil, nil)
	round.ID = published
	show("listCodes", "GET", "/v1/codes", nil, nil)
	show("decide", "POST", "/v1/conduct/decisions", map[string]any{"profiles": []string{"house-visit"},
		"action": map[string]any{"channel": "visit", "at": "2026-11-25T22:30:00", "tz": []string{"Europe/Lisbon"},
			"place": "home", "party": "debtor", "purpose": "collect"}}, nil)
	show("decideDay", "POST", "/v1/conduct/day", map[string]any{"profiles": []string{"house-visit"},
		"action": map[string]any{"channel": "visit", "at": "2026-11-25T09:00:00", "tz": []string{"Europe/Lisbon"},
			"place": "home", "duration_min": 20}}, nil)

	show("previewPlan", "POST", "/v1/plans/preview", map[string]any{"request": map[string]any{"kind": "instalments",
		"today": "2027-01-31", "currency": "EUR", "balance_minor": 10000, "start_on": "2027-01-31", "frequency": "monthly",
		"count": 3, "holiday_rule": "next_working_day"},
		"payments": []map[string]any{{"ref": "p1", "on": "2027-02-01", "amount_minor": 3334}},
		"checks":   []map[string]any{{"as_of": "2027-03-02"}}}, nil)

	show("lintMessage", "POST", "/v1/messages/lint", map[string]any{"language": "pt", "country": "PT",
		"step": "overdue_reminder", "recipient": "debtor", "number_verified_days": 12, "lender": "north",
		"text": "{sender_name}: uma mensagem para si.\n{amount} venceu em {due_date}. Pague hoje, senão falamos com o " +
			"seu patrão. {pay_link} {opt_out}"}, nil)
	show("readReply", "POST", "/v1/messages/intent", map[string]any{"language": "pt",
		"text": "Fiquei sem emprego, posso pagar 50 por mês? Liguem-me."}, nil)

	s.stop()
	cfg.Now = began.Add(8 * time.Hour)
	rec.tidy.starts = append(rec.tidy.starts, cfg.Now)
	started := time.Now()
	s = run(t, cfg)
	agent := &play.Client{Base: s.URL(), HTTP: &http.Client{Transport: rec}}
	office = &play.Client{Base: s.URL(), HTTP: office.HTTP}
	ok(t, office.SignIn(ctx, "admin", adminPassword, ""))
	rec.next = "signIn"
	ok(t, agent.SignIn(ctx, "u-17", "correct horse battery staple", "d-17"))
	var page struct {
		Changes []struct {
			Type, ID string
			Doc      struct{ Case string }
		}
	}
	rec.next = "pull"
	ok(t, agent.Do(ctx, "GET", "/sync/v1/pull?after=0&types=assignments,cases", nil, &page))
	assignment := ""
	for _, c := range page.Changes {
		if c.Type == "assignments" && c.Doc.Case == "north.1001" {
			assignment = c.ID
		}
	}
	rec.next = "push"
	ok(t, agent.Do(ctx, "POST", "/sync/v1/push", map[string]any{"mutations": []map[string]any{
		{"mid": "0193570e-6f2a-7b3c-8d4e-5f60718293a4", "type": "visits", "id": "v-0193570e", "op": "put", "base": 0,
			"client_ts": "2026-11-25T13:31:07Z", "fields": map[string]any{"case": "north.1001", "assignment": assignment,
				"at": "2026-11-25T13:20:00Z", "agents": []map[string]any{{"agent_id": "u-17", "role": "lead"}},
				"purpose": "negotiate", "place": "home", "check_in": map[string]any{"at": "2026-11-25T13:20:00Z",
					"point": []float64{-8.6132, 41.1456}, "accuracy_m": 8},
				"person_met": map[string]any{"relationship": "debtor", "identity_check": "document"},
				"outcome":    "MET_PTP", "overdue_reason": "salary_delayed"}},
		{"mid": "0193570e-8b10-7c4d-9e5f-60718293a4b5", "type": "plans", "id": "p-0193570e", "op": "put", "base": 0,
			"client_ts": "2026-11-25T13:33:40Z", "fields": map[string]any{"case": "north.1001", "visit": "v-0193570e",
				"at": "2026-11-25T13:30:00Z", "state": "accepted",
				"request": map[string]any{"kind": "ptp_single", "start_on": "2026-12-10"}}},
	}}, nil))
	show("recordComplaint", "POST", "/v1/cases/north.1002/complaints", map[string]any{"id": "k-1",
		"at": "2026-11-25T11:00:00Z", "channel": "call", "subjects": []string{"contact_times"},
		"text": "They rang at nine in the evening.", "answer_due": "2026-12-09"}, nil)
	show("answerComplaint", "POST", "/v1/cases/north.1002/complaints/k-1/answer", map[string]any{
		"at": "2026-11-25T13:50:00Z", "channel": "call", "outcome": "upheld", "text": "We are sorry; no visits after six."},
		nil)
	show("recordLetter", "POST", "/v1/cases/north.1001/letters", map[string]any{"id": "l-1", "kind": "visit_notice",
		"sent_at": "2026-11-20T09:00:00Z", "contents": []string{"purpose", "date"}}, nil)
	show("recordNote", "POST", "/v1/cases/north.1001/notes", map[string]any{"id": "n-1", "kind": "address",
		"text": "The bell is at the side door."}, nil)
	show("correctRecord", "POST", "/v1/cases/north.1001/records/visits/v-0193570e/corrections", map[string]any{
		"id": "v-0193570f", "corrected": map[string]any{"overdue_reason": "016"},
		"reason": "The agent called: the debtor lost the job."}, nil)
	rec.next = "getMyDay"
	ok(t, agent.Do(ctx, "GET", "/v1/users/me/day?day=2026-11-25", nil, nil))
	show("getCase", "GET", "/v1/cases/north.1001", nil, nil)
	show("listCases", "GET", "/v1/cases?branch=porto&limit=2", nil, nil)
	show("searchCases", "POST", "/v1/cases/search", map[string]any{"branch": "porto", "phone": "912 345 678",
		"hold": "none", "limit": 1}, nil)
	rec.next = "listOutcomes"
	ok(t, office.Do(ctx, "GET", "/v1/outcomes?lender=north", nil, io.Writer(&bytes.Buffer{})))
	show("getFigures", "GET", "/v1/figures?branch=porto&by=team", nil, nil)
	show("getInbox", "GET", "/v1/inbox?branch=porto", nil, nil)
	show("listVisits", "GET", "/v1/visits?branch=porto&limit=1", nil, nil)
	show("listAssignments", "GET", "/v1/assignments?branch=porto&limit=1", nil, nil)
	show("listTakenBack", "GET", "/v1/assignments/taken-back?branch=porto&why=agent&unplanned=true", nil, nil)
	show("listCorrections", "GET", "/v1/corrections?branch=porto&limit=1", nil, nil)
	show("roundProgress", "GET", "/v1/rounds/"+published+"/progress", nil, nil)
	show("listAccess", "GET", "/v1/audit/access?branch=porto&limit=2", nil, nil)
	rec.next = "exportVisits"
	ok(t, office.Do(ctx, "GET", "/v1/audit/visits?branch=porto&format=ndjson", nil, io.Writer(&bytes.Buffer{})))

	show("proposePlan", "POST", "/v1/cases/north.1002/plans", map[string]any{"id": "p-1", "state": "offered",
		"request": map[string]any{"kind": "instalments", "start_on": "2026-12-31", "frequency": "monthly", "count": 3,
			"month_end": "last"},
		"affordability": map[string]any{"method": "SFS", "as_of": "2026-11-25",
			"income":       []map[string]any{{"kind": "salary", "amount_minor": 160000}},
			"outgoings":    []map[string]any{{"kind": "rent_or_mortgage", "amount_minor": 55000}},
			"income_minor": 160000, "outgoings_minor": 55000, "surplus_minor": 105000}}, nil)
	show("acceptPlan", "POST", "/v1/plans/p-1/accept?branch=porto", map[string]any{"channel": "call"}, nil)
	show("getPlan", "GET", "/v1/plans/p-1?branch=porto", nil, nil)
	show("listCasePlans", "GET", "/v1/cases/north.1002/plans", nil, nil)
	show("cancelPlan", "POST", "/v1/plans/p-1/cancel?branch=porto", map[string]any{"cancelled_for": "error"}, nil)

	// A second supervisor reviews a correction, and adds a second factor.
	ok(t, office.Do(ctx, "POST", "/v1/users", map[string]any{"id": "s-2", "login": "s-2", "name": "Supervisor 2",
		"role": "supervisor", "branches": []string{"porto"}, "password": agentPassword, "keep_password": true}, nil))
	ok(t, office.Do(ctx, "POST", "/v1/cases/north.1001/records/visit_notes/n-1/corrections", map[string]any{"id": "n-2",
		"corrected": map[string]any{"text": "The bell is at the back door."}, "reason": "Written down wrongly."}, nil))
	second := &play.Client{Base: s.URL(), HTTP: office.HTTP}
	ok(t, second.SignIn(ctx, "s-2", agentPassword, ""))
	theirs := func(name, method, path string, body, into any) {
		t.Helper()
		rec.next = name
		ok(t, second.Do(ctx, method, path, body, into))
	}
	theirs("reviewCorrection", "POST", "/v1/cases/north.1001/records/visit_notes/n-2/review", map[string]any{
		"state": "questioned", "notes": "Which of the two houses?"}, nil)
	const factors = "/v1/users/me/factors"
	var app authenticator
	var recovery struct {
		Codes []string `json:"recovery_codes"`
	}
	theirs("beginFactor", "POST", factors, map[string]any{"password": agentPassword, "name": "phone"}, &app)
	confirming, err := factor.Code(app.Secret, factor.StepAt(cfg.Now.Add(time.Since(started))))
	ok(t, err)
	theirs("confirmFactor", "POST", factors+"/"+app.ID+"/confirm", map[string]any{"code": confirming}, &recovery)
	theirs("listMyFactors", "GET", factors, nil, nil)
	show("listFactors", "GET", "/v1/users/s-2/factors", nil, nil)
	theirs("renewRecovery", "POST", "/v1/users/me/recovery-codes", map[string]any{"password": agentPassword,
		"code": recovery.Codes[0]}, &recovery)
	var more *play.Problem
	if err := second.SignIn(ctx, "s-2", agentPassword, ""); !errors.As(err, &more) || more.Challenge == nil {
		t.Fatalf("the password alone: %v", err)
	}
	rec.next = "signInWithFactor"
	ok(t, second.SignInWithFactor(ctx, more.Challenge.Token, recovery.Codes[0]))
	theirs("removeFactor", "POST", factors+"/"+app.ID+"/remove", map[string]any{"password": agentPassword,
		"code": recovery.Codes[1]}, nil)
	show("resetFactors", "DELETE", "/v1/users/s-2/factors", nil, nil)
	return rec.kept
}
