package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"doorstep/server/audit"
	"doorstep/server/play"

	"golang.org/x/tools/txtar"
)

// TestDays plays the days of testdata/days. Each line of a day is a sentence that the
// test carries out over HTTP or compares with what happened. Lines that begin with # are
// for the reader only; every other line must be one of the sentences below.
func TestDays(t *testing.T) {
	files, err := filepath.Glob("testdata/days/*.txtar")
	ok(t, err)
	if len(files) < 2 {
		t.Fatalf("there are %d days", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			story, err := txtar.ParseFile(file)
			ok(t, err)
			s := &storyteller{t: t, ctx: t.Context(), data: t.TempDir(), phones: map[string]*play.Phone{},
				files: map[string][]byte{}}
			for _, f := range story.Files {
				s.files[f.Name] = f.Data
			}
			for n, line := range strings.Split(string(story.Comment), "\n") {
				if s.at = fmt.Sprintf("%s:%d", file, n+1); !s.tell(line) {
					t.Errorf("%s: no sentence is like this: %s", s.at, line)
				}
				if t.Failed() {
					t.FailNow()
				}
			}
			if s.told < 20 {
				t.Errorf("only %d sentences of the story were played", s.told)
			}
			s.server.stop()
			checkClean(t, s.data)
		})
	}
}

const dayPassword = "a password of the story"

// storyteller plays one story.
type storyteller struct {
	t    *testing.T
	ctx  context.Context
	at   string // file and line of the sentence
	told int

	data                       string
	files                      map[string][]byte
	server                     *running
	branch                     string
	zone                       *time.Location
	now                        time.Time
	admin, supervisor, auditor *play.Client
	phones                     map[string]*play.Phone
	sent                       []play.Mutation // by the phone that sent last
	round                      string
	export                     []byte

	sms     string // the path of the configuration of texts
	gateway *textGateway
	replied map[string]string
}

// sentences lists the sentences of stories and the functions that carry them out.
var sentences = []struct {
	shape *regexp.Regexp
	do    func(s *storyteller, m []string)
}{
	{shape(`The branch (\S+) keeps the time of (\S+)`), (*storyteller).keepsTime},
	{shape(`It is (\w+ \d+ \w+ \d{4}, \d\d:\d\d)`), (*storyteller).isTime},
	{shape(`The map (\S+) is taken in`), (*storyteller).takesMap},
	{shape(`The lender sends (\S+): (\d+) cases are new`), (*storyteller).takesCases},
	{shape(`The lender sends (\S+) again: nothing changes`), (*storyteller).takesCases},
	{shape(`Team (\S+) is (\S+) and (\S+), with badge, letter of authorisation and recording`), (*storyteller).makesTeam},
	{shape(`Team (\S+) works that day from (\S+) to (\S+)`), (*storyteller).works},
	{shape(`The supervisor plans the day: (\d+) visits, (\d+) cases left out`), (*storyteller).plans},
	{shape(`(\S+) gets no visit: (.+)`), (*storyteller).noVisit},
	{shape(`Every planned visit lies between (\S+) and (\S+)`), (*storyteller).between},
	{shape(`The supervisor publishes the round: (\d+) assignments go out`), (*storyteller).publishes},
	{shape(`The phone of (\S+) shows (.+)`), (*storyteller).shows},
	{shape(`At (\S+) (\S+) is at the door of (\S+): (.+)`), (*storyteller).visits},
	{shape(`At (\S+) (\S+) notes that the debtor of (\S+) (agrees to contact at other hours|withdraws that consent)`),
		(*storyteller).consents},
	{shape(`The phone of (\S+) sends what it holds: (?:all is taken|the visit to (\S+) is held back)`),
		(*storyteller).sends},
	{shape(`The phone of (\S+) sends it all again: nothing happens twice`), (*storyteller).sendsAgain},
	{shape(`The debtor of (\S+) asks the office for no more visits`), (*storyteller).asksForNone},
	{shape(`The file of (\S+) shows (no|\d+) visits?(?:, the (first|last) (?:not flagged|flagged (\S+(?: and \S+)*) by rule (\S+)))?`), (*storyteller).fileShows},
	{shape(`The file of (\S+) shows an accepted plan of (\d+)\.(\d\d) (\w+) in (\d+) instalments`),
		(*storyteller).planShows},
	{shape(`The auditor exports the visits: (\d+), all there and unaltered`), (*storyteller).exports},
	{shape(`Texts go out by a gateway`), (*storyteller).carriesTexts},
	{shape(`The supervisor proposes the texts of (\S+) in (\S+)`), (*storyteller).proposesTexts},
	{shape(`Nobody approves a text of their own`), (*storyteller).approvesNoneOfTheirOwn},
	{shape(`The administrator approves the texts`), (*storyteller).approvesTexts},
	{shape(`The (first|second|third) text to (\S+) waits for (.+) by rule (\S+)`), (*storyteller).textWaits},
	{shape(`The gateway has carried (\d+) texts?(?:, the last to (\S+): "(.+)")?`), (*storyteller).hasCarried},
	{shape(`The gateway says (?:that the text arrived|so again: nothing changes)`), (*storyteller).arrives},
	{shape(`A stranger says that a text arrived: nobody believes it`), (*storyteller).strangerSays},
	{shape(`The office speaks with the debtor of (\S+) at (\S+)`), (*storyteller).speaks},
	{shape(`The debtor of (\S+) answers: "(.+)"`), (*storyteller).answers},
	{shape(`The debtor of \S+ answers the same again: nothing happens twice`), (*storyteller).answers},
	{shape(`The inbox shows (\d+) repl(?:y|ies)`), (*storyteller).inboxShows},
	{shape(`The file of (\S+) shows (\d+) contacts`), (*storyteller).contactsShow},
	{shape(`The file of (\S+) shows that the number gets no more texts`), (*storyteller).noMoreTexts},
	{shape(`The ladder of (\S+) is (\S+) after (\d+) texts`), (*storyteller).ladderIs},
	{shape(`With one word altered, the export no longer verifies`), (*storyteller).altered},
}

