package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"doorstep/auth"
	"doorstep/auth/keyfile"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// invalid refuses a request. The codes are stable: audit.no_entry, audit.size, audit.range.
func invalid(code, msg string) error { return refusal.New(refusal.Invalid, code, "", "%s", msg) }

// Log signs the trees of all branches and makes proofs from them. It is safe for concurrent use.
type Log struct {
	journal *journal.Journal
	views   *journal.Views
	tiles   *tiles
	key     Key
	origin  string
}

// New makes a log that signs with k (see LoadOrCreateKey). deployment names this
// installation in the origins of its checkpoints, which are "deployment/branch/epoch".
func New(j *journal.Journal, k Key, deployment string) *Log {
	return &Log{journal: j, views: journal.NewViews(j, Tiles()), tiles: newTiles(), key: k, origin: deployment}
}

// Key signs checkpoints and manifests.
type Key struct {
	// Public is the verifier key: "name+hash+base64". Auditors must not take it from an export.
	Public string
	signer note.Signer
}

// LoadOrCreateKey reads the signing key from a file. On the first start it makes the
// key and writes its public part beside it (path + ".pub"). Only their owner can read the
// files. If there is a public key but no signing key, that key is lost: an error.
func LoadOrCreateKey(path, name string) (Key, error) {
	k, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if _, err := os.Stat(path + ".pub"); err == nil {
		return Key{}, fmt.Errorf("the public audit key %s.pub stands without its signing key: put back %s from a backup",
			path, path)
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return Key{}, fmt.Errorf("make audit key: %w", err)
	}
	if err := keyfile.Create(path, []byte(skey+"\n"+vkey+"\n")); err != nil {
		return Key{}, fmt.Errorf("keep audit key: %w", err)
	}
	return LoadKey(path)
}

// LoadKey reads the signing key from a file and writes its public part beside it if
// that is missing. It returns fs.ErrNotExist if there is no such file.
func LoadKey(path string) (Key, error) {
	data, err := keyfile.Read(path)
	if err != nil {
		return Key{}, fmt.Errorf("read audit key: %w", err)
	}
	k, err := parseKey(string(data))
	if err != nil {
		return Key{}, fmt.Errorf("audit key %s is damaged; restore it from a backup: %w", filepath.Base(path), err)
	}
	switch pub, err := keyfile.Read(path + ".pub"); {
	case errors.Is(err, fs.ErrNotExist):
		if err := keyfile.Create(path+".pub", []byte(k.Public+"\n")); err != nil {
			return Key{}, fmt.Errorf("keep public audit key: %w", err)
		}
	case err != nil:
		return Key{}, fmt.Errorf("read public audit key: %w", err)
	case strings.TrimSpace(string(pub)) != k.Public:
		return Key{}, fmt.Errorf("%s and %s.pub are of two keys: put back, from one backup, the two that belong together",
			path, path)
	}
	return k, nil
}

// parseKey reads a key file: the signing key and, on the next line, the verifier key of the same pair.
func parseKey(text string) (Key, error) {
	skey, rest, _ := strings.Cut(text, "\n")
	signer, err := note.NewSigner(skey)
	if err != nil {
		return Key{}, err
	}
	k := Key{Public: strings.TrimSpace(rest), signer: signer}
	verifier, err := note.NewVerifier(k.Public)
	if err != nil {
		return Key{}, err
	}
	signed, err := note.Sign(&note.Note{Text: "doorstep\n"}, signer)
	if err != nil {
		return Key{}, err
	}
	if _, err := note.Open(signed, note.VerifierList(verifier)); err != nil {
		return Key{}, errors.New("its two lines are of two keys")
	}
	return k, nil
}

// Name returns the key's name: that of the deployment at its first start.
func (k Key) Name() string { return k.signer.Name() }

// Fingerprint returns a text that identifies this key.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256([]byte(k.Public))
	return hex.EncodeToString(sum[:8])
}

// PublicKey returns the verifier key.
func (l *Log) PublicKey() string { return l.key.Public }

// Checkpoint is a signed head of a branch's tree.
type Checkpoint struct {
	Branch auth.BranchID `json:"branch"`
	Size   uint64        `json:"size"`
	Root   string        `json:"root"` // base64
	// Visits is how many visits the tree holds: their numbers run from 1 to it.
	Visits uint64 `json:"visits" doc:"How many visits the tree holds. Their numbers run from 1 to it."`
	// Beside is how many records it holds of each type that stands beside the visits, numbered likewise.
	Beside map[string]uint64 `json:"beside" doc:"How many records it holds of each type that stands beside the visits. Their numbers run from 1 to it."`
	Note   string            `json:"note"` // the signed note
	// Restores are the restores of backups in the tree. Each ended a log and began the next, under another origin.
	Restores []RestoreNote `json:"restores,omitempty" doc:"Restores of backups in the tree. Each ended a log and began the next, under another origin."`
	Key      string        `json:"key"` // the signer's public key, for information: verify with a key you already have
}

// Checkpoint signs the branch's tree at the journal's watermark.
func (l *Log) Checkpoint(ctx context.Context, b auth.BranchID) (Checkpoint, error) {
	h, err := l.journal.Head(ctx, b)
	if err != nil {
		return Checkpoint{}, err
	}
	restores, err := journal.Restores(ctx, l.journal.Store(), b)
	if err != nil {
		return Checkpoint{}, err
	}
	signed, err := l.key.SignHead(l.origin, b, journal.EpochAfter(restores), h)
	if err != nil {
		return Checkpoint{}, err
	}
	cp := Checkpoint{Branch: b, Size: h.Size, Root: h.RootText(), Visits: h.Numbered.Of(journal.NumberedType),
		Beside: map[string]uint64{}, Note: signed, Key: l.key.Public}
	for i, typ := range journal.NumberedTypes[1:] {
		cp.Beside[typ] = h.Numbered[1+i]
	}
	for _, r := range restores {
		cp.Restores = append(cp.Restores, RestoreNote{Entry: r.N, Restore: r.Restore})
	}
	return cp, nil
}

