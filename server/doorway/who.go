package doorway

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

// Verdict is what /who answers.
type Verdict string

// Verdicts.
const (
	NotAsked Verdict = ""
	// Yes: the agent is one of the firm's and has a shift today.
	Yes Verdict = "yes"
	// NotToday: the agent is one of the firm's, and has no shift today.
	NotToday Verdict = "not_today"
	// No: there is no such badge, or its agent's phone did not show these digits.
	No Verdict = "no"
	// Wait: too many checks were asked for.
	Wait Verdict = "wait"
)

// Who is what the page /who shows.
type Who struct {
	Language    string // one of Languages
	Badge, Code string // as typed
	Verdict     Verdict
	// FirstName is the agent's, for Yes and NotToday.
	FirstName string
	// WaitMinutes is how long to wait, for Wait.
	WaitMinutes int
	// The firm's; each may be empty.
	Firm, Phone, Hours, Licence, Register string
}

// CodeDigits is how many digits a phone shows.
const CodeDigits = 6

// Typed takes the spaces out of what was typed, and turns the digits of other scripts into ASCII's. ok is false if the
// badge is empty or the code has not six digits: the page then says what to mend.
func Typed(badge, code string) (string, string, bool) {
	badge = strings.TrimSpace(badge)
	var digits strings.Builder
	for _, r := range code {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case r >= '٠' && r <= '٩':
			digits.WriteRune('0' + r - '٠')
		case r >= '۰' && r <= '۹':
			digits.WriteRune('0' + r - '۰')
		case r >= '०' && r <= '९':
			digits.WriteRune('0' + r - '०')
		case r >= '０' && r <= '９':
			digits.WriteRune('0' + r - '０')
		case r == ' ' || r == '-' || r == '\u00a0' || r == '\u202f' || r == '.':
		default:
			return badge, code, false
		}
	}
	return badge, digits.String(), badge != "" && len(badge) <= mostBadge && digits.Len() == CodeDigits
}

// mostBadge is how many bytes a badge number has at most.
const mostBadge = 64

//go:embed who.html
var whoText string

//go:embed page.css
var css string

var whoPage = template.Must(template.New("who").Parse(whoText))

// Policy is the Content-Security-Policy of the pages: their own style and forms, and nothing else.
var Policy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; form-action 'self'; base-uri 'none'; "+
	"frame-ancestors 'none'", styleHash())

func styleHash() string {
	sum := sha256.Sum256([]byte(css))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// dial is an address by which a telephone calls a number (RFC 3966); empty for a text without digits.
func dial(phone string) template.URL {
	number := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
	if strings.Trim(number, "+") == "" {
		return ""
	}
	return template.URL("tel:" + number)
}

// other is a language that the page is in too.
type other struct{ Tag, Name string }

// Page makes the page as HTML in UTF-8.
func (w Who) Page() ([]byte, error) {
	s := all[w.Language]
	if s == nil {
		w.Language, s = fallback, all[fallback]
	}
	data := struct {
		Who
		Style                                   template.CSS
		Dir, Title, Ask, Label, Digits, Check   string
		Rights, Again, RegisterText, Call, Says string
		Dial                                    template.URL
		MissingBadge, MissingCode               string
		Facts                                   []string
		Others                                  []other
	}{Who: w, Style: template.CSS(css), Dir: "ltr", Title: s["title"], Label: s["badge"], Digits: s["code"],
		Check: s["check"], Rights: s["rights"], Again: s["again"]}
	if w.Language == "ar" {
		data.Dir = "rtl"
	}
	data.Ask = s["ask_unnamed"]
	if w.Firm != "" {
		data.Ask = s.say("ask", "firm", w.Firm)
	}
	if w.Phone != "" {
		data.Dial = dial(w.Phone)
		data.Call = s.say("call", "phone", strings.TrimSpace(w.Phone+" "+w.Hours))
	}
	if w.Register != "" {
		data.RegisterText = s["register"]
	}
	switch w.Verdict {
	case Yes, NotToday:
		data.Says = s[string(w.Verdict)]
		for _, f := range [][2]string{{"name", w.FirstName}, {"badge", w.Badge}, {"firm", w.Firm}, {"licence", w.Licence}} {
			if f[1] != "" {
				data.Facts = append(data.Facts, s.say("yes_"+f[0], f[0], f[1]))
			}
		}
	case No:
		data.Says = s["no"] + " " + s["no_help"]
	case Wait:
		data.Says = s.say("wait", "minutes", strconv.Itoa(max(1, w.WaitMinutes)))
	case NotAsked:
		if badge, _, ok := Typed(w.Badge, w.Code); w.Badge+w.Code != "" && !ok {
			if badge == "" || len(badge) > mostBadge {
				data.MissingBadge = s["missing_badge"]
			}
			if _, _, ok := Typed("1", w.Code); !ok {
				data.MissingCode = s["missing_code"]
			}
		}
	}
	for _, l := range Languages() {
		if l != w.Language {
			data.Others = append(data.Others, other{l, all[l]["language"]})
		}
	}
	var out bytes.Buffer
	if err := whoPage.Execute(&out, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
