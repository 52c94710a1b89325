package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/dispatch"
	"doorstep/server/office"
)

// inboxItem is one thing that waits, and what can be done about it.
type inboxItem struct {
	Kind   string        `json:"kind" doc:"What waits, as the parameter kind has it."`
	Type   string        `json:"type,omitempty" doc:"The kind of the record that corrects; of corrections only."`
	ID     string        `json:"id" doc:"Of the complaint, correction, visit, hold, plan, reply, item of the quarantine, alert or device it is about; else of the case."`
	Case   string        `json:"case,omitempty"`
	Who    auth.UserID   `json:"who,omitempty" doc:"The user whose doing or work it is: who recorded, sent, declined, opened or asked."`
	Device auth.DeviceID `json:"device,omitempty" doc:"The device it came from, or that is silent."`
	Since  time.Time     `json:"since" doc:"Since when it waits."`
	Until  string        `json:"until,omitempty" format:"date" doc:"Local to the debtor: when an answer is due, a hold's last day, or the last day on which the instalment would have been in time."`
	Codes  []string      `json:"codes,omitempty" doc:"A visit's flags, the kind of a hold, the subjects of a complaint, what a reply means, or the code of why."`
	Round  string        `json:"round,omitempty"`
	Team   string        `json:"team,omitempty"`
	Amount int64         `json:"amount_minor,omitempty" doc:"What is missing by now, in minor units; of broken promises."`
	Do     []inboxAction `json:"do" doc:"What can be done, the usual first. Reading comes before deciding."`
}

// inboxAction is an operation of this API that answers an item.
type inboxAction struct {
	Operation string `json:"operation" doc:"Its operationId in GET /openapi.yaml, which describes the body."`
	Method    string `json:"method"`
	Path      string `json:"path" doc:"With its parameters filled in."`
}

// inboxCount says how much waits of a kind.
type inboxCount struct {
	Kind  string `json:"kind" doc:"What waits, as the parameter kind has it."`
	Count int    `json:"count" doc:"How many wait."`
	More  bool   `json:"more,omitempty" doc:"True: counting ended, and there may be more."`
}

// inboxAnswer is what waits for the supervisors of a branch.
type inboxAnswer struct {
	Branch auth.BranchID `json:"branch"`
	AsOf   time.Time     `json:"as_of" doc:"When it was read."`
	Counts []inboxCount  `json:"counts" doc:"Of every kind, in the order in which they should be looked at."`
	Items  []inboxItem   `json:"items" doc:"Of the kind asked for; without one the first of each kind."`
	Next   string        `json:"next_cursor,omitempty" doc:"Send it as cursor, with the kind, for the next page; absent at the end."`
}

// silentPhones is the kind of the inbox that dispatch knows of.
const silentPhones = "silent_phones"

// agentSafety is the kind of the inbox that the office knows of: agents who feel unsafe, or of whom nobody heard in
// time.
const agentSafety = "agent_safety"

// inboxFirst is how many items of each kind an inbox shows that is asked for no kind.
const inboxFirst = 20

// inboxDo are the operations for the kinds of the inbox.
var inboxDo = map[string][]string{
	"vulnerable_replies":  {"getCase", "handleReply"},
	"replies":             {"getCase", "handleReply"},
	"complaints":          {"getCase", "answerComplaint"},
	"complaints_to_close": {"getCase", "closeComplaint"},
	"vulnerable_holds":    {"getCase", "releaseHold"},
	"complaint_holds":     {"getCase", "releaseHold"},
	"load_stops":          {"getCase", "releaseHold"},
	"hold_releases":       {"getCase", "releaseHold", "keepHold"},
	"flagged_visits":      {"getCase", "reviewVisit"},
	"plans_to_approve":    {"getCase", "approvePlan", "rejectPlan"},
	"conflicts":           {"getQuarantined", "handleQuarantine"},
	"quarantine":          {"getQuarantined", "handleQuarantine"},
	"corrections":         {"listCorrections", "reviewVisit", "reviewCorrection"},
	"declined":            {"getCase", "reassignCase"},
	"unassigned":          {"getCase", "reassignCase", "correctCase"},
	"broken_promises":     {"getCase", "proposePlan", "withdrawPlan"},
	"holds_ending":        {"getCase", "openHold"},
	"holds_ended":         {"getCase", "openHold"},
	"evidence_pending":    {"getCase", "blockDevice"},
	"dead_alerts":         {"retryAlert"},
	agentSafety:           {"handleCheckin"},
	silentPhones:          {"roundProgress", "replanRound", "blockDevice"},
}

func (a *API) inboxEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/inbox", roles: supervisors, id: "getInbox", tag: "cases",
		summary: "What waits for a supervisor",
		about: "Counts by kind, and items with who, since when, and the operations that answer them. Each kind is one " +
			"read of an index, of at most 200 rows, whatever the branch holds: more says that counting ended there. " +
			"Alerts that were given up are shown for 30 days, holds from a week before to a week after their end. " +
			"A phone is silent that has not called since its day was published 15 minutes ago, or for two hours while " +
			"its team is out."}, a.getInbox)
}

