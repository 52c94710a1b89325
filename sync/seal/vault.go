package seal

import (
	"bytes"
	"context"
	"encoding/hex"
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

// Keys keeps debtors' wrapped keys, apart from the journal (sync/journal/README.md, J12): no
// copy of a key is in a log or in the journal's file. Both stores implement it. All
// methods are safe for concurrent use, from several nodes too.
type Keys interface {
	// Keys reads wrapped keys, in the order asked: nil where there is none, empty and not nil where it is destroyed.
	Keys(ctx context.Context, ids []string) ([][]byte, error)
	// InsertKeys keeps those whose ids are new and says which, all durable when it
	// returns nil. An id whose key is destroyed is not new.
	InsertKeys(ctx context.Context, ids []string, wrapped [][]byte) (inserted []bool, err error)
	// DestroyKey removes the bytes of a key and leaves a marker, for an id without a
	// key too. Durable when it returns nil; again does nothing.
	DestroyKey(ctx context.Context, id string) error
}

const (
	// proofID is no debtor's: their ids are hexadecimal.
	proofID = "kek"
	// keyLife is how long an opened key is remembered (sync/journal/README.md, J12).
	keyLife = 60 * time.Second
	maxKeys = 50_000
	// batch is how many keys are read or made at once.
	batch = 500
)

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	store Keys
	wrap  tink.AEAD
	prf   *prfsubtle.HMACPRF
	clock func() time.Time

	mu   sync.Mutex
	keys map[string]openKey
	// erased are the keys this vault destroyed: whoever read one before must not put it back.
	erased map[string]bool
}

type openKey struct {
	aead   tink.AEAD // nil: erased
	opened time.Time
}

// Open makes a vault over the keys, and checks that the key-encryption key is the
// one they are wrapped with: ErrWrongKEK. A nil clock is time.Now.
func Open(ctx context.Context, keys Keys, kek KEK, clock func() time.Time) (*Vault, error) {
	wrapKey, err := kek.derive("wrap")
	if err != nil {
		return nil, err
	}
	blindKey, err := kek.derive("blind")
	if err != nil {
		return nil, err
	}
	v := &Vault{store: keys, clock: clock, keys: map[string]openKey{}, erased: map[string]bool{}}
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

// checkKEK compares the key with the proof the first start left among the keys.
func (v *Vault) checkKEK(ctx context.Context) error {
	for range 2 {
		found, err := v.store.Keys(ctx, []string{proofID})
		if err != nil {
			return fmt.Errorf("open vault: %w", err)
		}
		if found[0] != nil {
			if _, err := v.wrap.Decrypt(found[0], []byte(proofID)); err != nil {
				return ErrWrongKEK
			}
			return nil
		}
		proof, err := v.wrap.Encrypt([]byte("doorstep"), []byte(proofID))
		if err != nil {
			return fmt.Errorf("open vault: %w", err)
		}
		if _, err := v.store.InsertKeys(ctx, []string{proofID}, [][]byte{proof}); err != nil {
			return fmt.Errorf("open vault: %w", err)
		}
	}
	return errors.New("open vault: the store forgets keys that it kept a moment ago")
}

// Proven tells whether the keys have been used with a key-encryption key before. A
// deployment that was started and has none has lost its keys.
func Proven(ctx context.Context, keys Keys) (bool, error) {
	found, err := keys.Keys(ctx, []string{proofID})
	return err == nil && found[0] != nil, err
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
		n := min(len(ids), batch)
		if err := v.loadSome(ctx, ids[:n], make); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (v *Vault) loadSome(ctx context.Context, ids []string, make bool) error {
	found, err := v.store.Keys(ctx, ids)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	var missing []string
	for i, id := range ids {
		if found[i] == nil {
			missing = append(missing, id)
		} else if err := v.unwrap(id, found[i]); err != nil {
			return err
		}
	}
	if len(missing) == 0 || !make {
		return nil
	}
	wrapped := [][]byte{}
	for _, id := range missing {
		key, err := v.newKey(id)
		if err != nil {
			return err
		}
		wrapped = append(wrapped, key)
	}
	inserted, err := v.store.InsertKeys(ctx, missing, wrapped)
	if err != nil {
		return fmt.Errorf("keep keys: %w", err)
	}
	var others []string // another node was first, or the debtor is erased: what is there counts
	for i, id := range missing {
		if !inserted[i] {
			others = append(others, id)
		} else if err := v.unwrap(id, wrapped[i]); err != nil {
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
	return buf.Bytes(), nil
}

// unwrap opens a stored key and remembers it; an empty one is a marker.
func (v *Vault) unwrap(id string, wrapped []byte) error {
	k := openKey{opened: v.clock()}
	if len(wrapped) > 0 {
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), v.wrap, []byte(id))
		if err != nil {
			return ErrWrongKEK
		}
		if k.aead, err = aead.New(h); err != nil {
			return fmt.Errorf("open key: %w", err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.erased[id] {
		k.aead = nil
	}
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
func (v *Vault) SealDoc(ctx context.Context, debtor journal.DebtorID, branch auth.BranchID, typ, id string,
	doc any) error {
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

// Erase destroys a debtor's key. What was sealed under it can never be read again:
// here from now on, on other nodes within a minute. Again does nothing.
func (v *Vault) Erase(ctx context.Context, debtor journal.DebtorID) error {
	id := v.keyID(debtor)
	if err := v.store.DestroyKey(ctx, id); err != nil {
		return fmt.Errorf("destroy key: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erased[id] = true
	delete(v.keys, id)
	return nil
}

// IsErased tells whether a debtor's key is destroyed; what another node destroyed is known within a minute.
func (v *Vault) IsErased(ctx context.Context, debtor journal.DebtorID) (bool, error) {
	switch _, err := v.key(ctx, v.keyID(debtor)); {
	case errors.Is(err, ErrErased):
		return true, nil
	case err == nil, errors.Is(err, ErrNoKey):
		return false, nil
	default:
		return false, err
	}
}
