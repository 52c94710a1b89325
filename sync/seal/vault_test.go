package seal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// TestASealedPartBelongsToItsPlace moves a part to every neighbour of its place.
func TestASealedPartBelongsToItsPlace(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	ctx := context.Background()
	data := sealed(t, v, debtor, branch, "cases", "c1")
	check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", read(t, data)))
	for what, place := range map[string]struct {
		branch  auth.BranchID
		typ, id string
	}{
		"another document":   {branch, "cases", "c2"},
		"another type":       {branch, "contacts", "c1"},
		"another branch":     {"braga", "cases", "c1"},
		"the names in a row": {branch, "cases|c", "1"},
		"no document":        {branch, "cases", ""},
	} {
		c := read(t, data)
		err := v.OpenDoc(ctx, debtor, place.branch, place.typ, place.id, c)
		if err == nil || !strings.Contains(err.Error(), "altered, or moved") || c.Name.IsOpen() || c.Name.Plain() != "" {
			t.Errorf("%s: opens to %q, %v", what, c.Name.Plain(), err)
		}
	}
	// The same debtor's parts, swapped between two documents and two fields.
	a, b := read(t, data), read(t, sealed(t, v, debtor, branch, "cases", "c2"))
	a.Name, b.Name = b.Name, a.Name
	for id, c := range map[string]*card{"c1": a, "c2": b} {
		if err := v.OpenDoc(ctx, debtor, branch, "cases", id, c); err == nil {
			t.Errorf("the name of another document opens in %s", id)
		}
	}
	c := read(t, data)
	c.Name, *c.Phone = *c.Phone, c.Name
	if err := v.OpenDoc(ctx, debtor, branch, "cases", "c1", c); err == nil {
		t.Error("a phone opens as a name")
	}
}

func TestAnAlteredPartDoesNotOpen(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	data := sealed(t, v, debtor, branch, "cases", "c1")
	for _, member := range []string{`"s":"`, `"c":"`} {
		for _, skip := range []int{0, 10, 25} {
			bad := bytes.Clone(data)
			i := bytes.Index(bad, []byte(member)) + len(member) + skip
			if bad[i] == 'A' {
				bad[i] = 'B'
			} else {
				bad[i] = 'A'
			}
			if err := v.OpenDoc(context.Background(), debtor, branch, "cases", "c1", read(t, bad)); err == nil {
				t.Errorf("%s altered at %d: opens", member, skip)
			}
		}
	}
	for _, s := range []string{"", "AAAA"} {
		c := read(t, data)
		check(t, json.Unmarshal(cut(t, data, s), &c.Name))
		if err := v.OpenDoc(context.Background(), debtor, branch, "cases", "c1", c); err == nil {
			t.Errorf("a part whose sealed bytes are %q opens", s)
		}
	}
}

// cut is the name's JSON with other sealed bytes.
func cut(t *testing.T, data []byte, with string) []byte {
	t.Helper()
	var m struct{ Name map[string]string }
	check(t, json.Unmarshal(data, &m))
	m.Name["s"] = with
	b, err := json.Marshal(m.Name)
	check(t, err)
	return b
}

