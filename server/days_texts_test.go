package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// textGateway is a gateway that the texts of a story go out by.
type textGateway struct {
	mu    sync.Mutex
	texts []map[string]string
}

const gatewaySecret = "the gateway's secret of a story, long enough"

// carriesTexts starts the gateway and writes the configuration that names it.
func (s *storyteller) carriesTexts([]string) {
	s.gateway = &textGateway{}
	g := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent map[string]string
		if b, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(b, &sent) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.gateway.mu.Lock()
		defer s.gateway.mu.Unlock()
		s.gateway.texts = append(s.gateway.texts, sent)
		_, _ = io.WriteString(w, `{"id":"g-`+strconv.Itoa(len(s.gateway.texts))+`"}`)
	}))
	s.t.Cleanup(g.Close)
	s.sms = filepath.Join(s.t.TempDir(), "sms.json")
	text, err := json.Marshal(map[string]any{"carrier": "gateway", "gateway": map[string]any{"url": g.URL,
		"body":    map[string]string{"to": "{number}", "text": "{text}", "id": "{id}"},
		"id_path": "id", "secret": gatewaySecret}})
	s.must(err)
	s.must(os.WriteFile(s.sms, text, 0o600))
}

// carried are the texts that the gateway was given so far.
func (g *textGateway) carried() []map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]map[string]string{}, g.texts...)
}

// proposesTexts puts the ladder, the sender and the texts of a file.
func (s *storyteller) proposesTexts(m []string) {
	var all struct {
		Name      string              `json:"sender_name"`
		Links     map[string]string   `json:"links"`
		Ladder    []map[string]any    `json:"ladder"`
		Templates []map[string]string `json:"templates"`
	}
	s.must(json.Unmarshal(s.files[m[1]], &all))
	s.must(s.admin.Do(s.ctx, http.MethodPut, "/v1/lenders/"+m[0]+"/texts",
		map[string]any{"sender_name": all.Name, "links": all.Links}, nil))
	s.must(s.admin.Do(s.ctx, http.MethodPut, "/v1/lenders/"+m[0]+"/ladder", map[string]any{"steps": all.Ladder}, nil))
	for _, t := range all.Templates {
		s.must(s.supervisor.Do(s.ctx, http.MethodPost, "/v1/templates", map[string]any{"lender": m[0], "kind": t["kind"],
			"language": "en", "text": t["text"]}, nil))
	}
}

// proposed lists the ids of the texts that wait for an approval.
func (s *storyteller) proposed() (ids []string) {
	var list struct {
		Items []struct{ ID string } `json:"items"`
	}
	s.must(s.admin.Do(s.ctx, http.MethodGet, "/v1/templates", nil, &list))
	for _, t := range list.Items {
		ids = append(ids, t.ID)
	}
	return ids
}

func (s *storyteller) approvesNoneOfTheirOwn([]string) {
	for _, id := range s.proposed() {
		err := s.supervisor.Do(s.ctx, http.MethodPost, "/v1/templates/"+id+"/approve", map[string]any{}, nil)
		if err == nil || !strings.Contains(err.Error(), "template.own") {
			s.t.Errorf("%s: the supervisor approves it: %v", s.at, err)
		}
	}
}

func (s *storyteller) approvesTexts([]string) {
	for _, id := range s.proposed() {
		s.must(s.admin.Do(s.ctx, http.MethodPost, "/v1/templates/"+id+"/approve", map[string]any{}, nil))
	}
	s.want("texts that wait", len(s.proposed()), 0)
}

