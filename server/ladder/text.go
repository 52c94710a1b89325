package ladder

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/currency"

	"doorstep/auth/refusal"
	"doorstep/server/conduct/words"
)

// Text is a text to be judged: a template with its variables in braces, or what one becomes with Vars.
type Text struct {
	Language  string // BCP 47
	Country   string // of the debtor, ISO 3166
	Step      string // its kind
	Recipient string // debtor, guarantor or other
	// VerifiedDays is how many days ago the number was verified; nil for never.
	VerifiedDays *int
	Text         string
	Lender       string
	// Vars are the values of the variables; nil for a template that is judged by itself.
	Vars map[string]string
	// Products are what the lender calls its products; Consequences what it may announce.
	Products     []string
	Consequences []Consequence
}

// Consequence is what a lender may announce, with its source.
type Consequence = words.Consequence

// Fault is why a text may not be sent.
type Fault struct {
	Reason string `json:"reason"`         // a code
	At     string `json:"at,omitempty"`   // where
	Text   string `json:"text,omitempty"` // what was found there
}

// Lint judges a text. No faults: it may be sent.
type Lint func(Text) []Fault

// Answer is what a reply means.
type Answer struct {
	// Intent is the first of what is meant, Also the others: stop, wrong_number, complaint, dispute, paid_already,
	// wants_plan, call_me, abusive, other.
	Intent string
	Also   []string
	// Vulnerable says that the person tells of an illness, a death, hunger or a lost job.
	Vulnerable bool
	// Wishes are channels that the person does not want: no_calls, no_visits.
	Wishes []string
}

// Releasable tells whether a second person may set a fault aside: the rules may be wrong about what a text means, and
// not about what it names, lacks or leaks.
func Releasable(reason string) bool {
	return slices.Contains([]string{"threat", "shame", "third_party", "fake_authority", "urgency", "lump_sum_pressure",
		"unknown_language"}, reason)
}

// Has tells whether an intent is meant.
func (a Answer) Has(intent string) bool { return a.Intent == intent || slices.Contains(a.Also, intent) }

// Intent tells what a reply means, in a language.
type Intent func(language, text string) Answer

// variable is a variable in its braces.
var variable = regexp.MustCompile(`\{([a-z0-9_.-]+)\}`)

// Variables are the names of the variables of a template, each once, in order.
func Variables(text string) []string {
	var out []string
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// ConsequencePrefix begins the variables that stand for a consequence.
const ConsequencePrefix = "consequence."

// Given are the variables whose values come with the request for a message, since no record has them.
func Given(kind string) []string {
	return map[string][]string{VisitNotice: {"visit_date", "visit_window"}, PlanOffer: {"answer_by"},
		PlanReminder: {"instalment_amount", "instalment_due"}, ThankYou: {"paid_amount", "paid_on"}}[kind]
}

// Fill puts values in the place of the variables. The error is template.value, with the variable as its place, for one
// that has no value.
func Fill(text string, values map[string]string) (string, *refusal.Error) {
	var bad *refusal.Error
	out := variable.ReplaceAllStringFunc(text, func(v string) string {
		name := v[1 : len(v)-1]
		value := values[name]
		if value == "" && bad == nil {
			bad = refusal.New(refusal.Refused, "template.value", name, "there is no value for {%s}", name)
		}
		return value
	})
	return out, bad
}

// Amount writes an amount in minor units for a person: "600.00 EUR". Thousands are not set apart, since the sign for it
// is another one's decimal sign.
func Amount(minor int64, iso, language string) string {
	digits := 2
	if unit, err := currency.ParseISO(iso); err == nil {
		digits, _ = currency.Standard.Rounding(unit)
	}
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	text := strconv.FormatInt(minor, 10)
	if digits == 0 {
		return sign + text + " " + iso
	}
	if len(text) <= digits {
		text = strings.Repeat("0", digits-len(text)+1) + text
	}
	return sign + text[:len(text)-digits] + decimalSign(language) + text[len(text)-digits:] + " " + iso
}

func decimalSign(language string) string {
	base, region, _ := strings.Cut(language, "-")
	if slices.Contains([]string{"pt", "de", "fr", "it", "af"}, base) || base == "es" && region != "US" && region != "MX" {
		return ","
	}
	return "."
}

// Date writes a local date ("2006-01-02") for a person.
func Date(date, language string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	base, _, _ := strings.Cut(language, "-")
	switch {
	case language == "en-US":
		return at.Format("January 2, 2006")
	case base == "en":
		return at.Format("2 January 2006")
	case base == "zh":
		return fmt.Sprintf("%d年%d月%d日", at.Year(), at.Month(), at.Day())
	case base == "de":
		return at.Format("02.01.2006")
	case slices.Contains([]string{"pt", "es", "fr", "hi", "it"}, base):
		return at.Format("02/01/2006")
	}
	return date
}

// OptOut is the sentence that tells how to end the texts, in a language; in English for one that is not here.
func OptOut(language string) string {
	base, _, _ := strings.Cut(language, "-")
	if words, known := optOut[language]; known {
		return words
	}
	if words, known := optOut[base]; known {
		return words
	}
	return optOut["en"]
}

// optOut has the sentences by language. No native speaker has reviewed them yet.
var optOut = map[string]string{
	"en": "Reply STOP to end these texts.", "pt": "Responda PARAR para deixar de receber mensagens.",
	"es": "Responda ALTO para no recibir más mensajes.", "fr": "Répondez STOP pour ne plus recevoir de messages.",
	"de": "Antworten Sie STOP, um keine Nachrichten mehr zu erhalten.", "zh": "回复“退订”停止短信。",
	"zh-TW": "回覆「退訂」停止簡訊。", "zh-HK": "回覆「退訂」停止短訊。", "hi": "संदेश बंद करने के लिए STOP लिखकर भेजें।",
	"fil": "Mag-reply ng STOP para itigil ang mga text.", "tl": "Mag-reply ng STOP para itigil ang mga text.",
	"ar": "أرسل STOP لإيقاف الرسائل.", "af": "Antwoord STOP om hierdie boodskappe te stop.",
}

// CodeText is the text that brings a code to who has opened the page of the person visited, in a language: it has
// {code}, and says nothing of who sends it or why. In English for a language that is not here.
func CodeText(language string) string {
	base, _, _ := strings.Cut(language, "-")
	if words, known := codeText[base]; known {
		return words
	}
	return codeText["en"]
}

// codeText has the sentences by language. No native speaker has reviewed them yet.
var codeText = map[string]string{
	"en": "{code} is your code. It works for 15 minutes. Give it to nobody.",
	"pt": "{code} é o seu código. Vale durante 15 minutos. Não o dê a ninguém.",
	"es": "{code} es su código. Vale durante 15 minutos. No se lo dé a nadie.",
	"fr": "{code} est votre code. Il vaut 15 minutes. Ne le donnez à personne.",
	"de": "{code} ist Ihr Code. Er gilt 15 Minuten. Geben Sie ihn niemandem.",
	"zh": "{code} 是您的验证码，15分钟内有效。请勿告诉他人。",
	"hi": "{code} आपका कोड है। यह 15 मिनट तक चलेगा। इसे किसी को न बताएँ।",
	"ar": "{code} هو رمزك. يصلح لمدة 15 دقيقة. لا تعطه لأحد.",
}