// TestWrongKeyErasedAndMissingDiffer: a rebuild must stop at a wrong key, and go on past an erased debtor.
func TestWrongKeyErasedAndMissingDiffer(t *testing.T) {
	store, c := newSmalls(), newClock()
	v := open(t, store, c)
	ctx := context.Background()
	data := sealed(t, v, debtor, branch, "cases", "c1")
	other := sealed(t, v, "d2", branch, "cases", "c2")

	if _, err := seal.Open(ctx, store, parseKEK(t, 'x'), c.Now); !errors.Is(err, seal.ErrWrongKEK) {
		t.Errorf("another key-encryption key: %v", err)
	}
	// Even when the proof of the first start is lost, a wrong key is not taken for an erased or missing one.
	store.lose(true)
	wrong, err := seal.Open(ctx, store, parseKEK(t, 'x'), c.Now)
	check(t, err)
	if err := wrong.OpenDoc(ctx, debtor, branch, "cases", "c1", read(t, data)); !errors.Is(err, seal.ErrWrongKEK) {
		t.Errorf("opening under another key-encryption key: %v", err)
	}
	store.lose(true)
	v = open(t, store, c)

	check(t, v.Erase(ctx, debtor))
	erased := read(t, data)
	if err := v.OpenDoc(ctx, debtor, branch, "cases", "c1", erased); err != nil {
		t.Errorf("an erased debtor's document: %v", err)
	}
	if !erased.Name.IsErased() || erased.Name.IsOpen() || erased.Name.IsZero() || erased.Name.Plain() != "" {
		t.Error("an erased part does not say so")
	}
	if err := v.SealDoc(ctx, debtor, branch, "cases", "c3", newCard()); !errors.Is(err, seal.ErrErased) {
		t.Errorf("sealing for an erased debtor: %v", err)
	}
	there := read(t, other)
	check(t, v.OpenDoc(ctx, "d2", branch, "cases", "c2", there))
	if there.Name.Plain() != name {
		t.Error("another debtor was erased too")
	}

	store.lose(false)
	c.pass(2 * time.Minute)
	if err := v.OpenDoc(ctx, "d2", branch, "cases", "c2", read(t, other)); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("a key that is lost: %v", err)
	}
}

func TestErasureKeepsTheBytesAndTheirHashes(t *testing.T) {
	store, c := newSmalls(), newClock()
	v := open(t, store, c)
	ctx := context.Background()
	data := sealed(t, v, debtor, branch, "cases", "c1")
	leaf := journal.Leaf(data)
	for range 2 { // again is harmless
		check(t, v.Erase(ctx, debtor))
	}
	doc := read(t, data)
	check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", doc))
	again, err := json.Marshal(doc)
	check(t, err)
	if journal.Leaf(again) != leaf {
		t.Errorf("an erased document encodes to other bytes: %s, was %s", again, data)
	}
	if r := seal.Reveals(doc); len(r) != 0 {
		t.Errorf("an erased document reveals %d parts", len(r))
	}
	if store.keys() != 1 {
		t.Error("an erased key leaves no marker")
	}
	// Neither a new start nor making keys brings the debtor back.
	v = open(t, store, c)
	check(t, v.Prepare(ctx, []journal.DebtorID{debtor}))
	check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", doc))
	if doc.Name.IsOpen() {
		t.Error("an erased debtor came back")
	}
	// One may be erased before anything was sealed.
	check(t, v.Erase(ctx, "d9"))
	if err := v.SealDoc(ctx, "d9", branch, "cases", "c9", newCard()); !errors.Is(err, seal.ErrErased) {
		t.Errorf("sealing for a debtor erased in advance: %v", err)
	}
}

// TestOpenedKeysAreForgottenAfterAMinute: another node's erasure takes hold here within 60 s.
func TestOpenedKeysAreForgottenAfterAMinute(t *testing.T) {
	store, c := newSmalls(), newClock()
	here, there := open(t, store, c), open(t, store, c)
	ctx := context.Background()
	data := sealed(t, here, debtor, branch, "cases", "c1")
	check(t, there.Erase(ctx, debtor))
	opens := func() bool {
		doc := read(t, data)
		check(t, here.OpenDoc(ctx, debtor, branch, "cases", "c1", doc))
		return doc.Name.IsOpen()
	}
	reads := store.reads
	c.pass(60 * time.Second)
	if !opens() || store.reads != reads {
		t.Errorf("within a minute the key was read again, %d times", store.reads-reads)
	}
	c.pass(time.Millisecond)
	if opens() {
		t.Error("after a minute an erased debtor is still read")
	}
	// A clock set back must not stretch the minute.
	data = sealed(t, here, "d2", branch, "cases", "c1")
	check(t, there.Erase(ctx, "d2"))
	c.pass(-time.Hour)
	if opens() {
		t.Error("after the clock was set back an erased debtor is still read")
	}
}

