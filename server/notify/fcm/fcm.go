// Package fcm sends alerts by Firebase Cloud Messaging. It is the only importer of the Firebase SDK.
package fcm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"doorstep/server/notify"

	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	transport "google.golang.org/api/transport/http"
)

// Sender sends by FCM's HTTP v1 API. It implements notify.Sender.
type Sender struct {
	client *messaging.Client
}

// Config says which Firebase project to send by.
type Config struct {
	// Credentials is the path of a service account's JSON file, or that JSON itself. It is secret.
	Credentials string
	// Endpoint replaces FCM's address, version included ("http://127.0.0.1:9099/v1"), for a
	// peer on the loopback; "" is the real one.
	Endpoint string
}

const (
	scope = "https://www.googleapis.com/auth/firebase.messaging"
	// sdkVersion is the release of the SDK in go.mod. The SDK tells it to FCM.
	sdkVersion = "4.19.0"
	// The SDK fetches access tokens outside the deadline of the call that needs one.
	tokenTime = 15 * time.Second
	// What FCM asks for after a 429 that does not say how long.
	quotaWait = time.Minute
	// FCM keeps a message this long at most and refuses to be asked for more.
	longestTTL = 28 * 24 * time.Hour
)

// New reads the credentials and signs with their key once; nothing is sent yet. Its error repeats no secret.
func New(ctx context.Context, c Config) (*Sender, error) {
	key, account, err := readAccount(c.Credentials)
	if err != nil {
		return nil, fmt.Errorf("read Firebase credentials (--fcm-credentials): %w", err)
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	tokens := context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: base, Timeout: tokenTime})
	signed, err := transport.NewTransport(tokens, base,
		option.WithAuthCredentialsJSON(option.ServiceAccount, key), option.WithScopes(scope))
	if err != nil {
		// The SDK's error may quote the file.
		return nil, errors.New("open Firebase credentials (--fcm-credentials): the SDK does not take the service account")
	}
	opts := []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: watched{signed}})}
	if c.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(c.Endpoint))
	}
	client, err := newClient(ctx, messaging.NewClient, account.Project, opts)
	if err != nil {
		return nil, fmt.Errorf("open Firebase messaging: %w", err)
	}
	return &Sender{client: client}, nil
}

// newClient calls messaging.NewClient of the SDK with its config, whose type C is internal to the SDK. The public way
// is firebase.NewApp; but its package links Firestore, Storage and gRPC with xDS: 210 packages that sending an alert
// does not need, 22 MB of the binary, and set up at each start. The members of C are set by name. An SDK release that
// has others is an error here, and fails this package's tests.
func newClient[C any](ctx context.Context, open func(context.Context, *C) (*messaging.Client, error), project string,
	opts []option.ClientOption) (*messaging.Client, error) {
	c := new(C)
	members := reflect.ValueOf(c).Elem()
	for name, v := range map[string]any{"ProjectID": project, "Opts": opts, "Version": sdkVersion} {
		m := members.FieldByName(name)
		if !m.IsValid() || m.Type() != reflect.TypeOf(v) {
			return nil, fmt.Errorf("this release of the Firebase SDK has no member %s of %T", name, v)
		}
		m.Set(reflect.ValueOf(v))
	}
	return open(ctx, c)
}

// What a locked screen of an iPhone shows: the same for every alert.
const (
	title = "Doorstep"
	body  = "Your tasks have changed. Open the app to see them."
)

// collapse is the key of every alert: the later takes the place of the earlier, at the provider
// and on the screen. FCM keeps only four keys for a device.
const collapse = "tasks"

// Send hands one message to FCM. A failure is a *notify.Failure.
func (s *Sender) Send(ctx context.Context, m notify.Message) (string, error) {
	call, stop := context.WithCancel(ctx)
	defer stop()
	a := &answer{stop: stop}
	id, err := s.client.Send(context.WithValue(call, answerKey{}, a), message(m, time.Now()))
	if err != nil {
		return "", failure(err, a, ctx.Err() != nil)
	}
	return id, nil
}

