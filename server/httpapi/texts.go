package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/ladder"
	"doorstep/server/office"
	"doorstep/server/record"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// HookRequest is a request of a provider of texts, as it came.
type HookRequest struct {
	// Path is the path with the query, as it was sent.
	Path   string
	Header http.Header
	Body   []byte
	At     time.Time
}

// Hooks takes in what providers of texts tell. Refusals: hook.*, message.*, reply.*.
type Hooks interface {
	// TakeReceipt takes in what a provider says of a text that it carried, TakeReply a text that it brings.
	TakeReceipt(ctx context.Context, provider string, r HookRequest) error
	TakeReply(ctx context.Context, provider string, r HookRequest) error
}

// ladderView is a ladder of texts.
type ladderView struct {
	Lender  string         `json:"lender"`
	Country string         `json:"country" doc:"ISO 3166-1 alpha-2; empty: all countries that have no ladder of their own."`
	Steps   []ladder.Step  `json:"steps"`
	Before  *ladder.Before `json:"before_visits,omitempty" doc:"What a case must have behind it before it enters a round; absent: the conduct profiles alone say."`
	Source  string         `json:"source,omitempty" doc:"Where the numbers come from."`
	By      auth.UserID    `json:"by,omitempty" doc:"Who put it; absent: it is the house's own."`
	At      *time.Time     `json:"at,omitempty" doc:"Since when it is in force."`
}

// ladderStep is a step as it is sent.
type ladderStep struct {
	Kind       string `json:"kind" maxLength:"64" example:"second_reminder" doc:"A code of message_kinds: overdue_reminder, second_reminder, plan_offer and collection_notice, in this order."`
	DPDFrom    int    `json:"dpd_from" doc:"How many days the case must be late."`
	MinGapDays int    `json:"min_gap_days" doc:"Local days between the text before it and this one: 0 for the first step, 3 at least for the others."`
	Needs      string `json:"needs,omitempty" maxLength:"64" doc:"previous_delivered: the step waits until the text before it was delivered."`
}

// ladderBefore is what is wanted before a visit, as it is sent.
type ladderBefore struct {
	Delivered     bool `json:"delivered,omitempty" doc:"Each text of the ladder was delivered, or the letter that stands for it was sent."`
	PlanOffered   bool `json:"plan_offered,omitempty" doc:"A plan was offered: at the door, in the office, or by a text that was delivered."`
	ConfirmedDays int  `json:"confirmed_days,omitempty" doc:"The address and the number were confirmed at most so many local days before the visit, 1 to 365; 0: not wanted."`
	NoticeDays    int  `json:"notice_days,omitempty" doc:"A visit_notice with the date of the visit went out at least so many local days before it, 1 to 30 (POST /v1/rounds/{id}/announce); 0: not wanted."`
}

func ladderAnswer(l office.Ladder) ladderView {
	out := ladderView{Lender: l.Lender, Country: l.Country, Steps: l.Steps, Before: l.Before, Source: l.Source, By: l.By}
	if !l.At.IsZero() {
		out.At = &l.At
	}
	return out
}

