package access

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// What was read.
const (
	CaseRead        = "case.read"        // a case file
	AttachmentRead  = "attachment.read"  // the bytes of an attachment, or a small picture of them
	CaseSearch      = "case.search"      // a search by what is personal
	CasesList       = "case.list"        // cases with names and addresses, by other filters
	DebtorRead      = "debtor.read"      // a debtor's cases, and who else they may be
	VisitsList      = "visits.list"      // visits, with what was found at the door
	AssignmentsList = "assignments.list" // stops, with the agents' remarks
	PromisesList    = "promises.list"    // payments that debtors promised
	InboxRead       = "inbox.read"       // what waits for supervisors
	DayRead         = "day.read"         // an agent's own day
	QuarantineRead  = "quarantine.read"  // an item, with all that was sent
	QuarantineList  = "quarantine.list"  // items, with what was sent
	CorrectionsList = "corrections.list" // what was and what is
	ComplaintsList  = "complaints.list"  // complaints, in the words of who complained
	MessagesList    = "messages.list"    // texts to debtors
	RepliesList     = "replies.list"     // what debtors answered
	PlansList       = "plans.list"       // plans, with what the debtors said of their means
	VisitsExport    = "export.visits"    // an export
	RoundExport     = "export.round"     // a round's places
	OutcomesExport  = "export.outcomes"  // what became of a lender's cases
)

// Whats lists them.
func Whats() []string {
	return []string{CaseRead, AttachmentRead, CaseSearch, CasesList, DebtorRead, VisitsList, AssignmentsList, PromisesList,
		InboxRead, DayRead, QuarantineRead, QuarantineList, CorrectionsList, ComplaintsList, MessagesList, RepliesList,
		PlansList, VisitsExport,
		RoundExport, OutcomesExport}
}

// Read is one read.
type Read struct {
	At     time.Time     `json:"at"` // UTC; Note fills it in
	User   auth.UserID   `json:"user"`
	Role   auth.Role     `json:"role"`
	Device auth.DeviceID `json:"device,omitempty"`
	Branch auth.BranchID `json:"branch"` // whose records were read
	What   string        `json:"what"`   // one of Whats
	// Cases are those whose data was shown; none for a whole export, and for a list that Count says the length of.
	Cases []journal.CaseID `json:"cases,omitempty"`
	// Count is how many items of a list were shown.
	Count int `json:"count,omitempty"`
	// Record is the item of the quarantine, the attachment, or the round.
	Record string `json:"record,omitempty"`
	// By are the names of the filters, such as phone, name, hold; never their values.
	By []string `json:"by,omitempty"`
	// Export says of an export what it was asked for.
	Export *Export `json:"export,omitempty"`
}

// Export says which export it was.
type Export struct {
	Format       string `json:"format"` // ndjson, csv, geojson, ics
	From         string `json:"from,omitempty"`
	To           string `json:"to,omitempty"`
	ReceivedFrom string `json:"received_from,omitempty"`
	ReceivedTo   string `json:"received_to,omitempty"`
	Lender       string `json:"lender,omitempty"`
	Revealed     bool   `json:"revealed,omitempty"` // with personal data
}

// batch is the state of a document of type "accesses" in the organisation's journal: reads that were kept together.
type batch struct {
	Reads []Read `json:"reads"`
}

// batchType is the type of these documents.
const batchType = "accesses"

// Limits of a batch: a document holds 64 KiB, and an id has up to 128 bytes.
const (
	mostReads = 100
	mostCases = 300 // of a batch
)

// Waiting for the journal.
const (
	// patience is how long a read waits to be kept before it is answered all the same.
	patience = 2 * time.Second
	// retryEvery is how often a batch is tried that the journal did not take.
	retryEvery = time.Second
	// mostWaiting is how many reads may wait; beyond it reads are refused.
	mostWaiting = 10_000
)

// Log keeps reads. It is safe for concurrent use. Close it before the journal.
type Log struct {
	j     *journal.Journal
	views *journal.Views
	log   *slog.Logger

	mu      sync.Mutex
	waiting []noting
	busy    bool
	writing sync.WaitGroup
	closed  chan struct{}
	once    sync.Once
}

