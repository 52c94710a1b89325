package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"doorstep/server/conduct"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// policyBundle is what a phone judges with offline.
type policyBundle struct {
	Hash     string            `json:"policy_hash" doc:"sha256: and the hash of the packs, one after another."`
	Packs    []string          `json:"packs" doc:"conduct-policy/v1 as YAML, base64."`
	Profiles []conduct.Profile `json:"profiles"`
	Note     string            `json:"note" doc:"A start for counsel to check, not legal advice."`
	// Signed is a signed note over the hash, by the key of the audit's checkpoints.
	Signed string `json:"signed"`
}

const policyNote = "A start for counsel to check, not legal advice."

func (a *API) conductEndpoints() {
	open := &huma.Schema{Type: "object"}
	a.raw(endpoint{method: http.MethodPost, path: "/v1/conduct/decisions", id: "decide", tag: "conduct", summary: "Is this contact lawful?",
		about: "Pure: nothing is looked up or stored. Words outside the closed lists are a 400 with the place, never an allow."},
		func(op *huma.Operation) {
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: "object",
				Properties: map[string]*huma.Schema{"profiles": {Type: "array", Items: str()}, "action": open, "case": open, "history": {Type: "array", Items: open}},
				Required:   []string{"profiles", "action"}}}}}
			nullable := &huma.Schema{Type: "string", Nullable: true}
			op.Responses = map[string]*huma.Response{"200": answer("The decision, and all it rests on.", "application/json", &huma.Schema{Type: "object",
				Properties: map[string]*huma.Schema{"decision": {Type: "string", Enum: []any{conduct.Allow, conduct.Deny}}, "reason": str(), "rule": str(),
					"all":      {Type: "array", Items: &huma.Schema{Type: "array", Items: str()}, Description: "Pairs of reason and rule."},
					"advisory": {Type: "array", Items: str()}, "presumptive": {Type: "array", Items: str()}, "cite": {Type: "array", Items: str()},
					"next_allowed_at": nullable, "policy_hash": str()},
				Required: []string{"decision", "all", "advisory", "presumptive", "cite", "policy_hash"}})}
		},
		func(c *gin.Context) {
			text, err := readJSON(c, maxBody, "application/json")
			if err != nil {
				a.fail(c, err)
				return
			}
			q, err := conduct.ParseRequest(text)
			if err != nil {
				a.fail(c, err)
				return
			}
			d, err := a.opt.Policy().Decide(q)
			if err != nil {
				a.fail(c, err)
				return
			}
			c.JSON(http.StatusOK, d)
		})
	register(a, endpoint{method: http.MethodGet, path: "/v1/conduct/policy", id: "getPolicy", tag: "conduct", summary: "The conduct policy in force, signed",
		about: "The phone judges with it offline. Profiles show their sources and whether they bind."},
		func(_ context.Context, _ call, _ *struct{}) (*body[policyBundle], error) {
			p := a.opt.Policy()
			out := policyBundle{Hash: p.Hash(), Packs: []string{}, Profiles: []conduct.Profile{}, Note: policyNote}
			for _, pack := range p.Packs() {
				out.Packs = append(out.Packs, base64.StdEncoding.EncodeToString(pack))
			}
			for _, id := range p.Profiles() {
				if about, ok := p.About(id); ok {
					out.Profiles = append(out.Profiles, about)
				}
			}
			signed, err := a.opt.Audit.SignPolicy(p.Hash())
			out.Signed = signed
			return respond(out), err
		})
}

// payload is a keyed hash of what a command asks: the same key with another payload is refused.
func (a *API) payload(cmd any) [32]byte {
	text, err := json.Marshal(cmd)
	if err != nil {
		text = []byte(err.Error())
	}
	return a.opt.Hash(text)
}