// SignHead signs a checkpoint: the head of a branch's tree, in an epoch of the branch (journal.EpochAfter).
func (k Key) SignHead(deployment string, b auth.BranchID, epoch string, h journal.Head) (string, error) {
	signed, err := note.Sign(&note.Note{Text: checkpointText(originOf(deployment, b, epoch), h)}, k.signer)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(signed), nil
}

// originOf names a log: the tree of a branch from one restore of a backup to the next.
func originOf(deployment string, b auth.BranchID, epoch string) string {
	return deployment + "/" + string(b) + "/" + epoch
}

// RestoreNote is a restore of a backup, with the entry that holds it.
type RestoreNote struct {
	Entry uint64 `json:"entry_no"`
	journal.Restore
}

// checkpointText returns the note's text (C2SP tlog-checkpoint): origin, size, root, and an extension line for each
// type of records that is numbered: its name, and how many the tree holds. The first is visits.
func checkpointText(origin string, h journal.Head) string {
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, h.Size, h.RootText())
	for i, typ := range journal.NumberedTypes {
		text += fmt.Sprintf("%s %d\n", typ, h.Numbered[i])
	}
	return text
}

// Proof is an inclusion proof or a consistency proof of RFC 6962.
type Proof struct {
	Branch auth.BranchID `json:"branch"`
	Entry  uint64        `json:"entry,omitempty"` // inclusion: the entry's number; its leaf index is one less
	From   uint64        `json:"from,omitempty"`  // consistency: the older size
	Size   uint64        `json:"size"`
	Leaf   string        `json:"leaf,omitempty"`
	Hashes []string      `json:"hashes"`
}

// Inclusion proves that an entry is in the tree of the given size (0: at the watermark). A
// *refusal.Error has the code audit.no_entry or audit.size.
func (l *Log) Inclusion(ctx context.Context, b auth.BranchID, entry, size uint64) (Proof, error) {
	size, err := l.size(ctx, b, size)
	if err != nil {
		return Proof{}, err
	}
	if entry == 0 || entry > size {
		return Proof{}, invalid("audit.no_entry", "the tree of this size has no such entry")
	}
	t, err := l.tree(ctx, b, size)
	if err != nil {
		return Proof{}, err
	}
	return t.include(ctx, entry)
}

// include proves that an entry is in the tree.
func (t *tree) include(ctx context.Context, entry uint64) (Proof, error) {
	p, err := tlog.ProveRecord(int64(t.size), int64(entry-1), t.reader(ctx))
	if err != nil {
		return Proof{}, fmt.Errorf("prove entry %d of %s: %w", entry, t.branch, err)
	}
	leaf, err := t.hash(ctx, 0, entry-1)
	if err != nil {
		return Proof{}, err
	}
	return Proof{Branch: t.branch, Entry: entry, Size: t.size, Leaf: base64.StdEncoding.EncodeToString(leaf[:]),
		Hashes: hashStrings(p)}, nil
}

// Consistency proves that the tree of size from is a prefix of the tree of a larger size (0: at the
// watermark). A *refusal.Error has the code audit.size.
func (l *Log) Consistency(ctx context.Context, b auth.BranchID, from, size uint64) (Proof, error) {
	size, err := l.size(ctx, b, size)
	if err != nil {
		return Proof{}, err
	}
	if from == 0 || from > size {
		return Proof{}, invalid("audit.size", "from is from 1 to the newer size")
	}
	t, err := l.tree(ctx, b, size)
	if err != nil {
		return Proof{}, err
	}
	p, err := tlog.ProveTree(int64(size), int64(from), t.reader(ctx))
	if err != nil {
		return Proof{}, fmt.Errorf("prove %s from %d to %d: %w", b, from, size, err)
	}
	return Proof{Branch: b, From: from, Size: size, Hashes: hashStrings(p)}, nil
}

// size checks that a requested tree size is not beyond the watermark; 0 stands for the watermark.
func (l *Log) size(ctx context.Context, b auth.BranchID, size uint64) (uint64, error) {
	w, err := l.journal.Watermark(ctx, b)
	if err != nil {
		return 0, err
	}
	if size == 0 {
		size = w
	}
	if size > w {
		return 0, invalid("audit.size", "the journal is not that long yet")
	}
	return size, nil
}

func hashStrings(hs []tlog.Hash) []string {
	out := make([]string, len(hs))
	for i, h := range hs {
		out[i] = base64.StdEncoding.EncodeToString(h[:])
	}
	return out
}

// SignErasure signs the statement of an erasure, one line of JSON. The debtor is given the signed statement.
func (l *Log) SignErasure(statement string) (string, error) {
	signed, err := note.Sign(&note.Note{Text: "doorstep erasure\n" + statement + "\n"}, l.key.signer)
	if err != nil {
		return "", fmt.Errorf("sign erasure: %w", err)
	}
	return string(signed), nil
}

// SignPolicy signs the statement of a conduct policy (lines of hashes). A phone checks the signature
// before it judges by the policy offline.
func (l *Log) SignPolicy(statement string) (string, error) {
	signed, err := note.Sign(&note.Note{Text: "doorstep conduct policy\n" + statement}, l.key.signer)
	if err != nil {
		return "", fmt.Errorf("sign policy: %w", err)
	}
	return string(signed), nil
}
