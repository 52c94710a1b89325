package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/server/casework/rows"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// caseColumns are the columns of a case import.
var caseColumns = []rows.Column{
	{Name: "case_ref", ID: true}, {Name: "lender", ID: true}, {Name: "product_type", ID: true}, {Name: "profile"},
	{Name: "debtor_ref", ID: true}, {Name: "debtor_name"},
	{Name: "language"}, {Name: "phone"}, {Name: "phone_verified_on"}, {Name: "address"}, {Name: "postal_code"},
	{Name: "city"},
	{Name: "country"}, {Name: "lon"}, {Name: "lat"}, {Name: "address_verified_on"}, {Name: "time_zone"},
	{Name: "currency"},
	{Name: "principal_minor"}, {Name: "amount_due_minor"}, {Name: "due_date"}, {Name: "priority"}, {Name: "service_min"},
	{Name: "flags"}, {Name: "datum", Optional: true}, {Name: "net", Optional: true},
}

type caseLine = record.CaseLine

// ImportCases takes in overdue cases, streamed, as text/csv or
// application/x-ndjson (the columns are those of caseColumns in any order). Every
// bad line is reported with its number and the good ones are kept; importing the
// same file again changes nothing. A lender's system imports its own cases only.
//
// An error is about the whole import (*refusal.Error: a header that does not fit, a
// content type, a branch; else trouble with the upload or the store): what the
// report counts until then is done, and sending the file again is safe.
func (s *Service) ImportCases(ctx context.Context, actor auth.Actor, branch auth.BranchID, contentType string,
	in io.Reader, opt ImportOptions) (ImportReport, error) {
	if err := importScope(actor, branch); err != nil {
		return noLines(), err
	}
	im, err := s.newImporter("cases", actor, branch)
	if err != nil {
		return noLines(), err
	}
	ci := &caseImport{importer: im, profiles: s.policy.Load(), net: opt.Net}
	rep, err := runImport(ctx, lineImport[caseLine]{
		schema: caseColumns,
		parse:  ci.parse,
		key:    func(c caseLine) string { return string(c.ID()) },
		apply:  ci.apply,
		alive:  im.alive,
	}, contentType, in, opt)
	return im.end(ctx, rep, err)
}

// caseImport is a case import under way.
type caseImport struct {
	*importer
	profiles profileList
	net      *bool  // of lines that do not say; nil: unknown
	ground   ground // some homes of the branch, read with the first lines
	grounded bool
}

// profileList knows the conduct profiles.
type profileList interface{ Has(profile string) bool }

// apply decides a chunk: lines that change nothing are left out, the rest claims
// its homes (J8) and is appended as one conversation.
func (ci *caseImport) apply(ctx context.Context, lines []*importLine[caseLine]) error {
	lines, err := ci.admitted(ctx, lines)
	if err != nil {
		return err
	}
	if err := ci.warn(ctx, lines); err != nil {
		return err
	}
	ids := make([]journal.CaseID, len(lines))
	for i, l := range lines {
		ids[i] = l.val.ID()
	}
	there, err := ci.cases(ctx, ci.branch, ids)
	if err != nil {
		return err
	}
	named := make([]journal.DebtorID, len(lines))
	for i, l := range lines {
		named[i] = l.val.Debtor()
	}
	if err := ci.vault.Warm(ctx, named); err != nil {
		return fmt.Errorf("read debtors' keys: %w", err)
	}
	away, err := ci.away(ctx, named)
	if err != nil {
		return err
	}
	var rest []*importLine[caseLine]
	for _, l := range lines {
		// Before anything is compared, so that no answer tells what an erased debtor's line said.
		if erased, err := ci.vault.IsErased(ctx, l.val.Debtor()); err != nil {
			return err
		} else if erased {
			l.refuseFor(refuseErased("debtor_ref"))
			continue
		}
		was, known := there[l.val.ID()]
		if known && was.State.HasMoved() {
			l.refuseElsewhere()
			continue
		}
		if away[l.val.Debtor()] {
			l.refuseFor(refuseMovingLine("debtor_ref"))
			continue
		}
		if known {
			if err := ci.vault.OpenDoc(ctx, was.State.Debtor, ci.branch, "cases", was.ID, &was.State); err != nil {
				return fmt.Errorf("open case: %w", err)
			}
			if err := refuseClosed(&was.State); err != nil {
				l.refuseFor(err)
				continue
			}
			if !was.State.IsUndone() && was.State.Imported.Plain().Same(&l.val) {
				l.change = unchanged
				continue
			}
		}
		rest = append(rest, l)
	}
	if rest, err = ci.claimHomes(ctx, rest, there); err != nil {
		return err
	}
	if len(rest) == 0 {
		return nil
	}
	debtors := make([]journal.DebtorID, len(rest))
	reqs := make([]Request, len(rest))
	for i, l := range rest {
		debtors[i] = l.val.Debtor()
		reqs[i] = ci.request(importCase{l.val, ci.id})
	}
	if err := ci.vault.Prepare(ctx, debtors); err != nil {
		return fmt.Errorf("make debtors' keys: %w", err)
	}
	return doLines(ctx, ci.importer, ci.branch, rest, reqs)
}

