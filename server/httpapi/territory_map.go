// One file because a map of territories is read, checked and answered as a whole.

package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/server/office"

	"github.com/danielgtaylor/huma/v2"
)

// coverageBody is office.Coverage in JSON.
type coverageBody struct {
	Branch      string          `json:"branch"`
	Cases       int             `json:"cases" doc:"Open cases of the branch."`
	Outside     int             `json:"outside" doc:"Of them, in no territory."`
	NoPosition  int             `json:"no_position" doc:"Without a position of the home."`
	OwnTeam     int             `json:"own_team" doc:"Given to a team by hand, whatever the territory; they count nowhere else here."`
	MeanMinutes float64         `json:"mean_minutes" doc:"Expected work of a territory, in minutes."`
	MaxOff      float64         `json:"max_deviation" doc:"The largest deviation from the mean, as a share of it."`
	Territories []TerritoryLoad `json:"territories"`
	Overlaps    []commonBody    `json:"overlaps" doc:"A case where territories lie over each other, or on a common border, is the first one's by id."`
	Clusters    []clusterBody   `json:"clusters" doc:"Groups of open cases outside every territory, the largest first."`
	Holes       []holeBody      `json:"holes" doc:"Ground that the territories go round and none has, the largest first."`
}

// TerritoryLoad is a territory's share of the work.
type TerritoryLoad struct {
	ID          string  `json:"id"`
	Name        string  `json:"name,omitempty"`
	Cases       int     `json:"cases" doc:"Open cases."`
	Placed      int     `json:"placed_by_hand" doc:"Of them, those that a supervisor placed: no border moves them."`
	Minutes     float64 `json:"minutes" doc:"Expected work of all of them: at the door, finding it, and the way."`
	Deviation   float64 `json:"deviation" doc:"From the mean, as a share of it."`
	Area        float64 `json:"area_m2"`
	Compactness float64 `json:"compactness" doc:"4π area/perimeter² (Polsby-Popper): 1 for a circle, 0.79 for a square."`
	Parts       int     `json:"parts" doc:"Separate pieces of ground."`
	Gone        bool    `json:"gone,omitempty" doc:"There is no such territory any more; a supervisor placed the cases in it."`
}

type commonBody struct {
	A        string          `json:"a" doc:"Has the cases."`
	B        string          `json:"b"`
	Area     float64         `json:"area_m2"`
	Cases    int             `json:"cases" doc:"Open cases in both."`
	At       []float64       `json:"at,omitempty" doc:"A point in both, [lon, lat]."`
	Geometry json.RawMessage `json:"geometry,omitempty" doc:"The common ground, as a GeoJSON geometry; the 200 largest have one."`
}

type clusterBody struct {
	At      []float64 `json:"at" doc:"[lon, lat], the middle of the cases."`
	Radius  float64   `json:"radius_m"`
	Cases   int       `json:"cases"`
	Minutes float64   `json:"minutes"`
	Some    []string  `json:"examples" doc:"Up to ten of the cases."`
	Nearest string    `json:"nearest,omitempty" doc:"The nearest territory."`
	Metres  float64   `json:"nearest_m,omitempty"`
}

type holeBody struct {
	Area     float64         `json:"area_m2"`
	Cases    int             `json:"cases"`
	At       []float64       `json:"at"`
	Geometry json.RawMessage `json:"geometry"`
}