func (a *API) textEndpoints() {
	a.lenderTextEndpoints()
	a.templateEndpoints()
	register(a, endpoint{method: http.MethodGet, path: "/v1/messages", roles: supervisors, id: "listMessages",
		tag: "messages", summary: "List texts to debtors, newest first",
		about: "With their state, and of those that were not sent the rule and next_at, when they are tried again. With a " +
			"case and a state a page may be short, even empty, and have a next_cursor: go on with it."}, a.listMessages)
	register(a, endpoint{method: http.MethodPost, path: "/v1/messages/{id}/cancel", roles: supervisors,
		id: "cancelMessage", tag: "messages", summary: "Have a text that waits not sent",
		about: "A text that is a step of a ladder pauses the ladder, until a supervisor has it go on."}, a.cancelMessage)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/messages", roles: supervisors,
		id: "queueMessage", tag: "messages", summary: "Have a text sent that is no step of the ladder",
		about: "A plan_offer, visit_notice, plan_reminder or thank_you. It is judged when it is sent: by the law as every " +
			"contact, by its words, and by whether the number was verified within 180 days; else the neutral text " +
			"goes out. A text that is not sent within three days is cancelled."}, a.queueMessage)
	register(a, endpoint{method: http.MethodPut, path: "/v1/cases/{id}/ladder", roles: supervisors, id: "setLadder",
		tag: "messages", summary: "Pause, stop or go on with the texts of a case",
		about: "It holds until a supervisor says otherwise."}, a.setLadder)
	register(a, endpoint{method: http.MethodGet, path: "/v1/replies", roles: supervisors, id: "listReplies",
		tag: "messages", summary: "List what debtors answered, oldest first",
		about: "What a reply means takes effect when it comes: a stop ends the texts to the number, a wrong number is not " +
			"used again, a complaint and a dispute stop the case. No step of the ladder is taken while a reply that asks " +
			"for something waits."}, a.listReplies)
	register(a, endpoint{method: http.MethodPost, path: "/v1/replies/{id}/handle", roles: supervisors,
		id: "handleReply", tag: "messages", summary: "Note that a reply was dealt with"}, a.handleReply)
	for _, kind := range []string{"receipts", "replies"} {
		e := endpoint{method: http.MethodPost, path: "/v1/sms/{provider}/" + kind, roles: anyone, tag: "messages",
			status: http.StatusNoContent}
		handle := a.takeReceipt
		if kind == "receipts" {
			e.id, e.summary = "takeReceipt", "What a provider says of a text that it carried"
			e.about = "Signed by the provider: Twilio's by X-Twilio-Signature, a gateway's by X-Doorstep-Timestamp (Unix " +
				"seconds, at most five minutes old) and X-Doorstep-Signature, sha256= and the HMAC-SHA256 of the timestamp, " +
				"a dot and the body. A receipt that is told twice, or later than what is known, changes nothing."
		} else {
			e.id, e.summary, handle = "takeReply", "A text that a provider brings", a.takeReply
			e.about = "Signed as receipts are. The provider's id of the text has one effect, however often it comes."
		}
		a.raw(e, a.describeHook(kind), handle)
	}
}

func (a *API) lenderTextEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/lenders/{id}/ladder", roles: supervisors, id: "getLadder",
		tag: "messages", summary: "Read the ladder of texts in force for a lender's cases"}, a.getLadder)
	register(a, endpoint{method: http.MethodPut, path: "/v1/lenders/{id}/ladder", roles: admins, id: "putLadder",
		tag: "messages", summary: "Put a ladder of texts in force for a lender's cases, in one country or in all",
		about: "A ladder that cannot be, or a gap that a profile of the country forbids, is refused with its place, and " +
			"the ladder in force stays. Cases go on with the new one from the step that they have reached. before_visits " +
			"says what a case must have behind it before it enters a round; who lacks it is left out as " +
			"ladder_not_finished."}, a.putLadder)
	register(a, endpoint{method: http.MethodPut, path: "/v1/lenders/{id}/texts", roles: admins, id: "putTextSender",
		tag: "messages", summary: "Say how a lender signs its texts, and where its links lead"}, a.putTextSender)
}

func (a *API) templateEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/templates", roles: supervisors, id: "listTemplates",
		tag: "messages", summary: "List texts by state, newest first: without one, those that wait for an approval"},
		a.listTemplates)
	register(a, endpoint{method: http.MethodPost, path: "/v1/templates", roles: supervisors, id: "proposeTemplate",
		tag: "messages", summary: "Propose a text",
		about: "A new version: the words of a text never change. It goes out once another user has approved it. Unknown " +
			"and missing variables are refused at once; other faults stand in the answer, and who approves it may " +
			"release those that the rules find wrongly."}, a.proposeTemplate)
	register(a, endpoint{method: http.MethodPost, path: "/v1/templates/{id}/approve", roles: supervisors,
		id: "approveTemplate", tag: "messages", summary: "Approve a text that another user has proposed",
		about: "It is judged again, and takes the place of the version before it. A release names a fault by its reason " +
			"and what was found, and says why it is none; it is kept."}, a.approveTemplate)
	register(a, endpoint{method: http.MethodPost, path: "/v1/templates/{id}/reject", roles: supervisors,
		id: "rejectTemplate", tag: "messages", summary: "Take a text out of use, proposed or approved"}, a.rejectTemplate)
}

