package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// policyBundle is a policy as it was written.
type policyBundle struct {
	Hash     string            `json:"policy_hash" doc:"sha256: and the hash of the packs, one after another."`
	Since    time.Time         `json:"since" doc:"When it was put in force, the last time if more than once."`
	Packs    []string          `json:"packs" doc:"conduct-policy/v1 as YAML, base64, in the order in which they are read."`
	Names    []string          `json:"names" doc:"The packs' names."`
	Profiles []conduct.Profile `json:"profiles"`
	Sources  []conduct.Source  `json:"sources" doc:"What cite names: the laws and guidelines on which rules rest, by key."`
	Note     string            `json:"note" doc:"A start for counsel to check, not legal advice."`
	Signed   string            `json:"signed" doc:"A signed note over the hash and the parts that phones get; its key is at GET /v1/conduct/key."`
}

// decideTime is how long one question may be searched for the next lawful time.
const decideTime = 2 * time.Second

const policyNote = "A start for counsel to check, not legal advice."

func (a *API) conductEndpoints() {
	b := schemasOf(a.huma.OpenAPI().Components.Schemas)
	a.raw(endpoint{method: http.MethodPost, path: "/v1/conduct/decisions", roles: everyone, id: "decide",
		tag: "conduct", summary: "Is this contact lawful?",
		about: "Pure: nothing is looked up or stored. A member that is null counts as absent. Words outside the closed " +
			"lists are a 400 with the place and what is allowed, never an allow; flags, scopes and tags are those of the " +
			"policy that judges (GET /v1/codes has those of the one in force). At most 8 different zones, 50 no-contact " +
			"times after those that meet are joined, and 10,000 contacts. A search for the next lawful " +
			"time that takes over 2 seconds is a 422 conduct.too_costly."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters,
				query("policy_hash", "Judge by a policy of the past, as a stored decision names it; the one in force when absent.",
					str(), false))
			op.RequestBody = &huma.RequestBody{Required: true,
				Content: map[string]*huma.MediaType{"application/json": {Schema: b.conductQuestion()}}}
			op.Responses = map[string]*huma.Response{"200": answer("The decision, and all it rests on.", "application/json",
				b.conductDecision())}
		},
		a.decide)
	a.raw(endpoint{method: http.MethodPost, path: "/v1/conduct/day", roles: everyone, id: "decideDay",
		tag: "conduct", summary: "When on a day is this contact lawful?",
		about: "A question as POST /v1/conduct/decisions takes it, judged at every instant of the local date on which the " +
			"act would begin, in the debtor's first zone. The bands follow one another without gaps; each has the first " +
			"reason and its rule. Nothing is looked up or stored."},
		func(op *huma.Operation) {
			op.RequestBody = &huma.RequestBody{Required: true,
				Content: map[string]*huma.MediaType{"application/json": {Schema: b.conductQuestion()}}}
			op.Responses = map[string]*huma.Response{"200": answer("The day in bands.", "application/json",
				a.schema(conductDay{}))}
		},
		a.decideDay)
	register(a, endpoint{method: http.MethodGet, path: "/v1/conduct/rules", roles: everyone, id: "listRules",
		tag: "conduct", summary: "What the rules in force stop",
		about: "The rules of all profiles that have a reason of their own, by profile and in the order in which they are " +
			"judged, with the sources that they cite. The packs have the whole text: GET /v1/conduct/packs."}, a.listRules)
	register(a, endpoint{method: http.MethodGet, path: "/v1/conduct/policy", roles: everyone, id: "getPolicy",
		tag: "conduct", summary: "A conduct policy as it was written, signed",
		about: "The one in force, or one of the past by the hash that a stored decision names. Profiles show their " +
			"sources and whether they bind. Phones get it by their feed."}, a.getPolicy)
}

// conductDay is the answer to a question about a day.
type conductDay struct {
	PolicyHash string        `json:"policy_hash"`
	Date       string        `json:"date" format:"date" doc:"Local to the zone."`
	Zone       string        `json:"zone" doc:"The debtor's first zone."`
	Bands      []conductBand `json:"bands" doc:"In order, without gaps; none for a date that the zone skipped."`
}

type conductBand struct {
	From     time.Time `json:"from" doc:"UTC."`
	To       time.Time `json:"to" doc:"The end does not belong to it."`
	Decision string    `json:"decision" enum:"allow,deny"`
	Reason   string    `json:"reason,omitempty" doc:"Of the first rule that forbids the act; absent: it is allowed."`
	Rule     string    `json:"rule,omitempty" doc:"The first rule that forbids the act; absent: it is allowed."`
	Cite     []string  `json:"cite" doc:"Keys of the sources of the first rule."`
}

