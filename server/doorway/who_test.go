package doorway

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func page(t *testing.T, w Who) string {
	t.Helper()
	text, err := w.Page()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryLanguageHasEverySentence(t *testing.T) {
	names := slices.Sorted(maps.Keys(all[fallback]))
	variable := regexp.MustCompile(`\{[a-z]+\}`)
	end := regexp.MustCompile(`[.?!。？！।؟]`)
	for _, l := range Languages() {
		if got := slices.Sorted(maps.Keys(all[l])); !slices.Equal(got, names) {
			t.Errorf("%s has the sentences %v, want %v", l, got, names)
		}
		for name, text := range all[l] {
			if text == "" {
				t.Errorf("%s: %s is empty", l, name)
			}
			got, want := variable.FindAllString(text, -1), variable.FindAllString(all[fallback][name], -1)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s has the variables %v, want %v", l, name, got, want)
			}
			for _, sentence := range end.Split(text, -1) {
				if n := len(strings.Fields(sentence)); n > 25 {
					t.Errorf("%s: a sentence of %s has %d words", l, name, n)
				}
			}
		}
	}
}

// words of debt that no page of /who may hold, in the languages of the pages.
var tells = regexp.MustCompile(`(?i)\b(debt|owe|loan|payment|collect|dívida|empréstimo|pagamento|deuda|préstamo|pago|` +
	`schuld|kredit|zahlung|dette|prêt|paiement)|债|欠|贷|还款|催|क़र्ज़|कर्ज|ऋण|भुगतान|دين|قرض|دفع`)

func TestAPageIsSmallAndTellsNothing(t *testing.T) {
	for _, l := range Languages() {
		for _, v := range []Verdict{NotAsked, Yes, NotToday, No, Wait} {
			w := Who{Language: l, Badge: "B-17", Code: "123456", Verdict: v, FirstName: "Ana", WaitMinutes: 3,
				Firm: "The Firm", Phone: "+351 912 000 000", Hours: "9-17", Licence: "L-1", Register: "https://register.example/1"}
			text := page(t, w)
			if len(text) > 25_000 {
				t.Errorf("%s, %q: the page has %d bytes", l, v, len(text))
			}
			body := text[strings.Index(text, "</style>"):]
			if found := tells.FindString(body); found != "" {
				t.Errorf("%s, %q: the page tells of %q", l, v, found)
			}
			for _, no := range []string{"<script", "http://", "src=", "url(", "{", "onclick", " style="} {
				if strings.Contains(body, no) {
					t.Errorf("%s, %q: the page has %q", l, v, no)
				}
			}
			if strings.Count(text, "https://") != strings.Count(text, "https://register.example/1") {
				t.Errorf("%s, %q: the page names another address", l, v)
			}
			if got := strings.Contains(text, "Ana"); got != (v == Yes || v == NotToday) {
				t.Errorf("%s, %q: the page names the agent: %v", l, v, got)
			}
		}
	}
}

func TestWhatIsTypedIsShownAsText(t *testing.T) {
	text := page(t, Who{Language: "en", Badge: `"><b>1`, Code: "<i>", Firm: "<script>alert(1)</script>"})
	for _, no := range []string{"<b>", "<i>", "<script"} {
		if strings.Contains(text, no) {
			t.Errorf("the page has %s", no)
		}
	}
}

func TestWhatIsToMendIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		badge, code   string
		badge2, code2 string // as read
		ok            bool
		says          []string
	}{
		"right":                 {"B-17", "123456", "B-17", "123456", true, nil},
		"spaces and Arabic":     {" B-17 ", "١٢٣ ٤٥٦", "B-17", "123456", true, nil},
		"Devanagari, full size": {"B-17", "१२३４５６", "B-17", "123456", true, nil},
		"five digits":           {"B-17", "12345", "B-17", "12345", false, []string{"missing_code"}},
		"letters":               {"B-17", "12345a", "B-17", "12345a", false, []string{"missing_code"}},
		"no badge":              {" ", "123456", "", "123456", false, []string{"missing_badge"}},
		"nothing right":         {"", "1", "", "1", false, []string{"missing_badge", "missing_code"}},
	} {
		badge, code, ok := Typed(c.badge, c.code)
		if badge != c.badge2 || code != c.code2 || ok != c.ok {
			t.Errorf("%s: read as %q, %q, %v", name, badge, code, ok)
		}
		text := page(t, Who{Language: "en", Badge: c.badge, Code: c.code})
		for _, m := range []string{"missing_badge", "missing_code"} {
			if got := strings.Contains(text, all["en"][m]); got != slices.Contains(c.says, m) {
				t.Errorf("%s: the page says %s: %v", name, m, got)
			}
		}
	}
}

func TestTheLanguageIsTheReaders(t *testing.T) {
	for _, c := range [][3]string{
		{"pt", "en", "pt"}, {"", "pt-BR,en;q=0.5", "pt"}, {"", "zh-TW", "zh"}, {"", "xx", "en"}, {"klingon", "ar-EG", "ar"},
		{"", "", "en"}, {"", ";;;", "en"}, {"", strings.Repeat("de,", 1000), "en"}, {"", "ja,hi;q=0.3", "hi"},
	} {
		if got := Language(c[0], c[1]); got != c[2] {
			t.Errorf("asked %q, accepted %.20q: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestAPhoneIsDialled(t *testing.T) {
	for phone, want := range map[string]string{"+351 220-000 000": `href="tel:&#43;351220000000"`, "ask the office": "",
		`1"><b>`: `href="tel:1"`} {
		text := page(t, Who{Language: "en", Phone: phone})
		if !strings.Contains(text, want) || strings.Contains(text, "tel:") != (want != "") || strings.Contains(text, "<b>") {
			t.Errorf("%s: the page does not have %q: %s", phone, want, text)
		}
	}
}

func ExampleWho_Page() {
	text, err := Who{Language: "en", Verdict: Yes, FirstName: "Ana", Badge: "B-17"}.Page()
	fmt.Println(strings.Contains(string(text), "First name: Ana"), err)
	// Output: true <nil>
}
