package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"

	"golang.org/x/mod/sumdb/note"
)

// Format is how an export is written.
type Format string

// The formats.
const (
	NDJSON Format = "ndjson"
	CSV    Format = "csv"
)

// Query says which visits to export.
type Query struct {
	Branch auth.BranchID
	// From and To are local dates of the visits, ReceivedFrom and ReceivedTo those on which the
	// server received them, inclusive; "" for no bound.
	From, To                 string
	ReceivedFrom, ReceivedTo string
	Lender                   string // "" for all
	// Reveal includes personal data; the caller checks that the reader may see it.
	Reveal bool
	// UpTo is the highest entry to export; Export sets it.
	UpTo uint64
}

// filtered tells whether the query excludes some of the branch's visits.
func (q Query) filtered() bool { return q.From+q.To+q.ReceivedFrom+q.ReceivedTo+q.Lender != "" }

// Visit is one visit as the views hold it.
type Visit struct {
	ID      string
	No      uint64 // its number in the branch, dense from 1
	Entry   uint64 // the entry that holds it
	Reveals []seal.Reveal
	// Erased is when the debtor was erased, which makes the sealed parts unreadable; zero if not erased.
	Erased time.Time
}

// Visits lists visits; casework implements it.
type Visits interface {
	// EachVisit calls fn for every visit of a query, in order of visit_no, until fn returns an error.
	EachVisit(ctx context.Context, q Query, fn func(Visit) error) error
	// Beside lists the records that stand beside the visits of a branch. Of items of the quarantine
	// those of the query's dates and lender; the others go with their visits.
	Beside(ctx context.Context, q Query) ([]Beside, error)
	// Reveal opens the sealed parts of such a record's state. erased is when the debtor was erased
	// if they cannot be opened any more.
	Reveal(ctx context.Context, branch auth.BranchID, b Beside, state json.RawMessage) (reveals []seal.Reveal,
		erased time.Time, err error)
}

// Line is one exported visit.
type Line struct {
	No     uint64          `json:"visit_no"`
	ID     string          `json:"visit_id"`
	Record json.RawMessage `json:"record"`
	// Reveals hold the salts and the values of the entry's sealed parts.
	Reveals []seal.Reveal `json:"reveals,omitempty"`
	// Erased says that parts of the record are missing because the debtor was erased, at
	// ErasedAt. In CSV the column erased holds that time, and nothing for who was not erased.
	Erased   bool      `json:"erased,omitempty"`
	ErasedAt time.Time `json:"erased_at,omitzero"`
	// FlagsNow are the record's flags that hold when the export is made, after its agents have confirmed it; absent where
	// all do.
	FlagsNow *[]string       `json:"flags_now,omitempty"`
	EntryNo  uint64          `json:"entry_no"`
	Entry    json.RawMessage `json:"entry"` // the journal's canonical bytes
	Proof    []string        `json:"proof"` // of inclusion in the checkpoint's tree, base64
}

// Manifest is the last line of an export and describes the export.
type Manifest struct {
	Format string        `json:"format"` // doorstep-visits/1
	Kind   Format        `json:"kind"`
	Branch auth.BranchID `json:"branch"`
	From   string        `json:"from,omitempty"`
	To     string        `json:"to,omitempty"`
	// ReceivedFrom and ReceivedTo bound the dates of receipt.
	ReceivedFrom string `json:"received_from,omitempty"`
	ReceivedTo   string `json:"received_to,omitempty"`
	Lender       string `json:"lender,omitempty"`
	// Complete says that the file holds every visit of the branch up to the checkpoint: its
	// visit_no run without a gap. A filtered export is not complete and proves integrity only.
	Complete bool      `json:"complete"`
	Proves   string    `json:"proves"`
	Level    string    `json:"level"` // regulator: with personal data; plain: without
	MadeAt   time.Time `json:"made_at"`
	Visits   int       `json:"visits"`
	FirstNo  uint64    `json:"first_visit_no,omitempty"`
	LastNo   uint64    `json:"last_visit_no,omitempty"`
	// Beside counts the records beside the visits, by kind and state: items of the quarantine that
	// are open, accepted, dismissed or moved to another branch, reviews by their verdicts. NDJSON has a
	// line for each; a table of visits has no rows for them.
	Beside map[string]map[string]int `json:"beside,omitempty"`
	// Numbered counts those of Beside that the branch numbered: the checkpoint of a complete export signs as many.
	Numbered map[string]uint64 `json:"beside_numbered,omitempty"`
	// Policies are the hashes of the conduct policies by which the visits were judged.
	Policies   []string `json:"policies"`
	Checkpoint string   `json:"checkpoint"` // a signed note: origin, size, root, visits
	// Restores are the restores of backups in the checkpoint's tree, in their order. Each ended a log and began another,
	// under the origin of the next epoch; the checkpoint is of the last one.
	Restores []ProvedRestore `json:"restores,omitempty"`
	// Missing are entries that could not be read, in order; each may have held a visit. An
	// export that names any is not complete.
	Missing []Missing `json:"missing,omitempty"`
	// Lines are the SHA-256 of every line before this one, in order, without line ends, base64.
	Lines []string `json:"lines"`
}

