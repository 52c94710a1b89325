package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/scripts/figures"
	"doorstep/server"
	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// historyArguments are those of `bench history`.
type historyArguments struct {
	Work    string `required:"" help:"A folder that is thrown away."`
	Entries []int  `default:"10000,1000000" help:"The lengths of the journals that are compared."`
	Rounds  int    `default:"9" help:"How often everything is measured, in turns."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// measure compares the costs of one branch with journals of several lengths: a server for
// each length runs in this process, and each figure is measured on one after the other.
func (a *historyArguments) measure(ctx context.Context) error {
	f := &figures.Figures{}
	var towns []*town
	defer func() {
		for _, t := range towns {
			_ = t.close() // what matters has been measured, or another error is returned
		}
	}()
	for _, n := range a.Entries {
		t := &town{entries: n, folder: filepath.Join(a.Work, strconv.Itoa(n))}
		towns = append(towns, t)
		if err := t.prepare(ctx, f); err != nil {
			return fmt.Errorf("a journal of %d entries: %w", n, err)
		}
	}
	for round := range a.Rounds {
		// Whoever comes first in a round finds colder caches: they take turns.
		order := slices.Clone(towns)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, what := range []struct {
			name string
			do   func(*town, context.Context, int) (time.Duration, error)
		}{{"start-up", (*town).restart}, {"first proof", (*town).proof}, {"push of 100 notes", (*town).push},
			{"pull of what is new", (*town).pull}, {"pull of a new phone", (*town).pullAll},
			{"import of 150 cases", (*town).importCases}, {"a round, but for its search", (*town).plan}} {
			for _, t := range order {
				took, err := what.do(t, ctx, round)
				if err != nil {
					return fmt.Errorf("%s with %d entries: %w", what.name, t.entries, err)
				}
				f.Add(fmt.Sprintf("%s, %d entries", what.name, t.entries), "ms", float64(took.Microseconds())/1000)
			}
		}
	}
	a.compare(f)
	if a.JSON {
		return f.PrintJSON(os.Stdout)
	}
	return f.Print(os.Stdout)
}

// compare adds each figure's ratio of the longest journal to the shortest.
func (a *historyArguments) compare(f *figures.Figures) {
	least, most := slices.Min(a.Entries), slices.Max(a.Entries)
	for _, name := range f.Names() {
		var what string
		if suffix := fmt.Sprintf(", %d entries", least); len(name) > len(suffix) && name[len(name)-len(suffix):] == suffix {
			what = name[:len(name)-len(suffix)]
		} else {
			continue
		}
		long := f.Of(fmt.Sprintf("%s, %d entries", what, most))
		if long != nil && most > least && f.Unit(name) == "ms" {
			f.Add(what+", long to short", "ratio", figures.Median(long)/figures.Median(f.Of(name)))
		}
	}
}

// town is a server in this process, with one branch whose journal has a given length.
type town struct {
	entries int
	folder  string
	day     *play.Day
	began   time.Time
	now     time.Time // at which the server's clock started last
	server  *server.Server
	stop    context.CancelFunc
	ended   chan error
	sender  *play.Phone // pushes
	reader  *play.Phone // the other phone of the same team: it pulls what the sender pushes
	ids     int
}

// prepare makes the branch with its teams, publishes a round, and fills the journal up.
func (t *town) prepare(ctx context.Context, f *figures.Figures) error {
	if err := os.MkdirAll(t.folder, 0o700); err != nil {
		return err
	}
	var err error
	if t.day, err = play.City(t.folder); err != nil {
		return err
	}
	d := t.day
	d.Password, d.Date, d.TimeLimitS, d.Seed, d.HTTP = password, morning.Format(time.DateOnly), 1, 1, &http.Client{}
	t.began = time.Now()
	if err := t.open(ctx); err != nil {
		return err
	}
	if err := prepare(ctx, d); err != nil {
		return err
	}
	if err := d.Plan(ctx, nil); err != nil {
		return err
	}
	if err := d.Publish(ctx, nil); err != nil {
		return err
	}
	if _, err := d.PullAll(ctx); err != nil {
		return err
	}
	for i := 0; i+1 < len(d.Phones) && t.sender == nil; i += 2 {
		if len(d.Phones[i].Docs["cases"]) > 0 {
			t.sender, t.reader = d.Phones[i], d.Phones[i+1]
		}
	}
	if t.sender == nil {
		return errors.New("no phone has a case")
	}
	if err := t.close(); err != nil {
		return err
	}
	began := time.Now()
	filled, err := t.fill(ctx)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	f.Add(fmt.Sprintf("filling, %d entries", t.entries), "entries/s", float64(filled)/time.Since(began).Seconds())
	return t.open(ctx)
}

// open starts the server.
func (t *town) open(ctx context.Context) error {
	// The clock goes on as if the server had never stopped, or tokens would expire too early for their holders.
	t.now = morning.Add(time.Since(t.began))
	s, err := server.Open(ctx, server.Config{Listen: "127.0.0.1:0", Data: filepath.Join(t.folder, "data"),
		AdminPassword: password, Now: t.now})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	t.server, t.stop, t.ended = s, stop, make(chan error, 1)
	go func() { t.ended <- s.Serve(serving) }()
	d := t.day
	d.Base = s.URL()
	for _, c := range []*play.Client{d.Admin, d.Auditor} {
		if c != nil {
			c.Base = d.Base
		}
	}
	for _, p := range d.Phones {
		p.Base = d.Base
	}
	return nil
}

func (t *town) close() error {
	if t.server == nil {
		return nil
	}
	t.stop()
	t.server = nil
	return <-t.ended
}

// fill appends contacts of earlier debtors, in the form of an imported one, until the
// journal has the wanted length, and brings the other views up to it. It goes to the store
// without the server: no line is parsed and no rule is asked.
func (t *town) fill(ctx context.Context) (filled int, err error) {
	s, err := sqlitestore.Open(ctx, filepath.Join(t.folder, "data"), server.Indexes())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	b := auth.BranchID(t.day.Branch)
	found, err := s.Find(ctx, journal.Query{Branch: b, Type: "contacts", Limit: 1})
	if err != nil || len(found.Records) == 0 {
		return 0, cmp.Or(err, errors.New("no contact was imported"))
	}
	var shape map[string]any
	if err := json.Unmarshal(found.Records[0].Body, &shape); err != nil {
		return 0, err
	}
	w, err := s.Watermark(ctx, b)
	if err != nil {
		return 0, err
	}
	now := t.now
	j := journal.Open(s, journal.Options{Clock: func() time.Time { return now }})
	const together = 500
	runs := make(chan int)
	errs := make([]error, 4)
	var writers sync.WaitGroup
	for i := range errs {
		writers.Go(func() {
			for from := range runs {
				if errs[i] == nil {
					errs[i] = pastContacts(ctx, j, b, shape, from, min(from+together, t.entries))
				}
			}
		})
	}
	for from := int(w); from < t.entries; from += together {
		runs <- from
	}
	close(runs)
	writers.Wait()
	err = errors.Join(errs...)
	views := journal.NewViews(j, server.Views(nil)...)
	for _, v := range server.Views(nil) {
		err = cmp.Or(err, views.CatchUp(ctx, b, v.Name))
	}
	return max(0, t.entries-int(w)), errors.Join(err, j.Close(ctx))
}

// pastContacts appends one contact for each number: 50 to a debtor, over the last ten years.
func pastContacts(ctx context.Context, j *journal.Journal, b auth.BranchID, shape map[string]any, from, to int) error {
	var cmds []journal.Command
	var refs []journal.DocRef
	for i := from; i < to; i++ {
		state := map[string]any{}
		for k, v := range shape {
			state[k] = v
		}
		debtor := fmt.Sprintf("LND-A.PAST-%07d", i/50)
		state["case"], state["debtor"], state["external_id"] = debtor, debtor, fmt.Sprintf("past-%d", i)
		state["at"] = morning.Add(-time.Duration(i%3650+30) * 24 * time.Hour)
		body, err := json.Marshal(state)
		if err != nil {
			return err
		}
		id := play.NewID()
		refs = append(refs, journal.DocRef{Type: "contacts", ID: id})
		feed := journal.AgentFeed(auth.UserID(fmt.Sprintf("past-%d", i%40)))
		cmds = append(cmds, journal.Command{ID: "import:" + id, Actor: "supervisor",
			Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
				var err error
				if id == refs[0].ID { // the first reads for all
					err = r.Prefetch(ctx, refs...)
				}
				if err == nil {
					_, _, err = r.Doc(ctx, "contacts", id)
				}
				d := journal.Draft{Action: "contact.import", Receipt: json.RawMessage(`{"change":"accepted"}`)}
				d.Put("contacts", id, body)
				d.Tell(feed, "contacts", id)
				return d, err
			}})
	}
	outs, err := j.Do(ctx, b, cmds)
	for _, o := range outs {
		err = cmp.Or(err, o.Err)
	}
	return err
}

// restart stops the server and starts it again, until it answers.
func (t *town) restart(ctx context.Context, _ int) (time.Duration, error) {
	if err := t.close(); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := t.open(ctx); err != nil {
		return 0, err
	}
	err := (&play.Client{Base: t.day.Base, HTTP: t.day.HTTP}).Do(ctx, http.MethodGet, "/readyz", nil, nil)
	return time.Since(began), err
}

// proof asks for the proof of an entry in the middle, of a server that has made none.
func (t *town) proof(ctx context.Context, _ int) (time.Duration, error) {
	// Signing in is none of it.
	if _, err := t.day.Auditor.Token(ctx); err != nil {
		return 0, err
	}
	q := url.Values{"branch": {t.day.Branch}, "entry": {strconv.Itoa(t.entries / 2)}}
	began := time.Now()
	err := t.day.Auditor.Do(ctx, http.MethodGet, "/v1/audit/proof?"+q.Encode(), nil, nil)
	return time.Since(began), err
}

func (t *town) push(ctx context.Context, _ int) (time.Duration, error) {
	p := t.sender
	if _, err := p.Token(ctx); err != nil {
		return 0, err
	}
	var cases []string
	for id := range p.Docs["cases"] {
		cases = append(cases, id)
	}
	for i := range 100 {
		p.Write("visit_notes", play.NewID(), "put", morning, map[string]any{"case": cases[i%len(cases)], "at": morning,
			"kind": "general", "text": "The bell works. Come back in the afternoon."})
	}
	had := p.Tally["applied"]
	began := time.Now()
	err := p.Push(ctx, nil)
	took := time.Since(began)
	if err == nil && p.Tally["applied"] != had+100 {
		err = fmt.Errorf("the notes were answered %v", p.Tally)
	}
	return took, err
}

func (t *town) pull(ctx context.Context, _ int) (time.Duration, error) {
	if _, err := t.reader.Token(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	n, err := t.reader.Pull(ctx)
	took := time.Since(began)
	if err == nil && n < 100 {
		err = fmt.Errorf("%d changes, at least 100 are new", n)
	}
	return took, err
}

// pullAll pulls all that a new phone of the reader's agent gets.
func (t *town) pullAll(ctx context.Context, _ int) (time.Duration, error) {
	p := t.reader
	fresh := play.NewPhone(t.day.Base, p.Agent, p.Device, t.day.HTTP)
	fresh.Client = p.Client
	began := time.Now()
	_, err := fresh.Pull(ctx)
	return time.Since(began), err
}

// importCases imports the city's cases once more, as those of other debtors.
func (t *town) importCases(ctx context.Context, _ int) (time.Duration, error) {
	text, err := os.ReadFile(t.day.Cases)
	if err != nil {
		return 0, err
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return 0, err
	}
	ref, debtor := slices.Index(rows[0], "case_ref"), slices.Index(rows[0], "debtor_ref")
	t.ids++
	for _, r := range rows[1:] {
		r[ref], r[debtor] = fmt.Sprintf("%s-%d", r[ref], t.ids), fmt.Sprintf("%s-%d", r[debtor], t.ids)
	}
	path := filepath.Join(t.folder, "more.csv")
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		return 0, err
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		return 0, err
	}
	if _, err := t.day.Admin.Token(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	rep, err := t.day.Import(ctx, "cases", path)
	took := time.Since(began)
	if err == nil && rep.Accepted != len(rows)-1 {
		err = fmt.Errorf("%d of %d cases were accepted", rep.Accepted, len(rows)-1)
	}
	return took, err
}

// plan plans a round; the search has a second of its own, which does not count.
func (t *town) plan(ctx context.Context, _ int) (time.Duration, error) {
	if err := t.day.Plan(ctx, nil); err != nil {
		return 0, err
	}
	return time.Duration(t.day.Round.TookMs)*time.Millisecond - time.Duration(t.day.TimeLimitS)*time.Second, nil
}