func shape(text string) *regexp.Regexp { return regexp.MustCompile(`^` + text + `\.$`) }

// tell plays a line; it returns false if the line is not a sentence.
func (s *storyteller) tell(line string) bool {
	if line == "" || strings.HasPrefix(line, "#") {
		return true
	}
	for _, like := range sentences {
		if m := like.shape.FindStringSubmatch(line); m != nil {
			s.told++
			like.do(s, m[1:])
			return true
		}
	}
	return false
}

// must ends the story at a sentence that cannot be played.
func (s *storyteller) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", s.at, err)
	}
}

// want compares what happened with what the sentence says.
func (s *storyteller) want(what string, got, want any) {
	s.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("%s: %s: %v, and the story says %v", s.at, what, got, want)
	}
}

func (s *storyteller) keepsTime(m []string) {
	zone, err := time.LoadLocation(m[1])
	s.must(err)
	s.branch, s.zone = m[0], zone
}

// countries are those of the zones of the days.
var countries = map[string]string{"Europe/Lisbon": "PT", "Europe/Dublin": "IE"}

// isTime starts the server, or starts it again, with its clock at a time.
func (s *storyteller) isTime(m []string) {
	now, err := time.ParseInLocation("Monday 2 January 2006, 15:04", m[0], s.zone)
	s.must(err)
	first := s.server == nil
	if !first {
		s.server.stop()
	}
	s.now = now
	s.server = run(s.t, Config{Data: s.data, Now: now, SMS: s.sms})
	signedIn := func(login, password string) *play.Client {
		c := &play.Client{Base: s.server.URL()}
		s.must(c.SignIn(s.ctx, login, password, ""))
		return c
	}
	s.admin = signedIn("admin", adminPassword)
	if first {
		s.must(s.admin.Do(s.ctx, http.MethodPut, "/v1/branches/"+s.branch,
			map[string]any{"time_zone": s.zone.String(), "country": countries[s.zone.String()]}, nil))
		s.makesUser("supervisor", map[string]any{"role": "supervisor"})
		s.makesUser("auditor", map[string]any{"role": "auditor", "regulator": true})
	}
	s.supervisor, s.auditor = signedIn("supervisor", dayPassword), signedIn("auditor", dayPassword)
	for _, p := range s.phones {
		p.Base = s.server.URL()
		s.must(p.SignIn(s.ctx, p.Agent, dayPassword, p.Device))
	}
}

func (s *storyteller) makesUser(login string, more map[string]any) {
	body := map[string]any{"id": login, "login": login, "branches": []string{s.branch}, "password": dayPassword,
		"keep_password": true}
	for k, v := range more {
		body[k] = v
	}
	s.must(s.admin.Do(s.ctx, http.MethodPost, "/v1/users", body, nil))
}

