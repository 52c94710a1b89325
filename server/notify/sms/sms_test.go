package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/server/notify"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

var text = notify.Text{ID: "m1", Number: "+351912000001", Text: "North Bank\nHello {not} a variable", Attempts: 1}

// provider is a provider on the loopback that answers as it is told, and remembers what it was asked.
type provider struct {
	*httptest.Server
	mu    sync.Mutex // a provider that gives no answer may still be at work when its caller has given up
	asked []*http.Request
	body  []string
}

// times is how often the provider was asked.
func (p *provider) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

func newProvider(t *testing.T, answer http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.asked, p.body = append(p.asked, r), append(p.body, string(b))
		p.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func gateway(url string) *Gateway {
	return NewGateway(GatewayConfig{URL: url, Headers: map[string]string{"Authorization": "Bearer secret"},
		Body: map[string]string{"to": "{number}", "msg": "{text}", "ref": "{id}"}, IDPath: "data.0.id"})
}

// outcome is what Carry makes of an answer: taken, not taken, not taken and tried again, or open.
func outcome(err error) string {
	var not *notify.NotCarried
	switch {
	case err == nil:
		return "taken"
	case errors.As(err, &not) && not.Retry:
		return "again"
	case errors.As(err, &not):
		return "not"
	}
	return "open"
}

// What a provider answers decides whether a text may be sent again: only what it certainly did not take is.
func TestWhatAnswersMean(t *testing.T) {
	for _, c := range []struct {
		about  string
		answer http.HandlerFunc
		want   string
	}{
		{"an id", says(200, `{"data":[{"id":"g-7"}]}`), "taken"},
		{"a number for an id", says(202, `{"data":[{"id":7}]}`), "taken"},
		{"half an answer", says(200, `{"data":[{"id":`), "open"},
		{"an answer without the id", says(200, `{}`), "open"},
		{"an answer that is cut short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"data":[{"id":"g-7"}]}`)
		}, "open"},
		{"no answer at all", func(w http.ResponseWriter, _ *http.Request) { hangUp(w) }, "open"},
		{"trouble of its own", says(500, "oops"), "open"},
		{"a gateway in between", says(502, ""), "open"},
		{"unavailable", says(503, ""), "open"},
		{"too many", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(429)
		}, "again"},
		{"credentials", says(401, ""), "again"},
		{"a bad number", says(400, `{"error":"to"}`), "not"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusTemporaryRedirect)
		}, "not"},
	} {
		t.Run(c.about, func(t *testing.T) {
			p := newProvider(t, c.answer)
			_, err := gateway(p.URL).Carry(t.Context(), text)
			if got := outcome(err); got != c.want {
				t.Errorf("%v: the text is %s, want %s", err, got, c.want)
			}
			if n := p.times(); n != 1 {
				t.Errorf("the provider was asked %d times", n)
			}
			if err != nil && strings.Contains(err.Error(), "912") {
				t.Errorf("the error has the number: %v", err)
			}
		})
	}
}

func hangUp(w http.ResponseWriter) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = c.Close()
	}
}

// A provider that cannot be reached has taken nothing; one that is slower than the deadline may have.
func TestConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	_ = l.Close()
	if _, err := gateway(gone).Carry(t.Context(), text); outcome(err) != "again" {
		t.Errorf("nobody listens: %v", err)
	}
	release := make(chan struct{})
	p := newProvider(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := gateway(p.URL).Carry(ctx, text); outcome(err) != "open" {
		t.Errorf("too slow: %v", err)
	}
}

// A gateway is asked as its configuration says, in JSON or as a form, and the text stands in it as it is.
func TestAGatewayIsAskedAsDescribed(t *testing.T) {
	p := newProvider(t, says(200, `{"data":[{"id":"g-7"}]}`))
	g := gateway(p.URL + "/send")
	id, err := g.Carry(t.Context(), text)
	if err != nil || id != "g-7" {
		t.Fatalf("%q, %v", id, err)
	}
	var sent map[string]string
	if err := json.Unmarshal([]byte(p.body[0]), &sent); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sent) != fmt.Sprint(map[string]string{"to": text.Number, "msg": text.Text, "ref": "m1"}) {
		t.Errorf("it was sent %v", sent)
	}
	if p.asked[0].Header.Get("Authorization") != "Bearer secret" || p.asked[0].URL.Path != "/send" {
		t.Errorf("it was asked %v", p.asked[0])
	}
	g.c.Encoding = "form"
	if _, err := g.Carry(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(p.body[1])
	if err != nil || form.Get("msg") != text.Text || form.Get("to") != text.Number {
		t.Errorf("it was sent %q, %v", p.body[1], err)
	}
}

func twilioConfig(endpoint string) TwilioConfig {
	return TwilioConfig{AccountSID: "AC" + strings.Repeat("a", 32), AuthToken: "12345", From: "+351900000000",
		Endpoint: endpoint}
}

