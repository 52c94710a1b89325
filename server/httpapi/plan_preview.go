package httpapi

import (
	"bytes"
	"net/http"
	"reflect"
	"strings"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/server/repayment"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) planPreviewEndpoint() {
	b := schemasOf(a.huma.OpenAPI().Components.Schemas)
	a.raw(endpoint{method: http.MethodPost, path: "/v1/plans/preview", roles: everyone, id: "previewPlan",
		tag: "cases", summary: "What would be due on which days, and what would become of it?",
		about: "Pure: nothing is looked up or stored, and today comes with the request. What is wrong with the request is " +
			"answered with 200 and refused: the reason and the member at fault, bad_request included. A fault beside the " +
			"request is a 422 plan.question. `doorstep plans preview` and `sync/clients/plan` answer the same without a " +
			"server; `server/repayment/README.md` has the rules."},
		func(op *huma.Operation) {
			op.Parameters = nil // a question has no effect, so a key has none
			op.RequestBody = &huma.RequestBody{Required: true,
				Content: map[string]*huma.MediaType{"application/json": {Schema: b.planQuestion()}}}
			op.Responses = map[string]*huma.Response{"200": answer("The plan, or why there is none.", "application/json",
				b.planAnswer(reflect.TypeFor[repayment.Answered]()))}
		},
		a.previewPlan)
}

