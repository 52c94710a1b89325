package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo/basemap"
	"doorstep/geo/travel"
	"doorstep/openapi"
	"doorstep/server/access"
	"doorstep/server/attachments"
	"doorstep/server/audit"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/dispatch"
	"doorstep/server/figures"
	"doorstep/server/ladder"
	"doorstep/server/office"
	"doorstep/sync/journal"
	"doorstep/sync/offline"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
)

// Options of New. Everything but Log and Map is needed.
type Options struct {
	Sessions *auth.Sessions
	Office   *office.Service
	Casework *casework.Service
	Dispatch *dispatch.Service
	Audit    *audit.Log
	Access   *access.Log
	Figures  *figures.Service
	Visits   audit.Visits
	// Attachments takes in uploads.
	Attachments *attachments.Service
	// Hooks takes in what providers of texts tell, Lint judges the words of a text before it is approved, and Poke has
	// the texts of a branch looked at soon.
	Hooks   Hooks
	Lint    ladder.Lint
	Poke    func(branch auth.BranchID)
	Offline *offline.Service
	Journal *journal.Journal
	Law     Lawbook
	// Travel is where travel times come from, for problems without matrices.
	Travel travel.Source
	// Map lies under stops and territories; nil for none. The caller closes it.
	Map *basemap.Map
	// Threads are the searches that plan one problem side by side.
	Threads int
	// Hash is a keyed hash of a request, kept with its command id.
	Hash func([]byte) [32]byte
	// TrustedProxies are those whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// UnreadablePushes is how many pushes that cannot be read a device may send at once; 0: badPushBurst.
	UnreadablePushes int
	// UserCalls is how many calls a user may make at once; 0: userBurst.
	UserCalls int
	// MetricsElsewhere has GET /metrics answer 404, since the caller serves Metrics at another address.
	MetricsElsewhere bool
	// Trouble tells what callers may be told of an error of the store that is no refusal: that it may pass, as a refusal
	// of refusal.Unavailable; nil for one that will not. Nil: none may.
	Trouble func(err error) *refusal.Error
	// Ready says why the server cannot answer yet; nil when it can.
	Ready   func(ctx context.Context) error
	Version string
	Log     *slog.Logger
}

// Lawbook keeps the conduct policy.
type Lawbook interface {
	// Policy is the policy in force now.
	Policy() *conduct.Policy
	// InForce is the same, with its record and as it is published.
	InForce() (office.Policy, casework.Law)
	// Past is a policy that is or was in force, by its hash; "" is the present one. pack.no_policy.
	Past(ctx context.Context, hash string) (office.Policy, casework.Law, error)
	// Put puts a pack and Remove takes one away, in force when they return. pack.*; *refusal.Error.
	Put(ctx context.Context, ask office.Ask, name string, text []byte) error
	Remove(ctx context.Context, ask office.Ask, name string) error
	// Reviewed lists by branch the visits that were open when the policy came into force, and that it forbids.
	Reviewed() []casework.LawReview
	// PublishTo tells the phones of a branch.
	PublishTo(ctx context.Context, branch auth.BranchID) error
}

// API answers HTTP requests. Close ends the streams.
type API struct {
	opt       Options
	log       *slog.Logger
	engine    *gin.Engine
	huma      huma.API
	metrics   *metrics
	endpoints map[string]endpoint // by "METHOD template"
	// operations are the endpoints by their id.
	operations map[string]endpoint
	parts      map[string]parts // where endpoints take what they take, likewise
	devices    *auth.Limits     // requests by device
	mutations  *auth.Limits     // mutations by device
	users      *auth.Limits     // calls, by user
	badPushes  *auth.Limits     // pushes that cannot be read, by device
	pushes     *turns           // by device
	pulls      *turns
	whoChecks  whoLimits
	door       doorLimits
	pace       pace
	idle       idle

	planning chan struct{} // full while a problem is planned

	stop     chan struct{}
	stopOnce sync.Once
}

// title and about stand in the API description.
const (
	title = "Doorstep"
	about = "The backend that collection agents' phones talk to: lawful, route-optimised visit assignments; " +
		"offline sync of visits, notes, consents and repayment plans; push alerts; audit exports that prove themselves."
)

// Limits of requests by one device: a client that loops is slowed down, not served (sync/README.md, M8).
const (
	// Ten screens that are opened after a day offline pull 2,640 records in pages of 50 each at once. A loop gets 50
	// requests a second after that.
	// A user has userBurst calls at once and one each userEvery after that; devices have limits of their own.
	userEvery = 20 * time.Millisecond
	userBurst = 2000

	deviceEvery = 20 * time.Millisecond
	deviceBurst = 1000
	// An agent who was offline for a week brings some thousand mutations at once. A loop gets 500 a second after that.
	mutationEvery = 2 * time.Millisecond
	mutationBurst = 10_000
	// A push that cannot be read was made by an app that is broken, or to keep the server busy.
	badPushEvery = time.Second
	badPushBurst = 2 * pushesUnderWay
)

// setLibraries sets what gin and huma keep in variables of their packages: once, since
// several servers may be opened at the same time in one process.
var setLibraries = sync.OnceFunc(func() {
	gin.SetMode(gin.ReleaseMode)
	huma.NewError = humaProblem // huma makes its own errors through it
})

