package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Move is the move of a debtor to another branch as it is answered.
type Move struct {
	Move    string    `json:"move" doc:"Its id."`
	State   string    `json:"state" enum:"leaving,gone,arriving,here" doc:"leaving and arriving while the server copies; here once the debtor is in the new branch. Who belongs to the old branch only reads gone then."`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Reason  string    `json:"reason" doc:"A code of move_reasons."`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	DoneAt  time.Time `json:"done_at,omitzero"`
	Debtors []string  `json:"debtors" doc:"All who move: debtors who are linked move together."`
	Cases   []string  `json:"cases" doc:"All cases of those who move."`
}

type moveDebtorIn struct {
	DebtorPath
	Body struct {
		Branch string `json:"branch" minLength:"1" maxLength:"64" doc:"The branch the debtor moves to. It is yours, and each lender of the cases has a contract with it."`
		Reason string `json:"reason" doc:"Why: a code, never a sentence."`
	}
}

func (a *API) moveEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/debtors/{id}/move", roles: supervisors, id: "moveDebtor",
		tag: "cases", status: http.StatusAccepted, summary: "Move a debtor to another branch",
		about: "All cases of the debtor and of debtors who are linked move, with all that belongs to them. Assignments " +
			"are taken back from the phones. Once it has begun it ends: should the answer say leaving, read it again. " +
			"Asking again changes nothing."}, a.moveDebtor)
	register(a, endpoint{method: http.MethodGet, path: "/v1/debtors/{id}/move", roles: supervisors, id: "getMove",
		tag: "cases", summary: "The last move of a debtor"}, a.getMove)
}

func (a *API) moveDebtor(ctx context.Context, c call, in *moveDebtorIn) (*body[Move], error) {
	debtor := journal.DebtorID(in.ID)
	from, err := a.debtorBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	to, err := a.bodyBranch(ctx, c.actor, in.Body.Branch)
	if err != nil {
		return nil, err
	}
	if to == from {
		// Who asks again finds the debtor there.
		m, err := a.opt.Casework.MoveOf(ctx, to, debtor)
		if e, refused := refusal.Of(err); err == nil && m.To != to || refused && e.Kind == refusal.NotFound {
			return nil, newProblem(http.StatusConflict, "move.same_branch", "the debtor is in this branch already").
				at("body.branch", "another branch than "+string(from))
		}
		return movedAnswer(m, err)
	}
	cmd := casework.MoveDebtor{Debtor: debtor, To: to, Reason: in.Body.Reason}
	q := request(c, cmd)
	return movedAnswer(a.opt.Casework.Move(ctx, c.actor, from, q, cmd))
}

// getMove answers with what the debtor's branch knows of the move; who does not belong to
// it is told what their own branch knows.
func (a *API) getMove(ctx context.Context, c call, in *DebtorPath) (*body[Move], error) {
	debtor := journal.DebtorID(in.ID)
	b, err := a.opt.Casework.DebtorBranch(ctx, debtor)
	if err != nil {
		return nil, err
	}
	if c.actor.InBranch(b) {
		return movedAnswer(a.opt.Casework.MoveOf(ctx, b, debtor))
	}
	for _, b := range c.actor.Branches {
		if m, err := a.opt.Casework.MoveOf(ctx, b, debtor); err == nil {
			return movedAnswer(m, nil)
		}
	}
	return nil, newProblem(http.StatusNotFound, "debtor.not_found", "there is no such debtor here")
}

func movedAnswer(m record.Move, err error) (*body[Move], error) {
	if err != nil {
		return nil, err
	}
	return respond(Move{Move: m.ID, State: m.State, From: string(m.From), To: string(m.To), Reason: m.Reason,
		By: string(m.By), At: m.At, DoneAt: m.DoneAt, Debtors: texts(m.Debtors), Cases: texts(m.Cases)}), nil
}
