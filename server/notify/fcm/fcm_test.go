package fcm

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/server/notify"

	"firebase.google.com/go/v4/messaging"
)

const project = "doorstep-test"

// peer speaks as much of Google's token endpoint and of FCM HTTP v1 as the SDK uses.
type peer struct {
	url    string
	mu     sync.Mutex
	seen   []request
	tokens int
	// answer answers a message; token, if set, answers for the token endpoint.
	answer, token http.HandlerFunc
}

type request struct {
	path, authorization string
	body                []byte
}

func newPeer(t *testing.T, answer http.HandlerFunc) *peer {
	t.Helper()
	p := &peer{answer: answer}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.tokens++
		special := p.token
		p.mu.Unlock()
		if special != nil {
			special(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"loopback-access","token_type":"Bearer","expires_in":3600}`)
	})
	mux.HandleFunc("POST /v1/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		p.mu.Lock()
		p.seen = append(p.seen, request{r.URL.Path, r.Header.Get("Authorization"), body})
		p.mu.Unlock()
		p.answer(w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

func (p *peer) requests() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// sender is the real SDK with a service account made for this test.
func (p *peer) sender(t *testing.T) *Sender {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": project, "private_key_id": "k1",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "push@" + project + ".invalid", "client_id": "1", "token_uri": p.url + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(path, account, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Config{Credentials: path, Endpoint: p.url + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// says is FCM's error body; code is that of the FcmError detail, "" for none.
func says(status int, code string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		details := "[]"
		if code != "" {
			details = fmt.Sprintf(`[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":%q}]`, code)
		}
		fmt.Fprintf(w, `{"error":{"code":%d,"message":"no","status":"SOME_STATUS","details":%s}}`, status, details)
	}
}

func raw(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func taken(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `{"name":"projects/%s/messages/m1"}`, project)
}

var alert = notify.Message{Token: "device-token-1", Kind: "new_task", Task: "n_8f2a"}

