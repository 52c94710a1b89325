package conduct

import (
	"context"
	"errors"
	"strings"
	"testing"

	"doorstep/auth/refusal"
)

// TestAMalformedQuestionIsNeverAllowed puts one fault into a good question and expects
// a *refusal.Error with its place, from ParseRequest or from Judge.
func TestAMalformedQuestionIsNeverAllowed(t *testing.T) {
	const good = `{"profiles":["ph"],"action":{"channel":"call","at":"2026-03-10T10:00:00"},"case":{"flags":{"represented":true}},"history":[]}`
	p := defaultPolicy(t)
	ask := func(body string) error {
		req, err := ParseRequest([]byte(body))
		if err == nil {
			_, err = p.Decide(context.Background(), req)
		}
		return err
	}
	if err := ask(good); err != nil {
		t.Fatal(err)
	}
	action := func(field string) string {
		return strings.Replace(good, `"channel":"call"`, `"channel":"call",`+field, 1)
	}
	inCase := func(field string) string { return strings.Replace(good, `"flags":{"represented":true}`, field, 1) }
	entry := func(fields string) string {
		return strings.Replace(good, `"history":[]`, `"history":[{`+fields+`}]`, 1)
	}
	for _, c := range []struct{ body, field string }{
		{``, ""},
		{good + `{}`, ""},
		{`[]`, ""},
		{good[:len(good)-1] + `,"history":[]}`, "history"},
		{strings.Replace(good, `"channel":"call"`, `"channel":"call","\u0063hannel":"call"`, 1), "action.channel"},
		{strings.Replace(good, `{"represented":true}`, `{"represented":true,"represented":false}`, 1),
			"case.flags.represented"},
		{strings.Replace(good, `{"represented":true}`, `{"Maria Silva":true,"Maria Silva":true}`, 1), "case.flags"},
		{action(`"number":"\ud83d"`), "action.number"}, {action("\"number\":\"\xff\""), "action.number"},
		{action(`"number":"\u0000"`), "action.number"},
		{strings.Replace(good, `"profiles":["ph"],`, ``, 1), "profiles"},
		{strings.Replace(good, `["ph"]`, `["ph","nowhere"]`, 1), "profiles[1]"},
		{strings.Replace(good, `["ph"]`, `"ph"`, 1), "profiles"},
		{strings.Replace(good, `"channel":"call"`, `"channel":"fax"`, 1), "action.channel"},
		{strings.Replace(good, `"channel":"call",`, ``, 1), "action.channel"},
		{strings.Replace(good, `2026-03-10T10:00:00`, `2026-02-30T10:00:00`, 1), "action.at"},
		{strings.Replace(good, `2026-03-10T10:00:00`, `soon`, 1), "action.at"},
		{strings.Replace(good, `2026-03-10T10:00:00`, ``, 1), "action.at"},
		{strings.Replace(good, `2026-03-10T10:00:00`, `1926-03-10T10:00:00`, 1), "action.at"},
		{action(`"place":"garden"`), "action.place"},
		{action(`"place":""`), "action.place"},
		{action(`"party":"friend"`), "action.party"},
		{action(`"purpose":"threaten"`), "action.purpose"},
		{action(`"event":"shout"`), "action.event"},
		{action(`"content_tags":["polite"]`), "action.content_tags[0]"},
		{action(`"duration_min":-1`), "action.duration_min"},
		{action(`"duration_min":1.5`), "action.duration_min"},
		{action(`"duration_min":"30"`), "action.duration_min"},
		{action(`"duration_min":1441`), "action.duration_min"},
		{action(`"agents":-2`), "action.agents"},
		{action(`"recording":"yes"`), "action.recording"},
		{action(`"onsite":{"angry":true}`), "action.onsite.angry"},
		{action(`"lawful":true`), "action.lawful"},
		{action(`"tz":"Asia/Manila"`), "action.tz"},
		{action(`"by":"Agency"`), "action.by"},
		{action(`"by":"AGENCY"`), "action.by"},
		{action(`"by":"bank"`), "action.by"},
		{action(`"items":["badges"]`), "action.items[0]"},
		{action(`"event":"take_cash"`), "action.event"},
		{action(`"tz":["Asia/Manila","UTC","Etc/GMT+1","Etc/GMT+2","Etc/GMT+3","Etc/GMT+4","Etc/GMT+5","Etc/GMT+6","Etc/GMT+7"]`),
			"action.tz"},
		{strings.Replace(good, `"channel":"call"`, `"channel":"visit"`, 1), "action.place"},
		{inCase(`"flags":{"decesed":true}`), "case.flags.decesed"},
		{inCase(`"flags":{"Deceased":true}`), "case.flags.Deceased"},
		{inCase(`"flags":{"decesed":false}`), "case.flags.decesed"},
		{inCase(`"flags":{"refused_friend":true}`), "case.flags.refused_friend"},
		{inCase(`"flags":{"deceased":{}}`), "case.flags.deceased"},
		{inCase(`"flags":{"deceased":{"since":null}}`), "case.flags.deceased"},
		{inCase(`"notice":{"visit":{"sent_at":"2026-03-01","form":"telegram"}}`), "case.notice.visit.form"},
		{entry(`"channel":"call","at":"2026-03-01","event":"take_cash"`), "history[0].event"},
		{inCase(`"flags":{"deceased":"yes"}`), "case.flags.deceased"},
		{inCase(`"flags":{"deceased":null}`), "case.flags.deceased"},
		{inCase(`"flags":{"deceased":1}`), "case.flags.deceased"},
		{inCase(`"flags":{"deceased":{"until":"tomorrow"}}`), "case.flags.deceased.until"},
		{inCase(`"flags":{"deceased":{"since":"2026-3-1"}}`), "case.flags.deceased.since"},
		{inCase(`"flags":{"deceased":{"until":""}}`), "case.flags.deceased.until"},
		{inCase(`"flags":{"deceased":{"from":"2026-03-01"}}`), "case.flags.deceased.from"},
		{inCase(`"flags":{"deceased":{"since":"2026-03-02","until":"2026-03-01"}}`), "case.flags.deceased.until"},
		{inCase(`"flags":[]`), "case.flags"},
		{inCase(`"past_due_days":"20"`), "case.past_due_days"},
		{inCase(`"requests":{"no_contact_times":[["08:00"]]}`), "case.requests.no_contact_times[0]"},
		{inCase(`"requests":{"no_contact_times":[["08:00","25:00"]]}`), "case.requests.no_contact_times[0]"},
		{inCase(`"requests":{"no_contact_times":[["8:00","09:00"]]}`), "case.requests.no_contact_times[0]"},
		{inCase(`"requests":{"no_contact_times":[["24:00","09:00"]]}`), "case.requests.no_contact_times[0]"},
		{inCase(`"requests":{"no_places":["garden"]}`), "case.requests.no_places[0]"},
		{inCase(`"requests":{"no_channels":["fax"]}`), "case.requests.no_channels[0]"},
		{inCase(`"requests":{"opt_out":true}`), "case.requests.opt_out"},
		{inCase(`"requests":{"opt_out":["sms","fax"]}`), "case.requests.opt_out[1]"},
		{inCase(`"requests":{"opt_out":[{"number":"n"}]}`), "case.requests.opt_out[0].channel"},
		{inCase(`"requests":{"silence":true}`), "case.requests.silence"},
		{inCase(`"consents":[{"scope":"everything","given_at":"2026-03-01"}]`), "case.consents[0].scope"},
		{inCase(`"consents":[{"given_at":"2026-03-01"}]`), "case.consents[0].scope"},
		{inCase(`"consents":[{"scope":"contact_time"}]`), "case.consents[0].given_at"},
		{inCase(`"consents":[{"scope":"contact_time","given_at":"2026-03-01","expires_at":"never"}]`),
			"case.consents[0].expires_at"},
		{inCase(`"consents":[{"scope":"contact_time","given_at":"2026-03-01","revoked":true}]`), "case.consents[0].revoked"},
		{inCase(`"notice":{"visit":{"sent_at":"2026-13-01"}}`), "case.notice.visit.sent_at"},
		{inCase(`"notice":{"visit":true}`), "case.notice.visit"},
		{inCase(`"notice":{"post":{}}`), "case.notice.post"},
		{inCase(`"mood":"good"`), "case.mood"},
		{entry(`"channel":"call","at":"2026-03-01","result":"shouted"`), "history[0].result"},
		{entry(`"channel":"call","at":"2026-03-01"`), "history[0].result"},
		{entry(`"channel":"fax","at":"2026-03-01","result":"sent"`), "history[0].channel"},
		{entry(`"channel":"call","result":"sent"`), "history[0].at"},
		{entry(`"channel":"call","at":"2026-03-01","result":"sent","party":"friend"`), "history[0].party"},
		{entry(`"channel":"call","at":"2026-03-01","result":"sent","excluded":"no"`), "history[0].excluded"},
		{entry(`"channel":"call","at":"2026-03-01","result":"sent","counted":false`), "history[0].counted"},
	} {
		err := ask(c.body)
		var problem *refusal.Error
		switch {
		case !errors.As(err, &problem):
			t.Errorf("%s: error %v, want a *refusal.Error at %q", c.body, err, c.field)
		case problem.Place != c.field:
			t.Errorf("%s: at %q (%s), want %q", c.body, problem.Place, problem.Msg, c.field)
		case problem.Code() != "conduct.invalid" && problem.Code() != "conduct.unknown_profile":
			t.Errorf("%s: code %s", c.body, problem.Code())
		}
	}
}

