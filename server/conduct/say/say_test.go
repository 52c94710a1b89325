package say

import (
	"slices"
	"strings"
	"testing"

	"doorstep/server/conduct"
)

// Every line has an id, a time, a text in English and a source that the policy knows; nothing that is said before it is
// known who opens tells of a debt.
func TestLinesHaveSources(t *testing.T) {
	p, err := conduct.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts() {
		if !p.Has(s.Profile) {
			t.Errorf("the policy has no profile %s", s.Profile)
		}
		for _, l := range s.Lines {
			if l.ID == "" || !slices.Contains(order, l.When) || l.Text["en"] == "" || len(l.Cite) == 0 {
				t.Errorf("%s %s lacks something: %+v", s.Profile, l.ID, l)
			}
			for _, key := range l.Cite {
				if !slices.ContainsFunc(p.Sources(), func(x conduct.Source) bool { return x.Key == key }) {
					t.Errorf("%s %s cites %s, which the policy does not have", s.Profile, l.ID, key)
				}
			}
			for _, word := range []string{"debt", "loan", "lender", "account", "owe", "dívida", "credor", "conta", "贷款", "账户",
				"欠", "deuda", "acreedor"} {
				if l.When == First && slices.ContainsFunc([]string{l.Text["en"], l.Text["pt"], l.Text["zh"], l.Text["es"]},
					func(x string) bool { return strings.Contains(strings.ToLower(x), word) }) {
					t.Errorf("%s %s tells of a debt before it is known who opens: %q", s.Profile, l.ID, word)
				}
			}
		}
	}
}

// What must be said follows the country of the case and the language of the debtor.
func TestAScriptIsOfTheCountryAndTheLanguage(t *testing.T) {
	ids := func(all []Line) (out []string) {
		for _, l := range all {
			out = append(out, l.ID+":"+l.Language)
		}
		return out
	}
	if got := ids(Script([]string{"cn", "house-humane"}, "zh-CN")); !slices.Equal(got, []string{"who:zh",
		"nothing_to_others:zh", "recording:zh", "who_sent:zh", "may_refuse:zh", "show_papers:zh", "no_cash:zh",
		"complain:zh"}) {
		t.Errorf("in China: %q", got)
	}
	if got := ids(Script([]string{"house-visit"}, "fi")); len(got) != 5 || got[0] != "who:en" {
		t.Errorf("where no country has a script: %q", got)
	}
	if got := ids(Script([]string{"in-mfi"}, "en")); !slices.Contains(got, "show_papers:en") {
		t.Errorf("under a profile that extends India's: %q", got)
	}
}
