package casework

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Law is a conduct policy as it is published to phones.
type Law struct {
	Policy *conduct.Policy
	// Org is the entry of the organisation's journal that put it in force.
	Org uint64
	// Since is when that was.
	Since time.Time
	// Bundle is what phones get of it, and Signed a signed note over the bundle's Statement.
	Bundle conduct.Bundle
	Signed string
}

// PublishPolicy tells the phones of a branch which conduct policy is in force: the
// parts that changed, and then the head that lists them all. A bundle older than
// what the branch has, by the organisation's entry and then by its date, does nothing.
type PublishPolicy struct{ Law Law }

// policyDoc is the id of the head.
const policyDoc = "conduct"

func (c PublishPolicy) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	var was record.Policy
	if rec, there, err := t.r.Doc(ctx, "policy", policyDoc); err != nil {
		return nil, err
	} else if there {
		if err := decode(rec, &was); err != nil {
			return nil, err
		}
	}
	d := t.draft("policy.publish")
	head := record.Policy{Kind: "head", Hash: c.Law.Policy.Hash(), Org: c.Law.Org, Dated: c.Law.Bundle.Dated,
		Semantics: conduct.Semantics, HashFormula: conduct.HashFormula, Signed: c.Law.Signed}
	if was.Org > head.Org || was.Org == head.Org && was.Dated >= head.Dated {
		return d.nothing(), nil
	}
	size := 0
	parts := c.Law.Bundle.Parts
	for _, part := range parts {
		name := record.PolicyPart{Name: part.Name, SHA256: part.SHA256}
		head.Parts = append(head.Parts, name)
		if slices.Contains(was.Parts, name) {
			continue
		}
		if _, _, err := t.r.Doc(ctx, "policy", part.Name); err != nil {
			return nil, err
		}
		// A text may double when it is written as a JSON string.
		if size += 2 * len(part.Text); size > journal.MaxEntryBytes/2 {
			d.next("policy.publish")
			size = 2 * len(part.Text)
		}
		d.put("policy", part.Name, "", &record.Policy{Kind: "part", SHA256: part.SHA256, Text: part.Text})
		d.tell(journal.BranchFeed, "policy", part.Name)
	}
	// In another entry, after the parts: a phone that has the head was offered all its parts before.
	if len(d.now().docs) > 0 {
		d.next("policy.publish")
	}
	d.put("policy", policyDoc, "", &head)
	d.tell(journal.BranchFeed, "policy", policyDoc)
	for _, name := range was.Parts {
		if slices.ContainsFunc(parts, func(p conduct.Part) bool { return p.Name == name.Name }) {
			continue
		}
		if _, _, err := t.r.Doc(ctx, "policy", name.Name); err != nil {
			return nil, err
		}
		d.put("policy", name.Name, "", nil)
		d.tell(journal.BranchFeed, "policy", name.Name)
	}
	return d, nil
}

// PublishTo tells the phones of a branch which conduct policy is in force. Telling the same again does nothing.
func (s *Service) PublishTo(ctx context.Context, branch auth.BranchID, law Law) error {
	if _, err := s.One(ctx, auth.System(), branch, Request{
		ID: "org:" + strconv.FormatUint(law.Org, 10) + ":" + law.Bundle.Dated, Cmd: PublishPolicy{law}}); err != nil {
		return fmt.Errorf("publish the conduct policy to %s: %w", branch, err)
	}
	return nil
}