type getLadderIn struct {
	ID      string `path:"id" maxLength:"62" pattern:"^[A-Za-z0-9_-]+$"`
	Country string `query:"country" maxLength:"2" doc:"ISO 3166-1 alpha-2; absent: the ladder of all countries."`
}

func (a *API) getLadder(ctx context.Context, _ call, in *getLadderIn) (*body[ladderView], error) {
	l, err := a.opt.Office.LadderOf(ctx, in.ID, in.Country)
	return respond(ladderAnswer(l)), err
}

type putLadderIn struct {
	ID   string `path:"id" maxLength:"62" pattern:"^[A-Za-z0-9_-]+$"`
	Body struct {
		Country string        `json:"country,omitempty" maxLength:"2" doc:"ISO 3166-1 alpha-2; absent: all countries that have no ladder of their own."`
		Steps   []ladderStep  `json:"steps" maxItems:"20"`
		Before  *ladderBefore `json:"before_visits,omitempty" doc:"What a case must have behind it before it enters a round. Absent: the conduct profiles alone say when a visit may be planned."`
		Source  string        `json:"source,omitempty" maxLength:"500" doc:"Where the numbers come from."`
	}
}

func (a *API) putLadder(ctx context.Context, c call, in *putLadderIn) (*body[ladderView], error) {
	l := office.Ladder{Lender: in.ID, Country: in.Body.Country}
	l.Source = in.Body.Source
	if b := in.Body.Before; b != nil {
		l.Before = &ladder.Before{Delivered: b.Delivered, PlanOffered: b.PlanOffered, ConfirmedDays: b.ConfirmedDays,
			NoticeDays: b.NoticeDays}
	}
	for _, s := range in.Body.Steps {
		l.Steps = append(l.Steps, ladder.Step(s))
	}
	l, err := a.opt.Office.PutLadder(ctx, ask(c), l, a.lawfulLadder)
	return respond(ladderAnswer(l)), err
}

// lawfulLadder refuses a ladder that a profile of its country forbids; one for all countries is held against every
// national profile.
func (a *API) lawfulLadder(d ladder.Definition, country string) error {
	p := a.opt.Law.Policy()
	if country != "" {
		return d.CheckLaw(p, []string{p.DefaultProfile(country)})
	}
	for _, id := range p.Profiles() {
		if p.DefaultProfile(id) != id && id != p.DefaultProfile("") {
			continue
		}
		if err := d.CheckLaw(p, []string{id}); err != nil {
			return err
		}
	}
	return nil
}

type putTextSenderIn struct {
	ID   string `path:"id" maxLength:"62" pattern:"^[A-Za-z0-9_-]+$"`
	Body struct {
		Name  string            `json:"sender_name,omitempty" maxLength:"60" doc:"Stands in each text; absent: the lender's name."`
		Links map[string]string `json:"links,omitempty" doc:"Pages that texts name, by variable: pay_link, plan_link, hardship_link, code_link, who_link. One that ends in /d/{token} is the page of the person visited: each text brings a link of its own."`
	}
}

func (a *API) putTextSender(ctx context.Context, c call, in *putTextSenderIn) (*body[office.TextSender], error) {
	t, err := a.opt.Office.PutTextSender(ctx, ask(c), office.TextSender{Lender: in.ID, Name: in.Body.Name,
		Links: in.Body.Links})
	return respond(t), err
}

type listTemplatesIn struct {
	Paging
	State  string `query:"state" enum:"proposed,approved,replaced,rejected" doc:"proposed when absent."`
	Lender string `query:"lender" maxLength:"62"`
}

