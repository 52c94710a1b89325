package httpapi

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/doorway"
	"doorstep/server/office"
	"doorstep/server/record"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// Limits of the page of the person visited. A link ends after record.MostWrong wrong answers whoever gives them; these
// limit who tries tokens, and how many texts with codes a link brings.
const (
	doorEvery  = 2 * time.Second
	doorBurst  = 200
	codeEvery  = time.Hour
	codeBurst  = 3
	mostDoor   = 16 << 10
	mostText   = 2000
	doorCookie = "doorstep_door"
	doorPath   = "/door"
	// doorLife is how long a session lasts after the last page, doorMost how long in all.
	doorLife = 20 * time.Minute
	doorMost = 2 * time.Hour
	// elsewhere is the site to which a person leaves the page.
	elsewhere = "https://www.wikipedia.org/"
)

// doorLimits count requests by network address, and texts by link.
type doorLimits struct{ byAddress, codes *auth.Limits }

func newDoorLimits() doorLimits {
	return doorLimits{auth.NewLimits(doorEvery, doorBurst), auth.NewLimits(codeEvery, codeBurst)}
}

func (a *API) doorEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/links", roles: supervisors, id: "issueLink",
		tag: "door", summary: "Issue a link to the page of the person visited",
		about: "For a letter, or for what you send yourself. path is shown in this answer and nowhere else: whoever has it " +
			"may open the page, which asks for a code or two facts before it names the lender or an amount. Ten wrong " +
			"answers end it. Texts bring links of their own where a lender's link ends in /d/{token}."}, a.issueLink)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/links/{link}/revoke", roles: supervisors,
		id: "revokeLink", tag: "door", summary: "End a link to the page of the person visited",
		about: "At once, also for who is on the page. The links of a case stand in its file (page_links)."}, a.revokeLink)
	page := func(op *huma.Operation) {
		op.Responses = map[string]*huma.Response{"200": answer("A page.", "text/html", str())}
	}
	withPath := func(name, about string) func(*huma.Operation) {
		return func(op *huma.Operation) {
			page(op)
			op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Description: about,
				Schema: &huma.Schema{Type: "string"}})
		}
	}
	token := withPath("token", "Of a link.")
	named := withPath("page", "time, stop, talk, wrong, complain, figures, yours, agreed, rights or leave.")
	a.raw(endpoint{method: http.MethodGet, path: "/d/{token}", roles: anyone, id: "openDoor", tag: "door",
		summary: "The page of the person visited: its neutral first page",
		about: "It names the firm and nothing else, and changes nothing, since scanners and previews open links too. A " +
			"token that there is not, and a link that is over, are answered alike (404)."}, token, a.openDoor)
	a.raw(endpoint{method: http.MethodPost, path: "/d/{token}", roles: anyone, id: "checkDoor", tag: "door",
		summary: "The page of the person visited: the check of who reads it",
		about: "A form with do: not_me, not_me_yes (with key), code (send a text), check (with code, or postal and " +
			"last_four). A right answer is 303 to /door with a cookie, which stands for the token from then on. 422: the " +
			"answer does not fit. 429: too many tries."}, token, a.checkDoor)
	a.raw(endpoint{method: http.MethodGet, path: doorPath, roles: anyone, id: "doorHome", tag: "door",
		summary: "The page of the person visited: the start",
		about:   "401 without the cookie of the check, or once it or the link is over."}, page, a.showDoor)
	a.raw(endpoint{method: http.MethodGet, path: "/door/{page}", roles: anyone, id: "doorPage", tag: "door",
		summary: "The page of the person visited: one question", about: "It changes nothing."}, named, a.showDoor)
	a.raw(endpoint{method: http.MethodPost, path: "/door/{page}", roles: anyone, id: "answerDoor", tag: "door",
		summary: "The page of the person visited: an answer",
		about: "A form. Without send it is shown again to be checked, and changes nothing; with send and key it takes " +
			"effect, once for each key."}, named, a.answerDoor)
}

type issueLinkIn struct {
	CasePath
	Body struct {
		Days int `json:"days,omitempty" minimum:"1" maximum:"90" doc:"How long it is in force; 30 when absent."`
	}
}

// issuedLink is a link as it is handed over.
type issuedLink struct {
	Link    string    `json:"link_id"`
	Path    string    `json:"path" doc:"Of the page: /d/ and the token. Put the public address of this server before it."`
	Expires time.Time `json:"expires_at"`
}

func (a *API) issueLink(ctx context.Context, c call, in *issueLinkIn) (*body[issuedLink], error) {
	r, err := runReceipt[casework.PageLinkReceipt](ctx, a, c, in.ID, casework.IssuePageLink{Case: journal.CaseID(in.ID),
		Days: in.Body.Days})
	if err != nil {
		return nil, err
	}
	return respond(issuedLink{r.Link, "/d/" + a.opt.Casework.PageToken(r.Link), r.Expires}), nil
}

