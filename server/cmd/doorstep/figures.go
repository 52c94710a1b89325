package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/figures"
)

// figuresCmd prints figures: those that a running server answers, or those that the journal's entries give.
type figuresCmd struct {
	storeFlags
	FromJournal bool      `help:"Count the entries of the journal, and read no view and no server."`
	From        string    `help:"The first local date of the branch. Default: today."`
	To          string    `help:"The last one. Default: today."`
	By          []string  `help:"day, lender, team: how the figures are grouped." placeholder:"WORD,…"`
	Lender      string    `help:"Only this lender's cases."`
	As          string    `default:"admin" enum:"admin,supervisor,auditor,lender" help:"Whose figures, with --from-journal: admin, supervisor, auditor or lender."`
	Entries     uint64    `help:"Read the branch's journal up to this entry, as an answer's entries says. Default: all." placeholder:"N"`
	OrgEntries  uint64    `help:"Likewise the organisation's, as org_entries says." placeholder:"N"`
	At          time.Time `help:"Count as at this instant, RFC 3339: what a later day decides is open. Default: now." placeholder:"TIME"`
	Format      string    `default:"json" enum:"json,csv" help:"json or csv."`
	Server      string    `default:"http://127.0.0.1:8080" env:"DOORSTEP_SERVER" help:"Where the server answers, without --from-journal."`
	Token       string    `env:"DOORSTEP_TOKEN" help:"Your access token, without --from-journal."`
}

func (c *figuresCmd) Run(ctx context.Context, out io.Writer) error {
	if !c.FromJournal {
		return c.ask(ctx, out)
	}
	store, branches, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	var own []auth.BranchID
	for _, b := range branches {
		if b != auth.OrgBranch {
			own = append(own, b)
		}
	}
	if len(own) != 1 {
		return fmt.Errorf("there are %d branches; name one with --branch", len(own))
	}
	q := figures.Query{Branch: own[0], From: c.From, To: c.To, By: c.By, Lender: c.Lender}
	role := auth.Role(c.As)
	if role == auth.RoleLender && c.Lender == "" {
		return errors.New("say which lender's figures with --lender")
	}
	now := c.At
	if now.IsZero() {
		now = time.Now()
	}
	got, err := figures.FromJournal(ctx, store, role, q, now, c.Entries, c.OrgEntries)
	if err != nil {
		return err
	}
	if c.Format == "csv" {
		w := csv.NewWriter(out)
		return w.WriteAll(got.Table())
	}
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, string(text))
	return nil
}

// ask prints what a server answers.
func (c *figuresCmd) ask(ctx context.Context, out io.Writer) error {
	if c.Token == "" {
		return errors.New("give your access token with --token, or read the journal with --from-journal")
	}
	q := url.Values{"format": {c.Format}}
	for name, v := range map[string]string{"branch": c.Branch, "from": c.From, "to": c.To, "lender": c.Lender,
		"by": strings.Join(c.By, ",")} {
		if v != "" {
			q.Set(name, v)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		strings.TrimSuffix(c.Server, "/")+"/v1/figures?"+q.Encode(), nil)
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
	_, err = io.Copy(out, answer.Body)
	return err
}