func (a *API) listTemplates(ctx context.Context, _ call, in *listTemplatesIn) (*body[page[office.Template]], error) {
	ts, next, err := a.opt.Office.Templates(ctx, in.State, in.Lender, in.Limit, in.Cursor)
	return respond(page[office.Template]{ts, next}), err
}

type proposeTemplateIn struct {
	Body struct {
		Lender   string `json:"lender" maxLength:"62"`
		Kind     string `json:"kind" maxLength:"64" example:"overdue_reminder" doc:"A code of message_kinds."`
		Language string `json:"language" maxLength:"35"`
		Country  string `json:"country,omitempty" maxLength:"2" doc:"The only country that it is for, ISO 3166-1 alpha-2; absent: all."`
		Neutral  bool   `json:"neutral,omitempty" doc:"For numbers that were not verified within 180 days: it tells of no debt."`
		Text     string `json:"text" maxLength:"2000" doc:"With variables in braces, such as {amount}."`
	}
}

func (a *API) proposeTemplate(ctx context.Context, c call, in *proposeTemplateIn) (*body[office.Template], error) {
	x := in.Body
	t, err := a.opt.Office.ProposeTemplate(ctx, ask(c), office.Template{Lender: x.Lender, Kind: x.Kind,
		Language: x.Language, Country: x.Country, Neutral: x.Neutral, Text: x.Text}, a.opt.Lint)
	return respond(t), err
}

type approveTemplateIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Releases []struct {
			Reason string `json:"reason" maxLength:"64" doc:"The code of the fault."`
			Text   string `json:"text,omitempty" maxLength:"200" doc:"What was found there, as the list has it."`
			Why    string `json:"why" maxLength:"500" doc:"Why it is no fault."`
		} `json:"releases,omitempty" maxItems:"20" doc:"Faults that are none."`
	}
}

func (a *API) approveTemplate(ctx context.Context, c call, in *approveTemplateIn) (*body[office.Template], error) {
	var releases []office.ReleasedFault
	for _, r := range in.Body.Releases {
		releases = append(releases, office.ReleasedFault{Reason: r.Reason, Text: r.Text, Why: r.Why})
	}
	t, err := a.opt.Office.ApproveTemplate(ctx, ask(c), in.ID, releases, a.opt.Lint)
	return respond(t), err
}

type rejectTemplateIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Reason string `json:"reason" maxLength:"500" doc:"Why, in words."`
	}
}

func (a *API) rejectTemplate(ctx context.Context, c call, in *rejectTemplateIn) (*body[office.Template], error) {
	t, err := a.opt.Office.RejectTemplate(ctx, ask(c), in.ID, in.Body.Reason)
	return respond(t), err
}

type listMessagesIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	Case   string `query:"case" maxLength:"128"`
	State  string `query:"state" enum:"queued,refused,sending,sent,delivered,failed,unknown,cancelled"`
}

func (a *API) listMessages(ctx context.Context, c call, in *listMessagesIn) (*body[page[shown[record.Message]]],
	error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Messages(ctx, c.actor, casework.MessageQuery{Branch: b, Case: journal.CaseID(in.Case),
		State: in.State, Limit: in.Limit, After: in.Cursor})
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, found, access.Read{What: access.MessagesList})
	}
	return pageAnswer[shown[record.Message]](found, err)
}

