package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"doorstep/server/play"
)

// office is a supervisor who reassigns cases, opens holds and imports, and an auditor. They call the servers without
// the proxy, and send a command that was not answered again under the same key.
type office struct {
	w       *world
	dice    *rand.Rand
	cases   []string // those with a stop
	pending *command
	sent    int
	head0   string // the head of the cases' file, and a row to copy
	row     []string
	lines   map[string]line // imported cases, by id
	counts  struct{ reassigned, held, imported, refused int }
}

// line is an imported case as it was acknowledged.
type line struct {
	due int
	at  time.Time
}

// command is a command that waits for its answer.
type command struct {
	key, kind, id string
	path, text    string
	body          any
	begun         time.Time
	due           int
	answered      bool // a hold whose case is still to be read
}

// head is a signed head of the branch's log.
type head struct {
	at   time.Time
	Size int64  `json:"size"`
	Root string `json:"root"`
}

func newOffice(w *world) *office {
	o := &office{w: w, dice: rand.New(rand.NewPCG(w.seed, 3)), lines: map[string]line{}}
	now := time.Now()
	for _, r := range w.day.Round.Routes {
		for _, s := range r.Stops {
			o.cases = append(o.cases, s.Case)
			w.owners.give(s.Case, w.teamOf(r.Team), now)
		}
	}
	slices.Sort(o.cases)
	if text, err := os.ReadFile(w.day.Cases); err == nil {
		rows := strings.SplitN(string(text), "\n", 3)
		o.head0, o.row = rows[0], strings.Split(rows[1], ",")
	}
	return o
}

func (o *office) run(ctx context.Context) {
	for (!o.w.over.Load() || o.pending != nil) && ctx.Err() == nil {
		o.w.gate.RLock()
		if o.pending == nil {
			o.pending = o.next()
		}
		if o.try(ctx, o.pending) {
			o.pending = nil
		}
		o.w.gate.RUnlock()
		pause(ctx, time.Duration(30+o.dice.IntN(200))*time.Millisecond)
	}
}

// next draws a command.
func (o *office) next() *command {
	o.sent++
	c := &command{key: fmt.Sprintf("underfire-%d-%d", o.w.seed, o.sent), begun: time.Now(),
		id: o.cases[o.dice.IntN(len(o.cases))]}
	switch n := o.dice.IntN(40); {
	case n == 0:
		c.kind, c.path, c.body = "hold", "/v1/cases/"+c.id+"/holds", map[string]any{"kind": "dispute"}
	case n < 12:
		c.kind, c.path, c.due = "import", "/v1/imports/cases?branch="+o.w.day.Branch, 10_000+o.sent
		ref := fmt.Sprintf("FIRE-%03d", o.dice.IntN(40))
		row := slices.Clone(o.row)
		for i, name := range strings.Split(strings.TrimSpace(o.head0), ",") {
			switch name {
			case "case_ref":
				row[i] = ref
			case "debtor_ref":
				row[i] = ref + "-D"
			case "lender":
				c.id = row[i] + "." + ref
			case "amount_due_minor":
				row[i] = fmt.Sprint(c.due)
			case "principal_minor":
				row[i] = "9000000"
			}
		}
		c.text = o.head0 + "\n" + strings.Join(row, ",") + "\n"
	default:
		team := o.w.day.Teams[o.dice.IntN(len(o.w.day.Teams))]
		c.kind, c.path, c.body = "reassign", "/v1/cases/"+c.id+"/reassign", map[string]any{"team": team.ID}
		o.w.owners.give(c.id, team.Agents, c.begun)
	}
	return c
}

// keyed puts an Idempotency-Key into the request.
type keyed string

// RoundTrip sends the request with the key.
func (k keyed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Idempotency-Key", string(k))
	return http.DefaultTransport.RoundTrip(req)
}

// try sends a command and tells whether it is done with, whatever the answer.
func (o *office) try(ctx context.Context, c *command) (done bool) {
	a := *o.w.day.Admin
	a.Base, a.HTTP = o.w.base(), &http.Client{Transport: keyed(c.key), Timeout: 20 * time.Second}
	if c.answered {
		return o.reread(ctx, c.id, time.Now()) == nil
	}
	var receipt struct {
		Assignment string `json:"assignment"`
		TakenBack  int    `json:"taken_back"`
	}
	var err error
	if c.kind == "import" {
		var rep play.ImportReport
		a.HTTP = &http.Client{Timeout: 20 * time.Second}
		err = a.Send(ctx, http.MethodPost, c.path, "text/csv", strings.NewReader(c.text), &rep)
		if err == nil && rep.Accepted+rep.Updated+rep.Unchanged != 1 {
			o.w.book.fault("answers", "one line was imported, and the report is %+v", rep)
		}
	} else {
		err = a.Do(ctx, http.MethodPost, c.path, c.body, &receipt)
	}
	at := time.Now()
	var p *play.Problem
	switch {
	case err == nil:
	case !errors.As(err, &p) || p.Status >= 500 || p.Status == http.StatusTooManyRequests:
		return false
	case p.Status == http.StatusUnauthorized:
		o.w.day.Admin.Base = o.w.base()
		_ = o.w.day.Admin.SignIn(ctx, "admin", password, "") // tried again with the next try
		return false
	default:
		o.counts.refused++
	}
	switch {
	case c.kind == "import" && err == nil:
		o.counts.imported++
		o.lines[c.id] = line{c.due, at}
	case c.kind == "hold" && err == nil:
		o.counts.held++
		c.answered = true
		return o.reread(ctx, c.id, at) == nil
	case c.kind == "reassign" && err == nil && receipt.Assignment != "" && receipt.TakenBack > 0:
		o.counts.reassigned++
		o.w.owners.end(c.id, at, func(from time.Time) bool { return from.Before(c.begun) })
	case c.kind == "reassign":
		o.w.owners.end(c.id, at, func(from time.Time) bool { return from.Equal(c.begun) })
	}
	return true
}

