package play

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Phone is an agent's phone: the records it has pulled and the queue of mutations that the server has not
// acknowledged. It is not for concurrent use.
type Phone struct {
	Client
	Agent, Device string

	Epoch  string
	Cursor uint64
	Docs   map[string]map[string]json.RawMessage // by type and id
	Revs   map[string]uint64                     // by "type/id"
	Queue  []Mutation
	// Batch is how many mutations one push sends; 0 means PushSize.
	Batch int
	// Limit is how many changes one pull asks for; 0 leaves that to the server.
	Limit int
	// Tally counts the answers to the phone's mutations by status.
	Tally map[string]int

	acked map[string]acknowledged // by mid, of the last 30 days
}

// Mutation is one local write, as a push sends it.
type Mutation struct {
	Mid      string         `json:"mid"`
	Type     string         `json:"type"`
	ID       string         `json:"id"`
	Op       string         `json:"op"`
	Base     uint64         `json:"base"`
	ClientTS time.Time      `json:"client_ts"`
	Requires []string       `json:"requires,omitempty"`
	Fields   map[string]any `json:"fields,omitempty"`
}

// Result is the server's answer to one mutation.
type Result struct {
	Mid        string          `json:"mid"`
	Type       string          `json:"type"`
	ID         string          `json:"id"`
	Status     string          `json:"status"`
	Code       string          `json:"code"`
	Detail     string          `json:"detail"`
	Rev        uint64          `json:"rev"`
	Op         string          `json:"op"`
	Doc        json.RawMessage `json:"doc"`
	Quarantine string          `json:"quarantine"`
}

// NewPhone makes a phone that has not signed in yet.
func NewPhone(base, agent, device string, h *http.Client) *Phone {
	return &Phone{Client: Client{Base: base, HTTP: h}, Agent: agent, Device: device,
		Docs: map[string]map[string]json.RawMessage{}, Revs: map[string]uint64{}, Tally: map[string]int{},
		acked: map[string]acknowledged{}}
}

// Pull pulls page by page until the phone is up to date, and returns the number of changes. If its cursor has expired
// (410), it sends what another epoch may have lost and begins from 0.
func (p *Phone) Pull(ctx context.Context) (changes int, err error) {
	for {
		q := url.Values{"after": {strconv.FormatUint(p.Cursor, 10)}}
		if p.Epoch != "" {
			q.Set("epoch", p.Epoch)
		}
		if p.Limit > 0 {
			q.Set("limit", strconv.Itoa(p.Limit))
		}
		var page struct {
			Epoch   string `json:"epoch"`
			Cursor  uint64 `json:"cursor"`
			More    bool   `json:"more"`
			Changes []struct {
				Seq  uint64          `json:"seq"`
				Type string          `json:"type"`
				ID   string          `json:"id"`
				Rev  uint64          `json:"rev"`
				Op   string          `json:"op"`
				Doc  json.RawMessage `json:"doc"`
			} `json:"changes"`
		}
		err := p.Do(ctx, http.MethodGet, "/sync/v1/pull?"+q.Encode(), nil, &page)
		var gone *Problem
		if errors.As(err, &gone) && gone.Status == http.StatusGone && p.Cursor > 0 {
			p.beginAgain(gone.Epoch)
			if err := p.Push(ctx, nil); err != nil {
				return changes, err
			}
			continue
		}
		if err != nil {
			return changes, err
		}
		if p.Epoch != "" && page.Epoch != p.Epoch { // restored once more, before anything was pulled
			p.beginAgain(page.Epoch)
			if err := p.Push(ctx, nil); err != nil {
				return changes, err
			}
			continue
		}
		for _, c := range page.Changes {
			changes++
			switch c.Op {
			case "put":
				p.put(c.Type, c.ID, c.Rev, c.Doc)
			case "revoke":
				p.purge(c.Type, c.ID)
			default:
				p.drop(c.Type, c.ID)
			}
		}
		p.Epoch, p.Cursor = page.Epoch, page.Cursor
		if !page.More {
			return changes, nil
		}
	}
}

// Write queues a local write and returns its mid. It needs no network.
func (p *Phone) Write(typ, id, op string, at time.Time, fields map[string]any, requires ...string) string {
	mid := uuid.Must(uuid.NewV7()).String()
	base := p.Revs[typ+"/"+id]
	p.Queue = append(p.Queue, Mutation{Mid: mid, Type: typ, ID: id, Op: op, Base: base, ClientTS: at, Fields: fields,
		Requires: requires})
	return mid
}

