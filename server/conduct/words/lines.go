package words

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
)

// Question is what POST /v1/messages/lint and doorstep messages lint are asked, in JSON.
type Question struct {
	ID           json.RawMessage   `json:"id,omitempty"`
	Language     string            `json:"language"`
	Country      string            `json:"country"`
	Step         string            `json:"step"`
	Recipient    string            `json:"recipient"`
	VerifiedDays *int              `json:"number_verified_days"`
	Text         *string           `json:"text"`
	Lender       string            `json:"lender"` // whom the caller asks for products and consequences, without a context
	Vars         map[string]string `json:"vars"`
	Context      *Context          `json:"context"`
}

// Context is what a question brings of its own instead of a lender's.
type Context struct {
	Vars         map[string]string `json:"vars,omitempty" doc:"As vars beside it, which goes before."`
	Products     []string          `json:"products,omitempty" maxItems:"200" doc:"Names of the lender's products."`
	Consequences []Consequence     `json:"consequences,omitempty" maxItems:"100" doc:"What the lender may tell of."`
}

// Request is the question's request, with what its context brings.
func (q Question) Request() Request {
	r := Request{Language: q.Language, Country: q.Country, Step: q.Step, Recipient: q.Recipient,
		VerifiedDays: q.VerifiedDays}
	if q.Text != nil {
		r.Text = *q.Text
	}
	r.Vars = map[string]string{}
	if q.Context != nil {
		r.Products, r.Consequences = q.Context.Products, q.Context.Consequences
		maps.Copy(r.Vars, q.Context.Vars)
	}
	maps.Copy(r.Vars, q.Vars)
	return r
}

// AppendLint answers one line of doorstep messages lint: it appends the answer as one line of JSON without its end, or
// {"id", "problem": {code, at, detail}} for a line that is no question. Members that it does not know it passes over:
// a file of questions may hold beside each what is expected.
func AppendLint(b, line []byte) []byte {
	var q Question
	if err := readLine(line, &q); err != nil {
		return AppendProblem(b, q.ID, err)
	}
	if q.Text == nil {
		return AppendProblem(b, q.ID, bad("text", "send the text"))
	}
	r := q.Request()
	if err := r.Check(); err != nil {
		return AppendProblem(b, q.ID, err)
	}
	return appendJSON(b, struct {
		ID json.RawMessage `json:"id,omitempty"`
		Answer
	}{q.ID, Lint(r)})
}

// AppendIntent is AppendLint for doorstep messages intent.
func AppendIntent(b, line []byte) []byte {
	var q struct {
		ID       json.RawMessage `json:"id"`
		Language string          `json:"language"`
		Text     *string         `json:"text"`
	}
	if err := readLine(line, &q); err != nil {
		return AppendProblem(b, q.ID, err)
	}
	if q.Text == nil {
		return AppendProblem(b, q.ID, bad("text", "send the text of the reply"))
	}
	if err := CheckReply(q.Language, *q.Text); err != nil {
		return AppendProblem(b, q.ID, err)
	}
	return appendJSON(b, struct {
		ID json.RawMessage `json:"id,omitempty"`
		Reply
	}{q.ID, Intent(q.Language, *q.Text)})
}

// readLine reads a question. Its id is read even where another member is wrong.
func readLine(line []byte, into any) error {
	members, fault := strictjson.Members(line)
	if fault != nil {
		return refusal.New(refusal.Malformed, "malformed", "", "%v", fault)
	}
	err := json.Unmarshal(line, into)
	if err == nil {
		return nil
	}
	for _, m := range members {
		if m.Name == "id" {
			_ = json.Unmarshal([]byte(`{"id":`+string(m.Value)+`}`), into) // it was read already as part of the line
		}
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return bad(wrong.Field, "it is a %s here; see POST /v1/messages/lint in GET /openapi.yaml", wrong.Type)
	}
	return fmt.Errorf("read a question: %w", err)
}

// AppendProblem appends {"id", "problem": {code, at, detail}} for a line that was not answered.
func AppendProblem(b []byte, id json.RawMessage, err error) []byte {
	var p struct {
		ID      json.RawMessage `json:"id,omitempty"`
		Problem struct {
			Code   string `json:"code"`
			At     string `json:"at"`
			Detail string `json:"detail"`
		} `json:"problem"`
	}
	p.ID = id
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
