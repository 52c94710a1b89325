package httpapi

import (
	"context"
	"encoding/json"
	"math"
	"net/http"

	"doorstep/server/dispatch"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

func (a *API) progressEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/rounds/{id}/progress", roles: supervisors,
		id: "roundProgress", tag: "rounds", summary: "How a published round stands now, by team",
		about: "Stops by state, when each team is expected next, and when its agents' phones called last. A phone is " +
			"silent that has not called since the round was published, or planned anew, 15 minutes ago, or for two " +
			"hours while its team is out."}, a.roundProgress)
	a.raw(endpoint{method: http.MethodGet, path: "/v1/stream", roles: supervisors, id: "officeStream", tag: "rounds",
		summary: "Pokes when something of a branch changes (server-sent events)",
		about: "event: poke with the number of the branch's last entry, which lists changed (cases, complaints, " +
			"corrections, inbox, plans, quarantine, rounds, visits) and the rounds whose stops or visits did; on connect, " +
			"and on change at most one a second. all says: read every list again. It carries no data of cases and " +
			"persons, and ends when its " +
			"user is signed out, disabled or moved. What only time changes (holds that end, promises that break, " +
			"phones that fall silent) pokes no one: read the inbox every few minutes too."},
		func(op *huma.Operation) {
			op.Parameters = append(op.Parameters, query("branch", "Your only branch when absent.",
				&huma.Schema{Type: "string", MaxLength: ptr(64)}, false))
			op.Responses = map[string]*huma.Response{"200": answer("An event stream.", "text/event-stream", str())}
		}, a.officeStream)
}

type roundProgressIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) roundProgress(ctx context.Context, c call, in *roundProgressIn) (*body[dispatch.RoundProgress], error) {
	p, err := a.opt.Dispatch.Progress(ctx, c.actor, in.ID)
	return respond(p), err
}

// officeStream pokes a supervisor when something of a branch changes, and ends when its user is out.
func (a *API) officeStream(c *gin.Context) {
	actor := callOf(c.Request.Context()).actor
	b, err := a.branch(c.Request.Context(), actor, c.Query("branch"))
	if err != nil {
		a.fail(c, err)
		return
	}
	ctx, leave := a.whileIn(c.Request.Context(), actor)
	defer leave()
	poke := make(chan struct{}, 1)
	// Listen before saying where the branch is, so that nothing falls between.
	stop := a.opt.Journal.Subscribe(func(x journal.Committed) {
		if x.Branch != b {
			return
		}
		select {
		case poke <- struct{}{}:
		default: // it is told already
		}
	})
	defer stop()
	told := uint64(math.MaxUint64) // first only where the branch is
	a.pokes(ctx, c, poke, func() (string, error) {
		news, err := a.opt.Casework.News(ctx, b, told)
		if err != nil {
			return "", err
		}
		first := told == math.MaxUint64
		told = news.Entry
		if !first && !news.All && len(news.Changed) == 0 {
			return "", nil
		}
		text, err := json.Marshal(news)
		return string(text), err
	})
}
