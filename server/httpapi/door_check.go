package httpapi

import (
	"net/http"
	"strings"
	"unicode"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/doorway"
	"doorstep/server/record"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/unicode/norm"
)

// openDoor shows the neutral first page of a link.
func (a *API) openDoor(c *gin.Context) {
	q := a.beginDoor(c, "/d/"+c.Param("token"))
	if q == nil || !a.find(q, c.Param("token"), http.StatusNotFound, "gone") {
		return
	}
	a.firstPage(q, http.StatusOK, firstMend{})
}

// firstMend is what is to be mended on the first page, and whether a code is under way.
type firstMend struct {
	top, code, postal, lastFour string
	sent                        bool
}

// facts are what the case knows of the two questions: only letters and digits of the postal code, and the last digits
// of the phone. ok is false if it lacks one.
func facts(k *record.Case) (postal, lastFour string, ok bool) {
	postal = lettersOf(k.PostalCode.Plain())
	phone := digitsOf(k.Phone.Plain())
	if len(phone) < 4 || len(postal) < 3 {
		return "", "", false
	}
	return postal, phone[len(phone)-4:], true
}

// lettersOf are the letters and digits of a text, in capitals and in one spelling.
func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if d, ok := digit(r); ok {
			return d
		}
		if unicode.IsLetter(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, norm.NFKC.String(text))
}

// digitsOf are the digits of a text, as ASCII has them.
func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if d, ok := digit(r); ok {
			return d
		}
		return -1
	}, norm.NFKC.String(text))
}

// digit is a decimal digit of any of the pages' scripts as ASCII has it.
func digit(r rune) (rune, bool) {
	for _, zero := range []rune{'0', '٠', '۰', '०'} {
		if r >= zero && r <= zero+9 {
			return '0' + r - zero, true
		}
	}
	return 0, false
}

// firstPage shows the neutral first page: it names the firm, and asks who reads it.
func (a *API) firstPage(q *doorCall, status int, m firstMend) {
	k := &q.file.Case
	w := q.words
	d := q.page(w.Say("title"))
	d.Alone, d.Here, d.Mend = true, q.at, m.top
	says := []string{w.Say("from_unnamed"), w.Say("private"), w.Say("minutes")}
	if q.firm.Name != "" {
		says[0] = w.Say("from", "firm", q.firm.Name)
	}
	d.Blocks = []doorway.Block{{Says: says}}
	_, _, known := facts(k)
	texts := casework.CanTakeCode(k, q.file.Today)
	switch {
	case texts && m.sent:
		d.Blocks = append(d.Blocks, doorway.Block{Heading: w.Say("code_head"), Says: []string{w.Say("code_sent")},
			Form: &doorway.Form{To: q.at, Hidden: [][2]string{{"do", "check"}}, Button: w.Say("continue"),
				Fields: []doorway.Field{{Name: "code", Label: w.Say("code_label"), Mend: m.code, Numbers: "numeric",
					Fill: "one-time-code"}}}})
	case texts:
		d.Blocks = append(d.Blocks, doorway.Block{Heading: w.Say("code_head"), Says: []string{w.Say("code")},
			Form: &doorway.Form{To: q.at, Hidden: [][2]string{{"do", "code"}, {"key", newKey()}}, Button: w.Say("code_button")}})
	}
	if known {
		d.Blocks = append(d.Blocks, doorway.Block{Heading: w.Say("facts_head"), Says: []string{w.Say("facts")},
			Form: &doorway.Form{To: q.at, Hidden: [][2]string{{"do", "check"}}, Button: w.Say("continue"),
				Fields: []doorway.Field{
					{Name: "postal", Label: w.Say("postal"), Mend: m.postal, Fill: "postal-code"},
					{Name: "last_four", Label: w.Say("last_four"), Mend: m.lastFour, Numbers: "numeric", Fill: "off"}}}})
	}
	if !known && !texts {
		d.Blocks = append(d.Blocks, doorway.Block{Says: []string{w.Say("no_check")}})
	}
	d.Blocks = append(d.Blocks, doorway.Block{Heading: w.Say("not_me_head"), Says: []string{w.Say("not_me")},
		Form: &doorway.Form{To: q.at, Hidden: [][2]string{{"do", "not_me"}}, Button: w.Say("not_me_button")}})
	a.showPage(q, status, d)
}

