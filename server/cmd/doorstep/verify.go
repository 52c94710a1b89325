package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"doorstep/server/audit"
)

type verifyCmd struct {
	Key  string `required:"" help:"The audit's public key, or the path of a file that holds it. Never take it from the export."`
	File string `arg:"" help:"The export; - for standard input."`
}

func (c *verifyCmd) Run(out io.Writer) error {
	key := c.Key
	if text, err := os.ReadFile(key); err == nil {
		key = string(text)
	}
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	report, err := audit.Verify(in, strings.TrimSpace(key))
	if err != nil {
		return fmt.Errorf("the export does not verify: %w", err)
	}
	fmt.Fprintf(out, "verified: %d visits of branch %s", report.Manifest.Visits, report.Manifest.Branch)
	if report.Manifest.Visits > 0 {
		fmt.Fprintf(out, ", numbers %d to %d", report.Manifest.FirstNo, report.Manifest.LastNo)
	}
	switch missing := report.Manifest.Missing; {
	case report.Manifest.Complete:
		fmt.Fprintln(out, "; nothing altered, nothing left out")
	case len(missing) > 0:
		fmt.Fprintln(out, "; nothing altered, but the server could not read all of its journal:")
		for _, m := range missing {
			fmt.Fprintf(out, "missing: entries %d to %d: %s\n", m.First, m.Last, m.Why)
		}
	default:
		fmt.Fprintln(out, "; nothing altered (a filtered export: what was left out on purpose is not proved)")
	}
	return nil
}

type exportCmd struct {
	Server       string `default:"http://127.0.0.1:8080" env:"DOORSTEP_SERVER" help:"Where the server answers."`
	Token        string `required:"" env:"DOORSTEP_TOKEN" help:"An auditor's access token."`
	Branch       string `help:"Branch; your only one when absent."`
	From         string `help:"First local date."`
	To           string `help:"Last local date."`
	ReceivedFrom string `help:"First local date on which the server received them."`
	ReceivedTo   string `help:"Last local date on which the server received them."`
	Format       string `default:"ndjson" enum:"ndjson,csv" help:"ndjson or csv."`
	Out          string `arg:"" help:"File to write; - for standard output."`
}

func (c *exportCmd) Run(ctx context.Context, out io.Writer) error {
	q := url.Values{"format": {c.Format}}
	for name, v := range map[string]string{"branch": c.Branch, "from": c.From, "to": c.To,
		"received_from": c.ReceivedFrom, "received_to": c.ReceivedTo} {
		if v != "" {
			q.Set(name, v)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		strings.TrimSuffix(c.Server, "/")+"/v1/audit/visits?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return fmt.Errorf("the server says %s: %s", answer.Status, text)
	}
	w := out
	if c.Out != "-" {
		f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		w = f
	}
	_, err = io.Copy(w, answer.Body)
	return err
}