type cancelMessageIn struct {
	ID     string `path:"id" maxLength:"128"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) cancelMessage(ctx context.Context, c call, in *cancelMessageIn) (*body[receipt[casework.MessageReceipt]],
	error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	return do[casework.MessageReceipt](ctx, a, c, b, casework.CancelText{ID: in.ID})
}

type queueMessageIn struct {
	CasePath
	Body struct {
		Kind   string            `json:"kind" maxLength:"64" example:"visit_notice" doc:"A code of message_kinds: plan_offer, visit_notice, plan_reminder or thank_you."`
		Values map[string]string `json:"values,omitempty" doc:"Of the variables that no record has: visit_date and visit_window, answer_by, instalment_amount and instalment_due, or paid_amount and paid_on."`
	}
}

func (a *API) queueMessage(ctx context.Context, c call, in *queueMessageIn) (*body[receipt[casework.MessageReceipt]],
	error) {
	b, err := a.caseBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	out, err := doIn[casework.MessageReceipt](ctx, a, c, b, in.ID, casework.QueueText{Case: journal.CaseID(in.ID),
		Kind: in.Body.Kind, Values: in.Body.Values})
	a.opt.Poke(b)
	return out, err
}

type setLadderIn struct {
	CasePath
	Body struct {
		State  string `json:"state" enum:"active,paused,stopped"`
		Reason string `json:"reason,omitempty" maxLength:"64" doc:"A short code of yours."`
	}
}

func (a *API) setLadder(ctx context.Context, c call, in *setLadderIn) (*body[receipt[casework.LadderReceipt]], error) {
	return doCase[casework.LadderReceipt](ctx, a, c, in.ID, casework.SetLadder{Case: journal.CaseID(in.ID),
		State: in.Body.State, Reason: in.Body.Reason})
}

type listRepliesIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	State  string `query:"state" enum:"open,handled" doc:"open when absent."`
}

func (a *API) listReplies(ctx context.Context, c call, in *listRepliesIn) (*body[page[shown[record.Reply]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Replies(ctx, c.actor, b, in.State, in.Limit, in.Cursor)
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, found, access.Read{What: access.RepliesList})
	}
	return pageAnswer[shown[record.Reply]](found, err)
}

type handleReplyIn struct {
	ID     string `path:"id" maxLength:"128"`
	Branch string `query:"branch" maxLength:"64"`
	Body   struct {
		Note string `json:"note" maxLength:"2000" doc:"What was done."`
	}
}

func (a *API) handleReply(ctx context.Context, c call, in *handleReplyIn) (*body[receipt[casework.ReplyReceipt]],
	error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	return do[casework.ReplyReceipt](ctx, a, c, b, casework.HandleReply{ID: in.ID, Note: in.Body.Note})
}

// maxHook bounds what a provider sends at once.
const maxHook = 64 << 10

// describeHook describes an endpoint that providers call.
func (a *API) describeHook(kind string) func(op *huma.Operation) {
	return func(op *huma.Operation) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "provider", In: "path", Required: true, Schema: str(),
			Description: "twilio or gateway, if the server is configured for it."})
		properties := map[string]*huma.Schema{"id": text("The provider's id of the text."),
			"from": text("The number it comes from, with its country code."), "text": text("What it says.")}
		if kind == "receipts" {
			op.Parameters = append(op.Parameters, query("message", "The message's id, as Twilio was told to give it back.",
				str(), false))
			properties = map[string]*huma.Schema{"message": text("The message's id, as the gateway was given it."),
				"id": text("The provider's id of the text."), "reason": text("A code of why it failed."),
				"state": text("sent, delivered or failed.")}
		}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: "object", Properties: properties, AdditionalProperties: false}},
			"application/x-www-form-urlencoded": {Schema: free("Twilio's own parameters, which it may add to without " +
				"notice; signed as a whole")}}}
		op.Responses = map[string]*huma.Response{"204": {Description: "It is kept, or was known."}}
	}
}

func (a *API) takeReceipt(c *gin.Context) { a.takeHook(c, a.opt.Hooks.TakeReceipt) }

func (a *API) takeReply(c *gin.Context) { a.takeHook(c, a.opt.Hooks.TakeReply) }

func (a *API) takeHook(c *gin.Context, take func(context.Context, string, HookRequest) error) {
	text, err := readBody(c, maxHook, "application/json", "application/x-www-form-urlencoded")
	if err == nil {
		err = take(c.Request.Context(), c.Param("provider"), HookRequest{Path: c.Request.URL.RequestURI(),
			Header: c.Request.Header, Body: text, At: a.opt.Journal.Now()})
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}