// rulesBody is the rules in force, for people.
type rulesBody struct {
	PolicyHash string             `json:"policy_hash"`
	Profiles   []conduct.Profile  `json:"profiles"`
	Rules      []conduct.ToldRule `json:"rules" doc:"By profile, and in the order in which they are judged."`
	Sources    []conduct.Source   `json:"sources" doc:"What cite names, by key."`
	Note       string             `json:"note" doc:"A start for counsel to check, not legal advice."`
}

func (a *API) listRules(_ context.Context, _ call, _ *struct{}) (*body[rulesBody], error) {
	_, law := a.opt.Law.InForce()
	p := law.Policy
	out := rulesBody{PolicyHash: p.Hash(), Profiles: []conduct.Profile{}, Rules: p.Rules(), Sources: p.Sources(),
		Note: policyNote}
	for _, id := range p.Profiles() {
		if about, ok := p.About(id); ok {
			about.Kept = nil
			out.Profiles = append(out.Profiles, about)
		}
	}
	return respond(out), nil
}

// payload is a keyed hash of what a command asks: the same key with another payload is refused.
func (a *API) payload(cmd any) [32]byte {
	text, err := json.Marshal(cmd)
	if err != nil {
		text = []byte(err.Error())
	}
	return a.opt.Hash(text)
}

type getPolicyIn struct {
	Hash string `query:"hash" maxLength:"80" doc:"sha256: and 64 hexadecimal digits; the policy in force when absent."`
}

func (a *API) getPolicy(ctx context.Context, _ call, in *getPolicyIn) (*body[policyBundle], error) {
	record, law, err := a.opt.Law.Past(ctx, in.Hash)
	if err != nil {
		return nil, err
	}
	p := law.Policy
	out := policyBundle{Hash: p.Hash(), Since: record.Since, Packs: []string{}, Names: []string{},
		Profiles: []conduct.Profile{}, Sources: p.Sources(), Note: policyNote, Signed: law.Signed}
	for _, pack := range p.Packs() {
		out.Packs = append(out.Packs, base64.StdEncoding.EncodeToString(pack.Text))
		out.Names = append(out.Names, pack.Name)
	}
	for _, id := range p.Profiles() {
		if about, ok := p.About(id); ok {
			out.Profiles = append(out.Profiles, about)
		}
	}
	return respond(out), nil
}

func (a *API) decide(c *gin.Context) {
	q, ok := a.question(c)
	if !ok {
		return
	}
	_, law, err := a.opt.Law.Past(c.Request.Context(), c.Query("policy_hash"))
	if err != nil {
		a.fail(c, err)
		return
	}
	ctx, stop := context.WithTimeout(c.Request.Context(), decideTime)
	defer stop()
	d, err := law.Policy.Decide(ctx, q)
	if err != nil {
		a.fail(c, tooCostly(c, err))
		return
	}
	c.JSON(http.StatusOK, d)
}

func (a *API) decideDay(c *gin.Context) {
	q, ok := a.question(c)
	if !ok {
		return
	}
	_, law := a.opt.Law.InForce()
	ctx, stop := context.WithTimeout(c.Request.Context(), decideTime)
	defer stop()
	d, err := law.Policy.Day(ctx, q)
	if err != nil {
		a.fail(c, tooCostly(c, err))
		return
	}
	out := conductDay{PolicyHash: law.Policy.Hash(), Date: d.Date, Zone: d.Zone, Bands: []conductBand{}}
	for _, b := range d.Bands {
		out.Bands = append(out.Bands, conductBand(b))
	}
	c.JSON(http.StatusOK, out)
}

// question reads a question of the law; ok is false where it has been refused.
func (a *API) question(c *gin.Context) (q conduct.Request, ok bool) {
	text, err := readJSON(c, maxBody, "application/json")
	if err == nil {
		q, err = conduct.ParseRequest(text)
	}
	if err != nil {
		a.fail(c, err)
	}
	return q, err == nil
}

// tooCostly is the error of a question that could not be answered within decideTime; others stay what they are.
func tooCostly(c *gin.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && c.Request.Context().Err() == nil {
		return refusal.New(refusal.Invalid, "conduct.too_costly", "",
			"this could not be answered within %s: ask about fewer zones, no-contact times, consents or contacts", decideTime)
	}
	return err
}
