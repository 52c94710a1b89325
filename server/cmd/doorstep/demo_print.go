package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"doorstep/server/play"
)

// The demo's lines fit a terminal of this many columns.
const (
	columns    = 80
	nameColumn = 22 // of a step's name, with the indentation
)

// stepLine formats a step's name, its result and how long it took. A long result
// continues on the lines below.
func stepLine(name, said string, took time.Duration) string {
	end := fmt.Sprintf("%5.1f s", took.Seconds())
	lines := wrap(said, columns-nameColumn-len(end)-2)
	var b strings.Builder
	for i, line := range lines {
		left := ""
		if i == 0 {
			left = "  " + name
		}
		row := pad(left, nameColumn) + line
		if i == len(lines)-1 {
			row = pad(row, columns-len(end)-1) + end
		}
		b.WriteString(row + "\n")
	}
	return b.String()
}

// countLine formats a count and what was counted, indented; a long text continues on the lines below.
func countLine(n int, what string) string {
	const indent = 10
	return fmt.Sprintf("  %6d  %s\n", n, strings.Join(wrap(what, columns-indent), "\n"+strings.Repeat(" ", indent)))
}

// wrap breaks a text at spaces into lines of at most so many characters; a longer
// word has a line of its own. It returns at least one line.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// pad appends spaces up to a width in characters.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// reasonWords says in words why a case gets no visit, by the codes of dispatch and of
// the conduct policy.
var reasonWords = map[string]string{
	"NO_POSITION":         "the home's position is not known",
	"NO_TERRITORY":        "the home lies outside every territory",
	"NO_TEAM":             "no team works the territory that day",
	"ADDRESS_UNFIT":       "the address is known to be wrong",
	"CERT_EXPIRED":        "a certificate of the agents has run out",
	"ladder_not_finished": "the lender wants more done before anybody is sent",
	"HOLD":                "on hold: a dispute, a complaint, a request to stop or the like",
	"ON_HOLD":             "on hold: a dispute, a complaint, a request to stop or the like",
	"NO_FIT_TEAM":         "no team has what the visit needs",
	"UNREACHABLE":         "no road leads there",
	"BEYOND_LIMITS":       "too far or too long for any shift",
	"NO_TIME_IN_WINDOW":   "the lawful hours and the shifts do not meet",
	"NO_TIME":             "no time left: other visits were worth more",
	"WORTH_LESS":          "the way costs more than the visit is worth",
	"SAME_DEBTOR":         "the debtor is visited for another case that day",
	"APPOINTMENT":         "the appointment lies outside the lawful hours",
	"VISITED":             "visited already that day",

	"PROFILE_NOT_IN_FORCE":  "no rules are in force for this country",
	"TZ_UNKNOWN":            "the debtor's time zone is not known",
	"CHANNEL_PROHIBITED":    "visits are forbidden there",
	"DECEASED":              "the debtor has died",
	"BANKRUPT":              "the debtor is bankrupt",
	"BREATHING_SPACE":       "the debtor has a breathing space",
	"CAPACITY":              "the debtor cannot manage their own affairs",
	"REPRESENTED":           "the debtor has a representative",
	"CEASE_REQUEST":         "the debtor asked not to be contacted",
	"COMPLAINT_OPEN":        "a complaint is open",
	"DISPUTED":              "the debt is disputed",
	"VULNERABLE":            "the debtor is vulnerable",
	"SENSITIVE_OCCASION":    "a bereavement or another time to leave people alone",
	"PLAN_PERFORMING":       "a repayment plan is being kept",
	"PARTY_NOT_ALLOWED":     "this person may not be contacted",
	"PARTY_REFUSED":         "this person refused to be contacted",
	"PARTY_PURPOSE":         "this person may not be contacted for that",
	"PARTY_CAP":             "this person has been contacted as often as allowed",
	"PARTY_DISCLOSURE":      "the debt may not be told to this person",
	"CHANNEL_OPTED_OUT":     "the debtor wants no visits",
	"CHANNEL_NO_CONSENT":    "a consent is missing",
	"PLACE_NOT_ALLOWED":     "visits at this place are not allowed",
	"OUTSIDE_HOURS":         "outside the lawful hours",
	"CLOSED_DAY":            "no visits on such a day",
	"INCONVENIENT_TIME":     "a time the debtor asked to be spared",
	"INCONVENIENT_PLACE":    "a place the debtor asked to be spared",
	"FREQ_CAP":              "contacted as often as the rules allow",
	"COOLDOWN":              "too soon after the last conversation",
	"LAST_RESORT_NOT_MET":   "milder means have not been tried",
	"PLAN_NOT_OFFERED":      "no repayment plan has been offered",
	"NOTICE_MISSING":        "the visit has not been announced",
	"NOTICE_TOO_SHORT":      "the visit was announced too late",
	"AGENCY_NOTICE_MISSING": "the agency has not been announced",
	"TEAM_TOO_SMALL":        "the law asks for more agents",
	"BADGE_MISSING":         "the team has no badge",
	"AUTH_LETTER_MISSING":   "the team has no letter of authorisation",
	"CERT_MISSING":          "the team has no certificate",
	"RECORDING_REQUIRED":    "the visit must be recorded",
	"CONTENT_THREAT":        "the text threatens",
	"CONTENT_FALSE":         "the text is not true",
	"CONTENT_SHAME":         "the text shames",
	"CONTENT_DISCLOSURE":    "the text tells of the debt",
	"OPT_OUT_MISSING":       "the text offers no way to opt out",
	"ID_NOT_VERIFIED":       "the person's identity has not been checked",
	"ENTRY_NOT_CONSENTED":   "nobody has been asked in",
	"MUST_LEAVE":            "the team was asked to leave",
	"MONEY_NOT_ALLOWED":     "agents may take no money",
}

// whyNot says a reason in words, with the rule if it has one.
func whyNot(r play.Reason) string {
	words := reasonWords[r.Code]
	if words == "" {
		words = r.Code
	}
	if r.Rule != "" {
		words += " (rule " + r.Rule + ")"
	}
	return words
}

// welcome is the last text of a demo whose server stays up.
type welcome struct{ URL, Date, Round, Key, Folder, Agent string }

// String says who can sign in, and gives the first lines of the tour in README.md.
func (w welcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe server stays up until Ctrl-C: %s (its endpoints: /docs)\n\n", w.URL)
	row := func(who, login, password string) { fmt.Fprintf(&b, "  %-15s %-24s %s\n", who, login, password) }
	row("who", "login", "password")
	row("administrator", "admin", demoPassword)
	row("supervisor", "supervisor", play.Password)
	row("agent", w.Agent, play.Password)
	row("auditor", "auditor", play.Password)
	fmt.Fprintf(&b, "\nThe supervisors' console: %s/console/\nThe agents' app: %s/app/\n", w.URL, w.URL)
	fmt.Fprintf(&b, `
Next: open a second shell in Doorstep's folder, paste these lines, and go on
with the tour in README.md. A sign-in lasts a quarter of an hour.

  URL=%s; . scripts/api.sh
  DATE=%s; ROUND=%s
  KEY='%s'
  sign_in admin %s

Everything is kept in %s
`, w.URL, w.Date, w.Round, w.Key, demoPassword, w.Folder)
	return b.String()
}
