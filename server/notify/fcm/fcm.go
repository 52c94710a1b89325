// Package fcm sends notices by Firebase Cloud Messaging. It is the only importer of the Firebase SDK.
package fcm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"doorstep/server/notify"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/errorutils"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"
)

// Sender sends by FCM's HTTP v1 API. It implements notify.Sender.
type Sender struct {
	client *messaging.Client
}

// Config says which Firebase project to send by.
type Config struct {
	// Credentials is the path of a service account's JSON file.
	Credentials string
	// Endpoint replaces FCM's address, version included ("http://127.0.0.1:9099/v1"), for a
	// peer on the loopback; "" is the real one.
	Endpoint string
}

// New reads the credentials; nothing is sent yet.
func New(ctx context.Context, c Config) (*Sender, error) {
	key, err := os.ReadFile(c.Credentials)
	if err != nil {
		return nil, fmt.Errorf("read Firebase credentials: %w", err)
	}
	opts := []option.ClientOption{option.WithCredentialsJSON(key)}
	if c.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(c.Endpoint))
	}
	app, err := firebase.NewApp(ctx, nil, opts...)
	if err != nil {
		return nil, fmt.Errorf("open Firebase project: %w", err)
	}
	client, err := app.Messaging(ctx)
	if err != nil {
		return nil, fmt.Errorf("open Firebase messaging: %w", err)
	}
	return &Sender{client: client}, nil
}

// What a locked screen shows: the same for every task.
const (
	title = "Doorstep"
	body  = "Your tasks have changed. Open the app to see them."
)

// Send hands one message to FCM. A failure is a *notify.Failure.
func (s *Sender) Send(ctx context.Context, m notify.Message) (string, error) {
	id, err := s.client.Send(ctx, message(m, time.Now()))
	if err != nil {
		return "", failure(err)
	}
	return id, nil
}

// message is the payload: an opaque id and a kind, nothing of the person or the debt.
func message(m notify.Message, now time.Time) *messaging.Message {
	out := &messaging.Message{
		Token:        m.Token,
		Data:         map[string]string{"kind": m.Kind, "task": m.Task},
		Notification: &messaging.Notification{Title: title, Body: body},
		Android:      &messaging.AndroidConfig{CollapseKey: m.Collapse, Priority: "high"},
		APNS:         &messaging.APNSConfig{Headers: map[string]string{"apns-collapse-id": m.Collapse, "apns-priority": "10"}},
	}
	if !m.Expires.IsZero() {
		ttl := max(m.Expires.Sub(now).Truncate(time.Second), 0)
		out.Android.TTL = &ttl
		out.APNS.Headers["apns-expiration"] = strconv.FormatInt(m.Expires.Unix(), 10)
	}
	return out
}

// failure reads what FCM's answer means for the message.
func failure(err error) *notify.Failure {
	resp := errorutils.HTTPResponse(err)
	switch {
	case messaging.IsUnregistered(err):
		return &notify.Failure{Unregistered: true, Why: "unregistered"}
	case messaging.IsSenderIDMismatch(err):
		return &notify.Failure{Unregistered: true, Why: "sender_mismatch"}
	case messaging.IsQuotaExceeded(err):
		return &notify.Failure{Retry: true, RetryAfter: retryAfter(resp), Why: "quota"}
	case messaging.IsUnavailable(err):
		return &notify.Failure{Retry: true, RetryAfter: retryAfter(resp), Why: "unavailable"}
	case messaging.IsInvalidArgument(err):
		return &notify.Failure{Why: "invalid_argument"}
	case errors.Is(err, context.DeadlineExceeded):
		return &notify.Failure{Retry: true, Why: "deadline"}
	case resp != nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500):
		return &notify.Failure{Retry: true, RetryAfter: retryAfter(resp), Why: "status_" + strconv.Itoa(resp.StatusCode)}
	case resp != nil:
		return &notify.Failure{Why: "status_" + strconv.Itoa(resp.StatusCode)}
	default:
		return &notify.Failure{Retry: true, Why: "unreachable"}
	}
}

// retryAfter reads the header, in seconds or as a date; 0 when there is none.
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	v := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(at), 0), time.Hour)
	}
	return 0
}
