package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// eraseCmd calls a running server, because only the server can tell two administrators
// apart: each signs in and runs the command with their own token.
type eraseCmd struct {
	Server  string `default:"http://127.0.0.1:8080" env:"DOORSTEP_SERVER" help:"Where the server answers."`
	Token   string `required:"" env:"DOORSTEP_TOKEN" help:"Your access token, as an administrator."`
	Reason  string `help:"Ask for the erasure, and why: court_order, debt_sold, error, request or retention." xor:"step" required:""`
	Confirm string `help:"Confirm what another administrator asked for, by its erasure_id. It cannot be undone." placeholder:"ID" xor:"step" required:""`
	Debtor  string `arg:"" help:"The debtor's id."`
}

func (c *eraseCmd) Run(ctx context.Context, out io.Writer) error {
	path := "/v1/debtors/" + url.PathEscape(c.Debtor) + "/erase"
	var body io.Reader
	if c.Confirm != "" {
		path += "/" + url.PathEscape(c.Confirm) + "/confirm"
	} else {
		text, err := json.Marshal(map[string]string{"reason": c.Reason})
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Server, "/")+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("the server says %s: %s", answer.Status, text)
	}
	var shown bytes.Buffer
	if err := json.Indent(&shown, text, "", "  "); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	fmt.Fprintln(out, strings.TrimSpace(shown.String()))
	return nil
}
