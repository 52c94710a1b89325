package words

import (
	"slices"
	"testing"
)

// No stop word may be missed, whatever the language of the thread; and a stop word in another sense stops nothing.
func TestStopWordsOfAllLanguages(t *testing.T) {
	for _, text := range []string{"STOP", "Stop.", "stop!!", "stpo", "stp", "stopp", "sstop", "syop", "sto p", "s.t.o.p",
		"5TOP", "st0p", "ѕtор", "ＳＴＯＰ", "stooooop", "please stop", "STOP. I have paid", "ok, stop", "🛑", "unsubscibe",
		"ALTO", "baja", "cancelar", "SAIR", "pare", "退订", "退訂", "TD", "停止", "唔要", "बंद करो", "band karo", "रोकें",
		"বন্ধ", "நிறுத்து", "ఆపండి", "थांबवा", "بند کرو", "બંધ કરો", "ನಿಲ್ಲಿಸಿ", "നിർത്തൂ",
		"ਬੰਦ ਕਰੋ", "توقف", "إيقاف", "arrêt", "Abmelden", "stopp", "staak", "yeka", "misa", "tigil", "itigil"} {
		for _, language := range []string{"en", "zh-HK", "fi"} {
			if r := Intent(language, text); r.Intent != Stop {
				t.Errorf("%q in a thread in %s is %s", text, language, r.Intent)
			}
		}
	}
	for language, texts := range map[string][]string{
		"en": {"I can stop by your office", "don't stop the plan", "bus stop", "at the end of the month", "shopping",
			"and", "never stopped working", "weekend"},
		"es": {"me dieron de baja", "es muy alto", "fin de mes", "aló"},
		"pt": {"vou sair do trabalho", "fim do mês"},
		"zh": {"不要停止我的分期计划", "停车场在哪里"},
		"hi": {"मेरी दुकान बंद है"},
	} {
		for _, text := range texts {
			if r := Intent(language, text); r.Intent == Stop || slices.Contains(r.Also, Stop) {
				t.Errorf("%q in %s is a stop", text, language)
			}
		}
	}
}

// All intents of a reply are told, the first of the list first.
func TestRepliesWithSeveralIntents(t *testing.T) {
	for _, c := range []struct {
		text, intent string
		also         []string
		vulnerable   bool
	}{
		{"I already paid, stop texting me", Stop, []string{PaidAlready}, false},
		{"wrong number, remove me from your list", Stop, []string{WrongNumber}, false},
		{"I lost my job. Can I pay ٥٠ a month? Call me.", WantsPlan, []string{CallMe}, true},
		{"you idiots", Abusive, []string{}, false},
		{"you idiots, I paid last week", PaidAlready, []string{}, false},
		{"don't call me", Other, []string{}, false},
		{"next Friday", WantsPlan, []string{}, false},
		{"下周五", WantsPlan, []string{}, false},
		{"el viernes", WantsPlan, []string{}, false},
		{"५०० रुपये दे सकता हूँ", WantsPlan, []string{}, false},
		{"先还五百元", WantsPlan, []string{}, false},
		{"I am not Peter", WrongNumber, []string{}, false},
		{"that amount is wrong", Dispute, []string{}, false},
		{"", Other, []string{}, false},
		{"👍", Other, []string{}, false},
	} {
		r := Intent("en", c.text)
		if r.Intent != c.intent || !slices.Equal(r.Also, c.also) || r.Vulnerable != c.vulnerable {
			t.Errorf("%q is %+v, want %s %v %v", c.text, r, c.intent, c.also, c.vulnerable)
		}
	}
	if r := Intent("en", "don't call me"); !slices.Equal(r.Wishes, []string{NoCalls}) {
		t.Errorf("the wish for no calls is %v", r.Wishes)
	}
}

func TestOneSlip(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"stop", "stop", true}, {"stp", "stop", true}, {"stopp", "stop", true}, {"stpo", "stop", true},
		{"stap", "stop", true},
		{"stpoo", "stop", false}, {"tsop", "stop", true}, {"tpos", "stop", false}, {"st", "stop", false}, {"", "a", true}} {
		if oneSlip(c.a, c.b) != c.want || oneSlip(c.b, c.a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
	}
}
