package doorway

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// forbidden are words that press or that only lawyers use, by language, with what stands in their place.
var forbidden = map[string]string{
	"en": `default|liabilit|arrears|pursuant|remit|enforce|obligation|breach|failure to|immediately|final|urgent`,
	"pt": `incumprimento|passivo|em mora|execut|obrigação|imediatamente|urgente|último aviso|intimação`,
	"es": `incumplimiento|morosidad|embargo|ejecut|obligación|inmediatamente|urgente|último aviso|deudor`,
	"fr": `défaut de paiement|arriéré|exécut|obligation|immédiatement|urgent|dernier avis|débiteur`,
	"de": `säumnis|verzug|vollstreck|verpflichtung|unverzüglich|dringend|letzte mahnung|schuldner`,
	"zh": `违约|追讨|强制|务必|立刻还|最后通知|紧急|债务人`,
	"hi": `चूक|वसूली|बाध्य|अंतिम सूचना|अत्यावश्यक|देनदार`,
	"ar": `تقصير|إنذار|تنفيذ جبري|عاجل|المدين`,
}

// TestThePagesSpeakPlainly counts the words of each sentence, and looks for words that are not plain.
func TestThePagesSpeakPlainly(t *testing.T) {
	names := slices.Sorted(maps.Keys(doors[fallback]))
	variable := regexp.MustCompile(`\{[a-z]+\}`)
	end := regexp.MustCompile(`[.?!。？！।؟:：]( |$)|[。？！।]`)
	if got := slices.Sorted(maps.Keys(doors)); !slices.Equal(got, Languages()) {
		t.Fatalf("the pages are in %v, /who in %v", got, Languages())
	}
	for l, s := range doors {
		if got := slices.Sorted(maps.Keys(s)); !slices.Equal(got, names) {
			t.Errorf("%s lacks or adds sentences", l)
		}
		bad := regexp.MustCompile(`(?i)` + forbidden[l])
		sentences, words := 0, 0
		for name, text := range s {
			got, want := variable.FindAllString(text, -1), variable.FindAllString(doors[fallback][name], -1)
			slices.Sort(got)
			slices.Sort(want)
			if text == "" || !slices.Equal(got, want) {
				t.Errorf("%s: %s has the variables %v, want %v", l, name, got, want)
			}
			if found := bad.FindString(text); found != "" || forbidden[l] == "" {
				t.Errorf("%s: %s says %q", l, name, found)
			}
			if strings.Contains(text, "!") || text == strings.ToUpper(text) && text != strings.ToLower(text) && len(text) > 3 {
				t.Errorf("%s: %s shouts: %s", l, name, text)
			}
			if name == "days" || name == "months" {
				continue
			}
			for _, sentence := range end.Split(text, -1) {
				n := len(strings.Fields(sentence))
				if l == "zh" {
					n = utf8.RuneCountInString(sentence) / 2 // two signs are a word, about
				}
				if n == 0 {
					continue
				}
				sentences, words = sentences+1, words+n
				if n > 25 {
					t.Errorf("%s: a sentence of %s has %d words", l, name, n)
				}
			}
		}
		if words > 15*sentences {
			t.Errorf("%s: %d words in %d sentences", l, words, sentences)
		}
	}
}

// TestWhatStandsBeforeTheCheckIsNeutral reads the sentences of the first page in all languages.
func TestWhatStandsBeforeTheCheckIsNeutral(t *testing.T) {
	before := []string{"title", "from", "from_unnamed", "private", "minutes", "not_me_head", "not_me", "not_me_button",
		"not_me_confirm", "not_me_yes", "not_me_done", "not_me_after", "code_head", "code", "code_button", "code_sent",
		"code_label", "code_wait", "facts_head", "facts", "postal", "last_four", "continue", "no_fit", "missing_code",
		"missing_postal", "missing_last_four", "no_check", "gone", "over", "wait", "trouble", "leave", "leave_note", "back",
		"call", "relay", "cookie", "who"}
	for l, s := range doors {
		for _, name := range before {
			if s[name] == "" {
				t.Errorf("%s: there is no sentence %s", l, name)
			}
			if found := tells.FindString(s[name]); found != "" {
				t.Errorf("%s: %s tells of %q", l, name, found)
			}
		}
	}
}

func TestHelpHasAddresses(t *testing.T) {
	for country, h := range help {
		for _, x := range append(slices.Clone(h.Advice), h.Outside...) {
			if x.Name == "" || !strings.HasPrefix(x.URL, "https://") {
				t.Errorf("%s: %+v", country, x)
			}
		}
	}
	if len(HelpIn("US-MA").Outside) == 0 || len(HelpIn("XX").Outside) != 0 {
		t.Error("a part of a country has its help, and an unknown one none")
	}
}

func TestADateIsSaidInWords(t *testing.T) {
	for l, want := range map[string]string{"en": "Tuesday 3 March 2026", "pt": "terça-feira, 3 de março de 2026",
		"zh": "2026年3月3日星期二", "de": "Dienstag, 3. März 2026"} {
		if got := Words(l).Date("2026-03-03"); got != want {
			t.Errorf("%s: %s, want %s", l, got, want)
		}
	}
}
