package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/doorway"
	"doorstep/server/office"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// Limits of checks at /who. A person types a few. Three codes of a million are right at a time, so a guesser finds one
// of a badge after 230 days from one address, and after 39 from everywhere, on average.
const (
	checkEvery      = time.Minute
	checkBurst      = 10
	checksOfBadge   = 100
	badgeEvery      = 10 * time.Second
	mostWhoForm     = 4 << 10
	whoPath         = "/who"
	waitWhenTrouble = time.Minute
)

// whoLimits count checks.
type whoLimits struct {
	byBoth, byBadge, byAddress *auth.Limits
}

func newWhoLimits() whoLimits {
	return whoLimits{auth.NewLimits(checkEvery, checkBurst), auth.NewLimits(badgeEvery, checksOfBadge),
		auth.NewLimits(badgeEvery, checksOfBadge)}
}

// allow takes a check of a badge from an address.
func (l whoLimits) allow(address, badge string, now time.Time) (wait time.Duration, ok bool) {
	if wait, ok = l.byAddress.Allow(address, now); !ok {
		return wait, false
	}
	if wait, ok = l.byBoth.Allow(address+" "+badge, now); !ok {
		return wait, false
	}
	return l.byBadge.Allow(badge, now)
}

func (a *API) whoEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/firm", roles: everyone, id: "getFirm", tag: "office",
		summary: "Read who collects", about: "All members are empty when nobody has said so yet."}, a.getFirm)
	register(a, endpoint{method: http.MethodPut, path: "/v1/firm", roles: admins, id: "putFirm", tag: "office",
		summary: "Say who collects", about: "The page /who tells it to anybody who asks about an agent."}, a.putFirm)
	register(a, endpoint{method: http.MethodGet, path: "/v1/users/me/code", roles: agents, id: "getMyCode", tag: "sync",
		summary: "The six digits that prove an agent at the door",
		about: "The phone shows them, and anybody can check them with the number of the badge at /who. They change each " +
			"minute, and are taken for two minutes after that. A phone without network has none."}, a.getMyCode)
	register(a, endpoint{method: http.MethodGet, path: "/v1/agents/{id}/badge-checks", roles: supervisors,
		id: "listBadgeChecks", tag: "office", summary: "Who asked whether an agent is ours",
		about: "The last 100 checks at /who of an agent of your branches, the newest first. Many that are not right may " +
			"mean that somebody uses the badge number. Nothing is kept of who asked."}, a.listBadgeChecks)
	page := func(about string) func(op *huma.Operation) {
		return func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": answer(about, "text/html", str())}
		}
	}
	a.raw(endpoint{method: http.MethodGet, path: whoPath, roles: anyone, id: "who", tag: "door",
		summary: "Does this person come from the firm: the page that asks",
		about: "For the person at whose door an agent stands. It needs no script and no sign-in, changes nothing, and " +
			"takes lang (one of the pages' languages), badge and code to fill in the form."}, page("A page."), a.whoPage)
	a.raw(endpoint{method: http.MethodPost, path: whoPath, roles: anyone, id: "askWho", tag: "door",
		summary: "Does this person come from the firm: the answer",
		about: "A form (application/x-www-form-urlencoded) with badge, code and lang. The answer names the agent's first " +
			"name and the firm when the digits are those of the agent's phone. A number that there is not and wrong digits " +
			"are answered alike. 422: the form is to be mended. 429: too many checks. Each check of a badge that there is " +
			"stands in GET /v1/agents/{id}/badge-checks."}, page("A page."), a.askWho)
}

func (a *API) getFirm(ctx context.Context, _ call, _ *struct{}) (*body[office.Firm], error) {
	f, err := a.opt.Office.Firm(ctx)
	return respond(f), err
}

