package sms

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"doorstep/server/notify"
)

// TwilioConfig is an account of Twilio.
type TwilioConfig struct {
	AccountSID string `json:"account_sid"`
	AuthToken  string `json:"auth_token"`
	// From is the number or sender id that texts come from; MessagingService a service that has them instead.
	From             string `json:"from,omitempty"`
	MessagingService string `json:"messaging_service_sid,omitempty"`
	Endpoint         string `json:"endpoint,omitempty"` // replaces https://api.twilio.com
}

var accountShape = regexp.MustCompile(`^AC[0-9a-zA-Z]{32}$`)

func (c *TwilioConfig) check() error {
	switch {
	case !accountShape.MatchString(c.AccountSID):
		return errors.New("twilio.account_sid: it is AC and 32 letters and digits")
	case c.AuthToken == "":
		return errors.New("twilio.auth_token: give it")
	case (c.From == "") == (c.MessagingService == ""):
		return errors.New("twilio.from: give from or messaging_service_sid")
	}
	if c.Endpoint == "" {
		c.Endpoint = "https://api.twilio.com"
	}
	return checkURL("twilio.endpoint", c.Endpoint)
}

// Twilio sends by Twilio's Messages resource.
type Twilio struct {
	c      TwilioConfig
	public string
	http   *http.Client
}

// NewTwilio makes a carrier of a configuration that was checked (ReadConfig). public is where Twilio reaches this
// server.
func NewTwilio(c TwilioConfig, public string) *Twilio { return &Twilio{c, public, client()} }

// Name is twilio.
func (t *Twilio) Name() string { return twilioCarrier }

// ReceiptPath is the path of the endpoint that takes a provider's receipts, and ReplyPath the one for replies.
func ReceiptPath(provider string) string { return "/v1/sms/" + provider + "/receipts" }

// ReplyPath is the path of the endpoint that takes the replies that a provider brings.
func ReplyPath(provider string) string { return "/v1/sms/" + provider + "/replies" }

// Carry asks Twilio, once. Its receipts name the message by its id here, since they may be faster than the answer.
func (t *Twilio) Carry(ctx context.Context, m notify.Text) (string, error) {
	form := url.Values{"To": {m.Number}, "Body": {m.Text},
		"StatusCallback": {t.public + ReceiptPath(twilioCarrier) + "?message=" + url.QueryEscape(m.ID)}}
	if t.c.From != "" {
		form.Set("From", t.c.From)
	} else {
		form.Set("MessagingServiceSid", t.c.MessagingService)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		t.c.Endpoint+"/2010-04-01/Accounts/"+t.c.AccountSID+"/Messages.json", strings.NewReader(form.Encode()))
	if err != nil {
		return "", &notify.NotCarried{Why: "unwritable"}
	}
	req.SetBasicAuth(t.c.AccountSID, t.c.AuthToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, header, err := ask(t.http, req)
	if err != nil {
		return "", err
	}
	var answer struct {
		SID  string `json:"sid"`
		Code int    `json:"code"`
	}
	readable := json.Unmarshal(body, &answer) == nil
	switch {
	case status >= http.StatusMultipleChoices:
		err := refused(status, header)
		var not *notify.NotCarried
		if errors.As(err, &not) && !not.Retry && readable && answer.Code > 0 {
			not.Why = "twilio_" + strconv.Itoa(answer.Code)
		}
		return "", err
	case !readable || kept(answer.SID) == "":
		return "", errUnclear
	}
	return answer.SID, nil
}