// checkDoor takes an answer to the first page.
func (a *API) checkDoor(c *gin.Context) {
	q := a.beginDoor(c, "/d/"+c.Param("token"))
	if q == nil || !a.find(q, c.Param("token"), http.StatusNotFound, "gone") {
		return
	}
	w := q.words
	switch q.form("do") {
	case "not_me":
		d := q.page(w.Say("not_me_confirm"))
		d.Alone, d.Back = true, q.at
		d.Blocks = []doorway.Block{{Says: []string{w.Say("not_me")}, Form: &doorway.Form{To: q.at,
			Hidden: [][2]string{{"do", "not_me_yes"}, {"key", newKey()}}, Button: w.Say("not_me_yes")}}}
		a.showPage(q, http.StatusOK, d)
	case "not_me_yes":
		_, err := a.act(q, casework.PageAct{Case: q.ref.Case, Link: q.ref.Link, Kind: casework.PageNotMe})
		if a.doorRefused(q, err) {
			return
		}
		d := q.page(w.Say("not_me_done"))
		d.Alone = true
		d.Blocks = []doorway.Block{{Says: []string{w.Say("not_me_after")}}}
		a.showPage(q, http.StatusOK, d)
	case "code":
		a.sendCode(q)
	case "check":
		a.checkAnswers(q)
	default:
		a.firstPage(q, http.StatusUnprocessableEntity, firstMend{top: w.Say("missing_choice")})
	}
}

// sendCode has a code sent by text.
func (a *API) sendCode(q *doorCall) {
	if _, ok := a.door.codes.Allow(q.ref.Link, q.now); !ok {
		a.firstPage(q, http.StatusTooManyRequests, firstMend{top: q.words.Say("code_wait"), sent: q.file.Link.Code != ""})
		return
	}
	_, err := a.act(q, casework.SendPageCode{Case: q.ref.Case, Link: q.ref.Link})
	if a.doorRefused(q, err) {
		return
	}
	a.firstPage(q, http.StatusOK, firstMend{sent: true})
}

// checkAnswers judges a code, or the two facts.
func (a *API) checkAnswers(q *doorCall) {
	w, l := q.words, &q.file.Link
	code, postal, lastFour := q.form("code"), lettersOf(q.form("postal")), digitsOf(q.form("last_four"))
	byCode := q.c.Request.PostForm.Has("code")
	m := firstMend{sent: l.Code != ""}
	if byCode {
		if code = digitsOf(code); len(code) != doorway.CodeDigits {
			m.code = w.Say("missing_code")
		}
	} else {
		if postal == "" {
			m.postal = w.Say("missing_postal")
		}
		if len(lastFour) != 4 {
			m.lastFour = w.Say("missing_last_four")
		}
	}
	if m.code+m.postal+m.lastFour != "" {
		a.firstPage(q, http.StatusUnprocessableEntity, m)
		return
	}
	right := false
	if byCode {
		right = q.now.Before(l.CodeAt.Add(record.PageCodeLife)) && a.opt.Casework.IsPageCode(l.Code, code)
	} else if p, four, known := facts(&q.file.Case); known {
		right = p == postal && four == lastFour
	}
	_, err := a.opt.Casework.One(q.ctx, auth.System(), q.ref.Branch, casework.Request{ID: "door:" + newKey(),
		Cmd: casework.NotePageCheck{Case: q.ref.Case, Link: q.ref.Link, Right: right}})
	if a.doorRefused(q, err) {
		return
	}
	if !right {
		m.top = w.Say("no_fit")
		a.firstPage(q, http.StatusUnprocessableEntity, m)
		return
	}
	q.began = q.now
	q.c.Writer.Header().Add("Set-Cookie", a.doorSession(q))
	q.c.Redirect(http.StatusSeeOther, doorPath)
}

// doorRefused answers an error of an act; false for none.
func (a *API) doorRefused(q *doorCall, err error) bool {
	no, refused := refusal.Of(err)
	switch {
	case err == nil:
		return false
	case refused && (no.Code() == "link.not_found" || no.Code() == "case.not_found"):
		a.doorSays(q, http.StatusNotFound, "gone")
	case refused && no.Code() == "case.closed":
		a.doorSays(q, http.StatusConflict, "closed")
	case refused:
		a.log.WarnContext(q.ctx, "an act on the page of the person visited was refused", "code", no.Code())
		a.doorSays(q, http.StatusUnprocessableEntity, "trouble")
	default:
		a.doorTrouble(q, err)
	}
	return true
}
