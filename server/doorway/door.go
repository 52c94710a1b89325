package doorway

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
	"time"
)

// Door is a page of the person visited: what stands on it, in order. Its title is the same on all pages and tells
// nothing.
type Door struct {
	Language string // one of Languages
	// Firm, Phone and Hours are the firm's; each may be empty.
	Firm, Phone, Hours string
	Heading            string
	// Mend says what is wrong with what was sent; "" for nothing.
	Mend   string
	Blocks []Block
	// Back is the path of the page before; "" for none.
	Back string
	// Here is the path of this page, for other languages; "" for an answer that is not asked for again.
	Here string
	// Alone is of a page that nobody has been let into: it has no way to leave.
	Alone bool
	// Leaves is the address of another site that the browser goes to at once; "" to stay.
	Leaves string
}

// Block is a part of a page: sentences, and one of the others.
type Block struct {
	Heading string
	Says    []string
	List    []string
	Rows    [][2]string
	Links   []Link
	Form    *Form
}

// Link leads to another page.
type Link struct {
	To, Text string
	// Button is of a choice that is shown as large as the others beside it; Out of a page of somebody else.
	Button, Out bool
}

// Form is what the person is asked for.
type Form struct {
	To     string
	Hidden [][2]string
	Fields []Field
	Button string
}

// Field is one question.
type Field struct {
	Name, Label, Why, Value string
	// Mend says what is wrong with the value; "" for nothing.
	Mend string
	// Options are values and what stands beside them; none for a text.
	Options [][2]string
	// Long is of a text of several lines. Numbers is an input mode, Fill what browsers may fill in.
	Long          bool
	Numbers, Fill string
}

//go:embed door.html
var doorText string

//go:embed door.css
var doorCSS string

var doorPage = template.Must(template.New("door").Parse(doorText))

// DoorPolicy is the Content-Security-Policy of the pages: their own style and forms, and nothing else.
var DoorPolicy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; form-action 'self'; base-uri 'none'; "+
	"frame-ancestors 'none'", doorHash())

func doorHash() string {
	sum := sha256.Sum256([]byte(css + doorCSS))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Page makes the page as HTML in UTF-8.
func (d Door) Page() ([]byte, error) {
	if doors[d.Language] == nil {
		d.Language = fallback
	}
	s := Words(d.Language)
	data := struct {
		Door
		Style                                                        template.CSS
		Dir, Title, Leave, LeaveNote, Back, Call, Relay, Cookie, Who string
		BackTo                                                       string
		Dial                                                         template.URL
		Others                                                       []other
	}{Door: d, Style: template.CSS(css + doorCSS), Dir: "ltr", Title: s.Say("title"), Back: s.Say("back"),
		BackTo: d.Back, Cookie: s.Say("cookie"), Who: s.Say("who")}
	if d.Language == "ar" {
		data.Dir = "rtl"
	}
	if !d.Alone {
		data.Leave, data.LeaveNote = s.Say("leave"), s.Say("leave_note")
	}
	if d.Phone != "" {
		data.Dial = dial(d.Phone)
		data.Call, data.Relay = s.Say("call", "phone", strings.TrimSpace(d.Phone+" "+d.Hours)), s.Say("relay")
	}
	for _, l := range Languages() {
		if l != d.Language && d.Here != "" {
			data.Others = append(data.Others, other{l, all[l]["language"]})
		}
	}
	var out bytes.Buffer
	if err := doorPage.Execute(&out, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Speech is what the pages of the person visited say, in a language.
type Speech struct{ s sentences }

// Words are the sentences of a language; of English for one that is not here.
func Words(language string) Speech {
	if s := doors[language]; s != nil {
		return Speech{s}
	}
	return Speech{doors[fallback]}
}

// Say is a sentence by its name; values are pairs of a name in braces and what stands for it.
func (w Speech) Say(name string, values ...string) string { return w.s.say(name, values...) }

// Has tells whether there is a sentence of a name.
func (w Speech) Has(name string) bool { return w.s[name] != "" }

// Date writes a local date ("2006-01-02") with its weekday and the name of its month.
func (w Speech) Date(date string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return w.Say("date", "weekday", strings.Split(w.s["days"], "|")[at.Weekday()], "day", fmt.Sprint(at.Day()),
		"month", strings.Split(w.s["months"], "|")[at.Month()-1], "year", fmt.Sprint(at.Year()))
}

// Span writes a span of a day, as the sentence slot has it; both instants are in the debtor's zone.
func (w Speech) Span(from, to time.Time) string {
	part := "evening"
	switch {
	case from.Hour() < 12:
		part = "morning"
	case from.Hour() < 17:
		part = "afternoon"
	}
	return w.Say("slot", "date", w.Date(from.Format(time.DateOnly)), "part", w.Say(part), "from", Clock(from), "to",
		Clock(to))
}

// Clock writes the time of day.
func Clock(at time.Time) string { return at.Format("15:04") }