// admitted refuses lines that the actor may not send, or not to this branch, and gives the others.
func (ci *caseImport) admitted(ctx context.Context, lines []*importLine[caseLine]) (own []*importLine[caseLine],
	err error) {
	for _, l := range lines {
		if ci.actor.Role == auth.RoleLender && l.val.Lender != ci.actor.Lender {
			e := notYourLender()
			l.refuse(e.Column, e.Code, e.Message)
			continue
		}
		// Before anything is looked up: who has no contract learns nothing of the branch.
		if signed, err := ci.hasContract(ctx, l.val.Lender, ci.branch); err != nil {
			return nil, err
		} else if !signed {
			l.refuseNoContract()
			continue
		}
		own = append(own, l)
	}
	return own, nil
}

// home is the body of a home claim: which branch a case or a debtor belongs to.
type home struct {
	Branch auth.BranchID `json:"branch"`
}

// homeKind is the kind of the small documents that hold home claims.
const homeKind = "home"

// homeClaim is one home that a line needs: whose, where it says it is, and what is wrong when it is elsewhere already.
type homeClaim struct {
	id    string
	home  home
	judge func(has home)
}

// claimHomes claims a home for each new case and its debtor, and refuses the lines
// whose case or debtor has one elsewhere. It returns the lines that remain.
//
// What stands is judged before anything is claimed: a line that is refused for
// its debtor must not take its case along, or the branch it belongs to could not import it.
func (ci *caseImport) claimHomes(ctx context.Context, lines []*importLine[caseLine],
	there map[journal.CaseID]Filed[record.Case]) ([]*importLine[caseLine], error) {
	claims := map[*importLine[caseLine]][]homeClaim{}
	var fresh []*importLine[caseLine]
	var stray []strayClaim
	for _, l := range lines {
		if _, known := there[l.val.ID()]; known {
			continue
		}
		blind, err := ci.vault.Blind(ctx, "debtor_ref", string(l.val.Debtor()))
		if err != nil {
			return nil, fmt.Errorf("claim home: %w", err)
		}
		fresh = append(fresh, l)
		claims[l] = []homeClaim{{"case/" + string(l.val.ID()), home{ci.branch}, func(has home) {
			if has.Branch != ci.branch {
				stray = append(stray, strayClaim{l, has})
				l.refuseElsewhere()
			}
		}}, {"debtor/" + blind, home{ci.branch}, func(has home) {
			if has.Branch != ci.branch {
				l.refuse("debtor_ref", "import.debtor_elsewhere",
					"this debtor has cases in another branch; all cases of a debtor live in one, so import it there")
			}
		}}}
	}
	for _, insert := range []bool{false, true} {
		// Debtors last: their home is what a race is about.
		for kind := range 2 {
			var of []homeClaim
			for _, l := range fresh {
				if l.bad == nil {
					of = append(of, claims[l][kind])
				}
			}
			if err := ci.claim(ctx, of, insert); err != nil {
				return nil, err
			}
			if kind == 0 && !insert {
				if err := ci.takeOver(ctx, stray); err != nil {
					return nil, err
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l *importLine[caseLine]) bool { return l.bad != nil }), nil
}

// claim shows each claim the home that stands, after inserting those that are absent if told so.
func (ci *caseImport) claim(ctx context.Context, claims []homeClaim, insert bool) error {
	var ids []string
	var bodies [][]byte
	of := map[string][]homeClaim{}
	for _, c := range claims {
		if of[c.id] == nil {
			body, err := json.Marshal(c.home)
			if err != nil {
				return fmt.Errorf("claim home: %w", err)
			}
			ids, bodies = append(ids, c.id), append(bodies, body)
		}
		of[c.id] = append(of[c.id], c)
	}
	if len(ids) == 0 {
		return nil
	}
	if insert {
		if _, err := ci.store.InsertSmalls(ctx, homeKind, ids, bodies); err != nil {
			return fmt.Errorf("claim homes: %w", err)
		}
	}
	docs, err := ci.store.Smalls(ctx, homeKind, ids)
	if err != nil {
		return fmt.Errorf("read homes: %w", err)
	}
	for i, id := range ids {
		if docs[i].Body == nil {
			continue
		}
		var h home
		if err := json.Unmarshal(docs[i].Body, &h); err != nil {
			return fmt.Errorf("read home: %w", err)
		}
		for _, c := range of[id] {
			c.judge(h)
		}
	}
	return nil
}

// splitList splits a value with separators, dropping empty parts.
func splitList(s, sep string) []string {
	var out []string
	for part := range strings.SplitSeq(s, sep) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
