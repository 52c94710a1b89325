package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// smalls is a seal.Keys in memory.
type smalls struct {
	mu    sync.Mutex
	docs  map[string][]byte
	reads int // of keys, in calls
	// reading is called between reading keys and answering, if set.
	reading func()
}

func newSmalls() *smalls { return &smalls{docs: map[string][]byte{}} }

func (s *smalls) Keys(_ context.Context, ids []string) ([][]byte, error) {
	s.mu.Lock()
	s.reads++
	out := make([][]byte, len(ids))
	for i, id := range ids {
		out[i] = bytes.Clone(s.docs[id])
	}
	reading := s.reading
	s.mu.Unlock()
	if reading != nil {
		reading()
	}
	return out, nil
}

func (s *smalls) InsertKeys(_ context.Context, ids []string, wrapped [][]byte) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inserted := make([]bool, len(ids))
	for i, id := range ids {
		if s.docs[id] == nil {
			s.docs[id], inserted[i] = bytes.Clone(wrapped[i]), true
		}
	}
	return inserted, nil
}

func (s *smalls) DestroyKey(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[id] = []byte{}
	return nil
}

// lose loses the proof of the key-encryption key, or all else.
func (s *smalls) lose(proof bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.docs, func(id string, _ []byte) bool { return (id == "kek") == proof })
}

// keys counts the debtors' keys and markers.
func (s *smalls) keys() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.docs) - 1
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

func open(t *testing.T, s seal.Keys, c *clock) *seal.Vault {
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
