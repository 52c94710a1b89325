package repayment

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
)

// Bounds of a question.
const (
	MostPayments  = 10_000
	MostChecks    = 1000
	MostGraceDays = 3660
	longestRef    = 128 // characters
)

// Answered is the answer to a question: a plan, with its states at the dates that were asked for, or why there is none.
type Answered struct {
	Result  *Plan    `json:"result,omitempty"`
	Refused *Refusal `json:"refused,omitempty"`
	Checks  []State  `json:"checks,omitzero" doc:"The state at each day that was asked for, in the same order."`
}

// Answer answers a question: the JSON of an object {request, default_terms, payments, checks}, of which all but the
// request may be absent or null, as may the reversed_on of a payment. What is wrong with the request is part of the
// answer. A *refusal.Error says what is wrong with the rest.
func Answer(text []byte) (Answered, error) {
	found, fault := strictjson.Members(text)
	if fault != nil {
		if at, is := strings.CutPrefix(fault.Place, "request."); is && fault.Kind == strictjson.Repeated {
			return Answered{Refused: &Refusal{badRequest, told(at)}}, nil
		}
		return Answered{}, refusal.New(refusal.Malformed, "malformed", toldOuter(fault.Place), "%v", fault)
	}
	q := readQuestion(found)
	if q.malformed {
		return Answered{}, refusal.New(refusal.Invalid, "plan.question", q.at, "%s: %s", place(q.at), mend(q.at))
	}
	request, bad := Read(q.request)
	if bad != nil {
		return Answered{Refused: bad}, nil
	}
	plan, bad := request.Plan()
	if bad != nil {
		return Answered{Refused: bad}, nil
	}
	out := Answered{Result: &plan}
	if q.checks == nil {
		return out, nil
	}
	course := plan.Follow(q.terms, q.payments)
	out.Checks = make([]State, len(q.checks))
	for i, day := range q.checks {
		out.Checks[i] = course.At(day)
	}
	return out, nil
}

// toldOuter is told for a place that may be the whole.
func toldOuter(place string) string {
	if place == "" {
		return ""
	}
	return told(place)
}

func place(at string) string {
	if at == "" {
		return "the question"
	}
	return at
}

// question is what is asked.
type question struct {
	*findings
	request  []byte
	terms    Terms
	payments []Payment
	checks   []Date // nil: none is asked for
}

func readQuestion(found []strictjson.Member) *question {
	o := objectOf(&findings{}, "", found)
	q := &question{findings: o.findings, terms: DefaultTerms}
	if v := o.need("request"); v != nil {
		q.request = v.raw
	}
	q.readTerms(o.takeNotNull("default_terms").object())
	sum := int64(0)
	for i, v := range q.entries(o.takeNotNull("payments"), MostPayments) {
		p := v.at(i).object()
		if p == nil {
			continue
		}
		pay := Payment{Ref: p.need("ref").text(), On: p.need("on").date(), AmountMinor: p.need("amount_minor").minor(1),
			ReversedOn: p.takeNotNull("reversed_on").date()}
		if n := utf8.RuneCountInString(pay.Ref); n == 0 || n > longestRef {
			p.fail("ref")
		}
		p.close()
		q.payments = append(q.payments, pay)
	}
	q.payments = distinct(q.payments)
	for _, pay := range q.payments {
		if sum += max(0, min(pay.AmountMinor, MaxMinor)); sum > MaxMinor {
			o.fail("payments")
			break
		}
	}
	if list := o.takeNotNull("checks"); list != nil {
		q.checks = []Date{}
		for i, v := range q.entries(list, MostChecks) {
			if c := v.at(i).object(); c != nil {
				q.checks = append(q.checks, c.need("as_of").date())
				c.close()
			}
		}
	}
	if o.close(); !q.malformed && q.outOfRange != "" {
		q.malformed, q.findings.at = true, q.outOfRange
	}
	return q
}

func (q *question) readTerms(o *object) {
	if o == nil {
		return
	}
	set := func(into *int64, name string, least, most int64) {
		if n := o.take(name).within(least, most); n != nil {
			*into = *n
		}
	}
	set(&q.terms.GraceDays, "grace_days", 0, MostGraceDays)
	set(&q.terms.BrokenAfter, "broken_after", 1, MaxMinor)
	set(&q.terms.PartlyFromBP, "partly_from_bp", 0, MaxMinor)
	o.close()
}

// entries is a list of at most so many.
func (q *question) entries(v *value, most int) []*value {
	list := v.list()
	if len(list) > most {
		v.fail()
		return nil
	}
	return list
}

// takeNotNull is take for a member for which null counts as absent.
func (o *object) takeNotNull(name string) *value {
	if v := o.take(name); v != nil && string(v.raw) != "null" {
		return v
	}
	return nil
}

// at is the entry of a list under its index.
func (v *value) at(i int) *value {
	return &value{v.o, v.name + "[" + strconv.Itoa(i) + "]", v.raw}
}

var indices = regexp.MustCompile(`\[[0-9]+\]`)

// mends say what is taken at a place of a question.
var mends = map[string]string{
	"request":                      "send the request of the plan",
	"default_terms":                "an object {grace_days, broken_after, partly_from_bp}",
	"default_terms.grace_days":     fmt.Sprintf("a whole number from 0 to %d", MostGraceDays),
	"default_terms.broken_after":   "a whole number from 1",
	"default_terms.partly_from_bp": "a whole number from 0",
	"payments":                     fmt.Sprintf("at most %d, which add up to at most %d", MostPayments, int64(MaxMinor)),
	"payments[]":                   "an object {ref, on, amount_minor, reversed_on}",
	"payments[].ref":               fmt.Sprintf("a text of 1 to %d characters", longestRef),
	"payments[].on":                "a date as 2006-01-02, from 2000 to 2199",
	"payments[].reversed_on":       "a date as 2006-01-02, from 2000 to 2199, or absent",
	"payments[].amount_minor":      fmt.Sprintf("a whole number of minor units from 1 to %d", int64(MaxMinor)),
	"checks":                       fmt.Sprintf("a list of at most %d", MostChecks),
	"checks[]":                     "an object {as_of}",
	"checks[].as_of":               "a date as 2006-01-02, from 2000 to 2199",
}

func mend(at string) string {
	if m, known := mends[indices.ReplaceAllString(at, "[]")]; known {
		return m
	}
	return "no such member is known here; see POST /v1/plans/preview in GET /openapi.yaml"
}

// AppendAnswer is Answer for a program that must write something in each case: it appends the answer, or
// {"problem": {code, at, detail}} for a question that is malformed, to b as one line of JSON without its end.
func AppendAnswer(b, question []byte) []byte {
	answer, err := Answer(question)
	if err != nil {
		return AppendProblem(b, err)
	}
	return appendJSON(b, answer)
}

// AppendProblem appends {"problem": {code, at, detail}} for a question that was not answered.
func AppendProblem(b []byte, err error) []byte {
	var p struct {
		Problem struct {
			Code   string `json:"code"`
			At     string `json:"at"`
			Detail string `json:"detail"`
		} `json:"problem"`
	}
	p.Problem.Code, p.Problem.Detail = "internal", "the question could not be answered"
	if no, is := refusal.Of(err); is {
		p.Problem.Code, p.Problem.At, p.Problem.Detail = no.Code(), no.Place, no.Msg
	}
	return appendJSON(b, p)
}

func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // these are our own structs, which have nothing that JSON has not
	}
	return append(b, text...)
}
