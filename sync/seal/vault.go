package seal

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"

	"github.com/tink-crypto/tink-go/v2/aead"
	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	prfsubtle "github.com/tink-crypto/tink-go/v2/prf/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Errors a caller may act on.
var (
	// ErrErased: the debtor's key is destroyed. What is sealed under it stays unreadable, and nothing new is sealed.
	ErrErased = errors.New("seal: the debtor is erased")
	// ErrWrongKEK: the key-encryption key is not the one the data was sealed under.
	ErrWrongKEK = errors.New("seal: wrong key-encryption key: use the one this data was made with")
	// ErrNoKey: a sealed part names a key that does not exist.
	ErrNoKey = errors.New("seal: a debtor's key is missing")
)

// Store keeps the wrapped keys; journal.Store implements it.
type Store interface {
	Small(ctx context.Context, kind, id string) ([]byte, uint64, error)
	Smalls(ctx context.Context, kind string, ids []string) ([]journal.SmallDoc, error)
	InsertSmalls(ctx context.Context, kind string, ids []string, bodies [][]byte) ([]bool, error)
	SwapSmall(ctx context.Context, kind, id string, was uint64, body []byte) error
}

const (
	keyKind   = "debtorkey"
	checkKind = "kek"
	// keyLife is how long an opened key is remembered (JOURNAL.md J12).
	keyLife = 60 * time.Second
	maxKeys = 50_000
)

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	store Store
	wrap  tink.AEAD
	prf   *prfsubtle.HMACPRF
	clock func() time.Time

	mu   sync.Mutex
	keys map[string]openKey
}

type openKey struct {
	aead   tink.AEAD // nil: erased
	opened time.Time
}

// keyDoc is the small document of one debtor's key.
type keyDoc struct {
	Key    []byte `json:"key,omitempty"` // a tink keyset, wrapped
	Erased string `json:"erased,omitempty"`
}

// Open makes a vault over a store, and checks that the key-encryption key is the
// one the store's keys are wrapped with: ErrWrongKEK.
func Open(ctx context.Context, store Store, kek KEK, clock func() time.Time) (*Vault, error) {
	wrapKey, err := kek.derive("wrap")
	if err != nil {
		return nil, err
	}
	blindKey, err := kek.derive("blind")
	if err != nil {
		return nil, err
	}
	v := &Vault{store: store, clock: clock, keys: map[string]openKey{}}
	if v.wrap, err = aeadsubtle.NewXChaCha20Poly1305(wrapKey); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	if v.prf, err = prfsubtle.NewHMACPRF("SHA256", blindKey); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	if v.clock == nil {
		v.clock = time.Now
	}
	return v, v.checkKEK(ctx)
}

