package casework

import (
	"context"
	"fmt"
	"io"

	"doorstep/auth"
	"doorstep/server/casework/rows"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// paymentColumns are the columns of a payment import.
var paymentColumns = []rows.Column{
	{Name: "payment_ref", ID: true}, {Name: "case_ref", ID: true}, {Name: "paid_at"}, {Name: "amount_minor"},
	{Name: "currency"}, {Name: "method", Optional: true}, {Name: "lender", Optional: true, ID: true},
	{Name: "reverses", Optional: true, ID: true},
}

// paymentLine is one line of a payment import, judged by itself.
type paymentLine struct {
	Ref         string
	Case        caseName
	PaidAt      saidTime
	AmountMinor int64
	Currency    string
	Method      string
	Reverses    string
}

// ImportPayments takes in money that has arrived, and payments that were taken back, streamed,
// as text/csv or application/x-ndjson. See RecordPayment for what they do. The same payment_ref of a case again changes
// nothing, and with other values is a line error: a payment is a fact.
//
// Times, branches, lenders and errors are as of ImportContacts.
func (s *Service) ImportPayments(ctx context.Context, actor auth.Actor, branch auth.BranchID, contentType string,
	in io.Reader, opt ImportOptions) (ImportReport, error) {
	im, err := s.newImporter("payments", actor, branch)
	if err != nil {
		return noLines(), err
	}
	rep, err := runImport(ctx, lineImport[paymentLine]{
		schema:  paymentColumns,
		parse:   parsePayment,
		resolve: func(ctx context.Context, l *paymentLine) (*rows.LineError, error) { return im.resolve(ctx, &l.Case) },
		key:     func(l paymentLine) string { return paymentID(l.Case.ID, l.Ref) },
		apply: func(ctx context.Context, lines []*importLine[paymentLine]) error {
			return perBranch(ctx, im, lines, func(l paymentLine) journal.CaseID { return l.Case.ID }, im.applyPayments)
		},
		alive: im.alive,
	}, contentType, in, opt)
	return im.end(ctx, rep, err)
}

// parsePayment judges a line of a payment import by itself.
func parsePayment(vals []string) (paymentLine, []rows.LineError) {
	f := &fields{schema: paymentColumns, vals: vals}
	l := paymentLine{
		Ref:         f.get("payment_ref"),
		Case:        f.caseName(),
		PaidAt:      f.time("paid_at"),
		AmountMinor: f.amount("amount_minor", true, 1),
		Currency:    f.currency("currency"),
		Method:      f.listed("method", "import.method", false, record.CodesOf("payment_methods")),
		Reverses:    f.get("reverses"),
	}
	switch {
	case l.Ref == "":
		f.bad("payment_ref", "import.empty", "this value is required")
	case !record.IsID(l.Ref):
		f.bad("payment_ref", "import.id", "a payment_ref has 1 to 128 letters A to Z, digits and any of _.:/@#+-")
	}
	switch {
	case l.Reverses == "":
	case !record.IsID(l.Reverses):
		f.bad("reverses", "import.id", "write the payment_ref of the payment that was taken back, or leave it empty")
	case l.Reverses == l.Ref:
		f.bad("reverses", "payment.reverses", "a reversal has a payment_ref of its own")
	}
	return l, f.errs
}

// applyPayments decides a chunk of lines whose cases live in one branch.
func (im *importer) applyPayments(ctx context.Context, branch auth.BranchID, lines []*importLine[paymentLine]) error {
	cases, err := casesOf(ctx, im, branch, lines, func(l paymentLine) journal.CaseID { return l.Case.ID })
	if err != nil {
		return err
	}
	refs := make([]journal.DocRef, len(lines))
	for i, l := range lines {
		refs[i] = journal.DocRef{Type: "payments", ID: paymentID(l.val.Case.ID, l.val.Ref)}
	}
	recs, err := im.store.Records(ctx, branch, refs)
	if err != nil {
		return fmt.Errorf("read payments: %w", err)
	}
	var rest []*importLine[paymentLine]
	var reqs []Request
	for i, l := range lines {
		k, ok := cases[l.val.Case.ID]
		if !ok {
			l.refuseUnknown()
			continue
		}
		if signed, err := im.hasContract(ctx, k.State.Lender, branch); err != nil {
			return err
		} else if !signed {
			l.refuseNoContract()
			continue
		}
		if k.State.HasMoved() {
			im.refuseMoved(l.refuse)
			continue
		}
		if k.State.IsErased() {
			l.refuseFor(refuseErased("case_ref"))
			continue
		}
		v := &l.val
		cmd := RecordPayment{Case: v.Case.ID, Ref: v.Ref, PaidAt: v.PaidAt.in(im.zones.find(k.State.TimeZone)),
			AmountMinor: v.AmountMinor, Currency: v.Currency, Method: v.Method, Reverses: v.Reverses, Import: im.id}
		state := cmd.state(&k.State)
		if recs[i].Type != "" && !recs[i].Deleted {
			var was record.Payment
			if err := decode(recs[i], &was); err != nil {
				return err
			}
			if was.UndoneBy == "" && samePayment(&was, &state) {
				l.change = unchanged
				continue
			}
		}
		reqs = append(reqs, im.request(cmd))
		rest = append(rest, l)
	}
	return doLines(ctx, im, branch, rest, reqs)
}
