package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/audit"
	"doorstep/server/casework"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) outcomeEndpoints() {
	a.raw(endpoint{method: http.MethodGet, path: "/v1/outcomes", roles: lenders, id: "listOutcomes", tag: "cases",
		summary: "What became of a lender's cases: visits, repayment plans and payments",
		about: "In the order in which the server recorded them. The last line is the cursor: in NDJSON " +
			"{\"cursor\":…,\"more\":…}, in CSV a row of #cursor, the cursor, and true if there is more already. Sent as " +
			"since, what was recorded later comes next, however early it happened. A later rev of the same id takes the " +
			"place of an earlier one. Neither positions, names, notes nor anything about health or safety is in it. " +
			"Errors: outcomes.since, outcomes.expired after a restored backup."},
		func(op *huma.Operation) {
			text := func(most int) *huma.Schema { return &huma.Schema{Type: "string", MaxLength: ptr(most)} }
			op.Parameters = append(op.Parameters,
				query("lender", "The lender; your own when absent. Administrators name one.", text(62), false),
				query("branch", "Only this branch's; all that the lender has a contract with when absent.", text(64), false),
				query("since", "The cursor of the page before; from the beginning when absent.", text(8000), false),
				query("limit", "How many items at most; a few more may come that were recorded at once.",
					&huma.Schema{Type: "integer", Minimum: ptr(1.0), Maximum: ptr(float64(casework.MostOutcomes)), Default: 500},
					false),
				query("format", "ndjson when absent.", &huma.Schema{Type: "string", Enum: []any{"ndjson", "csv"}}, false))
			op.Responses = map[string]*huma.Response{"200": {Description: "The outcomes, and the cursor.",
				Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: str()}, "text/csv": {Schema: str()}}}}
		}, a.listOutcomes)
}

func (a *API) listOutcomes(c *gin.Context) {
	ctx := c.Request.Context()
	actor := callOf(ctx).actor
	q := casework.OutcomeQuery{Lender: c.Query("lender"), Branch: auth.BranchID(c.Query("branch")),
		Since: c.Query("since"), Limit: 500, Epoch: a.opt.Offline.EpochOf}
	if text := c.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > casework.MostOutcomes {
			writeProblem(c, newProblem(http.StatusUnprocessableEntity, "validation",
				"limit is a whole number from 1 to "+strconv.Itoa(casework.MostOutcomes)).at("query.limit", "out of range"))
			return
		}
		q.Limit = n
	}
	write, contentType := outcomesAsNDJSON, "application/x-ndjson"
	switch c.Query("format") {
	case "", "ndjson":
	case "csv":
		write, contentType = outcomesAsCSV, "text/csv; charset=utf-8"
	default:
		writeProblem(c, newProblem(http.StatusUnprocessableEntity, "outcomes.format", "format is ndjson or csv").
			at("query.format", "not one of ndjson, csv"))
		return
	}
	if q.Lender == "" {
		q.Lender = actor.Lender
	}
	if q.Lender == "" {
		writeProblem(c, newProblem(http.StatusUnprocessableEntity, "outcomes.lender", "say which lender: ?lender=").
			at("query.lender", "required of administrators"))
		return
	}
	page, err := a.opt.Casework.Outcomes(ctx, actor, q)
	if err != nil {
		a.fail(c, err)
		return
	}
	text, err := write(page)
	if err == nil {
		err = a.notedOutcomes(ctx, actor, page, c.Query("format"))
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Data(http.StatusOK, contentType, text)
}

// notedOutcomes keeps in each branch that an actor read what became of cases there.
func (a *API) notedOutcomes(ctx context.Context, actor auth.Actor, page casework.OutcomePage, format string) error {
	cases := map[auth.BranchID]map[journal.CaseID]bool{}
	for _, item := range page.Items {
		if cases[item.Branch] == nil {
			cases[item.Branch] = map[journal.CaseID]bool{}
		}
		cases[item.Branch][item.Case] = true
	}
	if format == "" {
		format = "ndjson"
	}
	for _, b := range slices.Sorted(maps.Keys(cases)) {
		if err := a.noted(ctx, actor, b, access.Read{What: access.OutcomesExport, Cases: slices.Sorted(maps.Keys(cases[b])),
			Export: &access.Export{Format: format}}); err != nil {
			return err
		}
	}
	return nil
}

func outcomesAsNDJSON(page casework.OutcomePage) ([]byte, error) {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	for i := range page.Items {
		if err := lines.Encode(&page.Items[i]); err != nil {
			return nil, err
		}
	}
	err := lines.Encode(struct {
		Cursor string `json:"cursor"`
		More   bool   `json:"more"`
	}{page.Cursor, page.More})
	return b.Bytes(), err
}

// outcomeColumns are the columns of outcomes as CSV.
var outcomeColumns = []string{"branch", "entry", "kind", "id", "rev", "case", "case_ref", "at", "recorded_at",
	"outcome",
	"supersedes", "visit", "plan_kind", "state", "approval_state", "currency", "amount_minor", "due_on", "due_minor",
	"reverses", "reversed_minor"}

// outcomesAsCSV writes a page as CSV. A cell that a spreadsheet would run as a formula gets an apostrophe before it.
func outcomesAsCSV(page casework.OutcomePage) ([]byte, error) {
	var b bytes.Buffer
	row := func(cells []string) {
		b.Write(audit.CSVLine(cells))
		b.WriteByte('\n')
	}
	row(outcomeColumns)
	for _, x := range page.Items {
		var days, amounts []string
		for _, p := range x.Promises {
			days, amounts = append(days, p.DueOn), append(amounts, strconv.FormatInt(p.AmountMinor, 10))
		}
		row([]string{string(x.Branch), strconv.FormatUint(x.Entry, 10), x.Kind, x.ID, strconv.FormatUint(x.Rev, 10),
			string(x.Case), x.CaseRef, instantText(x.At), instantText(x.RecordedAt), x.Outcome, x.Supersedes, x.Visit,
			x.PlanKind, x.State, x.Approval, x.Currency, minorText(x.AmountMinor), strings.Join(days, ";"),
			strings.Join(amounts, ";"), x.Reverses, minorText(x.ReversedMinor)})
	}
	row([]string{"#cursor", page.Cursor, strconv.FormatBool(page.More)})
	return b.Bytes(), nil
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// minorText is an amount; "" for none.
func minorText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