func (s *storyteller) imports(what, contentType, file string) (r play.ImportReport) {
	s.must(s.admin.Send(s.ctx, http.MethodPost, "/v1/imports/"+what+"?branch="+s.branch, contentType,
		io.Reader(bytes.NewReader(s.files[file])), &r))
	return r
}

func (s *storyteller) takesMap(m []string) {
	r := s.imports("territories", "application/geo+json", m[0])
	s.want("territories refused", r.Rejected, 0)
}

func (s *storyteller) takesCases(m []string) {
	r := s.imports("cases", "text/csv", m[0])
	if len(m) < 2 {
		s.want("new, changed and refused", []int{r.Accepted, r.Updated, r.Rejected}, []int{0, 0, 0})
		return
	}
	s.want("new, changed and refused", fmt.Sprint(r.Accepted, r.Updated, r.Rejected), m[1]+" 0 0")
}

func (s *storyteller) makesTeam(m []string) {
	for _, agent := range m[1:3] {
		s.makesUser(agent, map[string]any{"role": "agent", "badge_no": "B-" + agent})
		p := play.NewPhone(s.server.URL(), agent, "phone-of-"+agent, nil)
		s.must(p.SignIn(s.ctx, agent, dayPassword, p.Device))
		s.phones[agent] = p
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodPut, "/v1/teams/"+m[0], map[string]any{"branch": s.branch, "agents": m[1:3],
		"items": []string{"badge", "authorisation_letter"}, "recording": true, "mode": "car",
		"start": []float64{-8.43, 41.55}}, nil))
}

func (s *storyteller) date() string { return s.now.Format(time.DateOnly) }

func (s *storyteller) works(m []string) {
	s.must(s.supervisor.Do(s.ctx, http.MethodPut, "/v1/teams/"+m[0]+"/shifts/"+s.date(),
		map[string]any{"branch": s.branch, "from": m[1], "to": m[2]}, nil))
}

// roundNow waits until the round of the day has a status and returns the round.
func (s *storyteller) roundNow(status string) (r play.Round) {
	deadline := time.Now().Add(time.Minute)
	for {
		s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/rounds/"+s.round, nil, &r))
		if r.Status == status {
			return r
		}
		if r.Status == "failed" || time.Now().After(deadline) {
			s.t.Fatalf("%s: the round is %s %s", s.at, r.Status, r.Failure)
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
		r = play.Round{}
	}
}

func (s *storyteller) plans(m []string) {
	var made struct {
		ID string `json:"id"`
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodPost, "/v1/rounds", map[string]any{"branch": s.branch, "date": s.date(),
		"seed": 1, "time_limit_s": 1}, &made))
	s.round = made.ID
	r := s.roundNow("planned")
	s.want("visits and cases left out", fmt.Sprint(r.Stops, r.LeftOut), m[0]+" "+m[1])
}

// whyNone has the words for the codes of cases without a visit.
var whyNone = map[string]string{
	"HOLD":            "a dispute, a complaint or another hold is open",
	"NO_TERRITORY":    "the home lies outside every territory",
	"PLAN_PERFORMING": "a repayment plan is being kept",
}

func (s *storyteller) noVisit(m []string) {
	id := s.caseID(m[0])
	for _, u := range s.roundNow("planned").Unassigned {
		if u.Case == id {
			s.want("why", whyNone[u.Code], m[1])
			return
		}
	}
	s.t.Errorf("%s: it is not left out", s.at)
}

func (s *storyteller) between(m []string) {
	for _, route := range s.roundNow("planned").Routes {
		for _, stop := range route.Stops {
			if at := stop.ETA.In(s.zone).Format("15:04"); at < m[0] || at > m[1] {
				s.t.Errorf("%s: one is planned at %s", s.at, at)
			}
		}
	}
}

func (s *storyteller) publishes(m []string) {
	s.must(s.supervisor.Do(s.ctx, http.MethodPost, "/v1/rounds/"+s.round+"/publish", nil, nil))
	s.want("assignments", s.roundNow("published").Issued, m[0])
}

