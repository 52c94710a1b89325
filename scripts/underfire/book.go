package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorstep/server/play"
)

// said is a mutation that was sent, and what servers answered to it.
type said struct {
	play.Mutation
	agent      string
	status     string // the newest answer; "" for none yet
	code       string
	quarantine string
	epoch      string    // of the answers
	since      time.Time // when the first answer of the epoch came: a backup begun later has it
	applied    bool      // one of the answers of the epoch was applied or merged
	// behind: a restored backup lacked it, and it was not answered since. excused: and no phone keeps it, since its own
	// went back to an older copy, or purged it with a record that was taken away. Nothing else may be lost.
	behind, excused bool
}

// settled are the answers that say that the effect is there.
func settled(status string) bool {
	return status == "applied" || status == "duplicate" || status == "merged"
}

func refused(status string) bool {
	return status == "conflict" || status == "revoked" || status == "rejected"
}

// seen is the newest revision of a record that a server has delivered, and when.
type seen struct {
	rev uint64
	at  time.Time
}

// book records what the servers answered on the wire, answers that no phone got included: what a server has said holds.
type book struct {
	owners *owners

	mu      sync.Mutex
	agents  map[string]string // by device
	said    map[string]*said  // by mid
	revs    map[string]seen   // by epoch, type and id
	cursors map[string]uint64 // by device and epoch
	faults  map[string][]string
	puts    int
	heard   time.Time // when the newest push that had an effect was sent
	codes   map[string]int
	answers int
}

func newBook(o *owners) *book {
	return &book{owners: o, agents: map[string]string{}, said: map[string]*said{}, revs: map[string]seen{},
		cursors: map[string]uint64{}, faults: map[string][]string{}, codes: map[string]int{}}
}

// fault records that an invariant was broken. The caller holds no lock of the book.
func (b *book) fault(invariant, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken(invariant, format, args...)
}

func (b *book) broken(invariant, format string, args ...any) {
	b.faults[invariant] = append(b.faults[invariant], fmt.Sprintf(format, args...))
}

// device says whose a device is.
func (b *book) device(device, agent string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.agents[device] = agent
}

// hear takes in one exchange.
func (b *book) hear(x exchange) {
	switch path, _, _ := strings.Cut(x.Path, "?"); path {
	case "/sync/v1/push":
		b.push(x)
	case "/sync/v1/pull":
		if x.Status == 200 {
			b.pull(x)
		}
	}
}

type pushed struct {
	Epoch   string        `json:"epoch"`
	Results []play.Result `json:"results"`
}

func (b *book) push(x exchange) {
	var sent struct {
		Mutations []play.Mutation `json:"mutations"`
	}
	if json.Unmarshal(x.Body, &sent) != nil {
		return
	}
	var answer pushed
	answered := x.Status == 200 && json.Unmarshal(x.Answer, &answer) == nil
	b.mu.Lock()
	defer b.mu.Unlock()
	agent := b.agents[x.Device]
	if answered && len(answer.Results) != len(sent.Mutations) {
		b.broken("answers", "%d mutations of %s were sent and %d answered", len(sent.Mutations), agent, len(answer.Results))
		return
	}
	for i, m := range sent.Mutations {
		s := b.said[m.Mid]
		if s == nil {
			s = &said{Mutation: m, agent: agent}
			b.said[m.Mid] = s
		}
		if answered {
			b.answers++
			b.answer(s, answer.Results[i], answer.Epoch, x)
		}
	}
}

// answer takes in the answer to one mutation. The book is locked.
func (b *book) answer(s *said, r play.Result, epoch string, x exchange) {
	if r.Mid != s.Mid {
		b.broken("answers", "the answers to %s are not in the order of the mutations", s.agent)
		return
	}
	if r.Op == "put" {
		b.delivered(s.agent, s.Type, s.ID, r.Doc, x)
	}
	if r.Status == "retry" {
		return // nothing was decided
	}
	if s.epoch != epoch {
		s.epoch, s.since, s.applied, s.behind, s.excused = epoch, time.Time{}, false, false, false
	}
	switch {
	case s.since.IsZero():
		s.since = x.Answered
		if refused(r.Status) {
			b.codes[r.Status+" "+r.Code]++
		}
	case settled(s.status) != settled(r.Status):
		b.broken("another answer", "%s %s/%s was answered %s and then %s %s", s.Mid, s.Type, s.ID, s.status, r.Status, r.Code)
	}
	// The first of two answers may be heard last, so that the order of duplicate and applied says nothing. Deleting what
	// is not there is applied each time (M7).
	if s.Op != "delete" && (r.Status == "applied" || r.Status == "merged") {
		if s.applied {
			b.broken("doubled", "%s %s/%s was answered %s twice", s.Mid, s.Type, s.ID, r.Status)
		}
		s.applied = true
	}
	if settled(r.Status) && x.Sent.After(b.heard) {
		b.heard = x.Sent
	}
	s.status, s.code, s.quarantine = r.Status, r.Code, r.Quarantine
	if refused(r.Status) && r.Quarantine == "" {
		b.broken("quarantine", "%s %s/%s was answered %s %s, and no quarantine is named", s.Mid, s.Type, s.ID, r.Status,
			r.Code)
	}
}