// Missing is a run of entries that could not be read or proved when the export was made.
type Missing struct {
	First uint64 `json:"first_entry"`
	Last  uint64 `json:"last_entry"`
	// No and Visit are the visit's, where the views still know it.
	No    uint64 `json:"visit_no,omitempty"`
	Visit string `json:"visit_id,omitempty"`
	Why   string `json:"why"`
}

// manifestFormat names this form of export.
const manifestFormat = "doorstep-visits/1"

// signed is the last line of an NDJSON export.
type signed struct {
	Manifest  json.RawMessage `json:"manifest"`
	Signature string          `json:"signature"` // a signed note over the SHA-256 of the manifest's bytes
}

func signedText(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return "doorstep export\n" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
}

// Export writes the visits of a query, and the manifest after them. A file that
// ends without a manifest was cut short. A visit whose entry cannot be read is
// named in the manifest, and the export goes on. Errors: *refusal.Error audit.range;
// the journal's; the writer's.
func (l *Log) Export(ctx context.Context, w io.Writer, format Format, q Query, visits Visits) (Manifest, error) {
	if err := checkRange(q); err != nil {
		return Manifest{}, err
	}
	before, err := visits.Beside(ctx, q)
	if err != nil {
		return Manifest{}, err
	}
	cp, err := l.Checkpoint(ctx, q.Branch)
	if err != nil {
		return Manifest{}, err
	}
	q.UpTo = cp.Size
	now, err := visits.Beside(ctx, q)
	if err != nil {
		return Manifest{}, err
	}
	beside := asOf(before, now, cp.Size)
	t, err := l.tree(ctx, q.Branch, cp.Size)
	if err != nil {
		return Manifest{}, err
	}
	x := &export{log: l, query: q, tree: t, out: bufio.NewWriterSize(w, 64<<10), format: format,
		about: aboutVisits(beside), shown: map[string]bool{},
		manifest: Manifest{Format: manifestFormat, Kind: format, Branch: q.Branch, From: q.From, To: q.To,
			ReceivedFrom: q.ReceivedFrom, ReceivedTo: q.ReceivedTo, Lender: q.Lender,
			Complete: !q.filtered(), Level: "plain", MadeAt: l.journal.Now().Truncate(time.Second), Policies: []string{},
			Checkpoint: cp.Note, Lines: []string{}}}
	x.manifest.Proves = "integrity and completeness: every visit of the branch up to the checkpoint, and what stands " +
		"beside them"
	if q.filtered() {
		x.manifest.Proves = "integrity only: the selection was made by the server, and nothing here shows what it left out"
	}
	if q.Reveal {
		x.manifest.Level = "regulator"
	}
	if format == CSV {
		if _, err := x.out.Write(byteOrderMark); err != nil {
			return Manifest{}, err
		}
		if err := x.line(CSVLine(csvNames())); err != nil {
			return Manifest{}, err
		}
	}
	if err := visits.EachVisit(ctx, q, func(v Visit) error {
		err := x.visit(ctx, v)
		var damaged *journal.DamagedPage
		if errors.As(err, &damaged) || errors.Is(err, errUnreadable) {
			x.manifest.Missing = append(x.manifest.Missing, Missing{v.Entry, v.Entry, v.No, v.ID, err.Error()})
			return nil
		}
		return err
	}); err != nil {
		return Manifest{}, err
	}
	if err := x.besides(ctx, beside, visits); err != nil {
		return Manifest{}, err
	}
	if err := x.missing(ctx); err != nil {
		return Manifest{}, err
	}
	if err := x.restores(ctx); err != nil {
		return Manifest{}, err
	}
	return x.manifest, x.finish()
}

func checkRange(q Query) error {
	for _, d := range []string{q.From, q.To, q.ReceivedFrom, q.ReceivedTo} {
		if d == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			return invalid("audit.range", "write from and to as dates, 2006-01-02")
		}
	}
	if q.To != "" && q.To < q.From || q.ReceivedTo != "" && q.ReceivedTo < q.ReceivedFrom {
		return invalid("audit.range", "to lies before from")
	}
	return nil
}

// errUnreadable is the error of an entry whose bytes are not a visit that this program can read.
var errUnreadable = errors.New("the entry cannot be read")