// noting is a read that waits to be kept; kept is closed then.
type noting struct {
	read Read
	kept chan struct{}
}

// New makes a log in the organisation's journal. A nil logger discards.
func New(j *journal.Journal, log *slog.Logger) *Log {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Log{j: j, views: journal.NewViews(j, View()), log: log, closed: make(chan struct{})}
}

// Note keeps a read and returns when it is durable, or after two seconds while the journal takes no entries: then it is
// written as soon as it does. A read of more cases than fit a batch is kept as several. After an error the caller must
// not answer: access.full when too many reads wait, or the context's.
func (l *Log) Note(ctx context.Context, r Read) error {
	r.At = l.j.Now().UTC().Truncate(time.Second)
	var all []noting
	for _, part := range split(r) {
		all = append(all, noting{part, make(chan struct{})})
	}
	l.mu.Lock()
	if len(l.waiting)+len(all) > mostWaiting {
		l.mu.Unlock()
		no := refusal.New(refusal.Unavailable, "access.full", "",
			"who reads what cannot be kept at present, so nothing is shown; see GET /readyz")
		no.RetryAfter = retryEvery
		return no
	}
	l.waiting = append(l.waiting, all...)
	if !l.busy {
		l.busy = true
		l.writing.Go(l.write)
	}
	l.mu.Unlock()
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for _, n := range all {
		select {
		case <-n.kept:
		case <-enough.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close returns when what was noted is written. What the journal does not take now is lost, and told to the logger.
func (l *Log) Close() {
	l.once.Do(func() { close(l.closed) })
	l.writing.Wait()
}

// split cuts a read of many cases into reads that fit a batch.
func split(r Read) []Read {
	if len(r.Cases) <= mostCases {
		return []Read{r}
	}
	var out []Read
	for at := 0; at < len(r.Cases); at += mostCases {
		part := r
		part.Cases = r.Cases[at:min(at+mostCases, len(r.Cases))]
		out = append(out, part)
	}
	return out
}

// next takes the reads of the next batch; none when nothing waits, and then the writer is done.
func (l *Log) next() []noting {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, cases := 0, 0
	for n < len(l.waiting) && n < mostReads {
		if cases += len(l.waiting[n].read.Cases); n > 0 && cases > mostCases {
			break
		}
		n++
	}
	l.busy = n > 0
	return l.waiting[:n:n]
}

// write writes batches until nothing waits.
func (l *Log) write() {
	for {
		now := l.next()
		if len(now) == 0 {
			return
		}
		id := journal.NewID()
		for {
			err := l.append(id, now)
			if err == nil {
				break
			}
			l.log.Warn("who read what is not kept yet", "reads", len(now), "err", err)
			select {
			case <-time.After(retryEvery):
				continue
			case <-l.closed:
			}
			l.mu.Lock()
			l.log.Error("who read what is lost: the journal took no entries until the end", "reads", len(l.waiting))
			l.waiting, l.busy = nil, false
			l.mu.Unlock()
			return
		}
		l.mu.Lock()
		l.waiting = l.waiting[len(now):]
		l.mu.Unlock()
		for _, n := range now {
			close(n.kept)
		}
	}
}

// append appends a batch, once however often it is asked with one id. A caller who has gone does not end it: others
// wait for it too.
func (l *Log) append(id string, all []noting) error {
	var b batch
	for _, w := range all {
		b.Reads = append(b.Reads, w.read)
	}
	state, err := json.Marshal(b)
	if err != nil {
		return err
	}
	out, err := l.j.Do(context.Background(), auth.OrgBranch, []journal.Command{{ID: "access:" + id,
		Actor: auth.System().User,
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			if _, _, err := r.Doc(ctx, batchType, id); err != nil {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: "access.note"}
			d.Put(batchType, id, state)
			return d, nil
		}}})
	if err != nil {
		return err
	}
	return out[0].Err
}
