package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"doorstep/geo/travel"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

const vroomData = "../../geo/routing/vroom/testdata/"

// solving is an API that plans, and a handler for nothing but planning, for
// somebody who has signed in.
func solving(t *testing.T) (*API, http.Handler) {
	t.Helper()
	a := New(Options{Version: "1", Travel: travel.CrowFly{}, Threads: 1})
	t.Cleanup(a.Close)
	e := gin.New()
	e.Use(a.recover)
	e.POST("/v1/routing/solve", a.solveRouting)
	return a, e
}

func solve(h http.Handler, in io.Reader, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/v1/routing/solve", in)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func problemIn(t *testing.T, w *httptest.ResponseRecorder, status int, code string) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Code != code {
		t.Fatalf("got %d %s, want %d %s: %v", w.Code, w.Body, status, code, err)
	}
	return p
}

func exampleProblem(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(vroomData + "example.json")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(text), "{", `{"options":{"l":0.05},`, 1)
}

func TestPlanningKeepsToItsDescription(t *testing.T) {
	a, h := solving(t)
	text := exampleProblem(t)
	w := solve(h, strings.NewReader(text))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	op := a.huma.OpenAPI().Paths["/v1/routing/solve"].Post
	for name, c := range map[string]struct {
		schema *huma.Schema
		text   string
		mode   huma.ValidateMode
	}{
		"request": {op.RequestBody.Content["application/json"].Schema, text, huma.ModeWriteToServer},
		"answer":  {op.Responses["200"].Content["application/json"].Schema, w.Body.String(), huma.ModeReadFromServer},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.text), &v); err != nil {
			t.Fatal(name, err)
		}
		registry, res := a.huma.OpenAPI().Components.Schemas, &huma.ValidateResult{}
		c.schema.PrecomputeMessages()
		huma.Validate(registry, c.schema, huma.NewPathBuffer([]byte{}, 0), c.mode, v, res)
		if len(res.Errors) > 0 {
			t.Errorf("%s: %v", name, res.Errors)
		}
	}
	var got struct {
		Summary struct {
			Routes, Unassigned int
			Travel             string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Summary.Routes != 2 || got.Summary.Unassigned != 1 ||
		!strings.Contains(got.Summary.Travel, "guessed") {
		t.Errorf("%+v %v", got, err)
	}
}

func TestPlanningRefusesBadProblems(t *testing.T) {
	_, h := solving(t)
	text, err := os.ReadFile(vroomData + "bad.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var b struct{ Name, Code, Path, Text string }
		if err := d.Decode(&b); err != nil {
			t.Fatal(err)
		}
		status := http.StatusUnprocessableEntity
		if b.Code == "routing.json" {
			status = http.StatusBadRequest
		}
		p := problemIn(t, solve(h, strings.NewReader(b.Text)), status, b.Code)
		if want := place("body." + b.Path); len(p.Errors) != 1 || p.Errors[0].Location != want {
			t.Errorf("%s: %+v, want the place %s", b.Name, p.Errors, want)
		}
	}
	million := io.MultiReader(strings.NewReader(`{"jobs":[{"id":0}`), strings.NewReader(strings.Repeat(`,{"id":1}`,
		1_000_000)), strings.NewReader(`]}`))
	// What is too large as a whole can be divided; one number that is too large cannot.
	for text, remedy := range map[string]bool{
		`{"jobs":[{"id":0}` + strings.Repeat(`,{"id":1}`, problemLimits().Jobs) + `]}`:                       true,
		`{"vehicles":[{"id":0,"start":[1,2]}` + strings.Repeat(`,{"id":1}`, problemLimits().Vehicles) + `]}`: true,
		`{"matrices":{"car":{"durations":[[0` + strings.Repeat(`,0`, 2500) + `]]}}}`:                         true,
		`{"vehicles":[{"id":1,"start":[1,2]}],"jobs":[{"id":1,"location":[1,2],"service":99999999999}]}`:     false,
		`{"matrices":{"car":{"durations":[[0,99999999999],[1,0]]}}}`:                                         false,
	} {
		p := problemIn(t, solve(h, strings.NewReader(text)), http.StatusUnprocessableEntity, "routing.too_large")
		if got := strings.Contains(p.Detail, "divide the problem") && strings.Contains(p.Errors[0].Message,
			"doorstep route solve"); got != remedy {
			t.Errorf("%.60s: %s; want a remedy: %t", text, p.Detail, remedy)
		}
	}
	problemIn(t, solve(h, million), http.StatusUnprocessableEntity, "routing.too_large")
	problemIn(t, solve(h, strings.NewReader(`{"vehicles":[],"options":{"l":31}}`)), http.StatusUnprocessableEntity,
		"routing.too_large")
}

func TestPlanningBoundsTheBodyAfterUnpacking(t *testing.T) {
	_, h := solving(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	own := `"_own":"` + strings.Repeat(" ", 1<<20) + `",`
	_, err := io.WriteString(z, "{")
	for range 70 {
		if err == nil {
			_, err = io.WriteString(z, own)
		}
	}
	if _, err2 := io.WriteString(z, `"vehicles":[]}`); err != nil || err2 != nil || z.Close() != nil {
		t.Fatal(err, err2)
	}
	problemIn(t, solve(h, &packed, "Content-Encoding", "gzip"), http.StatusRequestEntityTooLarge, "too_large")
	problemIn(t, solve(h, strings.NewReader("{}"), "Content-Encoding", "br"), http.StatusUnsupportedMediaType,
		"media_type")
}

func TestOneProblemIsPlannedAtATime(t *testing.T) {
	a, h := solving(t)
	a.planning <- struct{}{} // somebody else's
	w := solve(h, strings.NewReader(exampleProblem(t)))
	problemIn(t, w, http.StatusTooManyRequests, "routing.busy")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	<-a.planning
	// A problem refused, one given up and one planned all make room for the next.
	problemIn(t, solve(h, strings.NewReader(`{`)), http.StatusBadRequest, "routing.json")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/routing/solve", strings.NewReader(exampleProblem(t)))
	w = httptest.NewRecorder()
	h.ServeHTTP(w, req)
	problemIn(t, w, statusClientClosed, "cancelled")
	for range 2 {
		if w := solve(h, strings.NewReader(exampleProblem(t))); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
}

func TestServerThatStopsAnswersWithWhatItHas(t *testing.T) {
	a, h := solving(t)
	a.Close()
	// The search would take 30 s; the test's own time limit is the witness.
	w := solve(h, strings.NewReader(strings.Replace(exampleProblem(t), "0.05", "30", 1)))
	var got struct {
		Summary struct {
			Times struct{ Solving int } `json:"computing_times"`
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK ||
		got.Summary.Times.Solving >= 30_000 {
		t.Error(w.Code, got, err)
	}
}

func TestPlanningAsksWhoCalls(t *testing.T) {
	a, _ := solving(t)
	problemIn(t, solve(a, strings.NewReader("{}")), http.StatusUnauthorized, "auth.token_missing")
}