// answer is what came back on the wire for one call.
type answer struct {
	stop   context.CancelFunc
	asked  bool
	status int           // 0: nothing came back
	after  time.Duration // Retry-After
}

type answerKey struct{}

// watched notes the answer to a call, and ends the call where the SDK would
// begin to wait: it sleeps for up to two minutes and then loses Retry-After. All
// waiting is the outbox's, which holds no place at the provider meanwhile.
type watched struct{ next http.RoundTripper }

func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	a, ok := req.Context().Value(answerKey{}).(*answer)
	if !ok {
		return resp, err
	}
	a.asked = true
	if err == nil {
		a.status, a.after = resp.StatusCode, retryAfter(resp)
	}
	if err != nil || a.status == http.StatusServiceUnavailable {
		a.stop()
	}
	return resp, err
}

// message is the payload: an opaque id and a kind, nothing of the person or the debt. It is data
// only, so that an Android app decides by itself what to show, if anything, and is woken in any
// case. iOS wakes no app that was closed for data alone, and no app in time: there a fixed text
// goes with it.
func message(m notify.Message, now time.Time) *messaging.Message {
	out := &messaging.Message{
		Token:   m.Token,
		Data:    map[string]string{"kind": m.Kind, "task": m.Task},
		Android: &messaging.AndroidConfig{CollapseKey: collapse, Priority: "high"},
		APNS: &messaging.APNSConfig{
			Headers: map[string]string{"apns-collapse-id": collapse, "apns-priority": "10"},
			Payload: &messaging.APNSPayload{Aps: &messaging.Aps{Alert: &messaging.ApsAlert{Title: title, Body: body},
				ContentAvailable: true, MutableContent: true}},
		},
	}
	if !m.Expires.IsZero() {
		ttl := min(max(m.Expires.Sub(now).Truncate(time.Second), 0), longestTTL)
		out.Android.TTL = &ttl
		out.APNS.Headers["apns-expiration"] = strconv.FormatInt(m.Expires.Unix(), 10)
	}
	return out
}

// failure reads what FCM's answer means for the message. late: the caller's time was over.
func failure(err error, a *answer, late bool) *notify.Failure {
	switch {
	case messaging.IsUnregistered(err):
		return &notify.Failure{Unregistered: true, Why: "unregistered"}
	case messaging.IsSenderIDMismatch(err):
		// The token may be fine, and the credentials those of another project:
		// forgetting it would silence every phone for one wrong setting.
		return &notify.Failure{Why: "sender_mismatch"}
	case a.status == http.StatusTooManyRequests:
		return &notify.Failure{Retry: true, RetryAfter: cmp.Or(a.after, quotaWait), Why: "quota"}
	case a.status == http.StatusServiceUnavailable:
		return &notify.Failure{Retry: true, RetryAfter: a.after, Why: "unavailable"}
	case messaging.IsInvalidArgument(err), !a.asked && !late:
		return &notify.Failure{Why: "invalid_argument"}
	case late && a.status == 0:
		return &notify.Failure{Retry: true, Why: "deadline"}
	case a.status == 0:
		return &notify.Failure{Retry: true, Why: "unreachable"}
	case a.status < http.StatusMultipleChoices:
		// Taken, most likely, but its id cannot be read.
		return &notify.Failure{Retry: true, Why: "unreadable"}
	case a.status >= http.StatusInternalServerError, a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		// 401 and 403 are about our credentials, not about the message.
		return &notify.Failure{Retry: true, RetryAfter: a.after, Why: "status_" + strconv.Itoa(a.status)}
	default:
		return &notify.Failure{Why: "status_" + strconv.Itoa(a.status)}
	}
}

// retryAfter reads the header, in seconds or as a date; 0 when there is none.
func retryAfter(resp *http.Response) time.Duration {
	v := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(at), 0), time.Hour)
	}
	return 0
}
