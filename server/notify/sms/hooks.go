package sms

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
	"doorstep/server/notify"
)

// HookRequest is a request of a provider, as it came.
type HookRequest struct {
	// Path is the path with the query, as it was sent.
	Path   string
	Header http.Header
	Body   []byte
	// At is when it came.
	At time.Time
}

// Receipt is what a provider tells of a text.
type Receipt struct {
	Message string // our id of it
	ID      string // the provider's
	// State is sent, delivered or failed; "" for one that changes nothing.
	State  string
	Reason string // a code
}

// Reply is a text that a provider brings.
type Reply struct {
	ID, From, Text string
}

// Hooks reads what providers tell. The zero value takes nothing.
type Hooks struct {
	public  string
	twilio  string // the auth token; "" takes nothing of Twilio
	gateway string // the secret
}

// Hooks are those of a configuration that was checked (ReadConfig).
func (c Config) Hooks() Hooks {
	h := Hooks{public: c.PublicURL}
	if c.Carrier == twilioCarrier {
		h.twilio = c.Twilio.AuthToken
	}
	if c.Carrier == gatewayCarrier {
		h.gateway = c.Gateway.Secret
	}
	return h
}

// hookAge is how old a signed request of a gateway may be, and how far its clock may be ahead.
const hookAge = 5 * time.Minute

func unsigned() *refusal.Error {
	return refusal.New(refusal.Unauthenticated, "hook.signature", "", "this request is not signed by the provider")
}

func malformed(place, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Malformed, "hook.malformed", place, format, args...)
}

func unknownProvider() *refusal.Error {
	return refusal.New(refusal.NotFound, "hook.provider", "provider", "this server takes nothing of such a provider")
}

// Receipt reads a receipt. Refusals: hook.provider, hook.signature, hook.malformed.
func (h Hooks) Receipt(provider string, r HookRequest) (Receipt, error) {
	switch {
	case provider == twilioCarrier && h.twilio != "":
		form, bad := h.twilioForm(r)
		if bad != nil {
			return Receipt{}, bad
		}
		return twilioReceipt(r, form)
	case provider == gatewayCarrier && h.gateway != "":
		var said struct {
			Message, ID, State, Reason string
		}
		if bad := h.signedJSON(r, &said, "message", "id", "state", "reason"); bad != nil {
			return Receipt{}, bad
		}
		if !slices.Contains([]string{"sent", "delivered", "failed"}, said.State) {
			return Receipt{}, malformed("state", "write sent, delivered or failed")
		}
		if !ours(said.Message) {
			return Receipt{}, malformed("message", "write the id that the message came with")
		}
		return Receipt{Message: said.Message, ID: kept(said.ID), State: said.State, Reason: kept(said.Reason)}, nil
	}
	return Receipt{}, unknownProvider()
}

// Reply reads a reply. Refusals: hook.provider, hook.signature, hook.malformed.
func (h Hooks) Reply(provider string, r HookRequest) (Reply, error) {
	switch {
	case provider == twilioCarrier && h.twilio != "":
		form, bad := h.twilioForm(r)
		if bad != nil {
			return Reply{}, bad
		}
		return Reply{ID: form.Get("MessageSid"), From: form.Get("From"), Text: form.Get("Body")}, nil
	case provider == gatewayCarrier && h.gateway != "":
		if strings.Contains(r.Path, "?") {
			return Reply{}, malformed("query", "a reply takes no parameters in its URL; leave them out")
		}
		var said struct{ ID, From, Text string }
		if bad := h.signedJSON(r, &said, "id", "from", "text"); bad != nil {
			return Reply{}, bad
		}
		return Reply(said), nil
	}
	return Reply{}, unknownProvider()
}

// twilioForm reads a form that Twilio has signed: HMAC-SHA1 over the URL and the sorted parameters.
func (h Hooks) twilioForm(r HookRequest) (url.Values, *refusal.Error) {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, malformed("body", "this is no form")
	}
	want := h.twilioSignature(r.Path, form)
	if subtle.ConstantTimeCompare([]byte(want), []byte(r.Header.Get("X-Twilio-Signature"))) != 1 {
		return nil, unsigned()
	}
	return form, nil
}

// twilioSignature is the signature of a form that is sent to a path.
func (h Hooks) twilioSignature(path string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(h.twilio))
	mac.Write([]byte(h.public + path))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			mac.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// twilioReceipt reads what Twilio says of a message: the URL that it was told to call names it.
func twilioReceipt(r HookRequest, form url.Values) (Receipt, error) {
	u, err := url.Parse(r.Path)
	if err != nil || !ours(u.Query().Get("message")) {
		return Receipt{}, malformed("query.message", "the URL of a receipt names the message")
	}
	out := Receipt{Message: u.Query().Get("message"), ID: kept(form.Get("MessageSid"))}
	if out.ID == "" {
		return Receipt{}, malformed("MessageSid", "a receipt names the message")
	}
	if code := form.Get("ErrorCode"); code != "" {
		out.Reason = kept("twilio_" + code)
	}
	switch form.Get("MessageStatus") {
	case "accepted", "scheduled", "queued", "sending":
	case "sent":
		out.State = notify.TextSent
	case "delivered", "read":
		out.State = "delivered"
	case "undelivered", "failed", "canceled":
		out.State = notify.TextFailed
	default:
		return Receipt{}, malformed("MessageStatus", "this is no status of a message")
	}
	return out, nil
}

// signedJSON reads an object that a gateway has signed: X-Doorstep-Timestamp has the time in Unix seconds, and
// X-Doorstep-Signature "sha256=" and the HMAC-SHA256 of that text, a dot and the body in hexadecimal digits. It takes
// no other members than those named.
func (h Hooks) signedJSON(r HookRequest, into any, names ...string) *refusal.Error {
	stamp := r.Header.Get("X-Doorstep-Timestamp")
	mac := hmac.New(sha256.New, []byte(h.gateway))
	mac.Write([]byte(stamp + "."))
	mac.Write(r.Body)
	said, is := strings.CutPrefix(r.Header.Get("X-Doorstep-Signature"), "sha256=")
	sum, err := hex.DecodeString(said)
	if !is || err != nil || !hmac.Equal(sum, mac.Sum(nil)) {
		return unsigned()
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return unsigned()
	}
	if age := r.At.Sub(time.Unix(seconds, 0)); age > hookAge || age < -hookAge {
		return refusal.New(refusal.Unauthenticated, "hook.stale", "", "this request was signed more than %d minutes ago, "+
			"or is ahead of the time", int(hookAge/time.Minute))
	}
	if fault := strictjson.Check(r.Body); fault != nil {
		return malformed("body", "this is no JSON")
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(r.Body, &members) != nil {
		return malformed("body", "this must be an object")
	}
	for name := range members {
		if !slices.Contains(names, name) {
			return malformed("body", "there is a member here that does not exist; write %s", strings.Join(names, ", "))
		}
	}
	if json.Unmarshal(r.Body, into) != nil {
		return malformed("body", "a member is no text")
	}
	return nil
}
