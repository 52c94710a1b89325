package httpapi

import (
	"context"
	"net/http"
	"slices"

	lint "doorstep/server/conduct/words"
	"doorstep/server/office"
)

func (a *API) messageEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/messages/lint", roles: supervisors, id: "lintMessage",
		tag: "conduct", summary: "May this text be sent?",
		about: "Nothing is sent or stored. A text that may not be sent is answered with 200, the verdict refuse and each " +
			"reason with its place. Products and consequences are the lender's, or those of the context. The same is judged " +
			"before each send. `doorstep messages lint` answers the same offline; " +
			"`server/conduct/words/README.md` says how meaning is judged."}, a.lintMessage)
	register(a, endpoint{method: http.MethodPost, path: "/v1/messages/intent", roles: supervisors, id: "readReply",
		tag: "conduct", summary: "What does this reply ask for?",
		about: "Nothing is stored and no case changes. The same is read from each reply that comes in. " +
			"`doorstep messages intent` answers the same offline."}, a.readReply)
}

type lintMessageIn struct {
	Body struct {
		Language  string `json:"language" maxLength:"40" doc:"BCP 47." example:"en"`
		Country   string `json:"country" maxLength:"6" example:"GB"`
		Step      string `json:"step" enum:"pre_due,overdue_reminder,second_reminder,collection_notice,visit_notice,plan_offer,plan_reminder,thank_you,stop_confirm" doc:"The step of the ladder, or the confirmation, that the text is for."`
		Recipient string `json:"recipient" enum:"debtor,guarantor,other" doc:"For whom the text is."`
		Verified  *int   `json:"number_verified_days,omitempty" minimum:"0" maximum:"100000" doc:"For how many days the number has been verified; null or absent: never."`
		Text      string `json:"text" maxLength:"4000" doc:"The text, with its variables in braces."`
		Lender    string `json:"lender,omitempty" maxLength:"62" doc:"Whose products and consequences hold."`
		// Vars and Context make the question whole without a lender.
		Vars    map[string]string `json:"vars,omitempty" doc:"Values of variables: the text is judged as it is sent with them."`
		Context *lint.Context     `json:"context,omitempty" doc:"Instead of a lender's."`
	}
}

func (a *API) lintMessage(ctx context.Context, _ call, in *lintMessageIn) (*body[lint.Answer], error) {
	b := in.Body
	q := lint.Question{Language: b.Language, Country: b.Country, Step: b.Step, Recipient: b.Recipient,
		VerifiedDays: b.Verified, Text: &b.Text, Vars: b.Vars, Context: b.Context}
	if b.Lender != "" && b.Context == nil {
		all, err := a.opt.Office.Lenders(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(l office.Lender) bool { return l.ID == b.Lender })
		if i < 0 {
			return nil, newProblem(http.StatusUnprocessableEntity, "messages.lender",
				"there is no such lender; GET /v1/lenders lists them").at("body.lender", "unknown lender")
		}
		q.Context = &lint.Context{Products: all[i].Products, Consequences: all[i].Consequences}
	}
	r := q.Request()
	if err := r.Check(); err != nil {
		return nil, err
	}
	return respond(lint.Lint(r)), nil
}

type readReplyIn struct {
	Body struct {
		Language string `json:"language" maxLength:"40" doc:"BCP 47: in which the debtor is written to." example:"en"`
		Text     string `json:"text" maxLength:"4000" doc:"The reply as it came."`
	}
}

// intents is what a reply asks for; its name in the description is not that of the kind of record.
type intents lint.Reply

func (a *API) readReply(_ context.Context, _ call, in *readReplyIn) (*body[intents], error) {
	if err := lint.CheckReply(in.Body.Language, in.Body.Text); err != nil {
		return nil, err
	}
	return respond(intents(lint.Intent(in.Body.Language, in.Body.Text))), nil
}
