package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"doorstep/server/repayment"

	"github.com/gin-gonic/gin"
)

// askPlan asks the endpoint's handler.
func askPlan(question []byte) *httptest.ResponseRecorder {
	gin.SetMode(gin.TestMode)
	e := gin.New()
	e.POST("/v1/plans/preview", (&API{}).previewPlan)
	r := httptest.NewRequest(http.MethodPost, "/v1/plans/preview", bytes.NewReader(question))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// TestPlanAnswersFitTheirSchema has the vectors of repayment: the handler answers them as they say, their answers fit
// the description, and so does each question that is not refused as malformed.
func TestPlanAnswersFitTheirSchema(t *testing.T) {
	spec := readSpec(t)
	at := func(name string) string { return specURL + "#/components/schemas/" + planPrefix + name }
	asked, err := spec.compiler.Compile(at("Question"))
	if err != nil {
		t.Fatal(err)
	}
	answered, err := spec.compiler.Compile(at("Answer"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("../repayment/testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	vectors, fitting := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); vectors++ {
		var v struct {
			Title            string
			Question, Answer json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		w := askPlan(v.Question)
		var answer struct {
			Refused *repayment.Refusal
			Problem *struct{ Code, At string }
		}
		if err := json.Unmarshal(v.Answer, &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Problem != nil {
			var p Problem
			if json.Unmarshal(w.Body.Bytes(), &p) != nil || w.Code != http.StatusUnprocessableEntity ||
				p.Code != "plan.question" {
				t.Errorf("%s: %d %s", v.Title, w.Code, w.Body)
			}
			continue
		}
		if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != string(v.Answer) {
			t.Errorf("%s: %d %s, want %s", v.Title, w.Code, w.Body, v.Answer)
		}
		if err := answered.Validate(decoded(t, v.Answer)); err != nil {
			t.Errorf("%s: the answer: %v", v.Title, err)
		}
		if r := answer.Refused; r == nil || r.Reason != "bad_request" && r.Reason != "amount_out_of_range" &&
			r.Reason != "unknown_currency" {
			fitting++
			if err := asked.Validate(decoded(t, v.Question)); err != nil {
				t.Errorf("%s: the question: %v", v.Title, err)
			}
		}
	}
	if vectors < 150 || fitting < 100 {
		t.Errorf("%d vectors, of which %d are well-formed", vectors, fitting)
	}
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestADoubledMemberOfAPlanIsNamed(t *testing.T) {
	for question, want := range map[string]string{
		`{"request":{"count":2,"count":2}}`: `200 {"refused":{"reason":"bad_request","at":"count"}}`,
		"\ufeff" + `{"request":{}}`:         `200 {"refused":{"reason":"bad_request","at":"kind"}}`,
		`{"request":{},"request":{}}`:       `400 malformed body.request`,
		`{"request":{"a":1}`:                `400 malformed body`,
		`[]`:                                `400 malformed body`,
	} {
		w := askPlan([]byte(question))
		got := "200 " + w.Body.String()
		if w.Code != http.StatusOK {
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			got = http.StatusText(w.Code)
			if w.Code == http.StatusBadRequest && len(p.Errors) == 1 {
				got = "400 " + p.Code + " " + p.Errors[0].Location
			}
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%s is answered %s, want %s", question, got, want)
		}
	}
}
