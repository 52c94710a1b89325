package audit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"doorstep/auth"

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
	Note   string // the signed note
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
	if len(parts) < 5 {
		return h, errors.New("is incomplete")
	}
	size, err := strconv.ParseUint(parts[1], 10, 63)
	root, err2 := tlog.ParseHash(parts[2])
	count, isCount := strings.CutPrefix(parts[3], visitsLine)
	visits, err3 := strconv.ParseUint(count, 10, 63)
	origin := strings.Split(parts[0], "/")
	if err != nil || err2 != nil || err3 != nil || !isCount || len(origin) < 3 {
		return h, errors.New("is malformed")
	}
	return SignedHead{Origin: parts[0], Branch: auth.BranchID(origin[len(origin)-2]), Size: size, Root: root,
		Visits: visits, Note: text}, nil
}
