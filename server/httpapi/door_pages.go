package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/dispatch"
	"doorstep/server/doorway"
	"doorstep/server/ladder"
	"doorstep/server/record"

	"github.com/gin-gonic/gin"
)

// showDoor shows a page after the check.
func (a *API) showDoor(c *gin.Context) {
	name := c.Param("page")
	at := doorPath
	if name != "" {
		at += "/" + name
	}
	q := a.beginDoor(c, at)
	if q == nil || !a.session(q) {
		return
	}
	show := map[string]func(*doorCall){"": a.homePage, "time": a.timePage, "stop": a.stopPage, "talk": a.talkPage,
		"wrong": a.wrongPage, "complain": a.complainPage, "figures": a.figuresPage, "yours": a.yoursPage,
		"agreed": a.agreedPage, "rights": a.rightsPage}[name]
	if show == nil {
		a.doorSays(q, http.StatusNotFound, "gone")
		return
	}
	show(q)
}

// answerDoor takes an answer to a page.
func (a *API) answerDoor(c *gin.Context) {
	name := c.Param("page")
	q := a.beginDoor(c, doorPath+"/"+name)
	if q == nil {
		return
	}
	if name == "leave" {
		d := q.page(q.words.Say("title"))
		d.Alone, d.Leaves = true, elsewhere
		q.c.Writer.Header().Add("Set-Cookie", noDoorSession())
		q.c.Header("Clear-Site-Data", `"cache"`)
		a.showPage(q, http.StatusOK, d)
		return
	}
	take := map[string]func(*doorCall){"time": a.takeTime, "stop": a.takeStop, "talk": a.takeTalk, "wrong": a.takeWrong,
		"complain": a.takeComplaint, "yours": a.takeCopy, "agreed": a.takeAgreed}[name]
	if take == nil {
		a.doorSays(q, http.StatusNotFound, "gone")
		return
	}
	if a.session(q) {
		take(q)
	}
}

// question begins a page with a way back.
func (q *doorCall) question(heading string) doorway.Door {
	d := q.page(heading)
	d.Back, d.Here = doorPath, q.at
	return d
}

// amount writes an amount of the case.
func (q *doorCall) amount(minor int64) string {
	return ladder.Amount(minor, q.file.Case.Currency, q.language)
}

// lender is the lender's name.
func (a *API) lender(q *doorCall) string {
	all, err := a.opt.Office.Lenders(q.ctx)
	if err != nil {
		a.log.WarnContext(q.ctx, "the lenders cannot be read", "err", err)
	}
	for _, l := range all {
		if l.ID == q.file.Case.Lender && l.Name != "" {
			return l.Name
		}
	}
	return q.file.Case.Lender
}

func (a *API) homePage(q *doorCall) {
	w, f := q.words, q.file
	heading := w.Say("title")
	what := w.Say("what_lender", "lender", a.lender(q))
	if q.firm.Name != "" {
		heading = w.Say("hello", "firm", q.firm.Name)
		what = w.Say("what_firm", "firm", q.firm.Name, "lender", a.lender(q))
	}
	d := q.page(heading)
	d.Here = q.at
	if f.Case.Status != record.StatusOpen {
		d.Blocks = []doorway.Block{{Says: []string{w.Say("closed")}}, {Heading: w.Say("more"), Links: q.readMore()}}
		a.showPage(q, http.StatusOK, d)
		return
	}
	d.Blocks = []doorway.Block{{Says: []string{what, w.Say("what_why"), w.Say("what_you")}},
		{Heading: w.Say("visit"), Says: a.visitSays(q)}, {List: []string{w.Say("right_door"), w.Say("right_force"),
			w.Say("right_police"), w.Say("right_others")}}}
	var ways []doorway.Link
	for _, name := range []string{"time", "stop", "talk", "wrong", "complain"} {
		ways = append(ways, doorway.Link{To: doorPath + "/" + name, Text: w.Say(name), Button: true})
	}
	d.Blocks = append(d.Blocks, doorway.Block{Heading: w.Say("choice"), Links: ways},
		doorway.Block{Heading: w.Say("more"), Links: q.readMore()})
	a.showPage(q, http.StatusOK, d)
}

