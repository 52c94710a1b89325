package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/play"
)

// hostile is a server to which the tests send bad input. It has two branches, one user
// of each role, and in each branch a case, a territory, a team, a plan and a round.
type hostile struct {
	*running
	log    *buffer
	people map[auth.Role]caller
	south  caller // a supervisor of the other branch
	ops    []operation
	refs   func(schema) schema
	sent   atomic.Int64
	began  time.Time // by the machine's clock
	// tooLarge counts the endpoints that answer five million bytes with 413.
	tooLarge atomic.Int64
}

type caller struct{ token, device string }

const (
	north, south = "north", "south"
	hostileDate  = "2026-11-25"
	debtorName   = "Eulália Brandão-Teste"
	debtorPhone  = "+351912010077"
	debtorStreet = "Travessa do Ensaio 77"
	userPassword = "password-of-hostile-people"
	hookSecret   = "a secret that the gateway shares"
)

// hostileMorning is the server's time when the test begins.
var hostileMorning = time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)

// named returns the id of a record that exists, by branch and by the path segment before
// the parameter; for other segments it returns a made-up id.
func named(branch, collection, op string) string {
	switch collection {
	case "cases":
		if op == "closeCase" || op == "reopenCase" { // the others need theirs open
			return "LND-" + branch + ".CASE-" + branch + "-2"
		}
		return "LND-" + branch + ".CASE-" + branch + "-1"
	case "territories", "teams", "plans":
		return branch + "-" + collection
	case "users":
		return "victim"
	case "agents":
		if branch == south {
			return "southern-agent"
		}
		return "victim"
	case "closed-days":
		return "2027-11-25"
	case "devices":
		return "victims-phone"
	case "branches":
		return branch
	case "lenders":
		return "LND-third" // ending the others' contracts would end the imports
	case "shifts":
		return hostileDate
	case "docs":
		return "docs.js"
	case "sms":
		return "gateway"
	}
	return "no-such-record"
}