func TestTheNodeThatErasesForgetsAtOnce(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	data := sealed(t, v, debtor, branch, "cases", "c1")
	check(t, v.Erase(context.Background(), debtor))
	doc := read(t, data)
	check(t, v.OpenDoc(context.Background(), debtor, branch, "cases", "c1", doc))
	if doc.Name.IsOpen() || !doc.Home.IsErased() {
		t.Error("the erased debtor is still read")
	}
}

// TestTwoNodesMakeOneKey: whoever is first, what one seals the other opens.
func TestTwoNodesMakeOneKey(t *testing.T) {
	store, c := newSmalls(), newClock()
	vaults := []*seal.Vault{open(t, store, c), open(t, store, c), open(t, store, c)}
	datas := make([][]byte, len(vaults))
	var wg sync.WaitGroup
	for i, v := range vaults {
		wg.Go(func() {
			doc := newCard()
			if err := v.SealDoc(context.Background(), debtor, branch, "cases", "c1", doc); err != nil {
				t.Error(err)
			}
			datas[i], _ = json.Marshal(doc)
		})
	}
	wg.Wait()
	last := open(t, store, c)
	for i, data := range datas {
		doc := read(t, data)
		check(t, last.OpenDoc(context.Background(), debtor, branch, "cases", "c1", doc))
		if doc.Name.Plain() != name {
			t.Errorf("what node %d sealed reads %q", i, doc.Name.Plain())
		}
	}
}

func TestManyKeysAreMadeAndReadTogether(t *testing.T) {
	store, c := newSmalls(), newClock()
	v := open(t, store, c)
	var debtors []journal.DebtorID
	for i := range 1200 {
		debtors = append(debtors, journal.DebtorID("d"+string(rune('0'+i%10))+strings.Repeat("x", i/10)), "")
	}
	check(t, v.Warm(context.Background(), debtors))
	if store.keys() != 0 {
		t.Error("warming made keys")
	}
	store.reads = 0
	check(t, v.Prepare(context.Background(), debtors))
	if store.reads != 3 {
		t.Errorf("1,200 keys took %d reads, want 3", store.reads)
	}
	check(t, v.Prepare(context.Background(), debtors))
	if store.reads != 3 {
		t.Error("remembered keys were read again")
	}
}

func TestADocumentWithoutADebtorIsNotSealed(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	if err := v.SealDoc(context.Background(), "", branch, "cases", "c1", newCard()); err == nil {
		t.Error("personal parts of nobody were sealed")
	}
	check(t, v.SealDoc(context.Background(), "", branch, "cases", "c1", &card{Case: "c1"}))
}

func TestBlindHashesTellNothingWithoutTheKey(t *testing.T) {
	ctx := context.Background()
	v, same := open(t, newSmalls(), newClock()), open(t, newSmalls(), newClock())
	other, err := seal.Open(ctx, newSmalls(), parseKEK(t, 'x'), newClock().Now)
	check(t, err)
	blind := func(v *seal.Vault, purpose, text string) string {
		b, err := v.Blind(ctx, purpose, text)
		check(t, err)
		return b
	}
	first := blind(v, "phone", phone)
	if len(first) != 32 || first != blind(v, "phone", phone) || first != blind(same, "phone", phone) {
		t.Errorf("the same text gives other hashes, or not 32 digits: %s", first)
	}
	for what, b := range map[string]string{"another purpose": blind(v, "name", phone), "another text": blind(v, "phone",
		phone+"9"),
		"another key": blind(other, "phone", phone), "purpose and text shifted": blind(v, "phon", "e"+phone)} {
		if b == first {
			t.Errorf("%s gives the same hash", what)
		}
	}
	if v.Hash("a", []byte("x")) == v.Hash("b", []byte("x")) {
		t.Error("purposes share their hashes")
	}
}

func TestTheKEKFileIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	ctx := context.Background()
	k, err := seal.LoadOrCreateKEK(path)
	check(t, err)
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %o", info.Mode().Perm())
	}
	store := newSmalls()
	_, err = seal.Open(ctx, store, k, nil)
	check(t, err)
	again, err := seal.LoadOrCreateKEK(path)
	check(t, err)
	if _, err := seal.Open(ctx, store, again, nil); err != nil {
		t.Errorf("the second start: %v", err)
	}
	another, err := seal.LoadOrCreateKEK(path + "2")
	check(t, err)
	if _, err := seal.Open(ctx, store, another, nil); !errors.Is(err, seal.ErrWrongKEK) {
		t.Errorf("another file's key: %v", err)
	}
	text, err := os.ReadFile(path)
	check(t, err)
	if strings.Contains(store.all(), strings.TrimSpace(string(text))) {
		t.Error("the key is kept with the data")
	}
	for _, bad := range []string{"", "nonsense", string(text[:20])} {
		check(t, os.WriteFile(path, []byte(bad), 0o600))
		if _, err := seal.LoadOrCreateKEK(path); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a file that holds %q: %v", bad, err)
		}
		if now, _ := os.ReadFile(path); string(now) != bad {
			t.Error("a damaged key file was written over")
		}
	}
}

// TestAReaderRacingAnErasureRevivesNothing stops a reader between reading the key and
// remembering it, and erases the debtor meanwhile.
func TestAReaderRacingAnErasureRevivesNothing(t *testing.T) {
	ctx := context.Background()
	for what, then := range map[string]func(v *seal.Vault, data []byte) error{
		"opening": func(v *seal.Vault, data []byte) error {
			return v.OpenDoc(ctx, debtor, branch, "cases", "c1", read(t, data))
		},
		"warming": func(v *seal.Vault, _ []byte) error { return v.Warm(ctx, []journal.DebtorID{debtor}) },
		"sealing": func(v *seal.Vault, _ []byte) error {
			if err := v.SealDoc(ctx, debtor, branch, "cases", "c2", newCard()); !errors.Is(err, seal.ErrErased) {
				return fmt.Errorf("sealed: %w", err)
			}
			return nil
		},
	} {
		store, c := newSmalls(), newClock()
		data := sealed(t, open(t, store, c), debtor, branch, "cases", "c1")
		v := open(t, store, c)
		store.reading = func() {
			store.reading = nil
			check(t, v.Erase(ctx, debtor))
		}
		if err := then(v, data); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if store.reading != nil {
			t.Fatalf("%s read no key", what)
		}
		doc := read(t, data)
		check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", doc))
		if doc.Name.IsOpen() || !doc.Name.IsErased() {
			t.Errorf("%s during the erasure brought the debtor back", what)
		}
		if err := v.SealDoc(ctx, debtor, branch, "cases", "c3", newCard()); !errors.Is(err, seal.ErrErased) {
			t.Errorf("after %s: sealing for an erased debtor: %v", what, err)
		}
		if erased, err := v.IsErased(ctx, debtor); err != nil || !erased {
			t.Errorf("after %s: the store says erased %v, %v", what, erased, err)
		}
	}
}

// TestAKeyMadeDuringAnErasureIsNone: a node that found no key, and makes one while the debtor is erased, loses.
func TestAKeyMadeDuringAnErasureIsNone(t *testing.T) {
	ctx, store, c := context.Background(), newSmalls(), newClock()
	here, there := open(t, store, c), open(t, store, c)
	store.reading = func() {
		store.reading = nil
		check(t, there.Erase(ctx, debtor))
	}
	if err := here.SealDoc(ctx, debtor, branch, "cases", "c1", newCard()); !errors.Is(err, seal.ErrErased) {
		t.Errorf("sealing while another node erases: %v", err)
	}
}