// until waits until a condition holds.
func (s *storyteller) until(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %s does not come about", s.at, what)
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// textOf is a message of a case.
type textOf struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`
	NextAt   time.Time `json:"next_at"`
	Decision struct {
		Rule string `json:"rule"`
	} `json:"decision"`
}

func (s *storyteller) textsOf(ref string) (out []textOf) {
	var list struct {
		Items []textOf `json:"items"`
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/messages?branch="+s.branch+"&case="+s.caseID(ref), nil, &list))
	return list.Items
}

// textWaits waits until a text of a case is refused, and compares the rule and the time.
func (s *storyteller) textWaits(m []string) {
	var now []textOf
	s.until("a text that waits", func() bool {
		now = s.textsOf(m[1])
		return len(now) > 0 && now[0].State == "refused"
	})
	s.want("texts", len(now), map[string]int{"first": 1, "second": 2, "third": 3}[m[0]])
	s.want("until when", now[0].NextAt.In(s.zone).Format("Monday 2 January 2006, 15:04"), m[2])
	s.want("the rule", now[0].Decision.Rule, m[3])
}

// hasCarried waits until the gateway has carried as many texts, and compares the last.
func (s *storyteller) hasCarried(m []string) {
	n, _ := strconv.Atoi(m[0])
	s.until("texts that were carried", func() bool { return len(s.gateway.carried()) >= n })
	texts := s.gateway.carried()
	s.want("texts", len(texts), n)
	if m[1] == "" {
		return
	}
	last := texts[len(texts)-1]
	s.want("its number", last["to"], s.phoneOf(m[1]))
	first, _, _ := strings.Cut(last["text"], "\n")
	s.want("its first line", first, m[2])
	s.until("a text that is sent", func() bool {
		for _, x := range s.textsOf(m[1]) {
			if x.ID == last["id"] {
				return x.State == "sent" || x.State == "delivered"
			}
		}
		return false
	})
}

func (s *storyteller) phoneOf(ref string) string {
	var k struct {
		Phone string `json:"phone"`
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/cases/"+s.caseID(ref), nil, &k))
	return k.Phone
}

// hook sends what a gateway tells, signed with a key, and returns the status.
func (s *storyteller) hook(what, key string, said map[string]string) int {
	body, err := json.Marshal(said)
	s.must(err)
	stamp := strconv.FormatInt(s.server.journal.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "." + string(body)))
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.server.URL()+"/v1/sms/gateway/"+what,
		strings.NewReader(string(body)))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Doorstep-Timestamp", stamp)
	req.Header.Set("X-Doorstep-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(req)
	s.must(err)
	s.must(answer.Body.Close())
	return answer.StatusCode
}

func (s *storyteller) receipt() map[string]string {
	texts := s.gateway.carried()
	return map[string]string{"message": texts[len(texts)-1]["id"], "id": "g-" + strconv.Itoa(len(texts)),
		"state": "delivered"}
}

func (s *storyteller) arrives([]string) {
	s.want("the answer", s.hook("receipts", gatewaySecret, s.receipt()), http.StatusNoContent)
}

func (s *storyteller) strangerSays([]string) {
	s.want("the answer", s.hook("receipts", "another key, of a stranger, as long", s.receipt()), http.StatusUnauthorized)
}

func (s *storyteller) speaks(m []string) {
	s.must(s.supervisor.Do(s.ctx, http.MethodPost, "/v1/cases/"+s.caseID(m[0])+"/contacts", map[string]any{
		"channel": "call", "result": "answered", "at": s.clock(m[1]).UTC()}, nil))
}

func (s *storyteller) answers(m []string) {
	if len(m) > 1 {
		s.replied = map[string]string{"id": "in-" + strconv.Itoa(len(m[1])), "from": s.phoneOf(m[0]), "text": m[1]}
	}
	s.want("the answer", s.hook("replies", gatewaySecret, s.replied), http.StatusNoContent)
}

func (s *storyteller) inboxShows(m []string) {
	var inbox struct {
		Items []json.RawMessage `json:"items"`
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/inbox?kind=replies&branch="+s.branch, nil, &inbox))
	s.want("replies", len(inbox.Items), m[0])
}

func (s *storyteller) contactsShow(m []string) {
	var k struct {
		Contacts []json.RawMessage `json:"contacts"`
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/cases/"+s.caseID(m[0]), nil, &k))
	s.want("contacts", len(k.Contacts), m[1])
}

func (s *storyteller) noMoreTexts(m []string) {
	var k struct {
		Stops []struct{ Kind, Channel string } `json:"number_stops"`
	}
	s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/cases/"+s.caseID(m[0]), nil, &k))
	if len(k.Stops) != 1 || k.Stops[0].Kind != "opt_out" || k.Stops[0].Channel != "sms" {
		s.t.Errorf("%s: it shows %+v", s.at, k.Stops)
	}
}

func (s *storyteller) ladderIs(m []string) {
	var k struct {
		Ladders []struct {
			State string
			Step  int
		} `json:"ladders"`
	}
	s.until("the ladder", func() bool {
		s.must(s.supervisor.Do(s.ctx, http.MethodGet, "/v1/cases/"+s.caseID(m[0]), nil, &k))
		return len(k.Ladders) == 1 && k.Ladders[0].State == m[1]
	})
	s.want("steps", k.Ladders[0].Step, m[2])
}