type balanceBody struct {
	Branch      string          `json:"branch,omitempty" maxLength:"64" doc:"Your only branch when absent."`
	K           *int            `json:"k,omitempty" minimum:"1" maximum:"100" doc:"Into how many territories; as many as are divided when absent."`
	Territories []string        `json:"territories,omitempty" maxItems:"200" doc:"Divide the ground of these anew, the others stay; all when absent."`
	Over        string          `json:"over,omitempty" enum:"territories,cases" doc:"What is divided: the ground of the territories (as when absent), or the hull of all open cases' homes with 250 m to spare."`
	Area        json.RawMessage `json:"area,omitempty" doc:"What is divided, as a GeoJSON Polygon or MultiPolygon, instead."`
	Borders     string          `json:"borders,omitempty" enum:"keep,anew" doc:"keep (as when absent): few cases change hands; anew: present borders do not count."`
	Measure     string          `json:"measure,omitempty" enum:"minutes" doc:"What is shared out equally: expected minutes."`
	SpeedKmh    *float64        `json:"speed_kmh,omitempty" doc:"From door to door, all stops included: 1 to 130; 20 when absent."`
	Seed        int             `json:"seed,omitempty" minimum:"0" doc:"The same request, map, cases and seed give the same proposal."`
}

// proposalBody is a FeatureCollection with members of its own, as RFC 7946 allows.
type proposalBody struct {
	Type     string            `json:"type" enum:"FeatureCollection"`
	Features []proposalFeature `json:"features"`
	Branch   string            `json:"branch"`
	BasedOn  string            `json:"based_on" doc:"Names the map the proposal was made from. Sent back with it, it keeps a newer map from being overwritten."`
	Removed  []string          `json:"removed" doc:"Territories that would be no more."`
	Teams    []moveAnswer      `json:"teams" doc:"Teams that work a territory that would be no more, and what each would work instead. Sent back with the map, they are moved with it: edit territories as you like."`
	Stranded []strandedAnswer  `json:"stranded" doc:"Open cases that a supervisor placed by hand in a territory that would be no more. They do not follow their homes, and only a team of the whole branch would visit them: place each anew with POST /v1/cases/{id}/reassign, in another territory, or with an empty territory where its home lies."`
	Summary  proposalSummary   `json:"summary"`
}

type moveAnswer struct {
	Team        string   `json:"team"`
	Name        string   `json:"name,omitempty"`
	Works       []string `json:"works" doc:"What it works now. Sent back, it is moved only if that is still so."`
	Removed     []string `json:"removed" doc:"Territories it works that would be no more."`
	Territories []string `json:"territories" doc:"What it would work: what it keeps, and the territories that have most of the cases of those removed. Empty when nothing takes their place: then say which."`
}

type strandedAnswer struct {
	Territory string   `json:"territory" doc:"It would be no more."`
	Refs      []string `json:"case_ids"`
}

// moveBody is a team that is moved with a map; a proposal says more of it.
type moveBody struct {
	_           struct{} `additionalProperties:"true"`
	Team        string   `json:"team" maxLength:"64"`
	Works       []string `json:"works,omitempty" maxItems:"200" doc:"What it works now, as a proposal says: when that has changed, the map is refused (territory.map_changed). Absent: whatever it works."`
	Territories []string `json:"territories" maxItems:"200" doc:"All it works then, of this map."`
}

type proposalFeature struct {
	Type       string             `json:"type" enum:"Feature"`
	ID         string             `json:"id"`
	Properties proposalProperties `json:"properties"`
	Geometry   json.RawMessage    `json:"geometry"`
}

// proposalProperties are a territory's own, and what is proposed about it.
type proposalProperties struct {
	_        struct{} `additionalProperties:"true"`
	own      map[string]any
	Proposal proposalOf `json:"proposal"`
}

// MarshalJSON writes the territory's own properties beside the proposal.
func (p proposalProperties) MarshalJSON() ([]byte, error) {
	out := map[string]any{"proposal": p.Proposal}
	for k, v := range p.own {
		if k != "proposal" {
			out[k] = v
		}
	}
	return json.Marshal(out)
}

type proposalOf struct {
	TerritoryLoad
	Divided bool     `json:"divided" doc:"It is one of the territories that were divided."`
	New     bool     `json:"new"`
	Kept    bool     `json:"unchanged" doc:"Its ground is as it was."`
	Gained  int      `json:"cases_gained"`
	Lost    int      `json:"cases_lost"`
	Refs    []string `json:"case_ids"`
}

