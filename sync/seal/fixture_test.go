package seal_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// smalls is a seal.Store in memory.
type smalls struct {
	mu    sync.Mutex
	docs  map[string]journal.SmallDoc
	reads int // of keys, in calls
}

func newSmalls() *smalls { return &smalls{docs: map[string]journal.SmallDoc{}} }

func (s *smalls) Small(_ context.Context, kind, id string) ([]byte, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.docs[kind+"/"+id]
	if !ok {
		return nil, 0, journal.ErrNotFound
	}
	return slices.Clone(d.Body), d.Version, nil
}

func (s *smalls) Smalls(_ context.Context, kind string, ids []string) ([]journal.SmallDoc, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	out := make([]journal.SmallDoc, len(ids))
	for i, id := range ids {
		out[i] = s.docs[kind+"/"+id]
		out[i].ID, out[i].Body = id, slices.Clone(out[i].Body)
	}
	return out, nil
}

func (s *smalls) InsertSmalls(_ context.Context, kind string, ids []string, bodies [][]byte) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inserted := make([]bool, len(ids))
	for i, id := range ids {
		if _, there := s.docs[kind+"/"+id]; !there {
			s.docs[kind+"/"+id], inserted[i] = journal.SmallDoc{ID: id, Body: slices.Clone(bodies[i]), Version: 1}, true
		}
	}
	return inserted, nil
}

func (s *smalls) SwapSmall(_ context.Context, kind, id string, was uint64, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs[kind+"/"+id].Version != was {
		return journal.ErrRaced
	}
	s.docs[kind+"/"+id] = journal.SmallDoc{ID: id, Body: slices.Clone(body), Version: was + 1}
	return nil
}

// remove loses all documents of a kind.
func (s *smalls) remove(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.docs {
		if strings.HasPrefix(k, kind+"/") {
			delete(s.docs, k)
		}
	}
}

// all is everything the store holds.
func (s *smalls) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.docs)
}

const (
	branch auth.BranchID    = "porto"
	debtor journal.DebtorID = "d1"
)

// card is a document with personal parts.
type card struct {
	Case  string      `json:"case"`
	Name  seal.Text   `json:"name,omitzero"`
	Phone *seal.Text  `json:"phone,omitempty"`
	Home  *seal.Point `json:"home,omitempty"`
}

const (
	name  = "Amélia \"Mel\" <Martins> 门前"
	phone = "+351912345678"
)

var home = geo.Point{Lon: -8.6291053, Lat: 41.1579438}

func newCard() *card {
	p, at := seal.NewText(phone), seal.NewPoint(home)
	return &card{Case: "c1", Name: seal.NewText(name), Phone: &p, Home: &at}
}

// secrets are the forms a personal part might be seen in.
func secrets() []string {
	out := []string{"Amélia", "Martins", "门前", "912345678", "8.6291053", "-86291053", "411579438"}
	for _, s := range []string{name, phone, "[-86291053,411579438]"} {
		out = append(out, base64.StdEncoding.EncodeToString([]byte(s)), fmt.Sprintf("%x", s), fmt.Sprint([]byte(s)))
	}
	return out
}

// hides tells of every secret that a text shows.
func hides(t *testing.T, what, text string) {
	t.Helper()
	for _, s := range secrets() {
		if strings.Contains(text, s) {
			t.Errorf("%s shows %q: %s", what, s, text)
		}
	}
}

func parseKEK(t *testing.T, fill byte) seal.KEK {
	t.Helper()
	k, err := seal.ParseKEK(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(fill)), 32))))
	check(t, err)
	return k
}

// clock is set by the tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t *testing.T, s seal.Store, c *clock) *seal.Vault {
	t.Helper()
	v, err := seal.Open(context.Background(), s, parseKEK(t, 'k'), c.Now)
	check(t, err)
	return v
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)} }

// sealed is the JSON of a new card, sealed in its place.
func sealed(t *testing.T, v *seal.Vault, d journal.DebtorID, b auth.BranchID, typ, id string) []byte {
	t.Helper()
	c := newCard()
	check(t, v.SealDoc(context.Background(), d, b, typ, id, c))
	data, err := json.Marshal(c)
	check(t, err)
	return data
}

func read(t *testing.T, data []byte) *card {
	t.Helper()
	var c card
	check(t, json.Unmarshal(data, &c))
	return &c
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