// export is one export under way.
type export struct {
	log      *Log
	query    Query
	tree     *tree // at the checkpoint
	format   Format
	out      *bufio.Writer
	manifest Manifest
	about    map[string]about // by the id of the visit
	shown    map[string]bool  // the visits that were written, by id
}

// missing adds the entries that the views never had, since they could not be read, and says what follows.
func (x *export) missing(ctx context.Context) error {
	m := &x.manifest
	parked, err := journal.ParkedEntries(ctx, x.tree.store, x.query.Branch)
	if err != nil {
		return err
	}
	for _, p := range parked {
		known := slices.ContainsFunc(m.Missing, func(k Missing) bool { return k.First == p.First && k.Last == p.Last })
		if p.First <= x.tree.size && !known {
			m.Missing = append(m.Missing, Missing{First: p.First, Last: p.Last, Why: p.Reason})
		}
	}
	if len(m.Missing) == 0 {
		return nil
	}
	slices.SortStableFunc(m.Missing, func(a, b Missing) int { return cmp.Compare(a.First, b.First) })
	m.Complete = false
	m.Proves = "integrity only: entries named under missing could not be read, and may have held visits"
	return nil
}

func (x *export) visit(ctx context.Context, v Visit) error {
	if v.Entry > x.tree.size {
		return nil // recorded after the checkpoint was made
	}
	raw, err := x.tree.entry(ctx, v.Entry)
	if err != nil {
		return fmt.Errorf("export visit %s: %w", v.ID, err)
	}
	proof, err := x.tree.include(ctx, v.Entry)
	if err != nil {
		return fmt.Errorf("export visit %s: %w", v.ID, err)
	}
	if !x.query.Reveal || !v.Erased.IsZero() {
		v.Reveals = nil
	}
	state, no, err := visitOf(raw, v.ID)
	if err != nil {
		return fmt.Errorf("export visit %s: %w: %w", v.ID, errUnreadable, err)
	}
	record, err := recordOf(state, v.Reveals)
	if err != nil {
		return fmt.Errorf("export visit %s: %w", v.ID, err)
	}
	line := Line{No: no, ID: v.ID, Record: record, Reveals: v.Reveals, Erased: !v.Erased.IsZero(),
		ErasedAt: v.Erased, EntryNo: v.Entry, Entry: raw, Proof: proof.Hashes}
	beside := x.about[v.ID]
	line.FlagsNow = beside.flagsNow(record)
	m := &x.manifest
	m.Visits++
	if m.FirstNo == 0 {
		m.FirstNo = no
	}
	m.LastNo = no
	x.shown[v.ID] = true
	x.policies(record)
	if x.format == CSV {
		cells, err := csvCells(line, beside.cells(record))
		if err != nil {
			return err
		}
		return x.line(CSVLine(cells))
	}
	b, err := encodeLine(line)
	if err != nil {
		return err
	}
	return x.line(b)
}

// policies collects the policy hashes that a record names.
func (x *export) policies(record json.RawMessage) {
	var r struct {
		Decisions []struct {
			Policy string `json:"policy_hash"`
		} `json:"decisions"`
	}
	if json.Unmarshal(record, &r) != nil {
		return
	}
	for _, d := range r.Decisions {
		if d.Policy != "" && !slices.Contains(x.manifest.Policies, d.Policy) {
			x.manifest.Policies = append(x.manifest.Policies, d.Policy)
		}
	}
}

// line writes a line and adds its hash to the manifest.
func (x *export) line(b []byte) error {
	sum := sha256.Sum256(b)
	x.manifest.Lines = append(x.manifest.Lines, base64.StdEncoding.EncodeToString(sum[:]))
	_, err := x.out.Write(b)
	return errors.Join(err, x.out.WriteByte('\n'))
}

func (x *export) finish() error {
	slices.Sort(x.manifest.Policies)
	m, err := encodeLine(x.manifest)
	if err != nil {
		return err
	}
	sig, err := note.Sign(&note.Note{Text: signedText(m)}, x.log.key.signer)
	if err != nil {
		return fmt.Errorf("sign manifest: %w", err)
	}
	last, err := manifestLine(x.format, signed{Manifest: m, Signature: string(sig)})
	if err != nil {
		return err
	}
	if _, err := x.out.Write(append(last, '\n')); err != nil {
		return err
	}
	return x.out.Flush()
}

// manifestLine encodes the last line of an export, without its line end.
func manifestLine(format Format, s signed) ([]byte, error) {
	line, err := encodeLine(s)
	if err == nil && format == CSV {
		line = CSVLine([]string{manifestCell, string(line)})
	}
	return line, err
}

// encodeLine encodes v as JSON on one line, without the escapes that only HTML needs.
func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
