package audit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// SignedHead is a checkpoint whose signature was checked.
type SignedHead struct {
	Origin string // deployment/branch/epoch
	Branch auth.BranchID
	Size   uint64
	Root   tlog.Hash
	Visits uint64
	Made   journal.Counts // how many records the tree holds of each type that is numbered, visits among them
	Note   string         // the signed note
}

// ReadHead checks a checkpoint (Checkpoint.Note) with the public key of who must have signed it, and reads it.
func ReadHead(text, vkey string) (SignedHead, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return SignedHead{}, errors.New("this is not a public key; it looks like name+hash+base64")
	}
	h, err := readHead(text, verifier)
	if err != nil {
		return h, fmt.Errorf("the checkpoint %w", err)
	}
	return h, nil
}

// readHead reads a checkpoint. The error is a predicate: "is not signed by this key".
func readHead(text string, verifier note.Verifier) (h SignedHead, err error) {
	n, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return h, errors.New("is not signed by this key")
	}
	parts := strings.Split(n.Text, "\n")
	if len(parts) < 4+len(h.Made) {
		return h, errors.New("is incomplete")
	}
	size, err := strconv.ParseUint(parts[1], 10, 63)
	root, err2 := tlog.ParseHash(parts[2])
	for i, typ := range journal.NumberedTypes {
		count, isCount := strings.CutPrefix(parts[3+i], typ+" ")
		var bad error
		if h.Made[i], bad = strconv.ParseUint(count, 10, 63); bad != nil || !isCount {
			return h, errors.New("is malformed")
		}
	}
	origin := strings.Split(parts[0], "/")
	if err != nil || err2 != nil || len(origin) < 3 {
		return h, errors.New("is malformed")
	}
	return SignedHead{Origin: parts[0], Branch: auth.BranchID(origin[len(origin)-2]), Size: size, Root: root,
		Visits: h.Made.Of(journal.NumberedType), Made: h.Made, Note: text}, nil
}
