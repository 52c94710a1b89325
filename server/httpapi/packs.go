package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"doorstep/server/casework"
	"doorstep/server/office"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// packList is the conduct packs in force.
type packList struct {
	Hash     string               `json:"policy_hash" doc:"sha256: and the hash of the packs, one after another, in this order."`
	Since    time.Time            `json:"since"`
	Items    []office.Pack        `json:"items" doc:"In the order in which they are read: default, then by name. Later packs replace profiles, calendars and sources of the same name."`
	Reviewed []casework.LawReview `json:"reviewed,omitempty" doc:"Visits that were open when the policy came into force and that it forbids, by branch: those taken back from the phones, and those flagged because their team was on its way or at the door. As this node found them."`
}

func (a *API) packs() packList {
	record, _ := a.opt.Law.InForce()
	return packList{record.Hash, record.Since, slices.Concat([]office.Pack{}, record.Packs), a.opt.Law.Reviewed()}
}

// signingKey is the public key of what this deployment signs.
type signingKey struct {
	Key string `json:"key" example:"doorstep+1d2e3f40+AcQXx"`
}

// yamlTypes are what packs are sent as.
var yamlTypes = []string{"application/yaml", "application/x-yaml", "text/yaml", "application/json"}

func (a *API) packEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/conduct/key", roles: everyone, id: "getPolicyKey",
		tag:     "conduct",
		summary: "The public key that the conduct policy is signed with, as checkpoints and exports are",
		about: "A verifier key of signed notes: a name, four bytes of key hash in hexadecimal, and base64 of the byte " +
			"1 (Ed25519) and the 32 bytes of the key, joined by +. Get it once and keep it: a key fetched beside " +
			"what it is to verify proves nothing."}, a.getPolicyKey)
	register(a, endpoint{method: http.MethodGet, path: "/v1/conduct/packs", roles: everyone, id: "listPacks",
		tag: "conduct", summary: "The conduct packs in force"}, a.listPacks)
	name := &huma.Param{Name: "name", In: "path", Required: true, Schema: &huma.Schema{Type: "string", MaxLength: ptr(64)}}
	a.raw(endpoint{method: http.MethodGet, path: "/v1/conduct/packs/{name}", roles: everyone, id: "getPack",
		tag: "conduct", summary: "A conduct pack as it was written"},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, name)
			op.Responses = map[string]*huma.Response{"200": answer("The pack.", "application/yaml", str())}
		},
		a.getPack)
	a.raw(endpoint{method: http.MethodPut, path: "/v1/conduct/packs/{name}", roles: admins, id: "putPack",
		tag: "conduct", summary: "Put a conduct pack in force", body: office.MaxPackBytes,
		about: "YAML or JSON of the schema conduct-policy/v1. A pack with nothing but a calendar or one profile is a " +
			"pack: it replaces that calendar or profile as a whole. What is wrong with it is a 400 that names " +
			"lines and places; nothing changes then. When this answers, the policy is judged by and every branch's " +
			"phones are told, and visits that are open are judged by it: `reviewed` says which it " +
			"took back; policies of the past stay at GET /v1/conduct/policy?hash=. The pack named default " +
			"replaces what ships."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, name)
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/yaml": {Schema: str()}, "application/json": {Schema: free("a pack of the schema " +
					"conduct-policy/v1, checked by its reader")}}}
			op.Responses = map[string]*huma.Response{"200": answer("The packs now in force.", "application/json",
				a.schema(packList{}))}
		}, a.putPack)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/conduct/packs/{name}", roles: admins,
		id: "deletePack", tag: "conduct", summary: "Take a conduct pack away",
		about: "Taking default away brings back what ships. A pack stays while a case or a branch names a profile that " +
			"would vanish with it: 409 conduct.profile_gone. So do base and house-visit."}, a.deletePack)
}

func (a *API) putPack(c *gin.Context) {
	text, err := readBody(c, office.MaxPackBytes, yamlTypes...)
	if err != nil {
		a.fail(c, err)
		return
	}
	if text == nil {
		text = []byte{}
	}
	who := callOf(c.Request.Context())
	if who.key != "" {
		who.payload = a.payload([]any{"putPack", c.Param("name"), text})
	}
	if err := a.opt.Law.Put(c.Request.Context(), ask(who), c.Param("name"), text); err != nil {
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, a.packs())
}

func (a *API) getPolicyKey(_ context.Context, _ call, _ *struct{}) (*body[signingKey], error) {
	return respond(signingKey{a.opt.Audit.PublicKey()}), nil
}

func (a *API) listPacks(_ context.Context, _ call, _ *struct{}) (*body[packList], error) {
	return respond(a.packs()), nil
}

type deletePackIn struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *API) deletePack(ctx context.Context, c call, in *deletePackIn) (*body[packList], error) {
	if err := a.opt.Law.Remove(ctx, ask(c), in.Name); err != nil {
		return nil, err
	}
	return respond(a.packs()), nil
}

func (a *API) getPack(c *gin.Context) {
	_, law := a.opt.Law.InForce()
	for _, pack := range law.Policy.Packs() {
		if pack.Name == c.Param("name") {
			c.Data(http.StatusOK, "application/yaml", pack.Text)
			return
		}
	}
	writeProblem(c, newProblem(http.StatusNotFound, "pack.not_found", "no such pack is in force"))
}
