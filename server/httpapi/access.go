package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

func (a *API) accessEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/audit/access", roles: auditors, id: "listAccess",
		tag: "audit", summary: "Who read which case file, list, export or item of the quarantine, newest first",
		about: "A read is kept in the organisation's journal before it is answered; while that takes no entries, reads " +
			"are answered after two seconds and their lines follow, unless the process dies before. An item for each " +
			"case whose file or people's words were shown, and one for another list, with its length, and for an export. Of " +
			"a search or list it says by what was asked, never what. What agents' phones pull is not here: it follows " +
			"from their assignments. A page may have fewer items than " +
			"limit, even none, and a next_cursor: go on with it."}, a.listAccess)
}

type listAccessIn struct {
	Paging
	Branch string    `query:"branch" maxLength:"64" doc:"Whose records were read. Your only branch when absent."`
	Case   string    `query:"case" maxLength:"128"`
	User   string    `query:"user" maxLength:"64" doc:"Who read."`
	What   string    `query:"what" enum:"case.read,attachment.read,case.search,case.list,debtor.read,visits.list,assignments.list,promises.list,inbox.read,day.read,quarantine.read,quarantine.list,corrections.list,complaints.list,messages.list,replies.list,plans.list,export.visits,export.round,export.outcomes"`
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
	Case   string        `json:"case,omitempty" doc:"The case whose data was shown; absent: a list, an export, or a search that found none."`
	Record string        `json:"record,omitempty" doc:"The item of the quarantine, or the round."`
	Count  int           `json:"count,omitempty" doc:"How many items a list showed; absent: none, or each case has an item of its own."`
	By     []string      `json:"by,omitempty" doc:"The names of the filters, such as hold, name, phone; never their values."`
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
			Case: string(l.Case), Record: l.Record, Count: l.Count, By: l.By}
		if l.Export != nil {
			x := accessExport(*l.Export)
			out.Items[i].Export = &x
		}
	}
	return respond(out), nil
}

// noted keeps that an actor read something of a branch. The caller answers only if it returns nil.
func (a *API) noted(ctx context.Context, actor auth.Actor, b auth.BranchID, r access.Read) error {
	t := trailOf(ctx)
	t.noted = append(t.noted, r.What)
	r.User, r.Role, r.Device, r.Branch = actor.User, actor.Role, actor.Device, b
	return a.opt.Access.Note(ctx, r)
}

// notedPage is noted for a page of records, each of a case; a page without items showed nothing.
func (a *API) notedPage(ctx context.Context, actor auth.Actor, b auth.BranchID, p casework.Page, r access.Read) error {
	if len(p.Items) == 0 {
		return a.showedNothing(ctx, r.What)
	}
	r.Cases = p.Cases()
	return a.noted(ctx, actor, b, r)
}

// showedNothing says that a page which would be noted shows nothing.
func (a *API) showedNothing(ctx context.Context, what string) error {
	t := trailOf(ctx)
	t.noted = append(t.noted, what)
	return nil
}

// notedList is noted for a list whose cases are not named one by one: how long it was and by what it was asked.
func (a *API) notedList(ctx context.Context, actor auth.Actor, b auth.BranchID, what string, count int) error {
	return a.noted(ctx, actor, b, access.Read{What: what, Count: count, By: trailOf(ctx).filters})
}

// notFilters are the parameters of lists that select nothing.
var notFilters = []string{"branch", "cursor", "limit"}

// filtersOf are the names of a request's filters, sorted; a name that an endpoint does not know is refused anyway.
func filtersOf(q url.Values) []string {
	var out []string
	for name := range q {
		if !slices.Contains(notFilters, name) && ourName.MatchString(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