type getInboxIn struct {
	Branch string `query:"branch" maxLength:"64"`
	Kind   string `query:"kind" enum:"agent_safety,vulnerable_replies,complaints,complaints_to_close,vulnerable_holds,complaint_holds,load_stops,hold_releases,replies,flagged_visits,plans_to_approve,conflicts,quarantine,corrections,declined,unassigned,broken_promises,holds_ending,holds_ended,evidence_pending,dead_alerts,silent_phones" doc:"Only this kind, page by page. A page may be short, even empty, and have a next_cursor."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"How many items at most, with a kind."`
	Cursor string `query:"cursor" maxLength:"2000" doc:"next_cursor of the page before."`
}

func (a *API) getInbox(ctx context.Context, c call, in *getInboxIn) (*body[inboxAnswer], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	if in.Kind == "" && in.Cursor != "" {
		return nil, newProblem(http.StatusUnprocessableEntity, "inbox.kind", "a cursor goes with the kind it came with: "+
			"send both").at("query.kind", "required with a cursor")
	}
	out := inboxAnswer{Branch: b, AsOf: a.opt.Journal.Now().UTC().Truncate(time.Second), Items: []inboxItem{}}
	counts, err := a.opt.Casework.InboxCounts(ctx, c.actor, b)
	if err != nil {
		return nil, err
	}
	silent, err := a.opt.Dispatch.SilentPhones(ctx, c.actor, b)
	if err != nil {
		return nil, err
	}
	unsafe, err := a.opt.Office.CheckinAlerts(ctx, b)
	if err != nil {
		return nil, err
	}
	out.Counts = append(out.Counts, inboxCount{Kind: agentSafety, Count: len(unsafe)})
	if in.Kind == "" || in.Kind == agentSafety {
		for _, x := range unsafe {
			out.Items = append(out.Items, a.inboxItem(b, safetyItem(x)))
		}
	}
	for _, n := range counts {
		out.Counts = append(out.Counts, inboxCount(n))
		if in.Kind != "" && in.Kind != n.Kind || in.Kind == "" && n.Count == 0 {
			continue
		}
		limit := in.Limit
		if in.Kind == "" {
			limit = inboxFirst
		}
		items, next, err := a.opt.Casework.Inbox(ctx, c.actor, b, n.Kind, limit, in.Cursor)
		if err != nil {
			return nil, err
		}
		for i := range items {
			out.Items = append(out.Items, a.inboxItem(b, items[i]))
		}
		if in.Kind != "" {
			out.Next = next
		}
	}
	out.Counts = append(out.Counts, inboxCount{Kind: silentPhones, Count: len(silent)})
	most := inboxFirst
	if in.Kind != "" {
		most = in.Limit
	}
	silent = silent[:min(len(silent), most)]
	if in.Kind == "" || in.Kind == silentPhones {
		for _, p := range silent {
			out.Items = append(out.Items, a.inboxItem(b, silentItem(p)))
		}
	}
	return respond(out), a.notedList(ctx, c.actor, b, access.InboxRead, len(out.Items))
}

// safetyItem is an agent for whom a supervisor has to act.
func safetyItem(x office.Checkin) casework.InboxItem {
	return casework.InboxItem{Kind: agentSafety, ID: string(x.Agent), Who: x.Agent, Device: x.Device, Since: x.AlertAt,
		Codes: []string{x.State}}
}

// silentItem is a silent phone as an item.
func silentItem(p dispatch.SilentPhone) casework.InboxItem {
	return casework.InboxItem{Kind: silentPhones, ID: string(p.Device), Who: p.User, Device: p.Device, Since: p.Since,
		Round: p.Round, Team: p.Team}
}

// inboxItem is an item with what can be done about it.
func (a *API) inboxItem(b auth.BranchID, x casework.InboxItem) inboxItem {
	out := inboxItem{Kind: x.Kind, Type: x.Type, ID: x.ID, Case: string(x.Case), Who: x.Who, Device: x.Device,
		Since: x.Since.UTC().Truncate(time.Second), Until: x.Until, Codes: x.Codes, Round: x.Round, Team: x.Team,
		Amount: x.Amount, Do: []inboxAction{}}
	for _, id := range inboxDo[x.Kind] {
		// A visit that corrects another is reviewed like every visit.
		if x.Type != "" && (id == "reviewVisit") != (x.Type == "visits") && id != "listCorrections" {
			continue
		}
		if do, ok := a.action(id, b, x); ok {
			out.Do = append(out.Do, do)
		}
	}
	return out
}

// action fills in an operation's path for an item; ok is false where the item has nothing for a parameter.
func (a *API) action(id string, b auth.BranchID, x casework.InboxItem) (do inboxAction, ok bool) {
	e, known := a.operations[id]
	if !known {
		return do, false
	}
	parts := strings.Split(e.path, "/")
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		value := map[string]string{"cases": string(x.Case), "records": x.Type, "rounds": x.Round,
			"devices": string(x.Device)}
		v, named := value[parts[i-1]]
		if !named {
			v = x.ID
		}
		if v == "" {
			return do, false
		}
		parts[i] = url.PathEscape(v)
	}
	do = inboxAction{Operation: id, Method: e.method, Path: strings.Join(parts, "/")}
	if slices.Contains([]string{"plans", "quarantine", "alerts", "corrections", "replies", "checkins"}, parts[2]) {
		do.Path += "?branch=" + url.QueryEscape(string(b))
	}
	if id == "listCorrections" {
		if x.Case == "" {
			return do, false
		}
		do.Path += "&case=" + url.QueryEscape(string(x.Case))
	}
	return do, true
}