// caseID finds a case by the lender's own reference.
func (s *storyteller) caseID(ref string) string {
	var list struct {
		Items []struct {
			ID  string `json:"id"`
			Ref string `json:"case_ref"`
		} `json:"items"`
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/cases?branch="+s.branch, nil, &list))
	for _, c := range list.Items {
		if c.Ref == ref {
			return cmp.Or(c.ID, c.Ref)
		}
	}
	s.t.Fatalf("%s: no case has the reference %s", s.at, ref)
	return ""
}

func (s *storyteller) shows(m []string) {
	p := s.phones[m[0]]
	_, err := p.Pull(s.ctx)
	s.must(err)
	as, err := p.Assignments(s.date())
	s.must(err)
	var got, want []string
	for _, a := range as {
		got = append(got, a.Case)
	}
	if m[1] != "nothing" {
		for _, ref := range strings.Fields(strings.NewReplacer(",", " ", " and ", " ").Replace(m[1])) {
			want = append(want, s.caseID(ref))
		}
	}
	slices.Sort(got)
	s.want("it shows", got, want)
	// A phone has a case card as long as it has an assignment of the case, done or not.
	of := map[string]bool{}
	for _, doc := range p.Docs["assignments"] {
		var a play.Assignment
		s.must(json.Unmarshal(doc, &a))
		of[a.Case] = true
	}
	s.want("case cards", slices.Sorted(maps.Keys(p.Docs["cases"])), slices.Sorted(maps.Keys(of)))
}

// clock returns a time of the story's day.
func (s *storyteller) clock(text string) time.Time {
	at, err := time.ParseInLocation(time.DateTime, s.date()+" "+text+":00", s.zone)
	s.must(err)
	return at
}

// atDoors has the outcomes of visits by the words of stories.
var atDoors = map[string]struct{ outcome, met string }{
	"nobody is there":            {"NOT_MET_NOBODY", "nobody"},
	"the debtor promises to pay": {"MET_PTP", "debtor"},
	"the debtor agrees to pay in three monthly instalments": {"MET_PLAN_SIGNED", "debtor"},
	"only the spouse is there, and is not told of the debt": {"NOT_MET_THIRD_PARTY", "spouse"},
}

func (s *storyteller) visits(m []string) {
	at, p, end := s.clock(m[0]), s.phones[m[1]], atDoors[m[3]]
	if end.outcome == "" {
		s.t.Fatalf("%s: no visit ends like this: %s", s.at, m[3])
	}
	id := s.caseID(m[2])
	card, err := p.Card(id)
	s.must(err)
	fix := func(t time.Time) map[string]any {
		return map[string]any{"at": t.UTC(), "point": card.Home, "accuracy_m": 10, "provider": "gps"}
	}
	out := at.Add(10 * time.Minute)
	check := "none"
	if end.met == "debtor" {
		check = "verbal_two_facts"
	}
	fields := map[string]any{"case": id, "at": at.UTC(), "place": "home", "purpose": "negotiate", "outcome": end.outcome,
		"agents": []map[string]any{{"agent_id": "agent-1", "role": "lead", "badge_no": "B-agent-1"},
			{"agent_id": "agent-2", "role": "second", "badge_no": "B-agent-2"}},
		"items":              []string{"badge", "authorisation_letter"},
		"announced_identity": true,
		"recording":          map[string]any{"media": "audio", "started_at": at.UTC(), "ended_at": out.UTC()},
		"person_met":         map[string]any{"relationship": end.met, "identity_check": check},
		"check_in":           fix(at),
		"check_out":          fix(out),
	}
	as, err := p.Assignments(s.date())
	s.must(err)
	for _, a := range as {
		if a.Case == id {
			fields["assignment"] = a.ID
		}
	}
	visit, plan := play.NewID(), play.NewID()
	if end.outcome == "MET_PLAN_SIGNED" {
		fields["plan"] = plan
	}
	mid := p.Write("visits", visit, "put", out, fields)
	if end.outcome != "MET_PLAN_SIGNED" {
		return
	}
	p.Write("plans", plan, "put", out, map[string]any{"case": id, "visit": visit, "state": "accepted", "at": at.UTC(),
		"request": map[string]any{"kind": "instalments", "start_on": at.AddDate(0, 1, 0).Format(time.DateOnly),
			"frequency": "monthly", "count": 3}, "total_minor": card.AmountDue}, mid)
}

func (s *storyteller) consents(m []string) {
	at := s.clock(m[0])
	fields := map[string]any{"case": s.caseID(m[2]), "scope": "contact_time", "status": "given",
		"method": "verbal_recorded", "at": at.UTC(), "text_shown_sha256": strings.Repeat("ab", 32),
		"evidence": map[string]any{"recording_ref": "recording-1"}}
	if strings.HasPrefix(m[3], "withdraws") {
		fields["status"], fields["withdrawn_via"] = "withdrawn", "verbal"
	}
	s.phones[m[1]].Write("consents", play.NewID(), "put", at, fields)
}

func (s *storyteller) sends(m []string) {
	p := s.phones[m[0]]
	s.sent = slices.Clone(p.Queue)
	clear(p.Tally)
	s.must(p.Push(s.ctx, nil))
	if m[1] == "" {
		s.want("what became of it", p.Tally, map[string]int{"applied": len(s.sent)})
		return
	}
	s.want("what became of it", p.Tally["revoked"], 1)
	s.want("whose case it was", s.sent[0].Fields["case"], s.caseID(m[1]))
}

func (s *storyteller) sendsAgain(m []string) {
	p := s.phones[m[0]]
	p.Queue = slices.Clone(s.sent)
	clear(p.Tally)
	s.must(p.Push(s.ctx, nil))
	s.want("what became of it", p.Tally, map[string]int{"duplicate": len(s.sent)})
}

func (s *storyteller) asksForNone(m []string) {
	s.must(s.supervisor.Do(s.ctx, http.MethodPost, "/v1/cases/"+s.caseID(m[0])+"/holds",
		map[string]any{"kind": "cease_visit"}, nil))
}

// file holds the members of a case file that stories ask about.
type file struct {
	Visits []filedVisit `json:"visits"`
	Plans  []struct {
		State       string            `json:"state"`
		Currency    string            `json:"currency"`
		Total       int64             `json:"total_minor"`
		Instalments []json.RawMessage `json:"instalments"`
	} `json:"plans"`
}

type filedVisit struct {
	At        time.Time `json:"at"`
	Flags     []string  `json:"flags"`
	Decisions []struct {
		Phase string `json:"phase"`
		Rule  string `json:"rule"`
	} `json:"decisions"`
}

func (s *storyteller) read(ref string) (f file) {
	s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/cases/"+s.caseID(ref), nil, &f))
	return f
}

func (s *storyteller) fileShows(m []string) {
	f := s.read(m[0])
	n, _ := strconv.Atoi(m[1])
	s.want("visits", len(f.Visits), n)
	if len(f.Visits) == 0 {
		return
	}
	slices.SortFunc(f.Visits, func(a, b filedVisit) int { return a.At.Compare(b.At) })
	visit := f.Visits[0]
	if m[2] == "last" {
		visit = f.Visits[len(f.Visits)-1]
	}
	rule := ""
	for _, d := range visit.Decisions {
		if d.Phase == "sync" {
			rule = d.Rule
		}
	}
	s.want("flags", strings.Join(visit.Flags, " and "), m[3])
	s.want("rule", rule, m[4])
}

func (s *storyteller) planShows(m []string) {
	f := s.read(m[0])
	if len(f.Plans) != 1 {
		s.t.Fatalf("%s: it shows %d plans", s.at, len(f.Plans))
	}
	p := f.Plans[0]
	s.want("plan", fmt.Sprintf("%s %d %s %d", p.State, p.Total, p.Currency, len(p.Instalments)),
		fmt.Sprintf("accepted %s%s %s %s", m[1], m[2], m[3], m[4]))
}

func (s *storyteller) exports(m []string) {
	var b bytes.Buffer
	s.must(s.auditor.Send(s.ctx, http.MethodGet, "/v1/audit/visits?format=ndjson&branch="+s.branch, "", nil, &b))
	s.export = b.Bytes()
	r, err := audit.Verify(bytes.NewReader(s.export), s.server.AuditKey())
	s.must(err)
	s.want("visits", fmt.Sprint(r.Manifest.Visits, r.Manifest.Complete), m[0]+" true")
}

func (s *storyteller) altered([]string) {
	other := bytes.Replace(s.export, []byte("NOT_MET_NOBODY"), []byte("NOT_MET_NOBODX"), 1)
	if bytes.Equal(other, s.export) {
		s.t.Fatalf("%s: the export holds no such word", s.at)
	}
	if _, err := audit.Verify(bytes.NewReader(other), s.server.AuditKey()); err == nil {
		s.t.Errorf("%s: it still verifies", s.at)
	}
}
