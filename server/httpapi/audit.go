package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/audit"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) auditEndpoints() {
	a.raw(endpoint{method: http.MethodGet, path: "/v1/audit/visits", roles: auditors, id: "exportVisits",
		tag: "audit", summary: "Export visit records that prove themselves",
		about: "One file whose last line is the signed manifest; check it offline with doorstep verify and the public " +
			"key. Without a filter it shows that no visit is missing; a filtered one proves integrity only. " +
			"Personal data is shown to a regulator only. A visit whose debtor was erased says so, and when: erased and " +
			"erased_at in NDJSON, the column erased in CSV. Beside the visits NDJSON has a line, with a type, for what " +
			"phones sent and was refused, waits, was accepted or dismissed (quarantine), for reviews and for " +
			"confirmations; CSV has columns for the latter two, and both count all of them in the manifest."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, query("branch", "Your only branch when absent.", str(), false),
				query("from", "First local date of the visits.", &huma.Schema{Type: "string", Format: "date"}, false),
				query("to", "Last local date.", &huma.Schema{Type: "string", Format: "date"}, false),
				query("received_from", "First local date on which they were received: a phone may say any date.",
					&huma.Schema{Type: "string", Format: "date"}, false),
				query("received_to", "Last local date on which they were received.",
					&huma.Schema{Type: "string", Format: "date"}, false),
				query("lender", "Only this lender's.", str(), false),
				query("format", "ndjson when absent.", &huma.Schema{Type: "string", Enum: []any{"ndjson", "csv"}}, false))
			op.Responses = map[string]*huma.Response{"200": {Description: "The export.", Content: map[string]*huma.MediaType{
				"application/x-ndjson": {Schema: str()}, "text/csv": {Schema: str()}}}}
		}, a.exportVisits)
	register(a, endpoint{method: http.MethodGet, path: "/v1/audit/quarantine", roles: auditors, id: "auditQuarantine",
		tag: "audit", summary: "What phones sent and was not applied, and who decided on it",
		about: "Auditors see nothing personal here; exports show that to regulators."}, a.listQuarantine)
	register(a, endpoint{method: http.MethodGet, path: "/v1/audit/checkpoint", roles: auditors, id: "getCheckpoint",
		tag: "audit", summary: "The signed head of a branch's tree"}, a.getCheckpoint)
	register(a, endpoint{method: http.MethodGet, path: "/v1/audit/proof", roles: auditors, id: "getProof",
		tag: "audit", summary: "Prove that an entry is in the tree, or that an older tree is a prefix of a newer",
		about: "Give entry, or from. size is that of the tree; the newest when absent."}, a.getProof)
}

// auditBranch is branchFor, and for administrators the organisation's own journal too.
func auditBranch(actor auth.Actor, named string) (auth.BranchID, error) {
	if auth.BranchID(named) == auth.OrgBranch && actor.Role == auth.RoleAdmin {
		return auth.OrgBranch, nil
	}
	return branchFor(actor, named)
}

func (a *API) exportVisits(c *gin.Context) {
	ctx := c.Request.Context()
	actor := callOf(ctx).actor
	b, err := a.branch(ctx, actor, c.Query("branch"))
	if err != nil {
		a.fail(c, err)
		return
	}
	q := audit.Query{Branch: b, From: c.Query("from"), To: c.Query("to"), ReceivedFrom: c.Query("received_from"),
		ReceivedTo: c.Query("received_to"), Lender: c.Query("lender"), Reveal: actor.Regulator}
	for name, d := range map[string]string{"from": q.From, "to": q.To, "received_from": q.ReceivedFrom,
		"received_to": q.ReceivedTo} {
		if _, err := time.Parse(time.DateOnly, d); d != "" && err != nil {
			writeProblem(c, newProblem(http.StatusUnprocessableEntity, "audit.range",
				"write dates as 2006-01-02").at("query."+name, "not a date"))
			return
		}
	}
	format, contentType := audit.NDJSON, "application/x-ndjson"
	switch c.Query("format") {
	case "", "ndjson":
	case "csv":
		format, contentType = audit.CSV, "text/csv; charset=utf-8"
	default:
		writeProblem(c, newProblem(http.StatusUnprocessableEntity, "audit.format",
			"format is ndjson or csv").at("query.format", "not one of ndjson, csv"))
		return
	}
	if err := a.noted(ctx, actor, b, access.Read{What: access.VisitsExport, Export: &access.Export{Format: string(format),
		From: q.From, To: q.To, ReceivedFrom: q.ReceivedFrom, ReceivedTo: q.ReceivedTo, Lender: q.Lender,
		Revealed: q.Reveal}}); err != nil {
		a.fail(c, err)
		return
	}
	w := &begun{ResponseWriter: c.Writer, contentType: contentType,
		name: fmt.Sprintf("visits-%s-%s.%s", b, a.opt.Journal.Now().UTC().Format("20060102T150405Z"), format)}
	if _, err := a.opt.Audit.Export(ctx, w, format, q, a.opt.Visits); err != nil {
		if !w.wrote {
			a.fail(c, err)
			return
		}
		a.log.ErrorContext(ctx, "export was cut short", "err", err)
		// What has gone out has no manifest: cut the connection, so that nobody takes it for whole.
		panic(http.ErrAbortHandler)
	}
}

// begun sets the headers of a download with its first byte: until then a problem can still be told.
type begun struct {
	http.ResponseWriter
	contentType, name string
	wrote             bool
}

func (b *begun) Write(p []byte) (int, error) {
	if !b.wrote {
		b.wrote = true
		b.Header().Set("Content-Type", b.contentType)
		b.Header().Set("Content-Disposition", `attachment; filename="`+b.name+`"`)
	}
	return b.ResponseWriter.Write(p)
}

type getCheckpointIn struct {
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) getCheckpoint(ctx context.Context, c call, in *getCheckpointIn) (*body[audit.Checkpoint], error) {
	b, err := auditBranch(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	cp, err := a.opt.Audit.Checkpoint(ctx, b)
	return respond(cp), err
}

type getProofIn struct {
	Branch string `query:"branch" maxLength:"64"`
	Entry  uint64 `query:"entry" maximum:"9007199254740991"`
	From   uint64 `query:"from" maximum:"9007199254740991"`
	Size   uint64 `query:"size" maximum:"9007199254740991"`
}

func (a *API) getProof(ctx context.Context, c call, in *getProofIn) (*body[audit.Proof], error) {
	b, err := auditBranch(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	var p audit.Proof
	switch {
	case in.Entry > 0 && in.From == 0:
		p, err = a.opt.Audit.Inclusion(ctx, b, in.Entry, in.Size)
	case in.From > 0 && in.Entry == 0:
		p, err = a.opt.Audit.Consistency(ctx, b, in.From, in.Size)
	default:
		return nil, newProblem(http.StatusUnprocessableEntity, "audit.proof",
			"give entry, or from, and not both").at("query.entry", "entry or from")
	}
	return respond(p), err
}