type proposalSummary struct {
	Cases       int     `json:"cases" doc:"Open cases that a territory has, now or then."`
	Moved       int     `json:"cases_moved" doc:"Of them, those whose territory changes."`
	MovedShare  float64 `json:"moved_share"`
	Outside     int     `json:"cases_outside" doc:"Cases outside every proposed territory."`
	MeanMinutes float64 `json:"mean_minutes" doc:"Expected work of a territory that was divided."`
	MaxOff      float64 `json:"max_deviation" doc:"The largest deviation from the mean, as a share of it."`
	WasOff      float64 `json:"max_deviation_before" doc:"That of the territories that were divided as they are now, at speed_kmh. Where all are divided and speed_kmh is 20 or absent, it is max_deviation of GET /v1/territories/coverage."`
	Compactness float64 `json:"mean_compactness" doc:"Of those that were divided."`
}

type mapBody struct {
	_        struct{}      `additionalProperties:"true"` // the other members of a proposal
	Type     string        `json:"type" enum:"FeatureCollection"`
	Features []featureBody `json:"features"`
	BasedOn  string        `json:"based_on,omitempty" maxLength:"64" doc:"As a proposal gave it: refused when the map has changed since."`
	Teams    []moveBody    `json:"teams,omitempty" maxItems:"500" doc:"Teams that get other territories together with the map, such as those whose territories it removes. A map that is already so moves nobody."`
}

// mapCheck is what a map would do.
type mapCheck struct {
	BasedOn  string           `json:"based_on" doc:"Names the map there is now. Sent with the new map, it keeps a newer one from being overwritten."`
	Coverage coverageBody     `json:"coverage" doc:"Of the new map."`
	Removed  []string         `json:"removed" doc:"Territories that would be no more."`
	New      []string         `json:"new" doc:"Territories that there were not."`
	Teams    []moveAnswer     `json:"teams" doc:"Teams that work a territory that would be no more, and what each could work instead: send them with the map."`
	Stranded []strandedAnswer `json:"stranded" doc:"Open cases that a supervisor placed by hand in a territory that would be no more."`
	Cases    int              `json:"cases" doc:"Open cases that a territory has, now or then."`
	Moved    int              `json:"cases_moved" doc:"Of them, those whose territory changes."`
}

type mapReport struct {
	Accepted  int           `json:"accepted"`
	Updated   int           `json:"updated"`
	Unchanged int           `json:"unchanged"`
	Removed   int           `json:"removed"`
	Moved     int           `json:"cases_moved" doc:"Open cases that lie in another territory than before."`
	Overlaps  []overlapBody `json:"overlaps,omitempty" doc:"Territories that lie over each other: the first by id has the cases there."`
}

