package simulation

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"time"

	"doorstep/server/play"
)

// desk is a user of the office: a supervisor, an administrator or an auditor. Its network has no faults but those of
// the nodes.
type desk struct {
	*play.Client
	w     *world
	login string
	in    bool
	r     *rand.Rand
}

func (w *world) newDesk(login string) *desk {
	d := &desk{w: w, login: login, r: rand.New(rand.NewPCG(w.rand.Uint64(), 3))}
	d.Client = &play.Client{Base: "http://sim", HTTP: &http.Client{Transport: &line{w: w, r: d.r}}}
	return d
}

var idsIn = regexp.MustCompile(`L1\.[CD]\d|[0-9a-zA-Z_-]{20,}|(ann|ben|cid|dea|eve)[^/?]*`)

// do asks; code is that of a refusal, or "lost" for a request that was not answered.
func (d *desk) do(method, path string, body, into any) (code string) {
	if !d.in {
		if err := d.SignIn(noContext, d.login, password, ""); err != nil {
			return "lost"
		}
		d.in = true
	}
	err := d.Do(noContext, method, path, body, into)
	if code = play.CodeOf(err); code == "" && err != nil {
		code = "lost"
	}
	if strings.HasPrefix(code, "auth.token") || code == "auth.session_ended" ||
		strings.Contains(fmt.Sprint(err), "refresh session") {
		d.in = false
	}
	if code != "" {
		d.w.count(fmt.Sprintf("the office was told %s by %s %s", code, method, idsIn.ReplaceAllString(path, "{id}")))
	}
	return code
}

// act has the office do something to cases, teams, phones or people. It returns what.
func (w *world) officeAct() (what string, do func()) {
	r, sup := w.rand, w.desks["sup"]
	of := fmt.Sprintf("L1.C%d", 1+r.IntN(caseCount))
	team := []string{"east", "west"}[r.IntN(2)]
	post := func(path string, body any) func() { return func() { sup.do(http.MethodPost, path, body, nil) } }
	switch r.IntN(20) {
	case 0, 1, 2, 3, 4:
		return "reassign", post("/v1/cases/"+of+"/reassign", map[string]any{"team": team})
	case 5:
		return "hold", post("/v1/cases/"+of+"/holds", map[string]any{"kind": "stop"})
	case 6:
		return "release", func() { w.release(of) }
	case 7:
		return "contact", post("/v1/cases/"+of+"/contacts", map[string]any{"channel": "call",
			"at": w.now().Add(-time.Minute).UTC().Format(time.RFC3339), "result": "answered"})
	case 8, 9:
		return "import", func() { w.importAgain(1 + r.IntN(caseCount)) }
	case 10, 11:
		return "quarantine", func() { w.handleQuarantine(r.IntN(3) > 0) }
	case 12:
		return "swap agents", func() { w.swapAgents() }
	case 13:
		return "block", func() { w.block(agents[r.IntN(4)]) }
	case 14:
		return "disable", func() { w.disable(agents[r.IntN(4)], r.IntN(3) > 0) }
	case 15:
		to := []string{"south", "north"}[r.IntN(2)]
		return "move", post(fmt.Sprintf("/v1/debtors/L1.D%d/move", 1+r.IntN(caseCount)),
			map[string]any{"branch": to, "reason": "address_changed"})
	case 16:
		return "plan", func() { w.judgePlan(r.IntN(2) == 0) }
	case 17:
		return "erase", func() { w.erase(fmt.Sprintf("L1.D%d", 1+r.IntN(caseCount))) }
	default:
		return "checkpoint", func() { w.checkpoint() }
	}
}

func (w *world) release(of string) {
	var file struct {
		Holds []struct {
			ID string `json:"hold_id"`
		} `json:"holds"`
	}
	if w.desks["sup"].do(http.MethodGet, "/v1/cases/"+of, nil, &file) != "" {
		return
	}
	for _, h := range file.Holds {
		path := "/v1/cases/" + of + "/holds/" + h.ID + "/release"
		w.desks["sup"].do(http.MethodPost, path, nil, nil)
		w.desks["sue"].do(http.MethodPost, path, nil, nil)
	}
}

func (w *world) importAgain(n int) {
	d := w.desks["sup"]
	rows := caseHead + caseRow(n, fmt.Sprintf("Debtor %d the %d", n, w.rand.IntN(100)))
	if d.in {
		_ = d.Send(noContext, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv",
			io.Reader(strings.NewReader(rows)), nil)
	}
}

func (w *world) handleQuarantine(accept bool) {
	var list struct {
		Items []struct{ ID, State string } `json:"items"`
	}
	sup := w.desks["sup"]
	if sup.do(http.MethodGet, "/v1/quarantine?branch=north", nil, &list) != "" {
		return
	}
	for _, item := range list.Items {
		if item.State == "open" && w.rand.IntN(2) == 0 {
			sup.do(http.MethodPost, "/v1/quarantine/"+item.ID+"?branch=north", map[string]any{"accept": accept}, nil)
		}
	}
}

// swapAgents has an agent of the east change teams with one of the west.
func (w *world) swapAgents() {
	now := map[string][]string{"east": {"ann", "ben"}, "west": {"cid", "dea"}}
	if w.rand.IntN(2) == 0 {
		now = map[string][]string{"east": {"ann", "dea"}, "west": {"cid", "ben"}}
	}
	for _, team := range []string{"east", "west"} {
		var t map[string]any
		if w.desks["sup"].do(http.MethodGet, "/v1/teams/"+team+"?branch=north", nil, &t) != "" {
			return
		}
		body := map[string]any{}
		for _, k := range []string{"branch", "name", "territories", "items", "recording", "mode", "start", "end"} {
			body[k] = t[k]
		}
		body["agents"] = now[team]
		w.desks["sup"].do(http.MethodPut, "/v1/teams/"+team, body, nil)
	}
}

func (w *world) block(agent string) {
	p := w.phones[agent]
	if w.devices[agent] > 4 || p.out || p.wiped {
		return
	}
	device := p.Device
	if w.desks["sup"].do(http.MethodDelete, "/v1/devices/"+device+"?wipe=true", nil, nil) == "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.blocked[device] = time.Now()
	}
}

func (w *world) disable(agent string, disabled bool) {
	w.desks["admin"].do(http.MethodPatch, "/v1/users/"+agent, map[string]any{"disabled": disabled}, nil)
}

func (w *world) judgePlan(approve bool) {
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	sup := w.desks["sup"]
	if sup.do(http.MethodGet, "/v1/plans?branch=north", nil, &list) != "" || len(list.Items) == 0 {
		return
	}
	verb := "reject"
	if approve {
		verb = "approve"
	}
	sup.do(http.MethodPost, "/v1/plans/"+list.Items[w.rand.IntN(len(list.Items))].ID+"/"+verb+"?branch=north", nil, nil)
}

func (w *world) erase(debtor string) {
	if w.erased[debtor] || len(w.erased) > 1 {
		return
	}
	var asked struct {
		ID string `json:"erasure_id"`
	}
	why := map[string]any{"reason": "request"}
	if w.desks["admin"].do(http.MethodPost, "/v1/debtors/"+debtor+"/erase", why, &asked) != "" {
		return
	}
	w.erased[debtor] = true // perhaps: the answer to the second may be lost
	w.desks["two"].do(http.MethodPost, "/v1/debtors/"+debtor+"/erase/"+asked.ID+"/confirm", nil, nil)
}