func TestMessageOnTheWireIsOpaque(t *testing.T) {
	p := newPeer(t, taken)
	m := alert
	m.Expires = time.Now().Add(2 * time.Hour)
	id, err := p.sender(t).Send(t.Context(), m)
	if err != nil || id != "projects/"+project+"/messages/m1" {
		t.Fatalf("sent as %q: %v", id, err)
	}
	seen := p.requests()
	if len(seen) != 1 || seen[0].path != "/v1/projects/"+project+"/messages:send" ||
		seen[0].authorization != "Bearer loopback-access" {
		t.Fatalf("asked %+v", seen)
	}
	var got map[string]any
	if err := json.Unmarshal(seen[0].body, &got); err != nil {
		t.Fatal(err)
	}
	android := got["message"].(map[string]any)["android"].(map[string]any)
	ttl, err := time.ParseDuration(fmt.Sprint(android["ttl"]))
	if err != nil || ttl > 2*time.Hour || ttl < 2*time.Hour-time.Minute {
		t.Errorf("ttl %v, want two hours less the way here (%v)", android["ttl"], err)
	}
	delete(android, "ttl")
	// The whole payload, field by field: whatever is added to it must be added here, and looked at.
	want := map[string]any{"message": map[string]any{
		"token":   m.Token,
		"data":    map[string]any{"kind": "new_task", "task": "n_8f2a"},
		"android": map[string]any{"collapse_key": "tasks", "priority": "high"},
		"apns": map[string]any{"headers": map[string]any{"apns-collapse-id": "tasks", "apns-priority": "10",
			"apns-expiration": fmt.Sprint(m.Expires.Unix())},
			"payload": map[string]any{"aps": map[string]any{"alert": map[string]any{"title": "Doorstep",
				"body": "Your tasks have changed. Open the app to see them."}, "content-available": 1.0,
				"mutable-content": 1.0}}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("on the wire\n%v\nwant\n%v", got, want)
	}
}

func TestSDKVersionIsThatOfTheModule(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\tfirebase.google.com/go/v4 v"+sdkVersion+"\n") {
		t.Errorf("go.mod requires another release of the SDK than %s", sdkVersion)
	}
}

// An SDK whose config has other members is refused, not called with half a config.
func TestAnotherConfigOfTheSDKIsAnError(t *testing.T) {
	type other struct{ ProjectID, Version string }
	_, err := newClient(t.Context(), func(context.Context, *other) (*messaging.Client, error) {
		t.Error("the SDK was called")
		return nil, nil
	}, project, nil)
	if err == nil || !strings.Contains(err.Error(), "no member Opts") {
		t.Errorf("the error is %v, want one that names Opts", err)
	}
}

func TestExpiryBecomesALifetimeFCMAccepts(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 500e6, time.UTC)
	for _, c := range []struct {
		name    string
		expires time.Time
		want    *time.Duration
	}{
		{"no expiry", time.Time{}, nil},
		{"whole seconds, never longer than it may live", now.Add(90*time.Second + 900*time.Millisecond),
			new(90 * time.Second)},
		{"over already", now.Add(-time.Hour), new(time.Duration(0))},
		{"longer than FCM keeps", now.AddDate(0, 3, 0), new(28 * 24 * time.Hour)},
	} {
		m := alert
		m.Expires = c.expires
		if got := message(m, now).Android.TTL; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: ttl %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAnswersOfFCM(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   notify.Failure
	}{
		{"the token is dead", says(404, "UNREGISTERED"), notify.Failure{Unregistered: true, Why: "unregistered"}},
		{"a 404 that is not about the token", says(404, ""), notify.Failure{Why: "status_404"}},
		{"a 404 of something in between", raw(404, "<html>"), notify.Failure{Why: "status_404"}},
		{"the token is of another project", says(403, "SENDER_ID_MISMATCH"), notify.Failure{Why: "sender_mismatch"}},
		{"quota, with a time", says(429, "QUOTA_EXCEEDED", "Retry-After", "37"), notify.Failure{Retry: true,
			RetryAfter: 37 * time.Second, Why: "quota"}},
		{"quota, without a time", says(429, "QUOTA_EXCEEDED"), notify.Failure{Retry: true, RetryAfter: time.Minute,
			Why: "quota"}},
		{"quota of the gateway", says(429, "", "Retry-After", "5"), notify.Failure{Retry: true, RetryAfter: 5 * time.Second,
			Why: "quota"}},
		{"quota, absurd time", says(429, "QUOTA_EXCEEDED", "Retry-After", "999999999999"), notify.Failure{Retry: true,
			RetryAfter: time.Hour, Why: "quota"}},
		{"away", says(503, "UNAVAILABLE", "Retry-After", "45"), notify.Failure{Retry: true, RetryAfter: 45 * time.Second,
			Why: "unavailable"}},
		{"away until", says(503, "UNAVAILABLE", "Retry-After", date(10*time.Minute)), notify.Failure{Retry: true,
			RetryAfter: 10 * time.Minute, Why: "unavailable"}},
		{"away, no time", says(503, "UNAVAILABLE"), notify.Failure{Retry: true, Why: "unavailable"}},
		{"away for longer than the SDK would wait", says(503, "UNAVAILABLE", "Retry-After", "600"),
			notify.Failure{Retry: true, RetryAfter: 10 * time.Minute, Why: "unavailable"}},
		{"broken inside", says(500, "INTERNAL"), notify.Failure{Retry: true, Why: "status_500"}},
		{"broken inside, broken JSON", raw(502, "{"), notify.Failure{Retry: true, Why: "status_502"}},
		{"our message is wrong", says(400, "INVALID_ARGUMENT"), notify.Failure{Why: "invalid_argument"}},
		{"a 400 without a detail", raw(400, "}{"), notify.Failure{Why: "status_400"}},
		{"our token is not taken", says(401, ""), notify.Failure{Retry: true, Why: "status_401"}},
		{"Apple does not take the project's key", says(401, "THIRD_PARTY_AUTH_ERROR"), notify.Failure{Retry: true,
			Why: "status_401"}},
		{"we may not send", says(403, ""), notify.Failure{Retry: true, Why: "status_403"}},
		{"taken, but broken JSON", raw(200, `{"name":`), notify.Failure{Retry: true, Why: "unreadable"}},
		{"cut off", cutOff, notify.Failure{Retry: true, Why: "unreachable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, c.answer)
			s := p.sender(t)
			began := time.Now()
			_, err := s.Send(t.Context(), alert)
			var f *notify.Failure
			if !errors.As(err, &f) {
				t.Fatalf("error %v", err)
			}
			got := *f
			if got.RetryAfter != c.want.RetryAfter {
				// A date was turned into a time to wait, in whole seconds.
				if d := c.want.RetryAfter - got.RetryAfter; d < 0 || d > 15*time.Second {
					t.Errorf("retry after %v, want %v", got.RetryAfter, c.want.RetryAfter)
				}
				got.RetryAfter = c.want.RetryAfter
			}
			if got != c.want {
				t.Errorf("failure %+v, want %+v", got, c.want)
			}
			if strings.Contains(err.Error(), alert.Token) {
				t.Errorf("the error names the token: %v", err)
			}
			// Waiting and asking again are the outbox's: nothing may be tried twice in here.
			if n := len(p.requests()); n != 1 {
				t.Errorf("asked %d times", n)
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestDeadlineIsKeptWhileFCMIsSilent(t *testing.T) {
	over := make(chan struct{})
	p := newPeer(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-over:
		}
	})
	defer close(over)
	s := p.sender(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := s.Send(ctx, alert)
	var f *notify.Failure
	if !errors.As(err, &f) || !f.Retry || f.Why != "deadline" {
		t.Errorf("failure %+v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestRefusedAccessTokenIsTriedLater(t *testing.T) {
	p := newPeer(t, taken)
	p.token = raw(400, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)
	s := p.sender(t)
	_, err := s.Send(t.Context(), alert)
	var f *notify.Failure
	if !errors.As(err, &f) || *f != (notify.Failure{Retry: true, Why: "unreachable"}) {
		t.Errorf("failure %+v", err)
	}
	if n := len(p.requests()); n != 0 {
		t.Errorf("%d messages went out without an access token", n)
	}
	p.mu.Lock()
	p.token = nil
	p.mu.Unlock()
	if _, err := s.Send(t.Context(), alert); err != nil {
		t.Errorf("with the grant back: %v", err)
	}
}

func TestAccessTokenIsFetchedOnce(t *testing.T) {
	p := newPeer(t, taken)
	s := p.sender(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.Send(t.Context(), alert); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tokens != 1 || len(p.seen) != 20 {
		t.Errorf("%d access tokens for %d messages", p.tokens, len(p.seen))
	}
}

func TestBadMessageNeverLeaves(t *testing.T) {
	p := newPeer(t, taken)
	m := alert
	m.Token = ""
	_, err := p.sender(t).Send(t.Context(), m)
	var f *notify.Failure
	if !errors.As(err, &f) || *f != (notify.Failure{Why: "invalid_argument"}) {
		t.Errorf("failure %+v", err)
	}
	if n := len(p.requests()); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

// serviceAccount is a service account's JSON with a private key.
func serviceAccount(t *testing.T, key string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{"type": "service_account", "project_id": "p", "private_key_id": "secret",
		"private_key": key, "client_email": "push@p.invalid", "token_uri": "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pkcs8 is a private key in PEM.
func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// What is wrong is said without a word of the setting or the file, whether the setting is a path or the JSON.
func TestBadCredentialsAreRefusedWithoutQuotingThem(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	whole := pkcs8(t, good)
	for name, c := range map[string]struct{ text, says string }{
		"not JSON":      {"-----BEGIN PRIVATE KEY-----secret", "service account"},
		"cut JSON":      {`{"private_key":"secret`, "service account"},
		"no project":    {`{"type":"service_account","private_key":"secret","client_email":"x"}`, "project_id"},
		"not an object": {`["secret"]`, "service account"},
		"unknown type":  {`{"type":"secret","project_id":"p"}`, "service account"},
		"a user":        {`{"type":"authorized_user","refresh_token":"secret"}`, "service account"},
		"no key":        {serviceAccount(t, ""), "cannot sign"},
		"no PEM":        {serviceAccount(t, "secret"), "cannot sign"},
		"escaped twice": {serviceAccount(t, strings.ReplaceAll(whole, "\n", `\n`)), "escaped twice"},
		"damaged":       {serviceAccount(t, whole[:100]+"secret+"+whole[107:]), "cannot sign"},
		"no key inside": {serviceAccount(t, "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"),
			"cannot sign"},
		"of another art": {serviceAccount(t, pkcs8(t, ed)), "not an RSA key"},
	} {
		path := filepath.Join(t.TempDir(), "account.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for how, setting := range map[string]string{"as a file": path, "in the setting": c.text} {
			_, err := New(t.Context(), Config{Credentials: setting})
			switch {
			case err == nil:
				t.Errorf("%s, %s: accepted", name, how)
			case strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "MII") ||
				strings.Contains(err.Error(), "BEGIN"):
				t.Errorf("%s, %s: the error quotes it: %v", name, how, err)
			case !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "--fcm-credentials"):
				t.Errorf("%s, %s: %v, want %q", name, how, err, c.says)
			}
		}
	}
	if _, err := New(t.Context(), Config{Credentials: filepath.Join(t.TempDir(), "absent")}); err == nil {
		t.Error("a file that is not there was accepted")
	}
	for _, setting := range []string{serviceAccount(t, whole), "\n " + serviceAccount(t, whole)} {
		if _, err := New(t.Context(), Config{Credentials: setting}); err != nil {
			t.Errorf("a service account in the setting: %v", err)
		}
	}
}