// reread reads from the server who has a case now, and ends what was given before.
func (o *office) reread(ctx context.Context, id string, begun time.Time) error {
	a := *o.w.day.Admin
	a.Base = o.w.base()
	var file struct {
		Assignments []struct {
			Status  string   `json:"status"`
			Retired bool     `json:"retired"`
			Agents  []string `json:"agents"`
		} `json:"assignments"`
	}
	if err := a.Do(ctx, http.MethodGet, "/v1/cases/"+id, nil, &file); err != nil {
		return err
	}
	at := time.Now()
	for _, s := range file.Assignments {
		if !s.Retired && (s.Status == "open" || s.Status == "done") {
			o.w.owners.give(id, s.Agents, at)
		}
	}
	o.w.owners.end(id, at, func(from time.Time) bool { return from.Before(at) })
	return nil
}

// signIn signs in both. Nobody else may work.
func (o *office) signIn(ctx context.Context) error {
	o.w.day.Admin.Base, o.w.day.Auditor.Base = o.w.base(), o.w.base()
	return errors.Join(o.w.day.Admin.SignIn(ctx, "admin", password, ""),
		o.w.day.Auditor.SignIn(ctx, "auditor", play.Password, ""))
}

// comeBack signs in after a restore, and reads who has which case. What was acknowledged after the backup is forgotten.
func (o *office) comeBack(ctx context.Context, from time.Time) error {
	if err := o.signIn(ctx); err != nil {
		return err
	}
	o.pending = nil
	for id, l := range o.lines {
		if !l.at.Before(o.w.backedUp) {
			delete(o.lines, id)
		}
	}
	o.w.heads = slices.DeleteFunc(o.w.heads, func(h head) bool { return !h.at.Before(o.w.backedUp) })
	for _, id := range o.cases {
		if err := o.reread(ctx, id, from); err != nil {
			return err
		}
	}
	return nil
}

// head keeps a signed head of the log, if a server answers.
func (o *office) head(ctx context.Context) {
	a := *o.w.day.Auditor
	a.Base = o.w.base()
	var h head
	if err := a.Do(ctx, http.MethodGet, "/v1/audit/checkpoint?branch="+o.w.day.Branch, nil, &h); err == nil {
		h.at = time.Now()
		o.w.heads = append(o.w.heads, h)
	}
}

// export keeps an export of the visits, and verifies it against the one before.
func (o *office) export(ctx context.Context) error {
	var text []byte
	var err error
	for range 20 {
		o.w.day.Auditor.Base = o.w.base()
		if text, err = o.w.day.Export(ctx, "ndjson"); err == nil {
			break
		}
		pause(ctx, 200*time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	path := filepath.Join(o.w.root, fmt.Sprintf("export-%d.ndjson", len(o.w.exports)))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	args := []string{"verify", "--key", o.w.nodes[0].key}
	if n := len(o.w.exports); n > 0 {
		args = append(args, "--since", o.w.exports[n-1])
	}
	switch said, err := o.w.nodes[0].run(ctx, append(args, path)...); {
	case o.w.older && !strings.Contains(said, "rolled back"):
		o.w.book.fault("audit", "an older backup was put back, and verify does not notice: %s", said)
	case !o.w.older && err != nil:
		o.w.book.fault("audit", "%v", err)
	}
	o.w.older = false
	o.w.exports = append(o.w.exports, path)
	return nil
}

// await polls a condition for a minute.
func (o *office) await(ctx context.Context, met func() bool) bool {
	for range 600 {
		if met() {
			return true
		}
		pause(ctx, 100*time.Millisecond)
	}
	return false
}

// visitsIn lists the visits of an export, each once for each line.
func visitsIn(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, l := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var v struct {
			ID string `json:"visit_id"`
		}
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			return nil, err
		}
		if v.ID != "" {
			ids = append(ids, v.ID)
		}
	}
	return ids, nil
}
