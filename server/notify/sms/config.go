package sms

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"doorstep/auth/strictjson"
	"doorstep/server/notify"
)

// Config says who carries texts. It is read from a file that only its owner should be able to read: it has secrets.
type Config struct {
	// Carrier is file, gateway, twilio or aliyun; "" is file.
	Carrier string `json:"carrier"`
	// PublicURL is where providers reach this server, such as https://doorstep.example: their receipts are signed with it.
	PublicURL string         `json:"public_url,omitempty"`
	Gateway   *GatewayConfig `json:"gateway,omitempty"`
	Twilio    *TwilioConfig  `json:"twilio,omitempty"`
	Aliyun    *AliyunConfig  `json:"aliyun,omitempty"`
}

// The carriers.
const (
	fileCarrier    = "file"
	gatewayCarrier = "gateway"
	twilioCarrier  = "twilio"
	aliyunCarrier  = "aliyun"
)

// ReadConfig reads the JSON of a configuration strictly. Its error repeats no value.
func ReadConfig(text []byte) (Config, error) {
	var c Config
	if fault := strictjson.Check(text); fault != nil {
		return c, fmt.Errorf("this is no JSON: %w", fault)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return c, fmt.Errorf("%s: this is of the wrong type", wrong.Field)
		}
		return c, errors.New("a member is not known, or cannot be read: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	return c, c.check()
}

func (c *Config) check() error {
	if c.PublicURL != "" {
		if err := checkURL("public_url", c.PublicURL); err != nil {
			return err
		}
		c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	}
	switch c.Carrier {
	case "", fileCarrier:
		return nil
	case gatewayCarrier:
		if c.Gateway == nil {
			return errors.New("gateway: describe it")
		}
		return c.Gateway.check()
	case twilioCarrier:
		switch {
		case c.Twilio == nil:
			return errors.New("twilio: give account_sid, auth_token and from")
		case c.PublicURL == "":
			return errors.New("public_url: Twilio signs its receipts with the URL it calls; say where it reaches this server")
		}
		return c.Twilio.check()
	case aliyunCarrier:
		if c.Aliyun == nil {
			return errors.New("aliyun: give access_key_id and access_key_secret")
		}
		return c.Aliyun.check()
	}
	return errors.New("carrier: write file, gateway, twilio or aliyun")
}

// checkURL refuses what is no https URL; http is for the loopback alone.
func checkURL(at, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return fmt.Errorf("%s: write a URL such as https://gateway.example/send", at)
	}
	host := u.Hostname()
	if u.Scheme != "https" && !(u.Scheme == "http" && (host == "localhost" || host == "::1" ||
		strings.HasPrefix(host, "127."))) {
		return fmt.Errorf("%s: a provider is asked over https only", at)
	}
	return nil
}

// Open makes the carrier of a configuration. Without another one it appends to the file at path; now is the clock.
func (c Config) Open(path string, now func() time.Time) (notify.Carrier, error) {
	switch c.Carrier {
	case gatewayCarrier:
		return NewGateway(*c.Gateway), nil
	case twilioCarrier:
		return NewTwilio(*c.Twilio, c.PublicURL), nil
	case aliyunCarrier:
		return NewAliyun(*c.Aliyun, now), nil
	}
	return NewFile(path, now), nil
}

// client asks providers. The deadline is the caller's.
func client() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 4
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}
