package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"doorstep/server/audit"
)

type verifyCmd struct {
	Key   string `required:"" help:"The audit's public key, or the path of a file that holds it. Never take it from the export."`
	Since string `help:"An earlier export of the same branch: say whether the log has gone on from it, was restored from a backup, or was rolled back." placeholder:"FILE"`
	File  string `arg:"" help:"The export; - for standard input."`
}

func (c *verifyCmd) Run(out io.Writer) error {
	key := c.Key
	if text, err := os.ReadFile(key); err == nil {
		key = string(text)
	}
	report, err := verifyFile(c.File, key)
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
	for _, r := range report.Restores {
		fmt.Fprintf(out, "restored: on %s from a backup of %d entries; the log goes on as %s\n", r.At.Format(time.RFC3339),
			r.Size, r.Epoch)
		if r.NoErasures {
			fmt.Fprintln(out, "restored: without a list of erased debtors")
		}
	}
	if c.Since == "" {
		return nil
	}
	older, err := verifyFile(c.Since, key)
	if err != nil {
		return fmt.Errorf("the earlier export does not verify: %w", err)
	}
	return compared(out, audit.Compare(older, report))
}

// verifyFile verifies an export in a file, or on standard input.
func verifyFile(path, key string) (audit.Report, error) {
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return audit.Report{}, err
		}
		defer f.Close()
		in = f
	}
	return audit.Verify(in, strings.TrimSpace(key))
}

// compared tells how the log of an export stands to that of an earlier one. The error is for a log that does not go on
// from the earlier one and does not say why.
func compared(out io.Writer, r audit.Relation) error {
	switch r.Kind {
	case audit.KindGrown:
		fmt.Fprintln(out, "since the earlier export: the same log, which has not become shorter")
	case audit.KindRestored:
		fmt.Fprintf(out, "since the earlier export: restored on %s from a backup; the earlier export's log is all there\n",
			r.Restore.At.Format(time.RFC3339))
	case audit.KindLost:
		fmt.Fprintf(out, "since the earlier export: restored on %s from a backup that lacks the last %d entries of the "+
			"earlier export's log, as entry %d says\n", r.Restore.At.Format(time.RFC3339), r.Lost, r.Restore.Entry)
	case audit.KindOther:
		return errors.New("the earlier export is of another branch")
	default:
		return errors.New("rolled back: the log of the earlier export was longer or another, and no restore in this one " +
			"says what became of it")
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
