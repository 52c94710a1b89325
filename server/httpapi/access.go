package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

func (a *API) accessEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/audit/access", roles: auditors, id: "listAccess",
		tag: "audit", summary: "Who read which case file, export, correction or item of the quarantine, newest first",
		about: "A read is kept in the organisation's journal before it is answered; while that takes no entries, reads " +
			"are answered after two seconds and their lines follow, unless the process dies before. An item for each " +
			"case whose data was shown, and one for an export. Of a search it says by what was asked, never what. What " +
			"agents' phones pull is not here: it follows from their assignments. A page may have fewer items than " +
			"limit, even none, and a next_cursor: go on with it."}, a.listAccess)
}

type listAccessIn struct {
	Paging
	Branch string    `query:"branch" maxLength:"64" doc:"Whose records were read. Your only branch when absent."`
	Case   string    `query:"case" maxLength:"128"`
	User   string    `query:"user" maxLength:"64" doc:"Who read."`
	What   string    `query:"what" enum:"case.read,case.search,quarantine.read,quarantine.list,corrections.list,complaints.list,plans.list,export.visits,export.round,export.outcomes"`
	From   time.Time `query:"from" doc:"Read at this instant or later."`
	Before time.Time `query:"before" doc:"Read before this instant."`
}

// accessItem is a read of one case, or of none in particular.
type accessItem struct {
	At     time.Time     `json:"at" doc:"When it was read."`
	User   auth.UserID   `json:"user" doc:"Who read."`
	Role   auth.Role     `json:"role" doc:"The user's role then."`
	Device auth.DeviceID `json:"device,omitempty" doc:"The device the user was signed in on; absent: none."`
	Branch auth.BranchID `json:"branch"`
	What   string        `json:"what" doc:"What was read, as the parameter what has it."`
	Case   string        `json:"case,omitempty" doc:"The case whose data was shown; absent: an export, or a search that found none."`
	Record string        `json:"record,omitempty" doc:"The item of the quarantine, or the round."`
	By     []string      `json:"by,omitempty" doc:"What a search asked by: hold, name, phone."`
	Export *accessExport `json:"export,omitempty" doc:"Which export it was."`
}

// accessExport says which export was read.
type accessExport struct {
	Format       string `json:"format" doc:"ndjson, csv, geojson or ics."`
	From         string `json:"from,omitempty" doc:"The first local date of the visits."`
	To           string `json:"to,omitempty" doc:"The last."`
	ReceivedFrom string `json:"received_from,omitempty" doc:"The first local date of receipt."`
	ReceivedTo   string `json:"received_to,omitempty" doc:"The last."`
	Lender       string `json:"lender,omitempty"`
	Revealed     bool   `json:"revealed,omitempty" doc:"True: with personal data."`
}

func (a *API) listAccess(ctx context.Context, c call, in *listAccessIn) (*body[page[accessItem]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	lines, next, err := a.opt.Access.Find(ctx, access.Query{Branch: b, Case: journal.CaseID(in.Case),
		User: auth.UserID(in.User), What: in.What, From: in.From, Before: in.Before, Limit: in.Limit, After: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := page[accessItem]{Items: make([]accessItem, len(lines)), NextCursor: next}
	for i, l := range lines {
		out.Items[i] = accessItem{At: l.At, User: l.User, Role: l.Role, Device: l.Device, Branch: l.Branch, What: l.What,
			Case: string(l.Case), Record: l.Record, By: l.By}
		if l.Export != nil {
			x := accessExport(*l.Export)
			out.Items[i].Export = &x
		}
	}
	return respond(out), nil
}

// noted keeps that an actor read something of a branch. The caller answers only if it returns nil.
func (a *API) noted(ctx context.Context, actor auth.Actor, b auth.BranchID, r access.Read) error {
	r.User, r.Role, r.Device, r.Branch = actor.User, actor.Role, actor.Device, b
	return a.opt.Access.Note(ctx, r)
}

// notedPage is noted for a page of records, each of a case; a page without items showed nothing.
func (a *API) notedPage(ctx context.Context, actor auth.Actor, b auth.BranchID, p casework.Page, r access.Read) error {
	if len(p.Items) == 0 {
		return nil
	}
	r.Cases = p.Cases()
	return a.noted(ctx, actor, b, r)
}
