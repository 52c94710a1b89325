package casework

import (
	"context"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// ConsentItem is a consent with its case, both open, as its receipt needs them.
type ConsentItem struct {
	ID      string
	Consent record.Consent
	Case    record.Case
	// Ended is when it ended; zero while it is in force. By is the record that ended it; "" for its own date.
	Ended time.Time
	By    string
}

// ConsentItem reads a consent that was given, as it stands at an instant. consent.not_found.
func (s *Service) ConsentItem(ctx context.Context, a auth.Actor, branch auth.BranchID, id string, at time.Time) (
	ConsentItem, error) {
	none := refuse(refusal.NotFound, "consent.not_found", "consent", "there is no such consent here that was given")
	out := ConsentItem{ID: id}
	if err := inBranch(a, branch); err != nil {
		return out, err
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "consents", ID: id}})
	if err != nil {
		return out, fmt.Errorf("read consent: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return out, none
	}
	if err := decode(recs[0], &out.Consent); err != nil {
		return out, err
	}
	of, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(out.Consent.Case)}})
	if err != nil {
		return out, fmt.Errorf("read case: %w", err)
	}
	if err := decode(of[0], &out.Case); err != nil {
		return out, err
	}
	if out.Consent.Status != "given" || !out.Case.OpenTo(a) || out.Case.HasMoved() || out.Case.IsErased() {
		return out, none
	}
	f := &File{}
	if err := allInto(ctx, stored{s, branch}, &f.Consents, ConsentsByCase, string(out.Case.ID)); err != nil {
		return out, err
	}
	if e := out.Consent.ExpiresAt; !e.IsZero() && !at.Before(e) {
		out.Ended = e
	}
	given := Filed[record.Consent]{ID: id, N: recs[0].N, State: out.Consent}
	for i := range f.Consents {
		y := &f.Consents[i]
		if endsConsent(y, &given) && (out.Ended.IsZero() || y.State.At.Before(out.Ended)) {
			out.Ended, out.By = y.State.At, y.ID
		}
	}
	if err := s.vault.OpenDoc(ctx, out.Consent.Debtor, branch, "consents", id, &out.Consent); err != nil {
		return out, fmt.Errorf("open consent: %w", err)
	}
	return out, nil
}