// rounded keeps answers readable: no more digits than mean anything.
func rounded(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

func pointAnswer(p geo.Point) []float64 { return []float64{rounded(p.Lon, 7), rounded(p.Lat, 7)} }

func loadAnswer(l office.Load) TerritoryLoad {
	return TerritoryLoad{ID: l.ID, Name: l.Name, Cases: l.Cases, Placed: l.Placed, Minutes: rounded(l.Minutes, 1),
		Deviation: rounded(l.Deviation, 4),
		Area:      rounded(l.SquareMetres, 0), Compactness: rounded(l.Compactness, 3), Parts: l.Parts, Gone: l.Gone}
}

// work reads a branch's open cases for the map.
func (a *API) work(ctx context.Context, b auth.BranchID) ([]office.Work, error) {
	cases, err := a.opt.Casework.OpenCases(ctx, b)
	out := make([]office.Work, len(cases))
	for i, c := range cases {
		out[i] = office.Work{Case: string(c.Case), Home: c.Home, HasHome: c.HasHome, ServiceMin: c.ServiceMin,
			Territory: c.Territory, Pinned: c.Pinned, Team: c.Team}
	}
	return out, err
}

func (a *API) territoryMapEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/territories/coverage", roles: supervisors,
		id: "reportCoverage", tag: "office", summary: "Overlaps, gaps and work of the territories",
		about: "How the territories share out the branch's open cases, where they lie over each other, and what they " +
			"leave out."}, a.reportCoverage)
	register(a, endpoint{method: http.MethodPost, path: "/v1/territories/balance", roles: supervisors,
		id: "balanceTerritories", tag: "office", summary: "Propose territories of equal work", body: 4 << 20,
		about: "Divides an area into k compact territories of equal expected minutes, with as few cases as possible " +
			"changing hands. Nothing is changed: to accept the proposal, edited or not, send it to `PUT " +
			"/v1/territories`. Territories keep their ids, so that teams keep theirs; new ones have new ids and no " +
			"team yet. Teams whose territories would be removed are listed with what they would work instead, and " +
			"the cases a supervisor placed by hand in such a territory under `stranded`: accepting the proposal " +
			"leaves them there, where only a team of the whole branch visits them (coverage shows the territory as " +
			"`gone`), until `POST /v1/cases/{id}/reassign` places each anew, before or after. One branch's " +
			"proposal may take half a minute when there are very many cases."}, a.balanceTerritories)
	register(a, endpoint{method: http.MethodPut, path: "/v1/territories", roles: supervisors,
		id: "replaceTerritories", tag: "office", summary: "Replace the whole map, or accept a proposal",
		body: geo.MaxFeatureBytes / 4,
		about: "The features become the branch's territories: others are removed. What a team works is not removed " +
			"(409 territory.in_use, which names all such teams) unless `teams` gives it others of the map, as a " +
			"proposal does. All or nothing, but for maps of more than 384 kB; sending it again changes nothing and " +
			"completes what a break left undone. Open cases follow their homes, but for those a supervisor placed " +
			"by hand. The property `proposal` is not kept."}, a.replaceTerritories)
	register(a, endpoint{method: http.MethodPost, path: "/v1/territories/check", roles: supervisors,
		id: "checkTerritories", tag: "office", summary: "Say what a map would do, before it is saved",
		body: geo.MaxFeatureBytes / 4,
		about: "Takes the whole map as `PUT /v1/territories` does, and answers with its coverage, the cases that would " +
			"change hands, and the teams and cases that it would leave behind. Nothing is changed. Features that cannot be " +
			"a territory are refused with their place, as there."}, a.checkTerritories)
	register(a, endpoint{method: http.MethodGet, path: "/v1/territories/staffing", roles: supervisors,
		id: "reportStaffing", tag: "office", summary: "Who works where on a date",
		about: "By the teams' shifts of the date: a shift's territories come before its team's."}, a.reportStaffing)
}

func coverageAnswer(b auth.BranchID, c office.Coverage) (coverageBody, error) {
	out := coverageBody{Branch: string(b), Cases: c.Cases, Outside: c.Outside, NoPosition: c.NoPosition,
		OwnTeam:     c.OwnTeam,
		MeanMinutes: rounded(c.Mean, 1), MaxOff: rounded(c.MaxOff,
			4), Territories: []TerritoryLoad{}, Overlaps: []commonBody{}, Clusters: []clusterBody{}, Holes: []holeBody{}}
	for _, l := range c.Territories {
		out.Territories = append(out.Territories, loadAnswer(l))
	}
	for _, o := range c.Overlaps {
		x := commonBody{A: o.A, B: o.B, Area: rounded(o.SquareMetres, 0), Cases: o.Cases}
		if !o.Shape.Empty() {
			x.At = pointAnswer(o.Shape.Inside())
			var err error
			if x.Geometry, err = json.Marshal(o.Shape); err != nil {
				return out, err
			}
		}
		out.Overlaps = append(out.Overlaps, x)
	}
	for _, k := range c.Clusters {
		out.Clusters = append(out.Clusters, clusterBody{At: pointAnswer(k.Middle), Radius: rounded(k.Radius, 0),
			Cases: k.Cases, Minutes: rounded(k.Minutes, 1),
			Some: k.Some, Nearest: k.Nearest, Metres: rounded(k.Metres, 0)})
	}
	for _, h := range c.Holes {
		geometry, err := json.Marshal(h.Shape)
		if err != nil {
			return out, err
		}
		out.Holes = append(out.Holes, holeBody{Area: rounded(h.SquareMetres, 0), Cases: h.Cases,
			At: pointAnswer(h.Shape.Inside()), Geometry: geometry})
	}
	return out, nil
}