// goodBodies are bodies that the schemas allow and that reach the code behind the
// endpoints. An endpoint without one gets a sample of its schema.
var goodBodies = map[string]map[string]any{
	"signIn": {"login": "nobody", "password": "some password of nobody",
		"device": map[string]any{"id": "d9", "platform": "android"}},
	"refreshSession":   {"refresh_token": "not-one"},
	"signInWithFactor": {"challenge": "not-one", "code": "123456"},
	"beginFactor":      {"password": "not the password", "code": "123456"},
	"confirmFactor":    {"code": "123456"},
	"removeFactor":     {"password": "not the password", "code": "123456"},
	"renewRecovery":    {"password": "not the password"},
	// createUser is refused before the slow hashing of its password.
	"createUser":     {"login": "newcomer", "role": "supervisor", "branches": []any{"no-such-branch"}},
	"changeUser":     {"name": "Somebody"},
	"changePassword": {"old": "not the old one", "new": "some new password"},
	"changeDevice":   {"push_token": "a"},
	"putDeviceState": {"time": "2026-11-25T09:00:00Z", "waiting": 2, "oldest_at": "2026-11-25T08:00:00Z", "build": "1.2",
		"storage_kept": true, "free_bytes": 1000},
	"putBranch": {"time_zone": "Europe/Lisbon", "country": "PT", "name": "A branch"},
	"putLender": {"name": "A lender", "products": []any{"QuickCash"}, "consequences": []any{map[string]any{"id": "fee",
		"text": map[string]any{"en": "A fee may be added."}, "countries": []any{"GB"}, "source": "agreement, clause 4"}}},
	"lintMessage": {"language": "en", "country": "GB", "step": "thank_you", "recipient": "debtor",
		"number_verified_days": 3, "text": "{sender_name}: thank you.", "vars": map[string]any{"sender_name": "North"},
		"context": map[string]any{"products": []any{"QuickCash"}}},
	"readReply": {"language": "en", "text": "STOP"},
	"putTerritory": {"type": "Feature", "properties": map[string]any{"name": "A territory"},
		"geometry": map[string]any{"type": "Polygon",
			"coordinates": []any{[]any{[]any{-8.5, 41.5}, []any{-8.4, 41.5}, []any{-8.4, 41.6}, []any{-8.5, 41.6},
				[]any{-8.5, 41.5}}}}},
	"putTeam": {"agents": []any{"agent"}, "start": []any{-8.44, 41.55}, "mode": "car", "max_stops": 20},
	"putShift": {"from": "08:30", "to": "18:00",
		"breaks": []any{map[string]any{"from": "12:00", "to": "14:00", "minutes": 45}}},
	"openHold":    {"kind": "dispute", "since": "2026-11-01", "until": "2026-12-01"},
	"releaseHold": {"reason": "settled"},
	"closeDay":    {"reason": "training"},
	"putLeave":    {"from": "2026-12-21", "to": "2026-12-24"},
	"searchCases": {"name": debtorName, "phone": debtorPhone, "hold": "none", "limit": 10},
	"setFact":     {"kind": "plan_offered", "known": true},
	"setRequests": {"no_contact_times": []any{map[string]any{"from": "12:00", "to": "13:00"}},
		"no_channels": []any{"sms"}},
	"reassignCase":  {"team": ""},
	"recordContact": {"channel": "call", "at": "2026-11-24T10:00:00Z", "result": "no_answer"},
	"correctCase":   {"city": "Ribeira", "home": []any{-8.43, 41.55}, "priority": 2},
	"recordNotice":  {"of": "visit", "sent_at": "2026-11-20T10:00:00Z", "form": "letter"},
	"issueLink":     {"days": 30},
	"revokeLink":    {"reason": "sent to a wrong address"},
	"recordNote":    {"text": "a dog in the yard", "kind": "safety"},
	"recordConsent": {"at": "2026-11-24T10:00:00Z", "scope": "visit_time", "status": "refused"},
	"recordComplaint": {"at": "2026-11-24T10:00:00Z", "channel": "call", "subjects": []any{"amount"}, "text": "too much",
		"answer_due": "2026-12-20"},
	"putLadder":     {"steps": []any{map[string]any{"kind": "overdue_reminder", "dpd_from": 1, "min_gap_days": 0}}},
	"putTextSender": {"sender_name": "A lender", "links": map[string]any{"pay_link": "https://pay.example/p"}},
	"proposeTemplate": {"lender": "LND-north", "kind": "stop_confirm", "language": "en",
		"text": "{sender_name}: no more texts."},
	"approveTemplate": {"releases": []any{map[string]any{"reason": "threat", "text": "text", "why": "a right is told"}}},
	"rejectTemplate":  {"reason": "unclear"},
	"queueMessage":    {"kind": "plan_offer", "values": map[string]any{"answer_by": "1 December"}},
	"setLadder":       {"state": "active"},
	"handleReply":     {"note": "called back"},
	"takeReceipt":     {"message": "m1", "id": "p1", "state": "delivered"},
	"takeReply":       {"id": "p1", "from": debtorPhone, "text": "hello"},
	"answerComplaint": {"at": "2026-11-24T10:00:00Z", "channel": "letter", "outcome": "rejected", "text": "it is right"},
	"recordLetter":    {"kind": "reminder", "sent_at": "2026-11-20T10:00:00Z"},
	"returnLetter":    {"at": "2026-11-24T10:00:00Z", "reason": "moved"},
	"correctRecord":   {"corrected": map[string]any{"outcome": "MET_PTP"}, "reason": "typed wrong"},
	"proposePlan":     {"request": map[string]any{"kind": "ptp_single", "start_on": "2026-12-15"}, "state": "offered"},
	"acceptPlan":      {"channel": "call", "method": "verbal_recorded"},
	"cancelPlan":      {"cancelled_for": "error"},
	"putPlanRules": {"version": 0, "rules": []any{map[string]any{"currency": "EUR", "kinds": []any{"instalments"},
		"guardrails": map[string]any{"max_term_months": 24, "min_instalment_minor": 1000}}}},
	"closeCase":        {"reason": "recalled"},
	"reviewCorrection": {"state": "accepted"},
	"undoImport":       {"reason": "wrong_file"},
	"handleQuarantine": {"accept": false},
	"proposeRound": {"time_limit_s": 1, "moves": []any{map[string]any{"case": "LND-north.CASE-north-1", "team": "nobody"}},
		"locks": []any{map[string]any{"case": "LND-north.CASE-north-1", "keep": "time"}}},
	"planRound": {"date": hostileDate, "time_limit_s": 1},
	"decide": {"profiles": []any{"house-visit"}, "action": map[string]any{"channel": "visit", "at": "2026-11-25T10:00:00",
		"tz": []any{"Europe/Lisbon"}, "place": "home", "party": "debtor",
		"purpose": "collect"},
		"case": map[string]any{"requests": map[string]any{"no_contact_times": []any{[]any{"12:00", "13:00"}},
			"no_places": []any{"workplace"}, "no_channels": []any{"sms"}, "opt_out": []any{"sms"}}},
		"history": []any{map[string]any{"channel": "visit", "at": "2026-11-24T10:00:00", "result": "contact",
			"party": "debtor", "place": "home", "purpose": "collect"}}},
	"decideDay": {"profiles": []any{"house-visit"}, "action": map[string]any{"channel": "visit",
		"at": "2026-11-25T10:00:00", "tz": []any{"Europe/Lisbon"}, "place": "home"}},
	"previewPlan": {"request": map[string]any{"kind": "settlement", "today": "2026-11-25", "currency": "EUR",
		"balance_minor": 100000, "start_on": "2026-12-15", "frequency": "monthly", "count": 3, "concession_minor": 1000,
		"guardrails": map[string]any{"max_term_months": 24}, "affordability": map[string]any{"surplus_minor": 50000}},
		"default_terms": map[string]any{"grace_days": 3, "broken_after": 1, "partly_from_bp": 5000},
		"payments":      []any{map[string]any{"ref": "p1", "on": "2026-12-01", "amount_minor": 100}},
		"checks":        []any{map[string]any{"as_of": "2027-01-01"}}},
	"solveRouting": {"jobs": []any{map[string]any{"id": 1, "location": []any{-8.44, 41.55}, "service": 300}},
		"vehicles": []any{map[string]any{"id": 1, "start": []any{-8.44, 41.55}, "end": []any{-8.43, 41.56}}},
		"options":  map[string]any{"l": 0.001}},
	"push": {"schema": 1, "mutations": []any{map[string]any{"mid": "0193a6f2-7c1e-7000-8000-000000000001",
		"type": "visits", "id": "v1", "op": "put", "base": 0, "client_ts": "2026-11-25T09:00:00Z",
		"fields": map[string]any{"case": "LND-north.CASE-north-1", "at": "2026-11-25T09:00:00Z",
			"outcome": "NOT_MET_NOBODY"}}}},
	"importTerritories": {"type": "FeatureCollection", "features": []any{map[string]any{"type": "Feature", "id": "t9",
		"properties": map[string]any{"name": "T"}, "geometry": map[string]any{"type": "Polygon",
			"coordinates": []any{[]any{[]any{-8.5, 41.5}, []any{-8.4, 41.5}, []any{-8.4, 41.6}, []any{-8.5, 41.6},
				[]any{-8.5, 41.5}}}}}}},
}

