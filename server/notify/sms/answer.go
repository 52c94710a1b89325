package sms

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"doorstep/server/notify"
)

// mostAnswer is how much of a provider's answer is read.
const mostAnswer = 64 << 10

// credentialsWait is how long to wait after a provider has refused our credentials: that is about the configuration,
// not about the text.
const credentialsWait = 5 * time.Minute

// quotaWait is how long to wait after a 429 that does not say how long.
const quotaWait = time.Minute

// errUnclear is of an answer that leaves open what the provider did.
var errUnclear = errors.New("sms: the provider's answer leaves open whether it took the text")

// ask sends a request and gives the answer's status and body. Its error is a *notify.NotCarried if the request was
// certainly not read, and any other one if that is open.
func ask(c *http.Client, req *http.Request) (status int, body []byte, header http.Header, err error) {
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, nil, failed(err)
	}
	defer func() { _ = resp.Body.Close() }() // read whole, or of no use
	body, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if err != nil || len(body) > mostAnswer {
		body, err = nil, errUnclear
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		err = nil // the status says it
	}
	return resp.StatusCode, body, resp.Header, err
}

// failed reads what an error of the connection means. What it says may repeat the URL.
func failed(err error) error {
	var dial *net.OpError
	var dns *net.DNSError
	if errors.As(err, &dns) || errors.As(err, &dial) && dial.Op == "dial" {
		return &notify.NotCarried{Retry: true, Why: "unreachable"}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(errUnclear, context.DeadlineExceeded)
	}
	return errUnclear
}

// refused reads what a status other than 2xx means.
func refused(status int, h http.Header) error {
	why := "status_" + strconv.Itoa(status)
	switch {
	case status == http.StatusTooManyRequests:
		wait := retryAfter(h)
		if wait == 0 {
			wait = quotaWait
		}
		return &notify.NotCarried{Retry: true, RetryAfter: wait, Why: "quota"}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &notify.NotCarried{Retry: true, RetryAfter: credentialsWait, Why: why}
	case status == http.StatusRequestTimeout || status == http.StatusConflict || status >= http.StatusInternalServerError:
		return errUnclear
	default:
		return &notify.NotCarried{Why: why}
	}
}

// retryAfter reads the header, in seconds or as a date, an hour at most; 0 when there is none.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(at), 0), time.Hour)
	}
	return 0
}

// ours tells whether a text is an id as we keep it: of letters, digits and signs, at most 128.
func ours(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '.' && c != ':' &&
			c != '/' && c != '@' && c != '#' && c != '+' && c != '-' {
			return false
		}
	}
	return true
}

// kept is an id as we keep it; "" for one that we do not.
func kept(id string) string {
	if !ours(id) {
		return ""
	}
	return id
}
