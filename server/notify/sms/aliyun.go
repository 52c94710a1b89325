package sms

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorstep/server/notify"
)

// AliyunConfig is an account of Alibaba Cloud's Short Message Service.
type AliyunConfig struct {
	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	// SignName and TemplateCode are the signature and the template that the account was approved for, and TemplateParam
	// the parameter of the template that the text is put into: mainland numbers get texts of approved templates only.
	SignName      string `json:"sign_name,omitempty"`
	TemplateCode  string `json:"template_code,omitempty"`
	TemplateParam string `json:"template_param,omitempty"`
	// From is the sender id for numbers elsewhere; "" for the account's own.
	From string `json:"from,omitempty"`
	// Endpoint replaces https://dysmsapi.aliyuncs.com, and GlobeEndpoint the one for numbers elsewhere.
	Endpoint      string `json:"endpoint,omitempty"`
	GlobeEndpoint string `json:"globe_endpoint,omitempty"`
}

func (c *AliyunConfig) check() error {
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		return errors.New("aliyun: give access_key_id and access_key_secret")
	}
	given := 0
	for _, v := range []string{c.SignName, c.TemplateCode, c.TemplateParam} {
		if v != "" {
			given++
		}
	}
	if given != 0 && given != 3 {
		return errors.New("aliyun: sign_name, template_code and template_param go together")
	}
	if c.Endpoint == "" {
		c.Endpoint = "https://dysmsapi.aliyuncs.com"
	}
	if c.GlobeEndpoint == "" {
		c.GlobeEndpoint = "https://dysmsapi.ap-southeast-1.aliyuncs.com"
	}
	if err := checkURL("aliyun.endpoint", c.Endpoint); err != nil {
		return err
	}
	return checkURL("aliyun.globe_endpoint", c.GlobeEndpoint)
}

// Aliyun sends by Alibaba Cloud.
type Aliyun struct {
	c    AliyunConfig
	now  func() time.Time
	http *http.Client
}

// NewAliyun makes a carrier of a configuration that was checked (ReadConfig). Its requests are signed with the clock's
// time.
func NewAliyun(c AliyunConfig, now func() time.Time) *Aliyun { return &Aliyun{c, now, client()} }

// Name is aliyun.
func (a *Aliyun) Name() string { return aliyunCarrier }

// Carry asks Alibaba Cloud, once.
func (a *Aliyun) Carry(ctx context.Context, t notify.Text) (string, error) {
	mainland := strings.HasPrefix(t.Number, "+86")
	endpoint, action, version := a.c.GlobeEndpoint, "SendMessageToGlobe", "2018-05-01"
	query := map[string]string{"To": strings.TrimPrefix(t.Number, "+"), "Message": t.Text, "TaskId": t.ID}
	if a.c.From != "" {
		query["From"] = a.c.From
	}
	if mainland {
		if a.c.TemplateCode == "" {
			return "", &notify.NotCarried{Why: "no_template"}
		}
		param, err := json.Marshal(map[string]string{a.c.TemplateParam: t.Text})
		if err != nil {
			return "", &notify.NotCarried{Why: "unwritable"}
		}
		endpoint, action, version = a.c.Endpoint, "SendSms", "2017-05-25"
		query = map[string]string{"PhoneNumbers": strings.TrimPrefix(t.Number, "+86"), "SignName": a.c.SignName,
			"TemplateCode": a.c.TemplateCode, "TemplateParam": string(param), "OutId": t.ID}
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", &notify.NotCarried{Why: "unwritable"}
	}
	u.Path, u.RawQuery = "/", canonicalQuery(query)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return "", &notify.NotCarried{Why: "unwritable"}
	}
	headers := map[string]string{"host": u.Host, "x-acs-action": action, "x-acs-version": version,
		"x-acs-date": a.now().UTC().Format("2006-01-02T15:04:05Z"), "x-acs-signature-nonce": nonce(),
		"x-acs-content-sha256": hexOf(nil)}
	for name, value := range headers {
		if name != "host" {
			req.Header.Set(name, value)
		}
	}
	req.Header.Set("Authorization", acs3(http.MethodPost, u.RawQuery, headers, a.c.AccessKeyID, a.c.AccessKeySecret))
	status, body, header, err := ask(a.http, req)
	if err != nil {
		return "", err
	}
	var answer struct {
		Code         string `json:"Code"`
		ResponseCode string `json:"ResponseCode"`
		BizID        string `json:"BizId"`
		MessageID    string `json:"MessageId"`
	}
	readable := json.Unmarshal(body, &answer) == nil
	code := answer.Code + answer.ResponseCode
	switch {
	case readable && code == "OK" && status < http.StatusMultipleChoices:
		return kept(answer.BizID + answer.MessageID), nil
	case readable && (strings.HasPrefix(code, "Throttling") || code == "isv.BUSINESS_LIMIT_CONTROL"):
		return "", &notify.NotCarried{Retry: true, RetryAfter: quotaWait, Why: "quota"}
	case status >= http.StatusMultipleChoices:
		return "", refused(status, header)
	case !readable || code == "" || strings.HasPrefix(code, "isp."):
		return "", errUnclear // the service's own trouble, or half an answer
	}
	return "", &notify.NotCarried{Why: "aliyun_" + kept(code)}
}

// acs3 is the Authorization of a request without a body, by ACS3-HMAC-SHA256.
func acs3(method, query string, headers map[string]string, id, secret string) string {
	names := slices.Sorted(maps.Keys(headers))
	var canonical strings.Builder
	canonical.WriteString(method + "\n/\n" + query + "\n")
	for _, name := range names {
		canonical.WriteString(name + ":" + strings.TrimSpace(headers[name]) + "\n")
	}
	signed := strings.Join(names, ";")
	canonical.WriteString("\n" + signed + "\n" + headers["x-acs-content-sha256"])
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hexOf([]byte(canonical.String()))))
	return "ACS3-HMAC-SHA256 Credential=" + id + ",SignedHeaders=" + signed + ",Signature=" +
		hex.EncodeToString(mac.Sum(nil))
}

// canonicalQuery is a query in the order of its names, escaped as RFC 3986 has it.
func canonicalQuery(query map[string]string) string {
	escape := func(s string) string {
		return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		parts = append(parts, escape(name)+"="+escape(query[name]))
	}
	return strings.Join(parts, "&")
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func nonce() string { return rand.Text() }