func (q *doorCall) readMore() []doorway.Link {
	var out []doorway.Link
	for _, name := range []string{"figures", "yours", "agreed", "rights"} {
		out = append(out, doorway.Link{To: doorPath + "/" + name, Text: q.words.Say(name)})
	}
	return out
}

// visitSays says which visit is planned, by whom.
func (a *API) visitSays(q *doorCall) []string {
	w, f := q.words, q.file
	if len(f.Case.OpenHolds(f.Today)) > 0 {
		return []string{w.Say("visit_held")}
	}
	var out []string
	if stop := f.Stop(); stop != nil {
		from, to := stop.Window.From.In(f.Zone), stop.Window.To.In(f.Zone)
		out = append(out, w.Say("visit_planned", "date", w.Date(from.Format(time.DateOnly)), "from", doorway.Clock(from),
			"to", doorway.Clock(to)))
		var names []string
		for _, id := range stop.Agents {
			u, err := a.opt.Office.User(q.ctx, id)
			if err != nil {
				continue
			}
			first, _, _ := strings.Cut(strings.TrimSpace(u.Name), " ")
			if u.BadgeNo != "" {
				first = strings.TrimSpace(first + " (" + u.BadgeNo + ")")
			}
			if first != "" {
				names = append(names, first)
			}
		}
		if len(names) > 0 {
			out = append(out, w.Say("visit_names", "names", strings.Join(names, ", ")))
		}
		out = append(out, w.Say("visit_about"))
	} else {
		out = append(out, w.Say("visit_none"))
	}
	for _, x := range f.Case.AllAppointments() {
		if x.Cancelled == nil && x.To.After(q.now) {
			from, to := x.From.In(f.Zone), x.To.In(f.Zone)
			out = append(out, w.Say("visit_chosen", "date", w.Date(from.Format(time.DateOnly)), "from", doorway.Clock(from),
				"to", doorway.Clock(to)))
		}
	}
	return out
}

// slotDays are the days ahead of which times are offered, slotMinutes how long one is.
const (
	slotDays    = 10
	slotMinutes = 240
	noneOfThese = "none"
)

