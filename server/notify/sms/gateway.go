package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"doorstep/server/notify"
)

// GatewayConfig describes an HTTP gateway. In the values of Body, {number}, {text} and {id} stand for those of the
// text; {id} is the message's id here, which the gateway repeats in its receipts.
type GatewayConfig struct {
	URL     string            `json:"url"`
	Method  string            `json:"method,omitempty"` // POST or PUT; "" is POST
	Headers map[string]string `json:"headers,omitempty"`
	// Encoding is json or form; "" is json.
	Encoding string            `json:"encoding,omitempty"`
	Body     map[string]string `json:"body"`
	// IDPath is the way to the gateway's id in its JSON answer, such as data.message_id; "" for an answer without one.
	IDPath string `json:"id_path,omitempty"`
	// Secret signs receipts and replies, 32 bytes at least; "" takes none.
	Secret string `json:"secret,omitempty"`
}

func (c *GatewayConfig) check() error {
	if err := checkURL("gateway.url", c.URL); err != nil {
		return err
	}
	switch {
	case c.Method != "" && c.Method != http.MethodPost && c.Method != http.MethodPut:
		return errors.New("gateway.method: write POST or PUT")
	case c.Encoding != "" && c.Encoding != "json" && c.Encoding != "form":
		return errors.New("gateway.encoding: write json or form")
	case c.Secret != "" && len(c.Secret) < 32:
		return errors.New("gateway.secret: it has 32 bytes at least")
	}
	var said strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.Body)) {
		said.WriteString(c.Body[name])
	}
	for _, v := range []string{"{number}", "{text}"} {
		if !strings.Contains(said.String(), v) {
			return fmt.Errorf("gateway.body: no value has %s", v)
		}
	}
	for name := range c.Headers {
		if strings.ContainsAny(name+c.Headers[name], "\r\n") {
			return errors.New("gateway.headers: a header is on one line")
		}
	}
	return nil
}

// Gateway sends by an HTTP gateway that a configuration describes.
type Gateway struct {
	c    GatewayConfig
	http *http.Client
}

// NewGateway makes a carrier of a configuration that was checked (ReadConfig).
func NewGateway(c GatewayConfig) *Gateway { return &Gateway{c, client()} }

// Name is gateway.
func (g *Gateway) Name() string { return gatewayCarrier }

// Carry asks the gateway, once.
func (g *Gateway) Carry(ctx context.Context, t notify.Text) (string, error) {
	fill := strings.NewReplacer("{number}", t.Number, "{text}", t.Text, "{id}", t.ID)
	values := map[string]string{}
	form := url.Values{}
	for name, value := range g.c.Body {
		values[name] = fill.Replace(value)
		form.Set(name, values[name])
	}
	body, contentType := []byte(form.Encode()), "application/x-www-form-urlencoded"
	if g.c.Encoding != "form" {
		var err error
		if body, err = json.Marshal(values); err != nil {
			return "", &notify.NotCarried{Why: "unwritable"}
		}
		contentType = "application/json"
	}
	method := g.c.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, g.c.URL, bytes.NewReader(body))
	if err != nil {
		return "", &notify.NotCarried{Why: "unwritable"}
	}
	req.Header.Set("Content-Type", contentType)
	for name, value := range g.c.Headers {
		req.Header.Set(name, value)
	}
	status, answer, header, err := ask(g.http, req)
	switch {
	case err != nil:
		return "", err
	case status >= http.StatusMultipleChoices:
		return "", refused(status, header)
	case g.c.IDPath == "":
		return "", nil
	}
	id, ok := at(answer, g.c.IDPath)
	if !ok {
		return "", errUnclear
	}
	return kept(id), nil
}

// at finds a text or number in JSON by the names of members, with dots between; a number is an entry of a list.
func at(text []byte, path string) (string, bool) {
	for name := range strings.SplitSeq(path, ".") {
		var list []json.RawMessage
		var members map[string]json.RawMessage
		switch {
		case json.Unmarshal(text, &members) == nil:
			text = members[name]
		case json.Unmarshal(text, &list) == nil:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(list) {
				return "", false
			}
			text = list[i]
		default:
			return "", false
		}
	}
	var word string
	if json.Unmarshal(text, &word) == nil && word != "" {
		return word, true
	}
	var number json.Number
	if json.Unmarshal(text, &number) == nil && number != "" {
		return number.String(), true
	}
	return "", false
}
