package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/audit"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

const branch auth.BranchID = "porto"

// fixture is a journal over a real store, with a log that signs its trees.
type fixture struct {
	store   *sqlitestore.Store
	journal *journal.Journal
	vault   *seal.Vault
	log     *audit.Log
	folder  string
	// erased is when debtors were erased.
	erased map[journal.DebtorID]time.Time
	// commands counts what put appended, listed how often Beside was asked; meanwhile runs before
	// it answers the second time.
	commands, listed int
	meanwhile        func()
	admitted         map[int]string // the item of the quarantine that a visit was made of
	// flagged are the flags of visits that ana recorded and that name rui beside her.
	flagged map[int][]string
}

// moment is the time of the fixture's clock.
var moment = time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	ctx := context.Background()
	folder := tb.TempDir()
	store, err := sqlitestore.Open(ctx, folder, nil)
	check(tb, err)
	clock := func() time.Time { return moment }
	j := journal.Open(store, journal.Options{Clock: clock})
	tb.Cleanup(func() {
		check(tb, j.Close(context.Background()))
		check(tb, store.Close())
	})
	kek, err := seal.LoadOrCreateKEK(filepath.Join(folder, "kek"))
	check(tb, err)
	vault, err := seal.Open(ctx, store, kek, clock)
	check(tb, err)
	key, err := audit.LoadOrCreateKey(filepath.Join(folder, "audit.key"), "doorstep-test")
	check(tb, err)
	return &fixture{store, j, vault, audit.New(j, key, "doorstep-test"), folder, nil, 0, 0, nil, nil, nil}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// visit is the state of a visit in these tests: some members of casework's, one of them personal.
type visit struct {
	On        string            `json:"on"`
	At        time.Time         `json:"at"`
	Case      string            `json:"case"`
	Debtor    journal.DebtorID  `json:"debtor"`
	Lender    string            `json:"lender"`
	Outcome   string            `json:"outcome"`
	Detail    string            `json:"outcome_detail"`
	Agents    any               `json:"agents"`
	By        string            `json:"by,omitempty"`
	Flags     []string          `json:"flags,omitempty"`
	Note      *seal.Text        `json:"note,omitempty"`
	Decisions []map[string]any  `json:"decisions"`
	CheckIn   map[string]int64  `json:"check_in"`
	Planned   map[string]string `json:"planned_window"`
	Admitted  map[string]string `json:"admitted,omitempty"`
}

// detail is a text of two lines that a spreadsheet would run as a formula.
const detail = "=HYPERLINK(\"http://example.org\")\nnext <line>"

// remark returns what the agent wrote about visit i.
func remark(i int) string {
	return fmt.Sprintf("=Dona Amélia, 2.º andar <porta %d>, \"volte\"\namanhã", i)
}

// visitID returns the id of visit i.
func visitID(i int) string { return fmt.Sprintf("v%04d", i) }

// visited returns visit i with its personal part sealed.
func (h *fixture) visited(tb testing.TB, i int) *visit {
	tb.Helper()
	text := seal.NewText(remark(i))
	v := &visit{On: moment.AddDate(0, 0, i%3).Format(time.DateOnly), At: moment, Case: fmt.Sprintf("c%d", i),
		Debtor: journal.DebtorID(fmt.Sprintf("d%d", i%7)), Lender: []string{"north", "south"}[i%2],
		Outcome: "MET_PROMISE", Detail: detail, Agents: []string{"u1", "u2"},
		Note: &text, Decisions: []map[string]any{{"policy_hash": fmt.Sprintf("hash-%d", i%2), "rule": "time.window"}},
		CheckIn: map[string]int64{"distance_m": int64(i)}, Planned: map[string]string{"from": "09:00", "to": "10:00"}}
	if flags := h.flagged[i]; flags != nil {
		v.By, v.Agents, v.Flags = "ana", []map[string]string{{"agent_id": "ana"}, {"agent_id": "rui"}}, flags
	}
	if item := h.admitted[i]; item != "" {
		v.Admitted = map[string]string{"item": item}
	}
	check(tb, h.vault.SealDoc(context.Background(), v.Debtor, branch, "visits", visitID(i), v))
	return v
}

// record appends the visits numbered from from to to, one in an entry, and after each of them others entries
// that hold no visit.
func (h *fixture) record(tb testing.TB, from, to, others int) {
	tb.Helper()
	ctx := context.Background()
	var cmds []journal.Command
	flush := func() {
		out, err := h.journal.Do(ctx, branch, cmds)
		check(tb, err)
		for _, o := range out {
			check(tb, o.Err)
		}
		cmds = nil
	}
	for i := from; i <= to; i++ {
		state, err := json.Marshal(h.visited(tb, i))
		check(tb, err)
		cmds = append(cmds, command(visitID(i), func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			d := journal.Draft{Action: "visit.record"}
			if _, _, err := r.Doc(ctx, "visits", visitID(i)); err != nil {
				return d, err
			}
			d.Put("visits", visitID(i), state)
			return d, nil
		}))
		for k := range others {
			id := fmt.Sprintf("n%d-%d", i, k)
			cmds = append(cmds, command(id, func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
				d := journal.Draft{Action: "note.add"}
				if _, _, err := r.Doc(ctx, "notes", id); err != nil {
					return d, err
				}
				d.Put("notes", id, json.RawMessage(`{"about":"something that an auditor is not shown, of about the length of a note or contact"}`))
				return d, nil
			}))
		}
		if len(cmds) > 200 {
			flush()
		}
	}
	flush()
}

