package server

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// contract is an http.RoundTripper that checks every request and answer against the server's own API description, with
// an independent validator. In short mode it checks nothing: the validator takes most of a played day's time.
type contract struct {
	t *testing.T
	v *checker
	// passed counts the exchanges that were checked, by endpoint; v locks it.
	passed map[string]int
}

// checker is a validator of one API description. It takes a second to make, so all
// servers with the same description share one.
type checker struct {
	sync.Mutex
	validator.Validator
}

// checkers are the validators made so far, by description.
var checkers sync.Map

func newContract(t *testing.T, s *Server) *contract {
	t.Helper()
	if testing.Short() {
		return &contract{t: t}
	}
	spec := string(s.api.Spec())
	if v, made := checkers.Load(spec); made {
		return &contract{t: t, v: v.(*checker), passed: map[string]int{}}
	}
	doc, err := libopenapi.NewDocument([]byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Error(e.Message, e.Reason)
		}
		t.Fatal("the description is not OpenAPI 3.1")
	}
	shared, _ := checkers.LoadOrStore(spec, &checker{Validator: v})
	return &contract{t: t, v: shared.(*checker), passed: map[string]int{}}
}

func (c *contract) RoundTrip(req *http.Request) (*http.Response, error) {
	if c.v == nil {
		return http.DefaultTransport.RoundTrip(req)
	}
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	_ = answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(got))
	c.v.Lock()
	defer c.v.Unlock()
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(sent))
	check := *answer
	check.Body = io.NopCloser(bytes.NewReader(got))
	// The validator does not look into the lines of imports and exports; other tests check them.
	if ct := answer.Header.Get("Content-Type"); strings.HasPrefix(ct, "application/json") ||
		strings.HasPrefix(ct, "application/problem+json") {
		if ok, errs := c.v.ValidateHttpResponse(again, &check); !ok {
			for _, e := range errs {
				c.t.Errorf("%s %s answers %d, against the description: %s: %s", req.Method, req.URL.Path, answer.StatusCode,
					e.Message, e.Reason)
			}
		}
		if answer.StatusCode < 300 && strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") {
			if ok, errs := c.v.ValidateHttpRequest(again); !ok {
				for _, e := range errs {
					c.t.Errorf("%s %s was accepted, against the description: %s: %s", req.Method, req.URL.Path, e.Message, e.Reason)
				}
			}
		}
		c.passed[req.Method+" "+req.URL.Path]++
	}
	return answer, nil
}