type putFirmIn struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"100" doc:"As the people visited know the firm."`
		Phone    string `json:"phone,omitempty" maxLength:"40" doc:"Who to call about a visit."`
		Hours    string `json:"hours,omitempty" maxLength:"100" doc:"When the phone is answered, in words."`
		Licence  string `json:"licence_no,omitempty" maxLength:"60" doc:"Of the firm's licence."`
		Register string `json:"register_url,omitempty" maxLength:"300" doc:"Where anybody can look the licence up; https."`
	}
}

func (a *API) putFirm(ctx context.Context, c call, in *putFirmIn) (*body[office.Firm], error) {
	f, err := a.opt.Office.PutFirm(ctx, ask(c), office.Firm(in.Body))
	return respond(f), err
}

// myCode is what an agent's phone shows.
type myCode struct {
	Code  string    `json:"code" pattern:"^[0-9]{6}$" example:"042137"`
	Badge string    `json:"badge_no"`
	Until time.Time `json:"until" doc:"When the next one comes; UTC."`
	Path  string    `json:"path" doc:"Of the page that checks it."`
}

func (a *API) getMyCode(ctx context.Context, c call, _ *struct{}) (*body[myCode], error) {
	u, err := a.opt.Office.User(ctx, c.actor.User)
	if err != nil {
		return nil, err
	}
	if u.BadgeNo == "" {
		return nil, refusal.New(refusal.Conflict, "badge.none", "", "you have no badge number yet; an administrator gives "+
			"you one with PATCH /v1/users/{id}")
	}
	code, until := a.opt.Sessions.BadgeCode(u.ID, a.opt.Journal.Now())
	return respond(myCode{Code: code, Badge: u.BadgeNo, Until: until, Path: whoPath}), nil
}

func (a *API) listBadgeChecks(ctx context.Context, c call, in *getUserIn) (*body[page[office.BadgeCheck]], error) {
	mine, err := a.opt.Office.Manages(ctx, c.actor, auth.UserID(in.ID))
	if err != nil {
		return nil, err
	}
	if !mine {
		return nil, newProblem(http.StatusNotFound, "user.not_found", "no such agent in your branches")
	}
	checks, err := a.opt.Office.BadgeChecks(ctx, auth.UserID(in.ID))
	return respond(page[office.BadgeCheck]{Items: checks}), err
}

func (a *API) whoPage(c *gin.Context) {
	w := doorway.Who{Language: language(c, c.Query("lang")), Badge: c.Query("badge"), Code: c.Query("code")}
	if len(w.Badge)+len(w.Code) > mostWhoForm {
		w.Badge, w.Code = "", ""
	}
	a.showWho(c, http.StatusOK, w)
}

// language is the reader's.
func language(c *gin.Context, asked string) string {
	return doorway.Language(asked, c.GetHeader("Accept-Language"))
}

func (a *API) askWho(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, mostWhoForm)
	if err := c.Request.ParseForm(); err != nil {
		a.showWho(c, http.StatusUnprocessableEntity, doorway.Who{Language: language(c, "")})
		return
	}
	form := c.Request.PostForm
	w := doorway.Who{Language: language(c, form.Get("lang"))}
	if isText(form.Get("badge")) && isText(form.Get("code")) {
		w.Badge, w.Code = form.Get("badge"), form.Get("code")
	}
	badge, code, ok := doorway.Typed(w.Badge, w.Code)
	if !ok {
		a.showWho(c, http.StatusUnprocessableEntity, w)
		return
	}
	w.Badge = badge
	now := a.opt.Journal.Now()
	if wait, ok := a.whoChecks.allow(auth.AddressKey(a.address(c.Request)), badge, now); !ok {
		a.tellToWait(c, http.StatusTooManyRequests, w, wait)
		return
	}
	if err := a.check(c.Request.Context(), &w, code, now); err != nil {
		a.log.WarnContext(c.Request.Context(), "a check of a badge has no answer", "err", err)
		a.tellToWait(c, http.StatusServiceUnavailable, w, waitWhenTrouble)
		return
	}
	a.showWho(c, http.StatusOK, w)
}

// check finds out whether a badge and a code are an agent's, and keeps that it was asked.
func (a *API) check(ctx context.Context, w *doorway.Who, code string, now time.Time) error {
	holders, err := a.opt.Office.BadgeHolders(ctx, w.Badge)
	if err != nil {
		return err
	}
	w.Verdict = doorway.No
	for _, u := range holders {
		done := office.BadgeCheck{At: now.UTC(), Right: a.opt.Sessions.IsBadgeCode(u.ID, code, now)}
		if done.Right {
			if done.Works, err = a.opt.Office.WorksOn(ctx, u, now); err != nil {
				return err
			}
			w.FirstName, _, _ = strings.Cut(strings.TrimSpace(u.Name), " ")
			if w.Verdict = doorway.NotToday; done.Works {
				w.Verdict = doorway.Yes
			}
		}
		// The person at the door gets an answer even if it cannot be kept.
		if err := a.opt.Office.NoteBadgeCheck(ctx, u.ID, done); err != nil {
			a.log.WarnContext(ctx, "a check of a badge is not kept", "agent", u.ID, "err", err)
		}
		if done.Right {
			break
		}
	}
	return nil
}

func (a *API) tellToWait(c *gin.Context, status int, w doorway.Who, wait time.Duration) {
	w.Verdict, w.WaitMinutes = doorway.Wait, int((wait+time.Minute-1)/time.Minute)
	c.Header("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	a.showWho(c, status, w)
}

// showWho answers with the page, which says who the firm is.
func (a *API) showWho(c *gin.Context, status int, w doorway.Who) {
	if a.opt.Office != nil {
		f, err := a.opt.Office.Firm(c.Request.Context())
		if err != nil {
			a.log.WarnContext(c.Request.Context(), "the firm cannot be read", "err", err)
		}
		w.Firm, w.Phone, w.Hours, w.Licence, w.Register = f.Name, f.Phone, f.Hours, f.Licence, f.Register
	}
	text, err := w.Page()
	if err != nil {
		a.log.ErrorContext(c.Request.Context(), "a page cannot be made", "err", err)
		writeProblem(c, newProblem(http.StatusInternalServerError, "internal",
			"something went wrong here; it has been noted"))
		return
	}
	c.Header("Content-Security-Policy", doorway.Policy)
	c.Header("Content-Language", w.Language)
	c.Header("X-Robots-Tag", "noindex, nofollow")
	c.Data(status, "text/html; charset=utf-8", text)
}
