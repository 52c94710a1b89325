package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"doorstep/auth/refusal"
)

const secret = "a secret of more than thirty-two bytes"

// signed is a request of a gateway.
func signed(body, key string, at time.Time) HookRequest {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "." + body))
	return HookRequest{Path: "/v1/sms/gateway/receipts", Body: []byte(body), At: noon, Header: http.Header{
		"X-Doorstep-Timestamp": {stamp}, "X-Doorstep-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}}
}

func codeOf(err error) string {
	if e, is := refusal.Of(err); is {
		return e.Code()
	}
	return ""
}

// What a gateway has not signed, or signed long ago, or for another body, is refused.
func TestAGatewaySigns(t *testing.T) {
	h := Hooks{gateway: secret}
	const good = `{"message":"m1","id":"g-7","state":"delivered"}`
	r, err := h.Receipt("gateway", signed(good, secret, noon))
	if err != nil || r != (Receipt{Message: "m1", ID: "g-7", State: "delivered"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	other := signed(good, secret, noon)
	other.Body = []byte(strings.Replace(good, "m1", "m2", 1))
	later := signed(good, secret, noon)
	later.Header.Set("X-Doorstep-Timestamp", strconv.FormatInt(noon.Unix()+1, 10))
	bare := signed(good, secret, noon)
	bare.Header = http.Header{}
	for about, c := range map[string]struct {
		r    HookRequest
		code string
	}{
		"another key":     {signed(good, "another secret of thirty-two bytes..", noon), "hook.signature"},
		"another body":    {other, "hook.signature"},
		"another time":    {later, "hook.signature"},
		"no signature":    {bare, "hook.signature"},
		"long ago":        {signed(good, secret, noon.Add(-hookAge-time.Second)), "hook.stale"},
		"ahead":           {signed(good, secret, noon.Add(hookAge+time.Second)), "hook.stale"},
		"no JSON":         {signed(`{"message"`, secret, noon), "hook.malformed"},
		"twice":           {signed(`{"message":"m1","message":"m2","state":"sent"}`, secret, noon), "hook.malformed"},
		"another member":  {signed(`{"message":"m1","Message":"m2","state":"sent"}`, secret, noon), "hook.malformed"},
		"another state":   {signed(`{"message":"m1","state":"read"}`, secret, noon), "hook.malformed"},
		"no message":      {signed(`{"state":"sent"}`, secret, noon), "hook.malformed"},
		"a list":          {signed(`[]`, secret, noon), "hook.malformed"},
		"a number for it": {signed(`{"message":1,"state":"sent"}`, secret, noon), "hook.malformed"},
	} {
		if _, err := h.Receipt("gateway", c.r); codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", about, err, c.code)
		}
	}
	for _, provider := range []string{"twilio", "aliyun", "file", ""} {
		if _, err := h.Receipt(provider, signed(good, secret, noon)); codeOf(err) != "hook.provider" {
			t.Errorf("%s: %v", provider, err)
		}
		if _, err := (Hooks{}).Reply(provider, signed(good, secret, noon)); codeOf(err) != "hook.provider" {
			t.Errorf("a server without secrets takes a reply of %s: %v", provider, err)
		}
	}
	reply, err := h.Reply("gateway", signed(`{"id":"i1","from":"+351912000001","text":"STOP"}`, secret, noon))
	if err != nil || reply != (Reply{"i1", "+351912000001", "STOP"}) {
		t.Errorf("%+v, %v", reply, err)
	}
}

// The signature of the example in Twilio's description of X-Twilio-Signature.
func TestTwilioSigns(t *testing.T) {
	h := Hooks{public: "https://mycompany.com", twilio: "12345"}
	const body = "Digits=1234&To=%2B18005551212&From=%2B14158675310&Caller=%2B14158675310&CallSid=CA1234567890ABCDE"
	r := HookRequest{Path: "/myapp.php?foo=1&bar=2", Body: []byte(body),
		Header: http.Header{"X-Twilio-Signature": {"GvWf1cFY/Q7PnoempGyD5oXAezc="}}}
	if _, bad := h.twilioForm(r); bad != nil {
		t.Errorf("the signature of the example is refused: %v", bad)
	}
	r.Body = []byte(strings.Replace(body, "1234", "1235", 1))
	if _, bad := h.twilioForm(r); bad == nil || bad.Code() != "hook.signature" {
		t.Errorf("another body is taken: %v", bad)
	}
	r.Body, r.Path = []byte(body), "/myapp.php?foo=1&bar=3"
	if _, bad := h.twilioForm(r); bad == nil {
		t.Error("another URL is taken")
	}
}

// twilioSigned is a request of Twilio with the right signature.
func twilioSigned(h Hooks, path, body string) HookRequest {
	r := HookRequest{Path: path, Body: []byte(body), Header: http.Header{}}
	form, err := url.ParseQuery(body)
	if err != nil {
		panic(err) // the tests' own
	}
	r.Header.Set("X-Twilio-Signature", h.twilioSignature(r.Path, form))
	return r
}

func TestTwiliosReceiptsAndReplies(t *testing.T) {
	h := Hooks{public: "https://doorstep.example", twilio: "12345"}
	path := "/v1/sms/twilio/receipts?message=m1"
	for body, want := range map[string]Receipt{
		"MessageSid=SM1&MessageStatus=delivered":                   {"m1", "SM1", "delivered", ""},
		"MessageSid=SM1&MessageStatus=sent":                        {"m1", "SM1", "sent", ""},
		"MessageSid=SM1&MessageStatus=queued":                      {"m1", "SM1", "", ""},
		"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003": {"m1", "SM1", "failed", "twilio_30003"},
	} {
		if got, err := h.Receipt("twilio", twilioSigned(h, path, body)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, c := range [][2]string{{path, "MessageSid=SM1&MessageStatus=lost"}, {path, "MessageStatus=sent"},
		{"/v1/sms/twilio/receipts", "MessageSid=SM1&MessageStatus=sent"}} {
		if _, err := h.Receipt("twilio", twilioSigned(h, c[0], c[1])); codeOf(err) != "hook.malformed" {
			t.Errorf("%v: %v", c, err)
		}
	}
	got, err := h.Reply("twilio", twilioSigned(h, "/v1/sms/twilio/replies",
		"MessageSid=SM2&From=%2B351912000001&Body=STOP"))
	if err != nil || got != (Reply{"SM2", "+351912000001", "STOP"}) {
		t.Errorf("%+v, %v", got, err)
	}
}