func TestWindowsRefuseAMalformedDay(t *testing.T) {
	p := defaultPolicy(t)
	for _, day := range []string{"", "2026-2-1", "2026-02-30", "2026-03-10T00:00:00", "1926-03-10"} {
		_, _, err := p.Windows(context.Background(), []string{"ph"}, day, Action{Channel: "call"}, Case{}, nil)
		var problem *refusal.Error
		if !errors.As(err, &problem) || problem.Place != "day" {
			t.Errorf("%q: %v", day, err)
		}
	}
}

// TestJudgeChecksRequestsThatWereNotParsed calls Judge with values that ParseRequest would refuse.
func TestJudgeChecksRequestsThatWereNotParsed(t *testing.T) {
	p := defaultPolicy(t)
	good := Action{Channel: "call", At: mustWhen(t, "2026-03-10T10:00:00")}
	for field, spoil := range map[string]func(a *Action, c *Case){
		"action.duration_min":               func(a *Action, _ *Case) { a.DurationMin = 1441 },
		"action.agents":                     func(a *Action, _ *Case) { a.Agents = -1 },
		"action.at":                         func(a *Action, _ *Case) { a.At = When{} },
		"action.party":                      func(a *Action, _ *Case) { a.Party = "friend" },
		"case.flags.deceased.until":         func(_ *Action, c *Case) { c.Flags = map[string]Flag{"deceased": {Until: "x"}} },
		"case.consents[0].given_at":         func(_ *Action, c *Case) { c.Consents = []Consent{{Scope: "contact_time"}} },
		"case.requests.no_contact_times[0]": func(_ *Action, c *Case) { c.Requests.NoContactTimes = []Span{{"9", "10"}} },
		"case.requests.opt_out[0]":          func(_ *Action, c *Case) { c.Requests.OptOut = []OptOut{{Channel: "fax"}} },
		"case.notice.visit.sent_at": func(_ *Action, c *Case) {
			c.Notice.Visit = &Notice{SentAt: When{1 << 50, instant}}
		},
	} {
		a, c := good, Case{}
		if _, err := p.Judge([]string{"ph"}, a, c, nil); err != nil {
			t.Fatal(err)
		}
		spoil(&a, &c)
		_, err := p.Judge([]string{"ph"}, a, c, nil)
		var problem *refusal.Error
		if !errors.As(err, &problem) || problem.Place != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
