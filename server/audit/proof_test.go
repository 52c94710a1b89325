package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/server/audit"
	"doorstep/sync/journal"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// This file checks proofs with transparency-dev/merkle, which verifiers of other logs
// use, and roots with a function written from the definition in RFC 9162, 2.1.1. It
// shares no code with the library that makes the proofs.

type hash = [sha256.Size]byte

func leafHash(entry []byte) hash { return sha256.Sum256(append([]byte{0}, entry...)) }
func nodeHash(left, right hash) hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// treeHash returns the Merkle tree hash (MTH) of a list of leaf hashes.
func treeHash(leaves []hash) hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1) // the largest power of two below
	return nodeHash(treeHash(leaves[:k]), treeHash(leaves[k:]))
}

// included tells whether the path leads from the leaf to the root.
func included(leaf hash, index, size uint64, path []hash, root hash) bool {
	return proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], slicesOf(path), root[:]) == nil
}

// consistent tells whether the path proves that the first tree is a prefix of the second.
func consistent(first, second uint64, firstRoot, secondRoot hash, path []hash) bool {
	return proof.VerifyConsistency(rfc6962.DefaultHasher, first, second, slicesOf(path), firstRoot[:],
		secondRoot[:]) == nil
}

func slicesOf(path []hash) [][]byte {
	out := make([][]byte, len(path))
	for i := range path {
		out[i] = path[i][:]
	}
	return out
}

// leaves returns the leaf hashes of the branch, made from the bytes of its entries.
func (h *fixture) leaves(t *testing.T) []hash {
	t.Helper()
	var out []hash
	for p, err := range journal.Pages(context.Background(), h.store, branch, 0) {
		check(t, err)
		for _, e := range p.Entries {
			out = append(out, leafHash(e))
		}
	}
	return out
}

func hashesOf(t *testing.T, texts []string) []hash {
	t.Helper()
	out := make([]hash, len(texts))
	for i, s := range texts {
		b, err := base64.StdEncoding.DecodeString(s)
		check(t, err)
		if len(b) != len(out[i]) {
			t.Fatalf("a hash of %d bytes", len(b))
		}
		copy(out[i][:], b)
	}
	return out
}

// sizes are tree sizes around full tiles of 256.
var sizes = []uint64{1, 2, 3, 7, 8, 255, 256, 257, 300, 511, 512, 513, 767, 768, 1000, 1024, 1030}

func TestEveryEntryIsProved(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 10, 102)
	leaves := h.leaves(t)
	for _, size := range sizes {
		root := treeHash(leaves[:size])
		for n := uint64(1); n <= size; n += 1 + size/97 {
			p, err := h.log.Inclusion(context.Background(), branch, n, size)
			check(t, err)
			path := hashesOf(t, p.Hashes)
			if !included(leaves[n-1], n-1, size, path, root) || hashesOf(t, []string{p.Leaf})[0] != leaves[n-1] ||
				p.Entry != n || p.Size != size {
				t.Fatalf("entry %d in the tree of %d is not proved by %+v", n, size, p)
			}
			if included(leaves[n%size], n-1, size, path, root) && size > 1 {
				t.Fatalf("the proof of entry %d of %d holds for another leaf", n, size)
			}
		}
	}
}

func TestEveryOlderTreeIsAPrefixOfTheNewer(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 10, 102)
	leaves := h.leaves(t)
	for i, from := range sizes {
		for _, size := range sizes[i:] {
			p, err := h.log.Consistency(context.Background(), branch, from, size)
			check(t, err)
			path := hashesOf(t, p.Hashes)
			if !consistent(from, size, treeHash(leaves[:from]), treeHash(leaves[:size]), path) || p.From != from ||
				p.Size != size {
				t.Fatalf("the tree of %d is not shown to be a prefix of that of %d by %+v", from, size, p)
			}
			if consistent(from, size, treeHash(leaves[1:from+1]), treeHash(leaves[:size]), path) {
				t.Fatalf("the proof from %d to %d holds for another tree", from, size)
			}
		}
	}
}

