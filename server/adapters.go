package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/server/audit"
	"doorstep/server/casework"
	"doorstep/server/notify"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// families stores the families of refresh tokens as small documents.
type families struct{ store journal.Store }

const refreshKind = "refresh"

func (f families) Family(ctx context.Context, id string) ([]byte, uint64, error) {
	body, version, err := f.store.Small(ctx, refreshKind, id)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, 0, auth.ErrNoFamily
	}
	return body, version, err
}

func (f families) SwapFamily(ctx context.Context, id string, was uint64, body []byte) error {
	err := f.store.SwapSmall(ctx, refreshKind, id, was, body)
	if errors.Is(err, journal.ErrRaced) {
		return auth.ErrRaced
	}
	return err
}

// factors stores users' second factors as small documents, sealed under the key-encryption key.
type factors struct {
	store journal.Store
	vault *seal.Vault
}

const factorKind = "factors"

func (f factors) Factors(ctx context.Context, u auth.UserID) ([]byte, uint64, error) {
	sealed, version, err := f.store.Small(ctx, factorKind, string(u))
	if errors.Is(err, journal.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	body, err := f.vault.OpenSecret(factorKind+"/"+string(u), sealed)
	return body, version, err
}

func (f factors) SwapFactors(ctx context.Context, u auth.UserID, was uint64, body []byte) error {
	sealed, err := f.vault.SealSecret(factorKind+"/"+string(u), body)
	if err != nil {
		return err
	}
	if err = f.store.SwapSmall(ctx, factorKind, string(u), was, sealed); errors.Is(err, journal.ErrRaced) {
		return auth.ErrRaced
	}
	return err
}

// namesOf gives the names of users, for case cards.
func (s *Server) namesOf(ctx context.Context, ids []auth.UserID) (map[auth.UserID]string, error) {
	people, err := s.office.People(ctx, ids)
	out := make(map[auth.UserID]string, len(people))
	for _, p := range people {
		out[p.ID] = p.Name
	}
	return out, err
}

// ledger is what the outbox uses of casework: it records and judges contacts.
type ledger struct{ casework *casework.Service }

func (l ledger) Mark(ctx context.Context, branch auth.BranchID, marks []notify.Mark) ([]string, error) {
	cmd := casework.MarkAlerts{}
	for _, m := range marks {
		cmd.Marks = append(cmd.Marks, casework.AlertMark(m))
	}
	receipt, err := l.casework.One(ctx, auth.System(), branch, casework.Request{ID: "alert:" + journal.NewID(), Cmd: cmd})
	if err != nil {
		return nil, err
	}
	var answer casework.MarkReceipt
	if err := json.Unmarshal(receipt.Body, &answer); err != nil {
		return nil, fmt.Errorf("read receipt of alerts: %w", err)
	}
	return answer.Passed, nil
}

func (l ledger) Ask(ctx context.Context, b auth.BranchID, alerts []notify.Alert) []notify.Answer {
	ids := make([]string, len(alerts))
	for i, n := range alerts {
		ids[i] = n.ID
	}
	out := make([]notify.Answer, len(alerts))
	for i, a := range l.casework.AskAlerts(ctx, b, ids) {
		out[i] = notify.Answer(a)
	}
	return out
}

// visits is what the audit uses of casework: it lists visits and what stands beside them.
type visits struct{ casework *casework.Service }

func exportQuery(q audit.Query) casework.ExportQuery {
	return casework.ExportQuery{Branch: q.Branch, Lender: q.Lender,
		Dates:  casework.Dates{From: q.From, To: q.To, ReceivedFrom: q.ReceivedFrom, ReceivedTo: q.ReceivedTo},
		Reveal: q.Reveal, UpTo: q.UpTo}
}

func (v visits) EachVisit(ctx context.Context, q audit.Query, fn func(audit.Visit) error) error {
	return v.casework.EachVisit(ctx, exportQuery(q),
		func(x casework.ExportedVisit) error {
			return fn(audit.Visit{ID: x.ID, No: x.No, Entry: x.Entry, Reveals: x.Reveals, Erased: x.Erased})
		})
}

func (v visits) Beside(ctx context.Context, q audit.Query) ([]audit.Beside, error) {
	found, err := v.casework.BesideVisits(ctx, exportQuery(q))
	out := make([]audit.Beside, len(found))
	for i, b := range found {
		out[i] = audit.Beside(b)
	}
	return out, err
}

func (v visits) Reveal(ctx context.Context, branch auth.BranchID, b audit.Beside, state json.RawMessage) ([]seal.Reveal,
	time.Time, error) {
	return v.casework.RevealBeside(ctx, branch, b.Type, b.ID, state)
}
