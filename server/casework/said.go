package casework

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// asked is what an entry keeps of what a request asked, so that the same command id
// with another payload is known: the payload's hash, sealed under the key of the debtor
// it is about. Beside its salt in the clear it could be guessed, and it would outlive
// the debtor. After an erasure nothing of it can be read.
type asked struct {
	Hash seal.Text `json:"hash,omitzero"`
}

// saidType is the place that a sealed hash is bound to, with the command's id.
const saidType = "commands"

// agentKey names the key that seals a payload about no case that we have: the key of the user who sent it.
func agentKey(u auth.UserID) journal.DebtorID { return journal.DebtorID("agent:" + string(u)) }

// say gives what an entry keeps of a request's payload; nothing of no payload.
func (d *draftBuilder) say(ctx context.Context, vault *seal.Vault, branch auth.BranchID, payload [32]byte) ([]byte,
	error) {
	if payload == [32]byte{} {
		return nil, nil
	}
	debtor := d.about
	for i := range d.parts {
		for _, doc := range d.parts[i].docs {
			if debtor == "" {
				debtor = doc.debtor
			}
		}
	}
	if debtor == "" {
		debtor = agentKey(d.Actor.User)
	}
	s := asked{seal.NewText(hex.EncodeToString(payload[:]))}
	err := vault.SealDoc(ctx, debtor, branch, saidType, d.Command, &s)
	if errors.Is(err, seal.ErrErased) {
		s, err = asked{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("seal what %s asked: %w", d.Command, err)
	}
	return seal.Marshal(&s)
}

// sameSaid tells whether a request asks what was asked before under its id. After the debtor's
// erasure that cannot be compared, and it counts as the same: the answer is the first one.
func (s *Service) sameSaid(ctx context.Context, branch auth.BranchID, q *Request, before []byte) (bool, error) {
	if len(before) == 0 || q.Payload == [32]byte{} {
		return len(before) == 0 && q.Payload == [32]byte{}, nil
	}
	var was asked
	if json.Unmarshal(before, &was) != nil {
		return false, nil // another room's command: its entry says a salted hash
	}
	if err := s.vault.OpenDoc(ctx, "", branch, saidType, q.ID, &was); err != nil {
		return false, fmt.Errorf("open what %s asked: %w", q.ID, err)
	}
	return was.Hash.IsZero() || was.Hash.IsErased() || was.Hash.Plain() == hex.EncodeToString(q.Payload[:]), nil
}