func TestTwilio(t *testing.T) {
	p := newProvider(t, says(201, `{"sid":"SM1","status":"queued"}`))
	tw := NewTwilio(twilioConfig(p.URL), "https://doorstep.example")
	id, err := tw.Carry(t.Context(), text)
	if err != nil || id != "SM1" {
		t.Fatalf("%q, %v", id, err)
	}
	form, _ := url.ParseQuery(p.body[0])
	user, password, _ := p.asked[0].BasicAuth()
	if form.Get("To") != text.Number || form.Get("Body") != text.Text || form.Get("From") != "+351900000000" ||
		form.Get("StatusCallback") != "https://doorstep.example/v1/sms/twilio/receipts?message=m1" ||
		user != tw.c.AccountSID || password != "12345" ||
		p.asked[0].URL.Path != "/2010-04-01/Accounts/"+tw.c.AccountSID+"/Messages.json" {
		t.Errorf("it was asked %v with %v", p.asked[0], form)
	}
	for answer, want := range map[string]string{`{"code":21610}`: "not twilio_21610", `oops`: "not status_400"} {
		p := newProvider(t, says(400, answer))
		_, err := NewTwilio(twilioConfig(p.URL), "https://doorstep.example").Carry(t.Context(), text)
		var not *notify.NotCarried
		if !errors.As(err, &not) || outcome(err)+" "+not.Why != want {
			t.Errorf("%s: %v, want %s", answer, err, want)
		}
	}
	half := newProvider(t, says(201, `{"sid":"S`))
	if _, err := NewTwilio(twilioConfig(half.URL), "").Carry(t.Context(), text); outcome(err) != "open" {
		t.Errorf("half an answer: %v", err)
	}
}

// The signature of the example in Alibaba Cloud's description of ACS3-HMAC-SHA256.
func TestAliyunSigns(t *testing.T) {
	got := acs3("POST", "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
		map[string]string{"host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances",
			"x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z",
			"x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d", "x-acs-content-sha256": hexOf(nil)},
		"YourAccessKeyId", "YourAccessKeySecret")
	if want := "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"; !strings.HasSuffix(got, want) {
		t.Errorf("it signs %s, want %s", got, want)
	}
	if got := canonicalQuery(map[string]string{"b": "a b*~", "a": "+"}); got != "a=%2B&b=a%20b%2A~" {
		t.Errorf("the query is %s", got)
	}
}

func TestAliyun(t *testing.T) {
	config := func(p *provider) AliyunConfig {
		return AliyunConfig{AccessKeyID: "id", AccessKeySecret: "secret", SignName: "Bank", TemplateCode: "SMS_1",
			TemplateParam: "text", Endpoint: p.URL, GlobeEndpoint: p.URL}
	}
	p := newProvider(t, says(200, `{"Code":"OK","BizId":"b-1"}`))
	id, err := NewAliyun(config(p), clock).Carry(t.Context(), notify.Text{ID: "m1", Number: "+8613800000000", Text: "你好"})
	if err != nil || id != "b-1" {
		t.Fatalf("%q, %v", id, err)
	}
	q := p.asked[0].URL.Query()
	if q.Get("PhoneNumbers") != "13800000000" || q.Get("TemplateParam") != `{"text":"你好"}` || q.Get("OutId") != "m1" ||
		p.asked[0].Header.Get("x-acs-action") != "SendSms" || p.asked[0].Header.Get("x-acs-date") != "2026-11-25T12:00:00Z" {
		t.Errorf("it was asked %v, %v", q, p.asked[0].Header)
	}
	globe := newProvider(t, says(200, `{"ResponseCode":"OK","MessageId":"g-1"}`))
	if id, err = NewAliyun(config(globe), clock).Carry(t.Context(), text); err != nil || id != "g-1" ||
		globe.asked[0].URL.Query().Get("Message") != text.Text {
		t.Errorf("%q, %v", id, err)
	}
	for answer, want := range map[string]string{`{"Code":"isv.BUSINESS_LIMIT_CONTROL"}`: "again",
		`{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}`: "not", `{"Code":"isp.SYSTEM_ERROR"}`: "open", `{"Co`: "open"} {
		p := newProvider(t, says(200, answer))
		if _, err := NewAliyun(config(p), clock).Carry(t.Context(), text); outcome(err) != want {
			t.Errorf("%s: %v, want %s", answer, err, want)
		}
	}
}

// The file holds each text on a line, for its owner alone.
func TestTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sms.ndjson")
	f := NewFile(path, clock)
	for range 2 {
		if _, err := f.Carry(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var line fileLine
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &line) != nil || line.Text != text.Text || line.ID != "m1" {
		t.Errorf("it holds %q", b)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if _, err := NewFile(t.TempDir(), clock).Carry(t.Context(), text); outcome(err) != "again" {
		t.Errorf("a file that cannot be opened: %v", err)
	}
}

// A configuration that would send secrets in the clear, or lacks something, is refused with the place.
func TestConfigurations(t *testing.T) {
	const body = `"body":{"a":"{number}{text}"}`
	for in, want := range map[string]string{
		`{}`: "", `{"carrier":"file"}`: "", `{"carrier":"pigeon"}`: "carrier", `{"carriers":1}`: "carriers",
		`{"carrier":"gateway"}`: "gateway",
		`{"carrier":"gateway","gateway":{"url":"http://g.example"}}`:                                  "gateway.url",
		`{"carrier":"gateway","gateway":{"url":"https://u:p@g.example"}}`:                             "gateway.url",
		`{"carrier":"gateway","gateway":{"url":"https://g.example","body":{"to":"{number}"}}}`:        "gateway.body",
		`{"carrier":"gateway","gateway":{"url":"http://127.0.0.1:1",` + body + `}}`:                   "",
		`{"carrier":"gateway","gateway":{"url":"https://g.example",` + body + `}}`:                    "",
		`{"carrier":"gateway","gateway":{"url":"https://g.example","secret":"x",` + body + `}}`:       "gateway.secret",
		`{"carrier":"twilio","twilio":{"account_sid":"AC1","auth_token":"x","from":"y"}}`:             "public_url",
		`{"carrier":"aliyun","aliyun":{"access_key_id":"a","access_key_secret":"b","sign_name":"c"}}`: "aliyun",
	} {
		_, err := ReadConfig([]byte(in))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", in, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want a word on %s", in, err, want)
		}
	}
}