// times lists what may be chosen: the value and how it is said.
func (a *API) times(q *doorCall) ([][2]string, error) {
	var out [][2]string
	today := q.now.In(q.file.Zone)
	for i := 1; i <= slotDays; i++ {
		day, err := a.opt.Dispatch.Slots(q.ctx, auth.System(), dispatch.SlotParams{Branch: q.ref.Branch, Case: q.ref.Case,
			Date: today.AddDate(0, 0, i).Format(time.DateOnly), Minutes: slotMinutes})
		if _, refused := refusal.Of(err); refused {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range day.Slots {
			if s.Lawful && s.Possible != dispatch.No {
				from, to := s.From.In(q.file.Zone), s.To.In(q.file.Zone)
				out = append(out, [2]string{s.From.UTC().Format(time.RFC3339) + "/" + s.To.UTC().Format(time.RFC3339),
					q.words.Span(from, to)})
			}
		}
	}
	return out, nil
}

func (a *API) timePage(q *doorCall) { a.askTime(q, http.StatusOK, "", "") }

func (a *API) askTime(q *doorCall, status int, chosen, mend string) {
	w := q.words
	options, err := a.times(q)
	if err != nil {
		a.doorTrouble(q, err)
		return
	}
	d := q.question(w.Say("time_head"))
	says := []string{w.Say("time_say")}
	if len(options) == 0 {
		says = []string{w.Say("time_empty")}
	}
	options = append(options, [2]string{noneOfThese, w.Say("time_none")})
	d.Blocks = []doorway.Block{{Says: says, Form: &doorway.Form{To: q.at, Button: w.Say("continue"),
		Fields: []doorway.Field{{Name: "time", Label: w.Say("time"), Options: options, Value: chosen, Mend: mend}}}}}
	a.showPage(q, status, d)
}

func (a *API) takeTime(q *doorCall) {
	w, chosen := q.words, q.form("time")
	if chosen == noneOfThese {
		a.tell(q, telling{kind: casework.PageTimeNone, what: w.Say("time") + ": " + w.Say("time_none"), hidden: "time",
			done: []string{"done_answer"}})
		return
	}
	options, err := a.times(q)
	if err != nil {
		a.doorTrouble(q, err)
		return
	}
	i := slices.IndexFunc(options, func(o [2]string) bool { return o[0] == chosen })
	sent := q.form("send") != ""
	if i < 0 && !sent {
		mend := w.Say("missing_choice")
		if chosen != "" {
			mend = w.Say("time_gone")
		}
		a.askTime(q, http.StatusUnprocessableEntity, "", mend)
		return
	}
	if !sent {
		a.showChecked(q, []string{options[i][1]}, "", [][2]string{{"time", chosen}})
		return
	}
	begin, end, _ := strings.Cut(chosen, "/")
	from, err1 := time.Parse(time.RFC3339, begin)
	to, err2 := time.Parse(time.RFC3339, end)
	if err1 != nil || err2 != nil {
		a.askTime(q, http.StatusUnprocessableEntity, "", w.Say("missing_choice"))
		return
	}
	r, err := a.act(q, casework.PageTime{Case: q.ref.Case, Link: q.ref.Link, From: from, To: to})
	if no, refused := refusal.Of(err); refused && strings.HasPrefix(no.Code(), "appointment.") {
		a.askTime(q, http.StatusUnprocessableEntity, "", w.Say("time_gone"))
		return
	}
	if a.doorRefused(q, err) {
		return
	}
	from, to = from.In(q.file.Zone), to.In(q.file.Zone)
	a.showDone(q, r, w.Say("done_time", "date", w.Date(from.Format(time.DateOnly)), "from", doorway.Clock(from), "to",
		doorway.Clock(to)))
}

// showChecked shows what was answered, to be sent or changed.
func (a *API) showChecked(q *doorCall, what []string, note string, hidden [][2]string) {
	w := q.words
	d := q.question(w.Say("check"))
	d.Back, d.Here = q.at, ""
	b := doorway.Block{List: what, Form: &doorway.Form{To: q.at, Button: w.Say("send"),
		Hidden: append(hidden, [2]string{"send", "1"}, [2]string{"key", newKey()})}}
	d.Blocks = []doorway.Block{b}
	if note != "" {
		d.Blocks = []doorway.Block{{Says: []string{note}}, b}
	}
	a.showPage(q, http.StatusOK, d)
}

// showDone shows the receipt of an act.
func (a *API) showDone(q *doorCall, r casework.PageReceipt, says ...string) {
	w := q.words
	d := q.page(w.Say("done"))
	d.Blocks = []doorway.Block{{Says: append(append([]string{}, says...), w.Say("done_number", "number", r.Reference),
		w.Say("copy_me")), Links: []doorway.Link{{To: doorPath, Text: w.Say("home")}}}}
	a.showPage(q, http.StatusOK, d)
}

// telling is an act that a person of the office reads.
type telling struct {
	kind, text string
	// what is how the choice is said, note what happens next; hidden is the member that carries the choice.
	what, note, hidden string
	done               []string // sentences of the receipt
}

// tell has an act checked, and takes it once it is sent.
func (a *API) tell(q *doorCall, t telling) {
	w := q.words
	if q.form("send") == "" {
		what := []string{t.what}
		if t.text != "" {
			what = append(what, t.text)
		}
		a.showChecked(q, what, t.note, [][2]string{{t.hidden, q.form(t.hidden)}, {"text", t.text}, {"told", "1"}})
		return
	}
	r, err := a.act(q, casework.PageAct{Case: q.ref.Case, Link: q.ref.Link, Kind: t.kind, Text: t.text})
	if a.doorRefused(q, err) {
		return
	}
	var says []string
	for _, name := range t.done {
		says = append(says, w.Say(name, "date", w.Date(r.AnswerBy)))
	}
	if t.kind == casework.PageNotMe {
		q.began = time.Time{} // the link is over
		q.c.Writer.Header().Add("Set-Cookie", noDoorSession())
	}
	a.showDone(q, r, says...)
}

func (a *API) stopPage(q *doorCall) {
	w := q.words
	d := q.question(w.Say("stop_head"))
	d.Blocks = []doorway.Block{{Says: []string{w.Say("stop_say")}, Form: &doorway.Form{To: q.at, Button: w.Say("stop_yes"),
		Hidden: [][2]string{{"send", "1"}, {"key", newKey()}}}}}
	a.showPage(q, http.StatusOK, d)
}

func (a *API) takeStop(q *doorCall) {
	if q.form("send") == "" {
		a.stopPage(q)
		return
	}
	a.tell(q, telling{kind: casework.PageNoVisits, done: []string{"done_stop"}})
}

// wrongs are what may be wrong, in the order of the page, with the sentences of the receipt.
var wrongs = []struct {
	kind string
	done []string
}{{casework.PageNotMe, []string{"not_me_done"}}, {casework.PageMoved, []string{"next_moved", "done_answer"}},
	{casework.PagePaid, []string{"next_paid", "done_answer"}},
	{casework.PageDispute, []string{"next_dispute", "done_answer"}},
	{casework.PageDied, []string{"done_died"}}, {casework.PageIll, []string{"done_ill"}}}

func (a *API) wrongPage(q *doorCall) { a.askWrong(q, http.StatusOK, "", "", "") }

func (a *API) askWrong(q *doorCall, status int, text, mend, long string) {
	w := q.words
	var options [][2]string
	for _, x := range wrongs {
		options = append(options, [2]string{x.kind, w.Say("w_" + x.kind)})
	}
	d := q.question(w.Say("wrong_head"))
	d.Blocks = []doorway.Block{{Form: &doorway.Form{To: q.at, Button: w.Say("continue"), Fields: []doorway.Field{
		{Name: "what", Label: w.Say("wrong"), Options: options, Value: q.form("what"), Mend: mend},
		{Name: "text", Label: w.Say("text_label"), Why: w.Say("text_why"), Long: true, Fill: "off", Value: text,
			Mend: long}}}}}
	a.showPage(q, status, d)
}

func (a *API) takeWrong(q *doorCall) {
	w, what, text := q.words, q.form("what"), q.form("text")
	i := slices.IndexFunc(wrongs, func(x struct {
		kind string
		done []string
	}) bool {
		return x.kind == what
	})
	switch {
	case i < 0:
		a.askWrong(q, http.StatusUnprocessableEntity, text, w.Say("missing_choice"), "")
	case len([]rune(text)) > mostText:
		a.askWrong(q, http.StatusUnprocessableEntity, text, "", w.Say("too_long"))
	default:
		a.tell(q, telling{kind: what, text: text, what: w.Say("w_" + what), note: w.Say("next_" + what), hidden: "what",
			done: wrongs[i].done})
	}
}

func (a *API) complainPage(q *doorCall) { a.askComplaint(q, http.StatusOK, "", "", "") }

func (a *API) askComplaint(q *doorCall, status int, text, how, mend string) {
	w := q.words
	d := q.question(w.Say("complain_head"))
	d.Blocks = []doorway.Block{{Says: []string{w.Say("complain_say")}, Form: &doorway.Form{To: q.at,
		Button: w.Say("continue"), Fields: []doorway.Field{
			{Name: "text", Label: w.Say("complain_label"), Long: true, Fill: "off", Value: text, Mend: mend},
			{Name: "how", Label: w.Say("complain_how"), Why: w.Say("complain_how_why"), Fill: "email", Value: how}}}},
		q.outside()}
	a.showPage(q, status, d)
}

func (a *API) takeComplaint(q *doorCall) {
	w, text, how := q.words, q.form("text"), q.form("how")
	switch {
	case text == "":
		a.askComplaint(q, http.StatusUnprocessableEntity, text, how, w.Say("missing_text"))
		return
	case len([]rune(text)) > mostText:
		a.askComplaint(q, http.StatusUnprocessableEntity, text, how, w.Say("too_long"))
		return
	}
	if how != "" && q.form("told") == "" {
		text += "\n\n" + w.Say("complain_how") + " " + how
	}
	a.tell(q, telling{kind: casework.PageComplain, text: text, what: w.Say("complain"), note: w.Say("complain_say"),
		hidden: "what", done: []string{"done_complain", "done_hold"}})
}