const caseHeader = "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on,address,postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor,amount_due_minor,due_date,priority,service_min,flags"

func caseRow(ref, lender string) string {
	return ref + "," + lender + ",personal_loan,house-visit,D-" + ref + "," + debtorName + ",pt," + debtorPhone +
		",2026-11-24," + debtorStreet +
		",0000-000,Ribeira,PT,-8.438897,41.562860,2026-11-24,Europe/Lisbon,EUR,518322,172774,2026-08-11,2,10,"
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{log: &buffer{}, people: map[auth.Role]caller{}, began: time.Now()}
	carrier := filepath.Join(t.TempDir(), "sms.json")
	ok(t, os.WriteFile(carrier, render(map[string]any{"carrier": "gateway", "gateway": map[string]any{
		"url": "http://127.0.0.1:9/", "body": map[string]any{"text": "{text}", "to": "{number}"},
		"secret": hookSecret}}), 0o600))
	h.running = run(t, Config{Data: t.TempDir(), Now: hostileMorning, SMS: carrier,
		unreadablePushes: 100_000, userCalls: 1_000_000,
		Log: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	h.ops, h.refs = description(t, h.URL())
	ctx := context.Background()
	admin := &play.Client{Base: h.URL()}
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	do := func(method, path string, body any) {
		t.Helper()
		ok(t, admin.Do(ctx, method, path, body, nil))
	}
	for _, b := range []string{north, south} {
		do("PUT", "/v1/branches/"+b, map[string]any{"time_zone": "Europe/Lisbon", "country": "PT"})
	}
	user := func(id, role string, more map[string]any) {
		body := map[string]any{"id": id, "login": id, "name": "Zeferina " + id, "role": role, "password": userPassword,
			"keep_password": true}
		for k, v := range more {
			body[k] = v
		}
		do("POST", "/v1/users", body)
	}
	user("supervisor", "supervisor", map[string]any{"branches": []string{north}})
	user("southern", "supervisor", map[string]any{"branches": []string{south}})
	user("agent", "agent", map[string]any{"branches": []string{north}})
	user("victim", "agent", map[string]any{"branches": []string{north}})
	user("auditor", "auditor", map[string]any{"branches": []string{north}})
	do("PUT", "/v1/lenders/LND-north", map[string]any{"name": "A lender", "branches": []string{north}})
	do("PUT", "/v1/lenders/LND-south", map[string]any{"name": "Another lender", "branches": []string{south}})
	user("lender", "lender", map[string]any{"branches": []string{north}, "lender": "LND-north"})
	for _, b := range []string{north, south} {
		csv := caseHeader + "\n"
		for i := range 3 {
			csv += caseRow(fmt.Sprintf("CASE-%s-%d", b, i+1), "LND-"+b) + "\n"
		}
		ok(t, admin.Send(ctx, "POST", "/v1/imports/cases?branch="+b, "text/csv", io.Reader(strings.NewReader(csv)), nil))
		do("PUT", "/v1/territories/"+b+"-territories?branch="+b, goodBodies["putTerritory"])
		plan := map[string]any{"id": b + "-plans"}
		for k, v := range goodBodies["proposePlan"] {
			plan[k] = v
		}
		do("POST", "/v1/cases/LND-"+b+".CASE-"+b+"-1/plans", plan)
	}
	do("PUT", "/v1/teams/north-teams", map[string]any{"branch": north, "agents": []string{"agent"}})
	user("southern-agent", "agent", map[string]any{"branches": []string{south}})
	do("PUT", "/v1/teams/south-teams", map[string]any{"branch": south, "agents": []string{"southern-agent"}})
	h.people[auth.RoleAdmin] = h.signIn(t, "admin", adminPassword, "")
	for _, r := range []auth.Role{auth.RoleSupervisor, auth.RoleAuditor, auth.RoleLender} {
		h.people[r] = h.signIn(t, string(r), userPassword, "")
	}
	h.people[auth.RoleAgent] = h.signIn(t, "agent", userPassword, "agents-phone")
	h.south = h.signIn(t, "southern", userPassword, "")
	h.signIn(t, "victim", userPassword, "victims-phone")
	return h
}

func (h *hostile) signIn(t *testing.T, login, password, device string) caller {
	t.Helper()
	body := map[string]any{"login": login, "password": password}
	if device != "" {
		body["device"] = map[string]any{"id": device, "platform": "android"}
	}
	answer, err := http.Post(h.URL()+"/v1/sessions", "application/json", bytes.NewReader(render(body)))
	ok(t, err)
	defer func() { _ = answer.Body.Close() }()
	var s struct {
		AccessToken string `json:"access_token"`
	}
	ok(t, json.NewDecoder(answer.Body).Decode(&s))
	if s.AccessToken == "" {
		t.Fatalf("%s cannot sign in: %d", login, answer.StatusCode)
	}
	return caller{s.AccessToken, device}
}

// request is one request to send.
type request struct {
	method, path string // the path escaped, with its query
	header       map[string]string
	body         []byte
	in           io.Reader // instead of body
	as           caller
}

// reply is the answer to a request.
type reply struct {
	status int
	header http.Header
	body   []byte
	code   string
}

var hostileClient = &http.Client{Timeout: 30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send sends a request and checks the answer with judge.
func (h *hostile) send(t *testing.T, what string, q request) reply {
	t.Helper()
	h.sent.Add(1)
	in := q.in
	if in == nil && q.body != nil {
		in = bytes.NewReader(q.body)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, h.URL()+q.path, in)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.as.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.as.token)
	}
	if q.as.device != "" {
		req.Header.Set("X-Device-Id", q.as.device)
	}
	if strings.HasPrefix(q.path, "/v1/sms/gateway/") {
		// Signed as the gateway signs, so that what is wrong with the body is found.
		stamp := strconv.FormatInt(hostileMorning.Add(time.Since(h.began)).Unix(), 10)
		mac := hmac.New(sha256.New, []byte(hookSecret))
		mac.Write([]byte(stamp + "." + string(q.body)))
		req.Header.Set("X-Doorstep-Timestamp", stamp)
		req.Header.Set("X-Doorstep-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
		if v == "" {
			req.Header.Del(k)
		}
	}
	answer, err := hostileClient.Do(req)
	if err != nil {
		t.Errorf("%s: no answer: %v", what, err)
		return reply{}
	}
	defer func() { _ = answer.Body.Close() }()
	r := reply{status: answer.StatusCode, header: answer.Header}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return r // a stream does not end
	}
	if r.body, err = io.ReadAll(answer.Body); err != nil {
		t.Errorf("%s: the answer is cut short: %v", what, err)
	}
	h.judge(t, what, q.method, &r)
	return r
}

var (
	codeShape = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`)
	// innards are internals that no answer may show: traces, types, files, messages of libraries.
	innards = strings.Split(`goroutine |runtime error|panic|nil pointer|json: |strconv.|reflect|interface {|map[|*struct|`+
		`Go value|Go struct|unmarshal|sqlite|SQL|mongo|bson|doorstep/|/tmp/|/home/|casework.|httpapi`, "|")
	// innardWords are those that are parts of other words too.
	innardWords = regexp.MustCompile(`\.go\b|\bu?int64\b|\bfloat64\b|office\.[A-Z]`)
)

// innard finds an internal that an answer shows. Plain strings are looked for first: a regular expression of all of
// them took a tenth of TestBadInput's time.
func innard(answer []byte) string {
	for _, s := range innards {
		if bytes.Contains(answer, []byte(s)) {
			return s
		}
	}
	for _, s := range []string{".go", "int64", "float64", "office."} {
		if bytes.Contains(answer, []byte(s)) {
			return string(innardWords.Find(answer))
		}
	}
	return ""
}

func TestInnardsAreFound(t *testing.T) {
	for _, s := range []string{"x goroutine 1", "at a.go:3", "an uint64", "float64", "map[a]", "office.Branch", "SQLITE"} {
		if innard([]byte(s)) == "" {
			t.Errorf("%q is not found", s)
		}
	}
	for _, s := range []string{"a.gone", "uint641", "the office.", "a map of it"} {
		if found := innard([]byte(s)); found != "" {
			t.Errorf("in %q %q is found", s, found)
		}
	}
}

// judge checks what every answer must keep: no status 5xx, problems with a code and places, no internals, no
// repeated input.
func (h *hostile) judge(t *testing.T, what, method string, r *reply) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s\n\tanswer %d: %.600s", what, fmt.Sprintf(format, args...), r.status, r.body)
	}
	if r.status >= 500 {
		bad("an error of the server")
	}
	if r.header.Get("X-Content-Type-Options") != "nosniff" {
		bad("no nosniff")
	}
	for name := range r.header {
		if strings.HasPrefix(name, "Access-Control-") {
			bad("%s: pages of others are let in", name)
		}
	}
	if r.status < 400 {
		return
	}
	if !strings.Contains(r.header.Get("Cache-Control"), "no-store") {
		bad("it may be stored")
	}
	if r.header.Get("X-Request-Id") == "" {
		bad("no request id")
	}
	if r.header.Get("Content-Type") == "text/html; charset=utf-8" && r.header.Get("X-Robots-Tag") != "" {
		return // a page of server/doorway, which says what to mend in words
	}
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
		bad("a problem as %q", kind)
		return
	}
	if method == http.MethodHead {
		return
	}
	var p struct {
		Type, Title, Detail, Code, Instance string
		Status, Min                         int
		Reset, Wipe                         bool
		Epoch                               string
		Challenge                           *struct{ Token string }
		Errors                              []struct{ Location, Message string }
	}
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		bad("not a problem: %v", err)
		return
	}
	r.code = p.Code
	switch {
	case !codeShape.MatchString(p.Code) || strings.HasPrefix(p.Code, "status_"):
		bad("the code %q is none", p.Code)
	case p.Status != r.status || p.Title == "" || p.Type == "":
		bad("members are missing or at odds")
	case len(p.Detail) < 10:
		bad("it does not say what is wrong")
	case (p.Code == "malformed" || p.Code == "validation") && len(p.Errors) == 0:
		bad("it does not say where")
	case r.status == http.StatusUnauthorized && r.header.Get("WWW-Authenticate") == "":
		bad("401 without WWW-Authenticate")
	case r.status == http.StatusMethodNotAllowed && r.header.Get("Allow") == "":
		bad("405 without Allow")
	}
	for _, e := range p.Errors {
		// The places of a pack are its name and lines, not places of the request.
		if part, _, _ := strings.Cut(e.Location, "."); p.Code != "conduct.pack" &&
			!slices.Contains([]string{"body", "query", "path", "header"}, part) {
			bad("the place %q is in no part of the request", e.Location)
		}
		if e.Message == "" {
			bad("a place without a reason")
		}
	}
	if r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable {
		if n, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || n < 1 {
			bad("no Retry-After")
		}
	}
	for _, secret := range append([]string{marker}, strings.Fields(marker)...) {
		if bytes.Contains(r.body, []byte(secret)) {
			bad("it repeats what was sent")
			break
		}
	}
	for _, secret := range []string{debtorName, debtorPhone, debtorStreet, h.cfg.Data} {
		if bytes.Contains(r.body, []byte(secret)) {
			bad("it tells %q", secret)
		}
	}
	if found := innard(r.body); found != "" {
		bad("it shows its insides: %q", found)
	}
}

// fill replaces a path's parameters by ids of a branch's records, and the parameter replace by with.
func (o operation) fill(branch, replace, with string) string {
	parts := strings.Split(o.path, "/")
	for i, p := range parts {
		open, end := strings.Index(p, "{"), strings.Index(p, "}")
		if open < 0 {
			continue
		}
		v := url.PathEscape(named(branch, parts[i-1], o.id))
		if p[open+1:end] == replace {
			v = with
		}
		parts[i] = p[:open] + v + p[end+1:]
	}
	return strings.Join(parts, "/")
}

// as returns a caller who may call an endpoint.
func (h *hostile) as(o operation) caller {
	if len(o.roles) == 0 {
		return caller{}
	}
	if slices.Contains(o.roles, auth.RoleSupervisor) && !slices.Equal(o.roles, auth.Roles()) {
		return h.people[auth.RoleSupervisor]
	}
	return h.people[o.roles[0]]
}

// good returns a request that an endpoint should accept, as far as its description tells.
func (h *hostile) good(o operation) request {
	q := request{method: o.method, path: o.fill(north, "", ""), as: h.as(o)}
	query := url.Values{}
	for _, p := range o.params {
		if p.in == "query" && p.required {
			query.Set(p.name, fmt.Sprint(sample(p.schema, h.refs, 0)))
		}
	}
	if o.id == "manifest" {
		query.Set("type", "assignments")
	}
	if len(query) > 0 {
		q.path += "?" + query.Encode()
	}
	switch {
	case o.body != nil:
		q.body = render(h.goodBody(o))
	case len(o.bodyTypes) > 0:
		q.body, q.header = []byte("case_ref\n"), map[string]string{"Content-Type": o.bodyTypes[0]}
	}
	return q
}

func (h *hostile) goodBody(o operation) any {
	if b, is := goodBodies[o.id]; is {
		return b
	}
	return sample(o.body, h.refs, 0)
}

// TestBadInput sends bad requests to every endpoint of the description, then bad files,
// bad shapes and bad HTTP, and then reads the log. In short mode an endpoint gets one group of the bad requests only,
// each its own: together they are thirty thousand.
func TestBadInput(t *testing.T) {
	h := newHostile(t)
	t.Run("endpoints", func(t *testing.T) {
		groups := []func(*testing.T, operation){h.badPaths, h.badQueries, h.badHeaders, h.badBodies, h.otherMethods}
		for i, o := range h.ops {
			t.Run(o.method+" "+o.path, func(t *testing.T) {
				t.Parallel()
				o := o
				if o.id == "signOut" { // it would end the sessions of the others
					return
				}
				h.wrongCallers(t, o)
				h.otherBranches(t, o)
				for j, group := range groups {
					if !testing.Short() || i%len(groups) == j {
						group(t, o)
					}
				}
			})
		}
	})
	if n := h.tooLarge.Load(); n < 20 && !testing.Short() {
		t.Errorf("%d endpoints refuse five million bytes as too large; nearly all should", n)
	}
	t.Run("files", func(t *testing.T) { badFiles(t, h) })
	t.Run("shapes", func(t *testing.T) { badShapes(t, h) })
	t.Run("the wire", func(t *testing.T) { badWire(t, h) })
	t.Logf("%d requests", h.sent.Load())
	h.stop()
	h.logIsClean(t)
}

// logIsClean checks that the log has no names, no other personal data and no errors of the server.
func (h *hostile) logIsClean(t *testing.T) {
	t.Helper()
	// The fraction of a second may be the digits of a place.
	log := regexp.MustCompile(`"time":"[^"]*",`).ReplaceAllString(h.log.String(), "")
	if strings.Count(log, "\n") < 100 {
		t.Fatalf("the log has %d bytes: nothing to read", len(log))
	}
	secrets := append(strings.Fields(marker), debtorName, debtorPhone, debtorStreet, "Zeferina", userPassword,
		adminPassword, "eyJ", "41.562860", "8.438897")
	for _, s := range secrets {
		if i := strings.Index(log, s); i >= 0 {
			t.Errorf("the log contains %q: …%s…", s, log[max(0, i-300):min(len(log), i+200)])
		}
	}
	if i := strings.Index(log, `"level":"ERROR"`); i >= 0 {
		t.Errorf("bad input caused an error of the server: %s", log[max(0, i-100):min(len(log), i+1500)])
	}
}

// keyFile reads the keys with which the server signs tokens.
func (h *hostile) keyFile(t *testing.T) (signing []byte) {
	t.Helper()
	text, err := os.ReadFile(h.cfg.Data + "/auth.keys")
	ok(t, err)
	var f struct{ Sign string }
	ok(t, errors.Join(json.Unmarshal(text, &f)))
	return []byte(f.Sign)
}