func proposalAnswer(b auth.BranchID, p office.Proposal) (proposalBody, error) {
	out := proposalBody{Type: "FeatureCollection", Features: []proposalFeature{}, Branch: string(b), BasedOn: p.BasedOn,
		Removed: p.Removed, Teams: []moveAnswer{}, Stranded: []strandedAnswer{},
		Summary: proposalSummary{Cases: p.Cases, Moved: p.Moved, Outside: p.Outside, MeanMinutes: rounded(p.Mean, 1),
			MaxOff: rounded(p.MaxOff, 4), WasOff: rounded(p.WasOff, 4)}}
	if out.Removed == nil {
		out.Removed = []string{}
	}
	for _, m := range p.Moves {
		out.Teams = append(out.Teams, moveAnswer{Team: m.Team, Name: m.Name, Works: m.Works, Removed: m.Removed,
			Territories: slices.Concat([]string{}, m.Territories)})
	}
	for _, x := range p.Stranded {
		out.Stranded = append(out.Stranded, strandedAnswer{x.Territory, x.CaseIDs})
	}
	if p.Cases > 0 {
		out.Summary.MovedShare = rounded(float64(p.Moved)/float64(p.Cases), 4)
	}
	divided := 0
	for _, t := range p.Territories {
		f, err := featureOf(t.Territory)
		if err != nil {
			return out, err
		}
		own := map[string]any{}
		if err := json.Unmarshal(f.Properties, &own); err != nil {
			return out, err
		}
		refs := t.CaseIDs
		if refs == nil {
			refs = []string{}
		}
		out.Features = append(out.Features, proposalFeature{Type: "Feature", ID: f.ID, Geometry: f.Geometry,
			Properties: proposalProperties{own: own,
				Proposal: proposalOf{loadAnswer(t.Load), t.Divided, t.New, t.Kept, t.Gained, t.Lost, refs}}})
		if t.Divided {
			out.Summary.Compactness += t.Compactness
			divided++
		}
	}
	out.Summary.Compactness = rounded(out.Summary.Compactness/float64(max(1, divided)), 3)
	return out, nil
}

func movesOf(in []moveBody) []office.Move {
	out := make([]office.Move, len(in))
	for i, m := range in {
		out[i] = office.Move{Team: m.Team, Works: m.Works, Territories: m.Territories}
	}
	return out
}

