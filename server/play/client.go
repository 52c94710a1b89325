package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client calls the API for one user. It is not for concurrent use.
type Client struct {
	Base string
	HTTP *http.Client

	access, refresh string
	expires         time.Time
	device          string
}

// Problem is an error answer (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
	// Epoch stands in cursor_expired: the feed's.
	Epoch string `json:"epoch"`
	// Challenge stands in auth.factor_required; see SignInWithFactor.
	Challenge *struct {
		Token     string `json:"token"`
		ExpiresIn int    `json:"expires_in"`
	} `json:"challenge"`
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail)
	for _, e := range p.Errors {
		text += " [" + e.Location + ": " + e.Message + "]"
	}
	return text
}

type session struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	User         struct {
		ID string `json:"id"`
	} `json:"user"`
}

// SignIn signs in. device is the id of an agent's phone, and "" for other users.
func (c *Client) SignIn(ctx context.Context, login, password, device string) error {
	body := map[string]any{"login": login, "password": password}
	if device != "" {
		body["device"] = map[string]any{"id": device, "platform": "android", "name": "played phone",
			"push_token": "token-of-" + device}
	}
	c.device = device
	var s session
	if err := c.once(ctx, http.MethodPost, "/v1/sessions", "application/json", body, &s); err != nil {
		return fmt.Errorf("sign in %s: %w", login, err)
	}
	c.keep(s)
	return nil
}

// SignInWithFactor ends a sign-in that SignIn began and that waits for a code of the user's second factor.
func (c *Client) SignInWithFactor(ctx context.Context, challenge, code string) error {
	var s session
	if err := c.once(ctx, http.MethodPost, "/v1/sessions/factor", "application/json",
		map[string]any{"challenge": challenge, "code": code}, &s); err != nil {
		return fmt.Errorf("sign in with a second factor: %w", err)
	}
	c.keep(s)
	return nil
}

func (c *Client) keep(s session) {
	c.access, c.refresh, c.expires = s.AccessToken, s.RefreshToken, time.Now().Add(time.Duration(s.ExpiresIn)*time.Second)
}

// Token returns an access token that is still valid; it refreshes the session if need be.
func (c *Client) Token(ctx context.Context) (string, error) {
	if time.Until(c.expires) > time.Minute {
		return c.access, nil
	}
	var s session
	if err := c.once(ctx, http.MethodPost, "/v1/sessions/refresh", "application/json",
		map[string]any{"refresh_token": c.refresh, "device_id": c.device}, &s); err != nil {
		return "", fmt.Errorf("refresh session: %w", err)
	}
	c.keep(s)
	return c.access, nil
}

// Do calls an endpoint with a JSON body and decodes the JSON answer into into; both may be nil. An error
// answer is a *Problem.
func (c *Client) Do(ctx context.Context, method, path string, body, into any) error {
	return c.Send(ctx, method, path, "application/json", body, into)
}

// Send is Do with a content type. If the body is an io.Reader, Send sends its bytes as they are;
// if the answer is an io.Writer, Send copies the response's bytes to it.
func (c *Client) Send(ctx context.Context, method, path, contentType string, body, into any) error {
	if c.refresh != "" {
		if _, err := c.Token(ctx); err != nil {
			return err
		}
	}
	if err := c.once(ctx, method, path, contentType, body, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func (c *Client) once(ctx context.Context, method, path, contentType string, body, into any) error {
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		in = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Base, "/")+path, in)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if c.access != "" {
		req.Header.Set("Authorization", "Bearer "+c.access)
	}
	if c.device != "" {
		req.Header.Set("X-Device-Id", c.device)
		req.Header.Set("X-Schema-Version", strconv.Itoa(schema))
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 300 {
		p := &Problem{Status: answer.StatusCode}
		text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		if err != nil {
			return err
		}
		if json.Unmarshal(text, p) != nil {
			p.Detail = string(text)
		}
		return p
	}
	switch to := into.(type) {
	case nil:
		_, err = io.Copy(io.Discard, answer.Body)
	case io.Writer:
		_, err = io.Copy(to, answer.Body)
	default:
		err = json.NewDecoder(answer.Body).Decode(to)
	}
	return err
}

// CodeOf returns the code of the *Problem in err's chain, or "".
func CodeOf(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
