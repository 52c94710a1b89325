package httpapi

import (
	"net/http"
	"slices"
	"testing"

	"doorstep/server/access"
)

// A read endpoint without a row fails this test: say what it leaves in the access log, or why it leaves nothing.
func TestEveryReadSaysWhatItLeavesInTheAccessLog(t *testing.T) {
	a := described(t)
	for _, e := range a.endpoints {
		rule, known := accessRules[e.id]
		if e.method == http.MethodGet && len(e.roles) > 0 && !known {
			t.Errorf("%s %s (%s) has no row in accessRules", e.method, e.path, e.id)
		}
		if known && (len(rule.kinds) == 0) == (rule.why == "") {
			t.Errorf("%s: the row says %+v", e.id, rule)
		}
	}
	used := map[string]bool{}
	for id, rule := range accessRules {
		if _, is := a.operations[id]; !is {
			t.Errorf("the row %s is of no endpoint", id)
		}
		for _, what := range rule.kinds {
			used[what] = true
			if !slices.Contains(access.Whats(), what) {
				t.Errorf("%s leaves %s, which is no kind of read", id, what)
			}
		}
	}
	for _, what := range access.Whats() {
		if !used[what] {
			t.Errorf("no endpoint leaves %s", what)
		}
	}
}

func TestAnAnswerThatIsNotInTheAccessLogIsAnError(t *testing.T) {
	for _, c := range []struct {
		id    string
		noted []string
		ok    bool
	}{{"getCase", nil, false}, {"getCase", []string{access.CasesList}, false},
		{"getCase", []string{access.CaseRead}, true},
		{"listCases", []string{access.CasesList}, true}, {"getUser", nil, true}, {"openHold", nil, true}} {
		if err := unnoted(c.id, c.noted); (err == nil) != c.ok {
			t.Errorf("%s that left %v: %v", c.id, c.noted, err)
		}
	}
}
