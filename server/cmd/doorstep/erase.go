package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// eraseCmd calls a running server, because only the server can tell two administrators
// apart: each signs in and runs the command with their own token.
type eraseCmd struct {
	Server   string `default:"http://127.0.0.1:8080" env:"DOORSTEP_SERVER" help:"Where the server answers."`
	Token    string `required:"" env:"DOORSTEP_TOKEN" help:"Your access token, as an administrator."`
	Reason   string `help:"Why you ask for the erasure (court_order, debt_sold, error, request or retention), or why you withdraw it (debtor_withdrew, duty_to_keep, error or wrong_debtor)." placeholder:"CODE"`
	Confirm  string `help:"Confirm what another administrator asked for, by its erasure_id. It cannot be undone." placeholder:"ID" xor:"step"`
	Withdraw string `help:"Withdraw an erasure that is not confirmed yet, by its erasure_id." placeholder:"ID" xor:"step"`
	Debtor   string `arg:"" help:"The debtor's id."`
}

func (c *eraseCmd) Run(ctx context.Context, out io.Writer) error {
	path := "/v1/debtors/" + url.PathEscape(c.Debtor) + "/erase"
	switch {
	case c.Confirm != "" && c.Reason != "":
		return errors.New("--confirm takes no --reason: the reason is that of the one who asked")
	case c.Confirm != "":
		path += "/" + url.PathEscape(c.Confirm) + "/confirm"
	case c.Reason == "":
		return errors.New("say why with --reason, or confirm with --confirm what another administrator asked for")
	case c.Withdraw != "":
		path += "/" + url.PathEscape(c.Withdraw) + "/withdraw"
	}
	var body io.Reader
	if c.Confirm == "" {
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
		return fmt.Errorf("no server answers at %s, and without one nothing can be erased: "+
			"only a server can tell two administrators apart: %w", c.Server, err)
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