// TestProofsFollowTheGrowingTree checks that cached tiles grow with the journal, that
// older sizes stay provable, and that a restart finds the stored tiles.
func TestProofsFollowTheGrowingTree(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	prove := func(what string, size uint64, leaves []hash) {
		t.Helper()
		for _, n := range []uint64{1, size / 2, size - 1, size} {
			if n == 0 {
				continue
			}
			p, err := h.log.Inclusion(ctx, branch, n, size)
			check(t, err)
			if !included(leaves[n-1], n-1, size, hashesOf(t, p.Hashes), treeHash(leaves[:size])) {
				t.Fatalf("%s: entry %d of %d is not proved", what, n, size)
			}
		}
	}
	for i := 1; i <= 24; i++ {
		h.record(t, i, i, []int{0, 50, 3, 30}[i%4])
		leaves := h.leaves(t)
		prove("newest", uint64(len(leaves)), leaves)
		prove("older", uint64(len(leaves))/2+1, leaves)
		cp, err := h.log.Checkpoint(ctx, branch)
		check(t, err)
		root := treeHash(leaves)
		if cp.Size != uint64(len(leaves)) || cp.Root != base64.StdEncoding.EncodeToString(root[:]) {
			t.Fatalf("the checkpoint signs %s of %d leaves, the tree of %d has the root %x", cp.Root, cp.Size, len(leaves), root)
		}
	}
	stored, err := h.store.Find(ctx, journal.Query{Branch: branch, Type: "tiles"})
	check(t, err)
	leaves := h.leaves(t)
	if full := len(leaves) / 256; full == 0 || full > 255 || len(stored.Records) != full+1 {
		t.Errorf("%d tiles are stored of a tree of %d leaves", len(stored.Records), len(leaves))
	}
	if found, err := journal.Check(ctx, h.store, branch, nil, audit.Tiles()); err != nil || len(found) > 0 {
		t.Errorf("the view of tiles is not what the journal says: %v, %v", found, err)
	}
	key, err := audit.LoadOrCreateKey(filepath.Join(h.folder, "audit.key"), "doorstep-test")
	check(t, err)
	h.log = audit.New(h.journal, key, "doorstep-test")
	for size := uint64(1); size <= uint64(len(leaves)); size += 37 {
		prove("after a restart", size, leaves)
	}
}

func TestACheckpointIsASignedNote(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 3, 1)
	cp, err := h.log.Checkpoint(context.Background(), branch)
	check(t, err)
	verifier, err := note.NewVerifier(h.log.PublicKey())
	check(t, err)
	n, err := note.Open([]byte(cp.Note), note.VerifierList(verifier))
	check(t, err)
	if want := fmt.Sprintf("doorstep-test/%s/1\n6\n%s\nvisits 3\nquarantine 0\nvisit_reviews 0\n"+
		"visit_confirmations 0\ncorrection_reviews 0\n", branch, cp.Root); n.Text != want {
		t.Errorf("the note says %q, want %q", n.Text, want)
	}
	stranger, err := note.NewVerifier(newFixture(t).log.PublicKey())
	check(t, err)
	if _, err := note.Open([]byte(cp.Note), note.VerifierList(stranger)); err == nil {
		t.Error("another server's key opens the checkpoint")
	}
	signed, err := h.log.SignPolicy("abc\n")
	check(t, err)
	if n, err := note.Open([]byte(signed), note.VerifierList(verifier)); err != nil ||
		!strings.Contains(n.Text, "\nabc\n") {
		t.Errorf("the signed policy: %v, %v", n, err)
	}
}

func TestAProofOfAMissingEntryOrSizeIsRefused(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 3, 1)
	for name, c := range map[string]struct {
		prove func() (audit.Proof, error)
		code  string
	}{
		"entry 0": {func() (audit.Proof, error) { return h.log.Inclusion(context.Background(), branch, 0, 0) },
			"audit.no_entry"},
		"entry 7 of 6": {func() (audit.Proof, error) { return h.log.Inclusion(context.Background(), branch, 7, 0) },
			"audit.no_entry"},
		"entry 5 of 4": {func() (audit.Proof, error) { return h.log.Inclusion(context.Background(), branch, 5, 4) },
			"audit.no_entry"},
		"size 7 of 6": {func() (audit.Proof, error) { return h.log.Inclusion(context.Background(), branch, 1, 7) },
			"audit.size"},
		"from 0": {func() (audit.Proof, error) { return h.log.Consistency(context.Background(), branch, 0, 0) },
			"audit.size"},
		"from 5 to 4": {func() (audit.Proof, error) { return h.log.Consistency(context.Background(), branch, 5, 4) },
			"audit.size"},
		"to 7 of 6": {func() (audit.Proof, error) { return h.log.Consistency(context.Background(), branch, 5, 7) },
			"audit.size"},
		"empty branch": {func() (audit.Proof, error) { return h.log.Inclusion(context.Background(), "empty", 1, 0) },
			"audit.no_entry"},
		"empty, a size": {func() (audit.Proof, error) { return h.log.Consistency(context.Background(), "empty", 1, 0) },
			"audit.size"},
	} {
		_, err := c.prove()
		var e *refusal.Error
		if !errors.As(err, &e) || e.Code() != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// TestTheLinesProofsHoldByThemselves checks exported lines with SHA-256 and the checkpoint alone.
func TestTheLinesProofsHoldByThemselves(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 20, 20)
	file, m := h.export(t, audit.NDJSON, audit.Query{})
	head := strings.Split(m.Checkpoint, "\n")
	root := hashesOf(t, head[2:3])[0]
	lines := bytes.Split(file, []byte("\n"))
	for i := range m.Visits {
		l := lineOf(t, lines[i])
		if head[1] != "420" || !included(leafHash(l.Entry), l.EntryNo-1, 420, hashesOf(t, l.Proof), root) {
			t.Errorf("line %d is not proved under the checkpoint of %s leaves", i+1, head[1])
		}
	}
}
