package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Erasure is an erasure as it is answered.
type Erasure struct {
	ID          string    `json:"erasure_id"`
	Debtor      string    `json:"debtor"`
	Branch      string    `json:"branch"`
	Reason      string    `json:"reason" doc:"A code of erase_reasons."`
	State       string    `json:"state" enum:"asked,confirmed,erased,withdrawn"`
	AskedBy     string    `json:"asked_by"`
	AskedAt     time.Time `json:"asked_at"`
	ConfirmedBy string    `json:"confirmed_by,omitempty"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	WithdrawnBy string    `json:"withdrawn_by,omitempty" doc:"Who withdrew it."`
	WithdrawnAt time.Time `json:"withdrawn_at,omitzero" doc:"When it was withdrawn."`
	Withdrawal  string    `json:"withdrawal,omitempty" doc:"Why it was withdrawn: a code of erase_withdrawals."`
	ErasedAt    time.Time `json:"erased_at,omitzero"`
	Cases       []string  `json:"cases,omitempty" doc:"The debtor's cases, which are closed."`
	Destroyed   string    `json:"destroyed,omitempty" doc:"What is destroyed, in words."`
	Entry       uint64    `json:"entry,omitempty" doc:"The entry of the branch's journal that says so."`
	TreeSize    uint64    `json:"tree_size,omitempty" doc:"Entries in the branch's tree, that one included."`
	TreeRoot    string    `json:"tree_root,omitempty" doc:"Root of that tree, base64."`
}

// erasureAnswer is an erasure with its certificate once it is done.
type erasureAnswer struct {
	Erasure
	Certificate string `json:"certificate,omitempty" doc:"For the debtor: this statement, signed with the audit key (a signed note)."`
}

const whatIsDestroyed = "the key under which the names, phones, addresses, positions and texts of this debtor " +
	"were sealed: " +
	"in the case file, on the journal's pages and in every backup that is restored with the erasure list"

// ErasurePath names an erasure.
type ErasurePath struct {
	ID      string `path:"id" maxLength:"64" doc:"The debtor."`
	Request string `path:"request" maxLength:"64" doc:"The erasure_id."`
}

func (a *API) erasureEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/debtors/{id}/erase", roles: admins, id: "askErasure",
		tag: "cases", status: http.StatusAccepted, summary: "Ask for a debtor to be erased",
		about: "Nothing is erased until another administrator confirms it. Asking again gives the erasure that waits."},
		a.askErasure)
	register(a, endpoint{method: http.MethodPost, path: "/v1/debtors/{id}/erase/{request}/confirm", roles: admins,
		id: "confirmErasure", tag: "cases", summary: "Erase a debtor, as the second administrator",
		about: "Who asked cannot confirm. It cannot be undone."}, a.confirmErasure)
	register(a, endpoint{method: http.MethodPost, path: "/v1/debtors/{id}/erase/{request}/withdraw", roles: admins,
		id: "withdrawErasure", tag: "cases", summary: "Withdraw an erasure that is not confirmed",
		about: "Any administrator can, also the one who asked. The debtor may be asked about again afterwards."},
		a.withdrawErasure)
	register(a, endpoint{method: http.MethodGet, path: "/v1/debtors/{id}/erase/{request}", roles: admins,
		id: "getErasure", tag: "cases", summary: "An erasure and its certificate"}, a.getErasure)
	register(a, endpoint{method: http.MethodGet, path: "/v1/erasures", roles: admins, id: "listErasures",
		tag: "cases", summary: "List a branch's erasures, newest first"}, a.listErasures)
}

// erasure answers an erasure as it stands, with a certificate once it is done.
func (a *API) erasure(ctx context.Context, debtor journal.DebtorID, id string) (*body[erasureAnswer], error) {
	b, err := a.opt.Casework.DebtorBranch(ctx, debtor)
	if err != nil {
		return nil, err
	}
	e, entry, err := a.opt.Casework.Erasure(ctx, b, debtor, id)
	if err != nil {
		return nil, err
	}
	out := erasureAnswer{Erasure: Erasure{ID: id, Debtor: string(e.Debtor), Branch: string(e.Branch), Reason: e.Reason,
		State: e.State, AskedBy: string(e.AskedBy),
		AskedAt: e.AskedAt, ConfirmedBy: string(e.ConfirmedBy), ConfirmedAt: e.ConfirmedAt,
		WithdrawnBy: string(e.WithdrawnBy), WithdrawnAt: e.WithdrawnAt, Withdrawal: e.Withdrawal, ErasedAt: e.ErasedAt}}
	for _, k := range e.Cases {
		out.Cases = append(out.Cases, string(k))
	}
	if e.ErasedAt.IsZero() {
		return respond(out), nil
	}
	cp, err := a.opt.Audit.Checkpoint(ctx, b)
	if err != nil {
		return nil, err
	}
	out.Destroyed, out.Entry, out.TreeSize, out.TreeRoot = whatIsDestroyed, entry, cp.Size, cp.Root
	statement, err := json.Marshal(out.Erasure)
	if err != nil {
		return nil, err
	}
	out.Certificate, err = a.opt.Audit.SignErasure(string(statement))
	return respond(out), err
}

type askErasureIn struct {
	ID   string `path:"id" maxLength:"64" doc:"The debtor."`
	Body struct {
		Reason string `json:"reason" doc:"Why: a code, never a sentence."`
	}
}

func (a *API) askErasure(ctx context.Context, c call, in *askErasureIn) (*body[erasureAnswer], error) {
	debtor := journal.DebtorID(in.ID)
	b, err := a.opt.Casework.DebtorBranch(ctx, debtor)
	if err != nil {
		return nil, err
	}
	q := request(c, casework.AskErasure{Debtor: debtor, Reason: in.Body.Reason})
	r, err := a.opt.Casework.One(ctx, c.actor, b, q)
	if err != nil {
		return nil, err
	}
	var asked casework.ErasureReceipt
	if err := json.Unmarshal(r.Body, &asked); err != nil {
		return nil, err
	}
	return a.erasure(ctx, debtor, asked.ID)
}

func (a *API) confirmErasure(ctx context.Context, c call, in *ErasurePath) (*body[erasureAnswer], error) {
	debtor := journal.DebtorID(in.ID)
	b, err := a.opt.Casework.DebtorBranch(ctx, debtor)
	if err != nil {
		return nil, err
	}
	cmd := casework.ConfirmErasure{Debtor: debtor, Erasure: in.Request}
	q := request(c, cmd)
	if err := a.opt.Casework.Erase(ctx, c.actor, b, q, cmd); err != nil {
		return nil, err
	}
	return a.erasure(ctx, debtor, in.Request)
}

func (a *API) getErasure(ctx context.Context, _ call, in *ErasurePath) (*body[erasureAnswer], error) {
	return a.erasure(ctx, journal.DebtorID(in.ID), in.Request)
}

type withdrawErasureIn struct {
	ErasurePath
	Body struct {
		Reason string `json:"reason" doc:"Why: a code, never a sentence."`
	}
}

func (a *API) withdrawErasure(ctx context.Context, c call, in *withdrawErasureIn) (*body[erasureAnswer], error) {
	debtor := journal.DebtorID(in.ID)
	b, err := a.opt.Casework.DebtorBranch(ctx, debtor)
	if err != nil {
		return nil, err
	}
	q := request(c, casework.WithdrawErasure{Debtor: debtor, Erasure: in.Request, Reason: in.Body.Reason})
	if _, err := a.opt.Casework.One(ctx, c.actor, b, q); err != nil {
		return nil, err
	}
	return a.erasure(ctx, debtor, in.Request)
}

type listErasuresIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	State  string `query:"state" enum:"asked,confirmed,erased,withdrawn"`
}

func (a *API) listErasures(ctx context.Context, c call,
	in *listErasuresIn) (*body[page[shown[record.Erasure]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	return pageAnswer[shown[record.Erasure]](a.opt.Casework.Erasures(ctx, c.actor, b, in.State, in.Limit, in.Cursor))
}
