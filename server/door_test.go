package server

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/server/play"
)

// visitedPerson is somebody with a link and a browser that keeps one cookie, whatever it says of itself.
type visitedPerson struct {
	a      *agency
	path   string
	cookie string
}

// get reads a page, and send sends a form; both follow one redirection and give the page with its status.
func (v *visitedPerson) get(path string) (int, string) { return v.ask(http.MethodGet, path, nil) }

func (v *visitedPerson) send(path string, form ...string) (int, string) {
	values := url.Values{"lang": {"en"}}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return v.ask(http.MethodPost, path, values)
}

func (v *visitedPerson) ask(method, path string, form url.Values) (int, string) {
	v.a.t.Helper()
	r, err := http.NewRequestWithContext(v.a.ctx, method, v.a.URL()+path, strings.NewReader(form.Encode()))
	ok(v.a.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" && strings.HasPrefix(path, "/door") {
		r.Header.Set("Cookie", v.cookie)
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := c.Do(r)
	ok(v.a.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	ok(v.a.t, err)
	for _, set := range answer.Header.Values("Set-Cookie") {
		for _, want := range []string{"HttpOnly", "Secure", "SameSite=Strict", "Path=/door"} {
			if !strings.Contains(set, want) {
				v.a.t.Errorf("the cookie %q lacks %s", set, want)
			}
		}
		v.cookie, _, _ = strings.Cut(set, ";")
	}
	if to := answer.Header.Get("Location"); to != "" {
		if to != "/door" {
			v.a.t.Errorf("%s leads to %q", path, to)
		}
		return v.get(to)
	}
	h := answer.Header
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Robots-Tag": "noindex, nofollow", "Content-Type": "text/html; charset=utf-8"} {
		if h.Get(name) != want {
			v.a.t.Errorf("%s %s: %s is %q", method, path, name, h.Get(name))
		}
	}
	if !strings.Contains(string(text), "<title>A message for you</title>") || len(text) > 25_000 ||
		!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		v.a.t.Errorf("%s %s: %d bytes, policy %q: %.300s", method, path, len(text), h.Get("Content-Security-Policy"), text)
	}
	return answer.StatusCode, string(text)
}

// says checks a page.
func (v *visitedPerson) says(name string, status int, page string, want int, parts ...string) {
	v.a.t.Helper()
	if status != want {
		v.a.t.Errorf("%s: %d, want %d: %s", name, status, want, page)
	}
	for _, part := range parts {
		if !strings.Contains(page, part) {
			v.a.t.Errorf("%s: the page does not say %q: %s", name, part, page)
		}
	}
}

// keyOf finds the hidden member of a page's form.
func hiddenOf(page, name string) string {
	if m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page); m != nil {
		return strings.NewReplacer("&#34;", `"`, "&#43;", "+", "&amp;", "&").Replace(m[1])
	}
	return ""
}

// enters passes the check by two facts.
func (v *visitedPerson) enters() {
	v.a.t.Helper()
	status, page := v.send(v.path, "do", "check", "postal", "4050 123", "last_four", "1234")
	v.says("the check", status, page, http.StatusOK, "What would you like?")
}