type revokeLinkIn struct {
	CasePath
	Link string `path:"link" maxLength:"64"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"200"`
	}
}

func (a *API) revokeLink(ctx context.Context, c call,
	in *revokeLinkIn) (*body[receipt[casework.PageLinkReceipt]], error) {
	return doCase[casework.PageLinkReceipt](ctx, a, c, in.CasePath.ID, casework.RevokePageLink{
		Case: journal.CaseID(in.CasePath.ID), Link: in.Link, Reason: in.Body.Reason})
}

// doorCall is a request of the page of the person visited.
type doorCall struct {
	c        *gin.Context
	ctx      context.Context
	now      time.Time
	language string
	words    doorway.Speech
	firm     office.Firm
	ref      casework.PageRef
	file     *casework.PageFile
	// began is when the session began; zero before the check.
	began time.Time
	// at is the path of the page.
	at string
}

// beginDoor reads the language and who the firm is, and counts the request; nil: it has been answered.
func (a *API) beginDoor(c *gin.Context, at string) *doorCall {
	q := &doorCall{c: c, ctx: c.Request.Context(), now: a.opt.Journal.Now(), at: at}
	asked := c.Query("lang")
	if c.Request.Method == http.MethodPost {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, mostDoor)
		if err := c.Request.ParseForm(); err != nil {
			c.Request.PostForm = map[string][]string{}
		}
		asked = c.Request.PostForm.Get("lang")
	}
	q.speak(language(c, asked))
	firm, err := a.opt.Office.Firm(q.ctx)
	if err != nil {
		a.log.WarnContext(q.ctx, "the firm cannot be read", "err", err)
	}
	q.firm = firm
	if wait, ok := a.door.byAddress.Allow(auth.AddressKey(a.address(c.Request)), q.now); !ok {
		a.doorWait(q, wait)
		return nil
	}
	if c.Request.Method == http.MethodPost && sameSite.Check(c.Request) != nil {
		a.doorSays(q, http.StatusForbidden, "trouble")
		return nil
	}
	return q
}

func (q *doorCall) speak(language string) { q.language, q.words = language, doorway.Words(language) }

// form is what was typed under a name: text without control characters, or "". Line breaks of a long text stay.
func (q *doorCall) form(name string) string {
	text := strings.TrimSpace(strings.ReplaceAll(q.c.Request.PostForm.Get(name), "\r\n", "\n"))
	if !isText(strings.ReplaceAll(text, "\n", " ")) {
		return ""
	}
	return text
}

// page begins a page.
func (q *doorCall) page(heading string) doorway.Door {
	return doorway.Door{Language: q.language, Firm: q.firm.Name, Phone: q.firm.Phone, Hours: q.firm.Hours,
		Heading: heading, Alone: q.file == nil}
}

// show answers with a page.
func (a *API) showPage(q *doorCall, status int, d doorway.Door) {
	text, err := d.Page()
	if err != nil {
		a.log.ErrorContext(q.ctx, "a page cannot be made", "err", err)
		writeProblem(q.c, newProblem(http.StatusInternalServerError, "internal",
			"something went wrong here; it has been noted"))
		return
	}
	if !q.began.IsZero() {
		q.c.Writer.Header().Add("Set-Cookie", a.doorSession(q))
	}
	q.c.Header("Content-Security-Policy", doorway.DoorPolicy)
	q.c.Header("Content-Language", q.language)
	q.c.Header("X-Robots-Tag", "noindex, nofollow")
	q.c.Data(status, "text/html; charset=utf-8", text)
}

// doorSays answers with one sentence.
func (a *API) doorSays(q *doorCall, status int, sentence string, values ...string) {
	q.began = time.Time{}
	d := q.page(q.words.Say("title"))
	d.Alone = true
	d.Blocks = []doorway.Block{{Says: []string{q.words.Say(sentence, values...)}}}
	a.showPage(q, status, d)
}

func (a *API) doorWait(q *doorCall, wait time.Duration) {
	q.c.Header("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	a.doorSays(q, http.StatusTooManyRequests, "wait", "minutes",
		strconv.Itoa(max(1, int((wait+time.Minute-1)/time.Minute))))
}

// doorTrouble answers an error that is no refusal.
func (a *API) doorTrouble(q *doorCall, err error) {
	a.log.ErrorContext(q.ctx, "a page of the person visited cannot be answered", "id", q.ctx.Value(requestKey), "err", err)
	a.doorSays(q, http.StatusServiceUnavailable, "trouble")
}