func (a *API) previewPlan(c *gin.Context) {
	text, err := readBody(c, maxBody, "application/json")
	if err != nil {
		a.fail(c, err)
		return
	}
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	answer, err := repayment.Answer(text)
	if err != nil {
		if no, is := refusal.Of(err); is && no.Kind == refusal.Malformed {
			f := checkJSON(text)
			if f == nil {
				f = &jsonFault{"body", "not an object"}
			}
			err = f.problem()
		}
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// planPrefix goes before the names of the schemas of repayment's types.
const planPrefix = "PlanPreview"

// planObject puts an object into the schemas, and returns a reference to it.
func (b schemaBuilder) planObject(name, about string, members map[string]*huma.Schema,
	required ...string) *huma.Schema {
	b.into[planPrefix+name] = &huma.Schema{Type: "object", Description: about, Properties: members, Required: required,
		AdditionalProperties: false}
	return refTo(planPrefix + name)
}

func dateSchema(about string) *huma.Schema {
	return &huma.Schema{Type: "string", Format: "date", Description: about}
}

func wholeFrom(least, most float64, about string) *huma.Schema {
	return &huma.Schema{Type: "integer", Format: "int64", Minimum: ptr(least), Maximum: ptr(most), Description: about}
}

// amountSchema is an amount in minor units.
func amountSchema(least float64, about string) *huma.Schema {
	return wholeFrom(least, repayment.MaxMinor, about)
}

// planQuestion is the schema of what POST /v1/plans/preview takes, by reference. The reader of repayment checks it.
func (b schemaBuilder) planQuestion() *huma.Schema {
	check := b.planObject("Check", "", map[string]*huma.Schema{
		"as_of": dateSchema("A day; its evening is looked at.")}, "as_of")
	payment := b.planObject("Payment", "It counts from its day until the day before it is reversed.",
		map[string]*huma.Schema{
			"ref": {Type: "string", MinLength: ptr(1), MaxLength: ptr(128),
				Description: "Its id: payments of one ref are one."},
			"on":           dateSchema("When it came in. Before the plan's today it does not count."),
			"amount_minor": amountSchema(1, ""),
			"reversed_on":  {Type: "string", Format: "date", Nullable: true, Description: "When it was taken back."}},
		"ref", "on", "amount_minor")
	terms := b.planObject("Terms", "When the plan is broken.", map[string]*huma.Schema{
		"grace_days": wholeFrom(0, repayment.MostGraceDays,
			"Paid so many days after its date, an instalment is in time; 3 when absent."),
		"broken_after": wholeFrom(1, repayment.MaxMinor, "It breaks with so many missed instalments; 1 when absent."),
		"partly_from_bp": wholeFrom(0, repayment.MaxMinor, "Then it is partially kept if something was paid, and at "+
			"least so many basis points of what was past its grace; 0 when absent.")})
	list := func(of *huma.Schema, most int, about string) *huma.Schema {
		return &huma.Schema{Type: "array", Items: of, MaxItems: ptr(most), Description: about, Nullable: true}
	}
	return b.planObject("Question", "Beside the request, all may be absent or null.", map[string]*huma.Schema{
		"request":       b.planRequest(),
		"default_terms": {OneOf: []*huma.Schema{terms, {Type: "null"}}, Description: "When the plan is broken."},
		"payments":      list(payment, repayment.MostPayments, "What came in, in any order."),
		"checks":        list(check, repayment.MostChecks, "The days on which the plan is looked at.")}, "request")
}

// planRequest is the schema of a request of a plan.
func (b schemaBuilder) planRequest() *huma.Schema {
	limit := func(about string) *huma.Schema { return wholeFrom(0, repayment.MaxMinor, about) }
	months := func(about string) *huma.Schema { return wholeFrom(0, 1200, about) }
	guardrails := b.planObject("Guardrails", "Limits of the lender. One that is absent limits nothing.",
		map[string]*huma.Schema{
			"min_instalment_minor": amountSchema(0, "Of each instalment but, by amount, the last."),
			"max_instalments":      limit("At most 600 in any case."),
			"max_term_months":      months("From today to the last date, before it moves."),
			"max_concession_bp":    limit("Basis points of the balance."),
			"max_down_payment_bp":  limit("Basis points of what is to be paid."),
			"max_start_days":       limit("From today to the start."),
			"max_holiday_periods":  limit("How long a payment holiday may be."),
			"max_extension_days":   limit("From the original date to the start."),
			"min_answer_days":      limit("How long the debtor must have to answer."),
			"agent_max_concession_bp": limit(
				"Above it the plan needs approval."), "agent_max_term_months": months("Above it the plan needs approval.")})
	affordability := b.planObject("Affordability", "", map[string]*huma.Schema{"surplus_minor": amountSchema(
		-repayment.MaxMinor, "What is left a month after all outgoings; it may be below zero.")}, "surplus_minor")
	pressure := b.planObject("Pressure", "", map[string]*huma.Schema{
		"new_borrowing_suggested": {Type: "boolean", Description: "Whether the debtor was told to borrow; that refuses."},
		"deadline_days":           limit("How many days the debtor has to answer.")})
	days := oneOf("", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
	return b.planObject("Request", "Which kind takes and needs which members is in server/repayment/README.md. What does "+
		"not fit is refused inside the answer.", map[string]*huma.Schema{
		"kind":     oneOf("", record.CodesOf("plan_kinds")...),
		"today":    dateSchema("The day on which the plan is made, from 2000 to 2199 as all dates of a request."),
		"currency": {Type: "string", MinLength: ptr(3), MaxLength: ptr(3), Description: "ISO 4217, in capitals."},
		"balance_minor": amountSchema(1,
			"What is owed, in minor units such as cents."),
		"start_on":     dateSchema("The date from which all others are counted."),
		"offered_by":   oneOf("agent when absent.", "agent", "debtor"),
		"holiday_rule": oneOf("What becomes of a date on a closed day; none when absent.", "none", "next_working_day"),
		"holidays":     {Type: "array", Items: dateSchema(""), Description: "Closed days beside the weekend."},
		"weekend":      {Type: "array", Items: days, Description: "sat and sun when absent."},
		"guardrails":   guardrails, "affordability": affordability, "pressure": pressure,
		"future_interest_minor": amountSchema(0, "What interest adds; of interest_freeze what it would have added."),
		"frequency": oneOf("How long a period is between two instalments.", "weekly", "fortnightly",
			"every_4_weeks", "monthly"),
		"count": {Type: "integer",
			Description: "How many instalments; either this or amount_minor, for token_payment both."},
		"amount_minor": amountSchema(1, "How much each is; the last takes what is left."),
		"weights": {Type: "array", Items: wholeFrom(1, 1_000_000, ""),
			Description: "With count, as many: each instalment's share of the sum of the weights."},
		"month_end": oneOf("last: from the last day of a month, all are last days of theirs. clamp when absent.", "clamp",
			"last"),
		"down_payment_minor": amountSchema(1, "Due first, before the instalments."),
		"down_payment_on":    dateSchema("today when absent."),
		"concession_minor":   amountSchema(1, "What the lender gives up."),
		"holiday_periods":    wholeFrom(1, 600, "How many of the first dates a payment holiday skips."),
		"original_due_on":    dateSchema("When an extended payment was due."),
		"review_on":          dateSchema("When token payments are looked at again, after the last of them.")},
		"kind", "today", "currency", "balance_minor", "start_on")
}

// planAnswer is the schema of a type of repayment's answers, by reference.
func (b schemaBuilder) planAnswer(t reflect.Type) *huma.Schema {
	name := strings.Replace(t.Name(), "Answered", "Answer", 1)
	members, required := map[string]*huma.Schema{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() {
			continue
		}
		s := b.planValue(f.Type, f.Tag.Get("doc"))
		switch t.Name() + "." + member {
		case "Refusal.reason":
			s = oneOf("The first in this order that applies.", repayment.Reasons()...)
		case "State.state":
			s = oneOf(f.Tag.Get("doc"), repayment.States()...)
		}
		if example := f.Tag.Get("example"); example != "" {
			s.Examples = []any{example}
		}
		members[member] = s
		if options == "" {
			required = append(required, member)
		}
	}
	return b.planObject(name, "", members, required...)
}

func (b schemaBuilder) planValue(t reflect.Type, about string) *huma.Schema {
	switch {
	case t == reflect.TypeFor[repayment.Date]():
		return dateSchema(about)
	case t == reflect.TypeFor[*repayment.NextDue]():
		return &huma.Schema{OneOf: []*huma.Schema{b.planAnswer(t.Elem()), {Type: "null"}}, Description: about}
	case t.Kind() == reflect.Pointer:
		return b.planValue(t.Elem(), about)
	case t.Kind() == reflect.Struct:
		return b.planAnswer(t)
	case t.Kind() == reflect.Slice:
		return &huma.Schema{Type: "array", Items: b.planValue(t.Elem(), ""), Description: about}
	case t.Kind() == reflect.Bool:
		return &huma.Schema{Type: "boolean", Description: about}
	case t.Kind() == reflect.String:
		return text(about)
	}
	return integer(about)
}