// NewID returns an id (UUIDv7) for a record that the phone creates.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// schema is the schema version that played phones know, for what they push and what they pull.
const schema = 3

// PushSize is how many mutations one push sends if Phone.Batch is 0.
const PushSize = 100

// Push sends the queue in batches. Answered mutations leave the queue, except those to be sent again (retry): they stay
// in their order and do not keep the rest from being sent, since what they wait for may come after them. Push goes on
// until the queue is empty, and returns an error if a whole round of it was answered with retry. Push calls lose, if it
// is not nil, for each batch; if lose returns true the phone ignores the answer and sends the batch again. If the
// server was restored from a backup (410), the phone sends first what another epoch may have lost.
func (p *Phone) Push(ctx context.Context, lose func() bool) error {
	for at, before := 0, len(p.Queue); len(p.Queue) > 0; {
		if at >= len(p.Queue) {
			if len(p.Queue) == before {
				return fmt.Errorf("the server asks to send %d mutations again, and again", before)
			}
			at, before = 0, len(p.Queue)
		}
		n := min(len(p.Queue)-at, cmp.Or(p.Batch, PushSize))
		batch := p.Queue[at : at+n]
		var answer struct {
			Epoch      string    `json:"epoch"`
			ServerTime time.Time `json:"server_time"`
			Results    []Result  `json:"results"`
		}
		body := map[string]any{"device": p.Device, "schema": schema, "mutations": batch}
		if p.Epoch != "" {
			body["epoch"] = p.Epoch
		}
		err := p.Do(ctx, http.MethodPost, "/sync/v1/push", body, &answer)
		var gone *Problem
		if errors.As(err, &gone) && gone.Status == http.StatusGone && p.Epoch != "" {
			p.beginAgain(gone.Epoch)
			at, before = 0, len(p.Queue)
			continue
		}
		if err != nil {
			return err
		}
		if lose != nil && lose() {
			p.Tally["answers lost"]++
			continue // the phone got no answer: it sends the same mids again
		}
		if len(answer.Results) != n {
			return fmt.Errorf("%d mutations sent, %d results came", n, len(answer.Results))
		}
		var left []Mutation
		for i, r := range answer.Results {
			if r.Mid != batch[i].Mid {
				return fmt.Errorf("results are not in the order of the mutations")
			}
			p.Tally[r.Status]++
			switch r.Status {
			case "rejected", "conflict", "revoked":
				p.Tally[r.Status+" "+r.Code]++
			}
			if p.settle(batch[i], r, answer.Epoch) {
				left = append(left, batch[i])
			}
		}
		p.sweep(answer.ServerTime)
		p.Queue = slices.Concat(p.Queue[:at], left, p.Queue[at+n:])
		at += len(left)
	}
	return nil
}

// Assignment holds the members of an assignment that a phone reads.
type Assignment struct {
	ID       string    `json:"-"`
	Case     string    `json:"case"`
	Status   string    `json:"status"`
	Date     string    `json:"date"`
	StopSeq  int       `json:"stop_seq"`
	ETA      time.Time `json:"eta"`
	ServiceS int       `json:"service_s"`
	Team     string    `json:"team"`
	Agents   []string  `json:"agents"`
}

// Assignments returns the open assignments of a date, in order of the route.
func (p *Phone) Assignments(date string) ([]Assignment, error) {
	var out []Assignment
	for id, doc := range p.Docs["assignments"] {
		var a Assignment
		if err := json.Unmarshal(doc, &a); err != nil {
			return nil, err
		}
		a.ID = id
		if a.Date == date && a.Status == "open" {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b Assignment) int { return a.StopSeq - b.StopSeq })
	return out, nil
}

// Card holds the members of a case card that a phone reads.
type Card struct {
	Home      []float64 `json:"home"`
	Currency  string    `json:"currency"`
	AmountDue int64     `json:"amount_due_minor"`
	Name      string    `json:"debtor_name"`
}

// Card returns the card of a case.
func (p *Phone) Card(id string) (Card, error) {
	var c Card
	doc, ok := p.Docs["cases"][id]
	if !ok {
		return c, fmt.Errorf("the phone has an assignment of a case and not its card")
	}
	return c, json.Unmarshal(doc, &c)
}