func command(id string, decide func(context.Context, *journal.Reader) (journal.Draft, error)) journal.Command {
	return journal.Command{ID: "t:" + id, Actor: "u1", Device: "phone1", Decide: decide}
}

// EachVisit lists the visits as the views have them.
func (h *fixture) EachVisit(ctx context.Context, q audit.Query, fn func(audit.Visit) error) error {
	var found []audit.Visit
	for after := ""; ; {
		page, err := h.store.Find(ctx, journal.Query{Branch: q.Branch, Type: "visits", After: after})
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			var v visit
			if err := json.Unmarshal(r.Body, &v); err != nil {
				return err
			}
			if q.From != "" && v.On < q.From || q.To != "" && v.On > q.To || q.Lender != "" && v.Lender != q.Lender ||
				r.N > q.UpTo {
				continue
			}
			x := audit.Visit{ID: r.ID, No: r.No, Entry: r.N, Erased: h.erased[v.Debtor]}
			if q.Reveal {
				if err := h.vault.OpenDoc(ctx, v.Debtor, q.Branch, "visits", r.ID, &v); err != nil {
					return err
				}
				x.Reveals = seal.Reveals(&v)
			}
			found = append(found, x)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	for _, x := range found {
		if err := fn(x); err != nil {
			return err
		}
	}
	return nil
}

// export returns the bytes of a whole export, and its manifest.
func (h *fixture) export(tb testing.TB, format audit.Format, q audit.Query) ([]byte, audit.Manifest) {
	tb.Helper()
	q.Branch = branch
	var b bytes.Buffer
	m, err := h.log.Export(context.Background(), &b, format, q, h)
	check(tb, err)
	return b.Bytes(), m
}

// beside is the state of a record beside the visits in these tests.
type beside struct {
	Debtor   journal.DebtorID `json:"debtor"`
	Visit    string           `json:"visit,omitempty"`
	Item     string           `json:"item,omitempty"`
	Type     string           `json:"of_type,omitempty"`
	State    string           `json:"state,omitempty"`
	Recorded string           `json:"recorded_as,omitempty"`
	By       string           `json:"by,omitempty"`
	Fields   *seal.Text       `json:"fields,omitempty"`
}

// put appends a document of any kind in an entry of its own. A text is sealed under the debtor's key.
func (h *fixture) put(tb testing.TB, typ, id string, state *beside, text string) {
	tb.Helper()
	ctx := context.Background()
	if text != "" {
		part := seal.NewText(text)
		state.Fields = &part
	}
	check(tb, h.vault.SealDoc(ctx, state.Debtor, branch, typ, id, state))
	body, err := json.Marshal(state)
	check(tb, err)
	h.commands++
	out, err := h.journal.Do(ctx, branch, []journal.Command{command(fmt.Sprint("put", h.commands),
		func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			d := journal.Draft{Action: "test.put"}
			_, _, err := r.Doc(ctx, typ, id)
			d.Put(typ, id, body)
			return d, err
		})})
	check(tb, err)
	check(tb, out[0].Err)
}

// Beside lists what stands beside the visits.
func (h *fixture) Beside(ctx context.Context, q audit.Query) ([]audit.Beside, error) {
	h.listed++
	if h.meanwhile != nil && h.listed == 2 {
		h.meanwhile()
	}
	var out []audit.Beside
	for _, typ := range []string{"quarantine", "quarantine_parts", "visit_reviews", "visit_confirmations"} {
		page, err := h.store.Find(ctx, journal.Query{Branch: q.Branch, Type: typ})
		if err != nil {
			return nil, err
		}
		for _, r := range page.Records {
			var b beside
			if err := json.Unmarshal(r.Body, &b); err != nil {
				return nil, err
			}
			x := audit.Beside{Type: typ, ID: r.ID, Entry: r.N, Of: b.Visit + b.Item, State: b.State, By: auth.UserID(b.By),
				At: moment, Erased: h.erased[b.Debtor]}
			out = append(out, x)
		}
	}
	return out, nil
}

// Reveal opens the sealed part of a record's state.
func (h *fixture) Reveal(ctx context.Context, b auth.BranchID, x audit.Beside, state json.RawMessage) ([]seal.Reveal,
	time.Time, error) {
	var doc beside
	if err := json.Unmarshal(state, &doc); err != nil {
		return nil, time.Time{}, err
	}
	if err := h.vault.OpenDoc(ctx, doc.Debtor, b, x.Type, x.ID, &doc); err != nil {
		return nil, time.Time{}, err
	}
	return seal.Reveals(&doc), time.Time{}, nil
}