// mapOf reads a whole map; a feature that cannot be used spoils it all.
func mapOf(in mapBody, b auth.BranchID) ([]office.Territory, error) {
	raw, err := json.Marshal(collectionBody{Type: "FeatureCollection", Features: in.Features})
	if err != nil {
		return nil, err
	}
	features, err := geo.ReadFeatures(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	out := make([]office.Territory, len(features))
	for i, f := range features {
		if f.Err != nil {
			return nil, f.Err
		}
		if of, ok := f.Properties["branch"].(string); ok && of != string(b) {
			return nil, newProblem(http.StatusUnprocessableEntity, "territory.branch",
				"a feature names another branch; leave the property out, or send the map to that branch").at(
				fmt.Sprintf("body.features[%d].properties.branch", i), "not the branch of this map")
		}
		if out[i], err = territoryOf(f, b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type reportCoverageIn struct {
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) reportCoverage(ctx context.Context, c call, in *reportCoverageIn) (*body[coverageBody], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	work, err := a.work(ctx, b)
	if err != nil {
		return nil, err
	}
	report, err := a.opt.Office.Coverage(ctx, b, work)
	if err != nil {
		return nil, err
	}
	out, err := coverageAnswer(b, report)
	return respond(out), err
}

type balanceTerritoriesIn struct {
	Body balanceBody
}

func (a *API) balanceTerritories(ctx context.Context, c call, in *balanceTerritoriesIn) (*body[proposalBody], error) {
	b, err := a.bodyBranch(ctx, c.actor, in.Body.Branch)
	if err != nil {
		return nil, err
	}
	ask := office.Balancing{Branch: b, Territories: in.Body.Territories, AllCases: in.Body.Over == "cases",
		Seed: uint64(in.Body.Seed), Anew: in.Body.Borders == "anew", SpeedKmh: in.Body.SpeedKmh}
	if in.Body.K != nil {
		ask.Parts = *in.Body.K
	}
	if len(in.Body.Area) > 0 && string(in.Body.Area) != "null" {
		if ask.Area, err = shapeIn("area", in.Body.Area); err != nil {
			return nil, err
		}
	}
	work, err := a.work(ctx, b)
	if err != nil {
		return nil, err
	}
	p, err := a.opt.Office.Balance(ctx, ask, work)
	if err != nil {
		return nil, err
	}
	out, err := proposalAnswer(b, p)
	return respond(out), err
}

// checkTerritories says what a map would do.
func (a *API) checkTerritories(ctx context.Context, c call, in *replaceTerritoriesIn) (*body[mapCheck], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	next, err := mapOf(in.Body, b)
	if err != nil {
		return nil, err
	}
	work, err := a.work(ctx, b)
	if err != nil {
		return nil, err
	}
	r, err := a.opt.Office.Redraw(ctx, b, next, work)
	if err != nil {
		return nil, err
	}
	whole, err := proposalAnswer(b, r.Proposal)
	if err != nil {
		return nil, err
	}
	out := mapCheck{BasedOn: whole.BasedOn, Removed: whole.Removed, New: []string{}, Teams: whole.Teams,
		Stranded: whole.Stranded, Cases: whole.Summary.Cases, Moved: whole.Summary.Moved}
	if out.Removed == nil {
		out.Removed = []string{}
	}
	for _, f := range whole.Features {
		if f.Properties.Proposal.New {
			out.New = append(out.New, f.ID)
		}
	}
	out.Coverage, err = coverageAnswer(b, r.Coverage)
	return respond(out), err
}

type replaceTerritoriesIn struct {
	Branch string `query:"branch" maxLength:"64"`
	Body   mapBody
}

func (a *API) replaceTerritories(ctx context.Context, c call, in *replaceTerritoriesIn) (*body[mapReport], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	next, err := mapOf(in.Body, b)
	if err != nil {
		return nil, err
	}
	done, err := a.opt.Office.ReplaceTerritories(ctx, ask(c), b, in.Body.BasedOn, next, movesOf(in.Body.Teams))
	if err != nil {
		return nil, err
	}
	out := mapReport{Accepted: done.Accepted, Updated: done.Updated, Unchanged: done.Unchanged, Removed: done.Removed}
	// Also when nothing changed: an earlier try may have ended before all cases had moved.
	if out.Moved, err = a.opt.Casework.RedrawAll(ctx, auth.System(), b); err != nil {
		return nil, err
	}
	index, err := a.opt.Office.Index(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, o := range index.Overlaps() {
		out.Overlaps = append(out.Overlaps, overlapBody{o.A, o.B, o.SquareMetres})
	}
	return respond(out), nil
}

// opened notes why a schema leaves members open.
func opened(s *huma.Schema, why string) *huma.Schema {
	s.Extensions = map[string]any{openReason: why}
	return s
}

// TransformSchema says why a map may have other members.
func (mapBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return opened(s, "a proposal is sent back as it was given, with members that mean nothing here")
}

// TransformSchema says why a team of a map may have other members.
func (moveBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return opened(s, "a proposal is sent back as it was given, with members that mean nothing here")
}

// TransformSchema says why the properties of a feature may have other members.
func (proposalProperties) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return opened(s, "a territory keeps the properties that it was drawn with")
}