// New makes the API.
func New(o Options) *API {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setLibraries()
	a := &API{opt: o, log: o.Log, engine: gin.New(), metrics: newMetrics(), endpoints: map[string]endpoint{},
		operations: map[string]endpoint{},
		parts:      map[string]parts{},
		devices:    auth.NewLimits(deviceEvery, deviceBurst),
		users:      auth.NewLimits(userEvery, cmp.Or(o.UserCalls, userBurst)),
		mutations:  auth.NewLimits(mutationEvery, mutationBurst), pushes: newTurns(pushesUnderWay),
		badPushes: auth.NewLimits(badPushEvery, cmp.Or(o.UnreadablePushes, badPushBurst)),
		whoChecks: newWhoLimits(), door: newDoorLimits(), pulls: newTurns(pullsUnderWay), pace: defaultPace,
		planning: make(chan struct{}, 1), stop: make(chan struct{})}
	e := a.engine
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	// gin believes no header about where a request came from; address reads X-Forwarded-For.
	if err := e.SetTrustedProxies(nil); err != nil {
		panic("trusting no proxy: " + err.Error())
	}
	e.Use(a.observe, a.recover, a.secure, a.keepPace, a.textOnly, a.authenticate)
	e.NoRoute(func(c *gin.Context) {
		writeProblem(c, newProblem(http.StatusNotFound, "not_found", "there is no such endpoint; see GET /openapi.yaml"))
	})
	e.NoMethod(func(c *gin.Context) {
		writeProblem(c, newProblem(http.StatusMethodNotAllowed, "method",
			"this endpoint does not take this method; see GET /openapi.yaml"))
	})
	a.huma = humagin.New(e, humaConfig(o.Version))
	a.sessionEndpoints()
	a.factorEndpoints()
	a.userEndpoints()
	a.deviceEndpoints()
	a.officeEndpoints()
	a.whoEndpoints()
	a.doorEndpoints()
	a.consentReceiptEndpoint()
	a.leaveEndpoints()
	a.territoryEndpoints()
	a.territoryMapEndpoints()
	a.importEndpoints()
	a.caseEndpoints()
	a.officeRecordEndpoints()
	a.codeEndpoints()
	a.inboxEndpoints()
	a.checkinEndpoints()
	a.workListEndpoints()
	a.erasureEndpoints()
	a.debtorEndpoints()
	a.moveEndpoints()
	a.planEndpoints()
	a.planPreviewEndpoint()
	a.planPaperEndpoint()
	a.roundEndpoints()
	a.proposalEndpoints()
	a.progressEndpoints()
	a.routingEndpoints()
	a.conductEndpoints()
	a.packEndpoints()
	a.messageEndpoints()
	a.auditEndpoints()
	a.accessEndpoints()
	a.textEndpoints()
	a.outcomeEndpoints()
	a.figureEndpoints()
	a.agentDayEndpoints()
	a.syncEndpoints()
	a.fileEndpoints()
	a.mapEndpoints()
	a.operatorEndpoints()
	describeCodes(a.huma.OpenAPI().Components.Schemas)
	return a
}

func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig(title, version)
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Info.Description = about
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}
	c.Transformers = append(c.Transformers, func(ctx huma.Context, _ string, v any) (any, error) {
		if p, is := v.(*Problem); is {
			finish(humagin.Unwrap(ctx), p)
		}
		return v, nil
	})
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The access_token of POST /v1/sessions."}}
	c.Tags = []*huma.Tag{
		{Name: "sessions", Description: "Signing in and out."},
		{Name: "office", Description: "Users, devices, branches, lenders, territories, teams and shifts."},
		{Name: "imports", Description: "Overdue cases, territories, earlier contacts and payments."},
		{Name: "cases", Description: "Case files, holds, plans, notices, alerts and codes."},
		{Name: "messages", Description: "Texts to debtors and their replies: templates, ladders, judgement."},
		{Name: "rounds", Description: "Planning and publishing a day."},
		{Name: "sync", Description: "What agents' phones speak."},
		{Name: "map", Description: "The map that lies under stops and territories."},
		{Name: "conduct", Description: "The law at the doorstep."},
		{Name: "audit", Description: "Exports and proofs."},
		{Name: "door", Description: "Pages for the person who is visited."},
		{Name: "operation", Description: "Health, metrics and this description."}}
	return c
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.engine.ServeHTTP(w, r) }

// Metrics is the handler of the metrics, at any path.
func (a *API) Metrics() http.Handler { return a.metrics.handler() }

// Close ends the streams that phones listen to, so that the server can stop.
func (a *API) Close() {
	a.stopOnce.Do(func() { close(a.stop) })
	a.idle.close()
}

// template is the path template of a request's endpoint, as the API description has it.
func template(c *gin.Context) string {
	full := c.FullPath()
	if !strings.Contains(full, ":") && !strings.Contains(full, "*") {
		return full
	}
	parts := strings.Split(full, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") || strings.HasPrefix(p, "*") {
			parts[i] = "{" + p[1:] + "}"
		}
	}
	full = strings.Join(parts, "/")
	if full == "/v1/rounds/{id}" {
		for _, suffix := range []string{drawingSuffix, calendarSuffix} {
			if strings.HasSuffix(c.Param("id"), suffix) {
				return full + suffix
			}
		}
	}
	return full
}

// Spec is the API description (OpenAPI 3.1) as YAML, with the version of this server.
func (a *API) Spec() []byte {
	version := strconv.Quote(a.opt.Version)
	return bytes.Replace(openapi.Description, []byte("\n  version: \"1\"\n"), []byte("\n  version: "+version+"\n"), 1)
}