// answeredSince tells whether an effect was acknowledged to a push that was sent after a time.
func (b *book) answeredSince(at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.heard.After(at)
}

func (b *book) pull(x exchange) {
	var page struct {
		Epoch   string `json:"epoch"`
		Cursor  uint64 `json:"cursor"`
		Changes []struct {
			Type string          `json:"type"`
			ID   string          `json:"id"`
			Rev  uint64          `json:"rev"`
			Op   string          `json:"op"`
			Doc  json.RawMessage `json:"doc"`
		} `json:"changes"`
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := json.Unmarshal(x.Answer, &page); err != nil {
		b.broken("answers", "a page that is not JSON: %v", err)
		return
	}
	agent := b.agents[x.Device]
	_, query, _ := strings.Cut(x.Path, "?")
	q, _ := url.ParseQuery(query)
	if after, _ := strconv.ParseUint(q.Get("after"), 10, 64); page.Cursor < after {
		b.broken("cursors went back", "%s asked after %d and got the cursor %d", agent, after, page.Cursor)
	}
	for _, c := range page.Changes {
		if c.Op != "put" {
			if len(c.Doc) > 0 {
				b.broken("out of scope", "a %s of %s/%s for %s carries a document", c.Op, c.Type, c.ID, agent)
			}
			continue
		}
		b.delivered(agent, c.Type, c.ID, c.Doc, x)
		key := page.Epoch + "/" + c.Type + "/" + c.ID
		was := b.revs[key]
		if c.Rev < was.rev && was.at.Before(x.Sent) {
			b.broken("revisions went back", "%s/%s had revision %d, and was delivered to %s with %d", c.Type, c.ID, was.rev,
				agent, c.Rev)
		}
		if c.Rev > was.rev {
			b.revs[key] = seen{c.Rev, x.Answered}
		}
	}
}

// delivered judges whether an agent may see a record that a server sent. The book is locked.
func (b *book) delivered(agent, typ, id string, doc json.RawMessage, x exchange) {
	b.puts++
	if typ == "policy" {
		return
	}
	var of struct {
		Case string `json:"case"`
		By   string `json:"by"`
	}
	if err := json.Unmarshal(doc, &of); err != nil {
		b.broken("answers", "%s/%s is not JSON: %v", typ, id, err)
		return
	}
	if typ == "cases" {
		of.Case = id
	}
	if !b.owners.may(agent, of.Case, x.Sent, x.Answered) {
		b.broken("out of scope", "%s/%s of case %s was delivered to %s, who did not have it", typ, id, of.Case, agent)
	}
	if typ == "drafts" && of.By != agent {
		b.broken("out of scope", "the draft %s of %s was delivered to %s", id, of.By, agent)
	}
}

// restored says that the server was restored from a backup that was begun at a time: what was answered later is there
// again only if its phone still keeps it. It returns how many mutations the backup lacks.
func (b *book) restored(begun time.Time, keeps func(agent, mid string) bool) (behind int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.said {
		if s.status == "" || !s.behind && s.since.Before(begun) {
			continue
		}
		behind++
		s.behind = true
	}
	b.excuse(keeps)
	return behind
}

// phoneRestored says that an agent's phone has gone back to an old copy of its state.
func (b *book) phoneRestored(agent string, keeps func(agent, mid string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.excuse(func(a, mid string) bool { return a != agent || keeps(a, mid) })
}

func (b *book) excuse(keeps func(agent, mid string) bool) {
	for mid, s := range b.said {
		if s.behind && !keeps(s.agent, mid) {
			s.excused = true
		}
	}
}