// checkKEK compares the key with the proof the first start left.
func (v *Vault) checkKEK(ctx context.Context) error {
	const id = "check"
	for {
		body, _, err := v.store.Small(ctx, checkKind, id)
		if errors.Is(err, journal.ErrNotFound) {
			proof, err := v.wrap.Encrypt([]byte("doorstep"), []byte(id))
			if err != nil {
				return fmt.Errorf("open vault: %w", err)
			}
			if err := v.store.SwapSmall(ctx, checkKind, id, 0, proof); err != nil && !errors.Is(err, journal.ErrRaced) {
				return fmt.Errorf("open vault: %w", err)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("open vault: %w", err)
		}
		if _, err := v.wrap.Decrypt(body, []byte(id)); err != nil {
			return ErrWrongKEK
		}
		return nil
	}
}

// Hash is a keyed hash: 32 bytes that tell whether two inputs are equal and
// nothing to whoever lacks the key. Purposes keep hashes of different things apart.
func (v *Vault) Hash(purpose string, data []byte) (h [32]byte) {
	input := append([]byte(purpose+"\x00"), data...)
	out, err := v.prf.ComputePRF(input, 32)
	if err != nil {
		panic("seal: HMAC of 32 bytes: " + err.Error()) // the length is within what it offers
	}
	copy(h[:], out)
	return h
}

// Blind is a keyed hash of a text in 32 hexadecimal digits, for blind indexes. The error is always nil here.
func (v *Vault) Blind(_ context.Context, purpose, text string) (string, error) {
	h := v.Hash(purpose, []byte(text))
	return hex.EncodeToString(h[:16]), nil
}

// keyID is the id of a debtor's key.
func (v *Vault) keyID(d journal.DebtorID) string {
	h := v.Hash("debtorkey", []byte(d))
	return hex.EncodeToString(h[:12])
}

// Prepare has keys for all the debtors, made where missing, durable when it returns. Erased ones are left erased.
func (v *Vault) Prepare(ctx context.Context, debtors []journal.DebtorID) error {
	return v.load(ctx, debtors, true)
}

// Warm reads the keys of many debtors at once, before their documents are opened.
func (v *Vault) Warm(ctx context.Context, debtors []journal.DebtorID) error {
	return v.load(ctx, debtors, false)
}

func (v *Vault) load(ctx context.Context, debtors []journal.DebtorID, make bool) error {
	var ids []string
	for _, d := range debtors {
		if d != "" {
			ids = append(ids, v.keyID(d))
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	ids = slices.DeleteFunc(ids, func(id string) bool { _, ok := v.cached(id); return ok })
	for len(ids) > 0 {
		n := min(len(ids), 500)
		if err := v.loadSome(ctx, ids[:n], make); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (v *Vault) loadSome(ctx context.Context, ids []string, make bool) error {
	docs, err := v.store.Smalls(ctx, keyKind, ids)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	var missing []string
	for _, d := range docs {
		if d.Body == nil {
			missing = append(missing, d.ID)
			continue
		}
		if err := v.unwrap(d.ID, d.Body); err != nil {
			return err
		}
	}
	if len(missing) == 0 || !make {
		return nil
	}
	bodies := [][]byte{}
	for _, id := range missing {
		body, err := v.newKey(id)
		if err != nil {
			return err
		}
		bodies = append(bodies, body)
	}
	inserted, err := v.store.InsertSmalls(ctx, keyKind, missing, bodies)
	if err != nil {
		return fmt.Errorf("keep keys: %w", err)
	}
	var others []string // somebody else was first: theirs counts
	for i, id := range missing {
		if !inserted[i] {
			others = append(others, id)
		} else if err := v.unwrap(id, bodies[i]); err != nil {
			return err
		}
	}
	if len(others) == 0 {
		return nil
	}
	return v.loadSome(ctx, others, false)
}

func (v *Vault) newKey(id string) ([]byte, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	var buf bytes.Buffer
	if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&buf), v.wrap, []byte(id)); err != nil {
		return nil, fmt.Errorf("wrap key: %w", err)
	}
	return json.Marshal(keyDoc{Key: buf.Bytes()})
}

// unwrap opens a key document and remembers the key.
func (v *Vault) unwrap(id string, body []byte) error {
	var d keyDoc
	if err := json.Unmarshal(body, &d); err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	k := openKey{opened: v.clock()}
	if d.Erased == "" {
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(d.Key)), v.wrap, []byte(id))
		if err != nil {
			return ErrWrongKEK
		}
		if k.aead, err = aead.New(h); err != nil {
			return fmt.Errorf("open key: %w", err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.keys) >= maxKeys {
		clear(v.keys)
	}
	v.keys[id] = k
	return nil
}

func (v *Vault) cached(id string) (openKey, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.keys[id]
	if ok {
		if age := v.clock().Sub(k.opened); age > keyLife || age < 0 {
			delete(v.keys, id)
			return openKey{}, false
		}
	}
	return k, ok
}

// key finds a key by id. ErrNoKey, ErrErased.
func (v *Vault) key(ctx context.Context, id string) (tink.AEAD, error) {
	k, ok := v.cached(id)
	if !ok {
		if err := v.loadSome(ctx, []string{id}, false); err != nil {
			return nil, err
		}
		if k, ok = v.cached(id); !ok {
			return nil, ErrNoKey
		}
	}
	if k.aead == nil {
		return nil, ErrErased
	}
	return k.aead, nil
}

// associated is what binds a part to its place. Lengths keep the names apart.
func associated(branch auth.BranchID, typ, id, field string) []byte {
	return fmt.Appendf(nil, "%d:%s|%d:%s|%d:%s|%s", len(branch), branch, len(typ), typ, len(id), id, field)
}

// SealDoc seals the open parts of a document under the debtor's key, made if need
// be; parts that are sealed stay as they are. ErrErased.
func (v *Vault) SealDoc(ctx context.Context, debtor journal.DebtorID, branch auth.BranchID, typ, id string, doc any) error {
	var a tink.AEAD
	var failed error
	key := ""
	Each(doc, func(field string, p Part) {
		c := p.core()
		if failed != nil || !c.open || c.key != "" {
			return
		}
		if a == nil {
			if debtor == "" {
				failed = errors.New("seal: a document with personal parts names no debtor")
				return
			}
			key = v.keyID(debtor)
			if failed = v.Prepare(ctx, []journal.DebtorID{debtor}); failed != nil {
				return
			}
			if a, failed = v.key(ctx, key); failed != nil {
				return
			}
		}
		failed = c.sealWith(a, key, p.kind(), associated(branch, typ, id, field))
	})
	return failed
}

// OpenDoc opens the sealed parts of a document; those of an erased debtor are
// marked erased and stay without a value. An error means a part that was altered,
// a wrong key-encryption key, or the store's trouble.
func (v *Vault) OpenDoc(ctx context.Context, _ journal.DebtorID, branch auth.BranchID, typ, id string, doc any) error {
	var failed error
	Each(doc, func(field string, p Part) {
		c := p.core()
		if failed != nil || c.open || c.key == "" {
			return
		}
		a, err := v.key(ctx, c.key)
		switch {
		case errors.Is(err, ErrErased):
			c.erased = true
		case err != nil:
			failed = err
		default:
			failed = c.openWith(a, p.kind(), associated(branch, typ, id, field))
		}
	})
	return failed
}

// Erase destroys a debtor's key. What was sealed under it can never be read again.
// reason is a code, never personal.
func (v *Vault) Erase(ctx context.Context, debtor journal.DebtorID, reason string) error {
	id := v.keyID(debtor)
	body, err := json.Marshal(keyDoc{Erased: reason})
	if err != nil {
		return err
	}
	for {
		now, version, err := v.store.Small(ctx, keyKind, id)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return fmt.Errorf("erase: %w", err)
		}
		var d keyDoc
		if err == nil && json.Unmarshal(now, &d) == nil && d.Erased != "" {
			break
		}
		err = v.store.SwapSmall(ctx, keyKind, id, version, body)
		if err == nil {
			break
		}
		if !errors.Is(err, journal.ErrRaced) {
			return fmt.Errorf("erase: %w", err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.keys, id)
	return nil
}