// logged collects the log.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// doorAgency has cases with these numbers, and a person for each.
func doorAgency(t *testing.T, cases int, verified string) (*agency, []*visitedPerson, *logged) {
	log := &logged{}
	a := newAgency(t, Config{Now: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC),
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	a.do(a.admin, http.MethodPut, "/v1/firm", map[string]any{"name": "Porta & Filhos", "phone": "+351 220 000 000"}, nil)
	a.do(a.admin, http.MethodPut, "/v1/territories/west?branch=porto", map[string]any{"type": "Feature",
		"properties": map[string]any{"branch": "porto", "name": "West"}, "geometry": map[string]any{"type": "Polygon",
			"coordinates": [][][]float64{{{-8.7, 41.1}, {-8.5, 41.1}, {-8.5, 41.2}, {-8.7, 41.2}, {-8.7, 41.1}}}}}, nil)
	csv := "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on,address," +
		"postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor,amount_due_minor,due_date," +
		"priority,service_min,flags\n"
	for i := range cases {
		csv += fmt.Sprintf("P-%d,LND,personal_loan,house-visit,D-%d,Made-up Debtor %d,en,+35191%d1234,%s,1 Example Street,"+
			"4050-123,Porto,PT,-8.61,41.15,2026-11-20,Europe/Lisbon,EUR,120000,60000,2026-10-01,2,20,\n", i, i, i, i+200,
			verified)
	}
	ok(t, a.admin.Send(a.ctx, http.MethodPost, "/v1/imports/cases?branch=porto", "text/csv", strings.NewReader(csv), nil))
	a.do(a.admin, http.MethodPut, "/v1/lenders/LND", map[string]any{"name": "North Bank"}, nil)
	people := make([]*visitedPerson, cases)
	for i := range people {
		people[i] = &visitedPerson{a: a}
		people[i].path = a.link(i)
	}
	return a, people, log
}

// link issues a link for a case and gives its path.
func (a *agency) link(i int) string {
	a.t.Helper()
	var issued struct{ Path string }
	a.do(a.admin, http.MethodPost, fmt.Sprintf("/v1/cases/LND.P-%d/links", i), map[string]any{}, &issued)
	if !regexp.MustCompile(`^/d/[A-Za-z0-9_-]{22,}$`).MatchString(issued.Path) {
		a.t.Fatalf("the link leads to %q", issued.Path)
	}
	return issued.Path
}

// file reads a case file.
func (a *agency) file(i int) (text string) {
	a.t.Helper()
	var raw json.RawMessage
	a.do(a.admin, http.MethodGet, fmt.Sprintf("/v1/cases/LND.P-%d", i), nil, &raw)
	return string(raw)
}

// debtTold are what no page may hold before the check.
var debtTold = regexp.MustCompile(`(?i)North Bank|LND|Debtor|600|EUR|\b(debt|owe|loan|payment|due|collect|late|visit us)\b`)

// TestNothingIsToldBeforeTheCheck opens a link as scanners, partners and guessers do.
func TestNothingIsToldBeforeTheCheck(t *testing.T) {
	a, people, log := doorAgency(t, 2, "")
	v := people[0]
	before := a.file(0)
	body := func(page string) string { return page[strings.Index(page, "</style>"):] }
	status, page := v.get(v.path)
	v.says("the first page", status, page, http.StatusOK, "You have a message from Porta &amp; Filhos.", "not for you")
	if found := debtTold.FindString(body(page)); found != "" {
		t.Errorf("the first page tells %q: %s", found, page)
	}
	if a.file(0) != before {
		t.Error("reading the first page changes the case")
	}
	for _, path := range []string{"/door", "/door/figures", "/door/yours", "/door/nothing"} {
		status, page := v.get(path)
		v.says(path+" without the check", status, page, http.StatusUnauthorized, "Your time on this page is over")
		if found := debtTold.FindString(body(page)); found != "" {
			t.Errorf("%s tells %q", path, found)
		}
	}
	_, none := v.get("/d/AAAAAAAAAAAAAAAAAAAAAAAAAAA")
	status, page = v.send(v.path, "do", "check", "postal", "4050-123", "last_four", "12")
	v.says("two digits", status, page, http.StatusUnprocessableEntity, "Write the last four digits")
	status, page = v.send(v.path, "do", "check", "code", "000000")
	v.says("a code that nobody sent", status, page, http.StatusUnprocessableEntity, "does not fit")
	for range 9 {
		status, page = v.send(v.path, "do", "check", "postal", "4050-123", "last_four", "9999")
		v.says("a wrong answer", status, page, http.StatusUnprocessableEntity, "does not fit what we know")
	}
	status, over := v.send(v.path, "do", "check", "postal", "4050-123", "last_four", "1234")
	v.says("a right answer after ten wrong ones", status, over, http.StatusNotFound, "does not work any more")
	if over != none {
		t.Error("a link that is over and a token that there is not are told apart")
	}
	// Of another case's link the cookie opens nothing, and a cookie that was made up neither.
	people[1].enters()
	right := people[1].cookie
	people[1].cookie = right[:len(right)-1] + map[bool]string{true: "0", false: "1"}[strings.HasSuffix(right, "1")]
	status, page = people[1].get("/door")
	v.says("a forged cookie", status, page, http.StatusUnauthorized)
	people[1].cookie = right
	var file struct {
		Links []struct {
			ID string `json:"link_id"`
		} `json:"page_links"`
	}
	ok(t, json.Unmarshal([]byte(a.file(1)), &file))
	if len(file.Links) != 1 {
		t.Fatalf("the case has the links %+v: %s", file, a.file(1))
	}
	a.do(a.admin, http.MethodPost, "/v1/cases/LND.P-1/links/"+file.Links[0].ID+"/revoke",
		map[string]any{"reason": "sent to a wrong address"}, nil)
	status, page = people[1].get("/door")
	v.says("a revoked link", status, page, http.StatusUnauthorized, "Your time on this page is over")
	// Neither the log nor what the store holds has a token or what was typed.
	for _, secret := range []string{v.path[3:], people[1].path[3:], "4050", "9999"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
		if secret == v.path[3:] && strings.Contains(a.file(0), secret) {
			t.Error("the case holds the token")
		}
	}
}

// TestWhatThePersonDoesOnThePageTakesEffect walks each way, twice where a form is sent twice.
func TestWhatThePersonDoesOnThePageTakesEffect(t *testing.T) {
	ways := []struct {
		name, page, shown string
		form              []string
		checked, done     string
		file, not         string // what the case file holds then, and what not
	}{
		{"no visits", "stop", "Shall we stop all visits?", nil, "", "Nobody will visit you.", `"cease_visit"`, ""},
		{"moved", "wrong", "What is wrong?", []string{"what", "moved"}, "I live somewhere else now",
			"Nobody visits the old address", `"address_verification":"moved"`, ""},
		{"paid", "wrong", "What is wrong?", []string{"what", "paid", "text", "On 3 November"}, "On 3 November",
			"until we have looked for the payment", `"dispute"`, ""},
		{"dispute", "wrong", "What is wrong?", []string{"what", "dispute"}, "I do not owe this", "looked into it",
			`"dispute"`, ""},
		{"died", "wrong", "What is wrong?", []string{"what", "died"}, "Somebody has died", "We are sorry.", `"deceased"`, ""},
		{"ill", "wrong", "What is wrong?", []string{"what", "ill"}, "I am ill", "who is trained for this", `"vulnerable"`,
			""},
		{"complaint", "complain", "What happened?", []string{"text", "They shouted at the door."}, "They shouted",
			"We will answer your complaint by", `"complaint"`, ""},
		{"nothing at the moment", "talk", "What can you manage?", []string{"can", "nothing"}, "Nothing at the moment",
			"A person will answer you by", "", `"holds"`},
		{"a copy", "yours", "1 Example Street", nil, "Shall we send you a full copy?", "We will send you the copy by", "",
			`"holds"`},
		{"none of the times", "time", "When may we come?", []string{"time", "none"}, "None of these",
			"A person will answer you by", "", `"holds"`},
	}
	a, people, _ := doorAgency(t, len(ways), "")
	var replies struct{ Items []json.RawMessage }
	for i, w := range ways {
		v := people[i]
		v.enters()
		status, page := v.get("/door/" + w.page)
		v.says(w.name, status, page, http.StatusOK, w.shown)
		before := a.file(i)
		if w.form != nil || w.page == "yours" {
			status, page = v.send("/door/"+w.page, w.form...)
			v.says(w.name+", to be checked", status, page, http.StatusOK, w.checked)
		}
		if a.file(i) != before {
			t.Errorf("%s: what is not sent changes the case", w.name)
		}
		form := []string{"send", "1", "key", hiddenOf(page, "key")}
		for _, name := range []string{"what", "text", "told", "can", "time"} {
			if x := hiddenOf(page, name); x != "" {
				form = append(form, name, x)
			}
		}
		status, done := v.send("/door/"+w.page, form...)
		v.says(w.name+", sent", status, done, http.StatusOK, w.done, "Your number is ")
		first := a.file(i)
		if !strings.Contains(first, w.file) || w.not != "" && strings.Contains(first, w.not) {
			t.Errorf("%s: the case file is %s", w.name, first)
		}
		status, again := v.send("/door/"+w.page, form...)
		v.says(w.name+", sent again", status, again, http.StatusOK)
		if again != done || a.file(i) != first {
			t.Errorf("%s: what is sent twice takes effect twice", w.name)
		}
		a.do(a.admin, http.MethodGet, "/v1/replies?branch=porto", nil, &replies)
		if len(replies.Items) != i+1 {
			t.Errorf("%s: %d answers wait for a person, want %d", w.name, len(replies.Items), i+1)
		}
	}
	v := people[0]
	status, page := v.send("/door/wrong", "text", "x")
	v.says("no choice", status, page, http.StatusUnprocessableEntity, "Choose one of the answers.")
	status, page = v.send("/door/complain", "text", " ")
	v.says("an empty complaint", status, page, http.StatusUnprocessableEntity, "Write what happened.")
	status, page = v.send("/door/talk", "can", "number", "monthly", "a lot")
	v.says("no number", status, page, http.StatusUnprocessableEntity, "Write an amount with numbers")
	status, page = v.send("/door/leave")
	v.says("leaving", status, page, http.StatusOK, `content="0;url=https://www.wikipedia.org/"`)
	if v.cookie != "doorstep_door=" {
		t.Errorf("after leaving the cookie is %q", v.cookie)
	}
}

// TestAPlanAndATimeAreChosenOnThePage chooses among what is offered, and nothing else.
func TestAPlanAndATimeAreChosenOnThePage(t *testing.T) {
	a, people, _ := doorAgency(t, 2, "")
	v := people[0]
	v.enters()
	status, page := v.get("/door/time")
	v.says("the times", status, page, http.StatusOK, "Thursday 26 November 2026, in the morning")
	m := regexp.MustCompile(`name="time" value="(2026-11-27T[^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no time of Friday: %s", page)
	}
	chosen := strings.ReplaceAll(m[1], "&#43;", "+")
	status, page = v.send("/door/time", "time", chosen)
	v.says("a time, to be checked", status, page, http.StatusOK, "Friday 27 November 2026")
	status, page = v.send("/door/time", "time", hiddenOf(page, "time"), "send", "1", "key", hiddenOf(page, "key"))
	v.says("a time", status, page, http.StatusOK, "We come on Friday 27 November 2026")
	status, page = v.get("/door")
	v.says("the start", status, page, http.StatusOK, "You chose this time: Friday 27 November 2026")
	// A time that the law forbids is not to be had by a form that was made up.
	_, key := v.send("/door/time", "time", "none")
	status, page = v.send("/door/time", "time", "2026-11-28T03:00:00Z/2026-11-28T04:00:00Z", "send", "1", "key",
		hiddenOf(key, "key"))
	v.says("a night", status, page, http.StatusUnprocessableEntity, "not free any more")

	status, page = v.send("/door/talk", "can", "number", "monthly", "100")
	v.says("the offers", status, page, http.StatusOK, "100.00 EUR a month: 6 payments", "600.00 EUR in all")
	low, high := strings.Index(page, "50.00 EUR a month"), strings.Index(page, "100.00 EUR a month")
	if low < 0 || low > high {
		t.Errorf("the lowest payment does not come first: %s", page)
	}
	offer := `{"kind":"instalments","start_on":"2026-12-09","frequency":"monthly","count":6}`
	if !strings.Contains(page, strings.NewReplacer(`"`, "&#34;").Replace(`"start_on":"2026-12-09"`)) {
		t.Errorf("no offer begins on 9 December: %s", page)
	}
	status, page = v.send("/door/talk", "plan", "choose", "offer", offer, "monthly", "0")
	v.says("an offer, to be checked", status, page, http.StatusOK, "Check your answers", "100.00 EUR a month")
	key2 := hiddenOf(page, "key")
	for name, bad := range map[string]string{
		"a concession": `{"kind":"reduced_payment","start_on":"2026-12-09","frequency":"monthly","count":6,` +
			`"concession_minor":50000}`,
		"a token payment": `{"kind":"token_payment","start_on":"2026-12-09","frequency":"monthly","count":2,` +
			`"amount_minor":1,"review_on":"2027-06-01"}`,
		"a plan of a hundred years": `{"kind":"instalments","start_on":"2026-12-09","frequency":"monthly","count":600}`,
	} {
		status, page = v.send("/door/talk", "plan", "choose", "offer", bad, "send", "1", "key", key2)
		v.says(name, status, page, http.StatusUnprocessableEntity, "Choose one of the answers.")
	}
	status, page = v.send("/door/talk", "plan", "choose", "offer", offer, "monthly", "0", "send", "1", "key", key2)
	v.says("an offer", status, page, http.StatusOK, "Your plan is agreed.", "You pay 100.00 EUR each time, 6 times.",
		"until Saturday 28 November 2026")
	if !strings.Contains(a.file(0), `"live_plan"`) {
		t.Errorf("the plan is not in force: %s", a.file(0))
	}
	status, page = v.get("/door/talk")
	v.says("the plan", status, page, http.StatusOK, "End this plan", "Wednesday 9 December 2026")
	// Another person's plan is not to be ended.
	other := people[1]
	other.enters()
	_, theirs := other.get("/door/stop")
	status, page = other.send("/door/talk", "end", hiddenOf(page, "end"), "send", "1", "key", hiddenOf(theirs, "key"))
	v.says("another person's plan", status, page, http.StatusConflict, "cannot end it here")
	_, page = v.get("/door/talk")
	status, page = v.send("/door/talk", "end", hiddenOf(page, "end"))
	v.says("the end, to be checked", status, page, http.StatusOK, "Do you want to end your plan?")
	status, page = v.send("/door/talk", "end", hiddenOf(page, "end"), "send", "1", "key", hiddenOf(page, "key"))
	v.says("the end", status, page, http.StatusOK, "Your plan has ended.")
}

// TestACodeByTextOpensThePage asks for a code, and reads it where the texts go.
func TestACodeByTextOpensThePage(t *testing.T) {
	a, people, _ := doorAgency(t, 1, "2026-11-20")
	v := people[0]
	status, page := v.get(v.path)
	v.says("the first page", status, page, http.StatusOK, "Send me the digits")
	status, page = v.send(v.path, "do", "code", "key", hiddenOf(page, "key"))
	v.says("the code is asked for", status, page, http.StatusOK, "The six digits from the text")
	digits := regexp.MustCompile(`([0-9]{6}) is your code`)
	var code string
	for end := time.Now().Add(30 * time.Second); code == "" && time.Now().Before(end); {
		sent, err := os.ReadFile(filepath.Join(a.cfg.Data, textFile))
		if m := digits.FindStringSubmatch(string(sent)); err == nil && m != nil {
			code = m[1]
		}
	}
	if code == "" {
		t.Fatal("no text brings a code")
	}
	var texts json.RawMessage
	a.do(a.admin, http.MethodGet, "/v1/messages?branch=porto", nil, &texts)
	if strings.Contains(string(texts), code) || !strings.Contains(string(texts), "page_code") {
		t.Errorf("the office sees the code: %s", texts)
	}
	wrong := map[bool]string{true: "111111", false: "000000"}[code != "111111"]
	status, page = v.send(v.path, "do", "check", "code", wrong)
	v.says("another code", status, page, http.StatusUnprocessableEntity, "does not fit")
	status, page = v.send(v.path, "do", "check", "code", code[:3]+" "+code[3:])
	v.says("the code", status, page, http.StatusOK, "What would you like?", "North Bank")
	status, page = v.send(v.path, "do", "check", "code", code)
	v.says("the code once more", status, page, http.StatusUnprocessableEntity, "does not fit")
}

// TestThisIsNotForMe stops the messages before any check.
func TestThisIsNotForMe(t *testing.T) {
	a, people, _ := doorAgency(t, 1, "")
	v := people[0]
	before := a.file(0)
	status, page := v.send(v.path, "do", "not_me")
	v.says("to be confirmed", status, page, http.StatusOK, "Shall we stop writing to you?")
	if a.file(0) != before {
		t.Error("the question changes the case")
	}
	status, page = v.send(v.path, "do", "not_me_yes", "key", hiddenOf(page, "key"))
	v.says("confirmed", status, page, http.StatusOK, "We write to you no more")
	if now := a.file(0); !strings.Contains(now, `"stop"`) || !strings.Contains(now, `"not the debtor"`) {
		t.Errorf("the case file is %s", now)
	}
	status, page = v.get(v.path)
	v.says("the link then", status, page, http.StatusNotFound, "does not work any more")
	var p *play.Client = a.admin
	var replies struct{ Items []struct{ Intent string } }
	a.do(p, http.MethodGet, "/v1/replies?branch=porto", nil, &replies)
	if len(replies.Items) != 1 || replies.Items[0].Intent != "wrong_number" {
		t.Errorf("the office is told %+v", replies)
	}
}

// TestAConsentIsTakenBackOnThePage reads the receipt, takes the consent back, and has an older one arrive later.
func TestAConsentIsTakenBackOnThePage(t *testing.T) {
	a, people, _ := doorAgency(t, 1, "")
	v := people[0]
	given := func(id, at string) {
		t.Helper()
		a.do(a.admin, http.MethodPost, "/v1/cases/LND.P-0/consents", map[string]any{"id": id, "at": at, "scope": "visit_time",
			"status": "given", "method": "paper_scan", "language": "en", "notice_version": "v3",
			"text_shown_sha256": strings.Repeat("ab", 32),
			"evidence":          map[string]any{"signature_sha256": strings.Repeat("cd", 32)}}, nil)
	}
	given("k-1", "2026-11-24T10:00:00Z")
	v.enters()
	status, page := v.get("/door/agreed")
	v.says("what was agreed", status, page, http.StatusOK, "To be visited at other times", "Tuesday 24 November 2026",
		"on paper", "North Bank", "k-1", "It holds until you take it back.")
	status, page = v.send("/door/agreed", "consent", "k-1")
	v.says("to be confirmed", status, page, http.StatusOK, "Do you want to take this back?")
	status, page = v.send("/door/agreed", "consent", "k-1", "send", "1", "key", hiddenOf(page, "key"))
	v.says("taken back", status, page, http.StatusOK, "You have taken it back.")
	// A phone without network held an older one, which arrives now.
	given("k-2", "2026-11-25T09:00:00Z")
	status, page = v.get("/door/agreed")
	v.says("then", status, page, http.StatusOK, "It ended on Wednesday 25 November 2026.")
	if strings.Contains(page, "It holds until") {
		t.Errorf("an older consent that arrives later holds: %s", page)
	}
	for _, id := range []string{"k-1", "k-2"} {
		var r struct {
			Schema string `json:"schema_version"`
			Events []struct {
				State string `json:"event_state"`
			}
			Parties []struct {
				Type string `json:"party_type"`
				Name string `json:"party_name"`
			} `json:"party_identification"`
			Kantara struct {
				Version string
				ID      string `json:"consentReceiptID"`
			}
		}
		a.do(a.admin, http.MethodGet, "/v1/consents/"+id+"/receipt?branch=porto", nil, &r)
		if r.Schema != "ISO/IEC TS 27560:2023" || len(r.Events) != 2 || r.Events[1].State != "consent_withdrawn" ||
			len(r.Parties) != 3 || r.Parties[1].Name != "North Bank" || r.Kantara.ID != id {
			t.Errorf("the receipt of %s is %+v", id, r)
		}
	}
	if got := code(t, a.admin.Do(a.ctx, http.MethodGet, "/v1/consents/nothing/receipt?branch=porto", nil, nil)); got !=
		"consent.not_found" {
		t.Errorf("a consent that there is not has a receipt: %q", got)
	}
}