// find reads where a token leads; false: it has been answered.
func (a *API) find(q *doorCall, token string, status int, sentence string) bool {
	branches, err := a.opt.Office.Branches(q.ctx)
	if err != nil {
		a.doorTrouble(q, err)
		return false
	}
	ids := make([]auth.BranchID, len(branches))
	for i, b := range branches {
		ids[i] = b.ID
	}
	ref, ok, err := a.opt.Casework.PageAt(q.ctx, token, ids)
	var f *casework.PageFile
	if err == nil && ok {
		f, err = a.opt.Casework.PageFile(q.ctx, ref, q.now)
	}
	if _, refused := refusal.Of(err); refused {
		err, ok = nil, false
	}
	switch {
	case err != nil:
		a.doorTrouble(q, err)
		return false
	case !ok:
		a.doorSays(q, status, sentence)
		return false
	}
	q.ref, q.file = ref, f
	return true
}

// doorSession is the cookie of a session that goes on.
func (a *API) doorSession(q *doorCall) string {
	expires := q.now.Add(doorLife)
	if most := q.began.Add(doorMost); expires.After(most) {
		expires = most
	}
	text := fmt.Sprintf("%s.%d.%d.%s", q.ref.Link, q.began.Unix(), expires.Unix(), q.language)
	c := http.Cookie{Name: doorCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + a.doorMAC(text),
		Path: doorPath, MaxAge: max(1, int(expires.Sub(q.now)/time.Second)), HttpOnly: true, Secure: true,
		SameSite: http.SameSiteStrictMode}
	return c.String()
}

// noDoorSession is the cookie that ends a session.
func noDoorSession() string {
	c := http.Cookie{Name: doorCookie, Path: doorPath, MaxAge: -1, HttpOnly: true, Secure: true,
		SameSite: http.SameSiteStrictMode}
	return c.String()
}

func (a *API) doorMAC(text string) string {
	sum := a.opt.Hash([]byte("session of the page of the person visited\n" + text))
	return hex.EncodeToString(sum[:])
}

// session reads the cookie, and the case behind it; false: it has been answered.
func (a *API) session(q *doorCall) bool {
	over := func() bool { a.doorSays(q, http.StatusUnauthorized, "over"); return false }
	cookie, err := q.c.Request.Cookie(doorCookie)
	if err != nil {
		return over()
	}
	body, mac, _ := strings.Cut(cookie.Value, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || !hmac.Equal([]byte(mac), []byte(a.doorMAC(string(text)))) {
		return over()
	}
	parts := strings.Split(string(text), ".")
	if len(parts) != 4 {
		return over()
	}
	began, err1 := strconv.ParseInt(parts[1], 10, 64)
	expires, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || q.now.Unix() >= expires {
		return over()
	}
	if !a.find(q, a.opt.Casework.PageToken(parts[0]), http.StatusUnauthorized, "over") {
		return false
	}
	q.began = time.Unix(began, 0)
	if q.c.Query("lang") == "" && q.c.Request.PostForm.Get("lang") == "" {
		q.speak(parts[3])
	}
	return true
}

// newKey is a key for a form: what is sent twice with it takes effect once.
func newKey() string { return journal.NewID() }

// act runs a command of the page under the form's key.
func (a *API) act(q *doorCall, cmd casework.Cmd) (casework.PageReceipt, error) {
	key := q.form("key")
	if len(key) != len(newKey()) || !record.IsID(key) {
		return casework.PageReceipt{}, refusal.New(refusal.Invalid, "page.key", "key", "the form has no key")
	}
	form := q.c.Request.PostForm
	payload := a.payload([]any{"door", q.at, q.ref.Link, form})
	r, err := a.opt.Casework.One(q.ctx, auth.System(), q.ref.Branch, casework.Request{
		ID: "door:" + q.ref.Link + ":" + key, Payload: payload, Cmd: cmd})
	if err != nil {
		return casework.PageReceipt{}, err
	}
	a.opt.Poke(q.ref.Branch)
	return readReceipt[casework.PageReceipt](r)
}

// runReceipt runs a command on a case and reads its receipt.
func runReceipt[T any](ctx context.Context, a *API, c call, id string, cmd casework.Cmd) (T, error) {
	var none T
	b, err := a.caseBranch(ctx, c.actor, id)
	if err != nil {
		return none, err
	}
	r, err := a.opt.Casework.One(ctx, c.actor, b, request(c, cmd))
	if err != nil {
		return none, err
	}
	return readReceipt[T](r)
}

func readReceipt[T any](r casework.Receipt) (out T, err error) {
	if err := json.Unmarshal(r.Body, &out); err != nil {
		return out, fmt.Errorf("read a receipt: %w", err)
	}
	return out, nil
}
