package paper

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"doorstep/server/ladder"
)

var pages = flag.String("pages", "", "write the pages of the tests to this folder, to look at them")

var writer = Writer{Amount: ladder.Amount, Date: ladder.Date}

func sample(language string) Plan {
	p := Plan{Language: language, Lender: "Made-up Savings Bank of the North", Phone: "+351 210 000 000",
		CaseRef: "CASE-1001", Debtor: "Debtor of a Test", ID: "01935a70-0000-7000-8000-000000000001",
		AgreedOn: "2026-11-25", WithdrawUntil: "2026-11-28", Currency: "EUR", BalanceMinor: 1234567, TotalMinor: 1200000,
		ConcessionMinor: 34567, GraceDays: 5, BrokenAfter: 2}
	for i := range 36 {
		p.Instalments = append(p.Instalments, Instalment{i, fmt.Sprintf("20%02d-%02d-15", 27+i/12, 1+i%12), 33333})
	}
	return p
}

// A plan is written in each language, on as many pages as it needs, always the same.
func TestPages(t *testing.T) {
	for _, language := range []string{"en", "pt", "zh-CN", "ar"} {
		p := sample(language)
		if language == "zh-CN" {
			p.Debtor, p.Lender = "测试用债务人", "北方示例储蓄银行"
		}
		one, err := Render(p, writer)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Render(p, writer)
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s: the same plan gives other bytes, %v", language, err)
		}
		if !bytes.HasPrefix(one, []byte("%PDF-")) || bytes.Count(one, []byte("/Type /Page\n")) != 2 || len(one) > 200_000 {
			t.Errorf("%s: %d bytes, %d pages", language, len(one), bytes.Count(one, []byte("/Type /Page\n")))
		}
		if *pages != "" {
			if err := os.WriteFile(filepath.Join(*pages, language+".pdf"), one, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	offer := sample("en")
	offer.Offer, offer.Expires, offer.WithdrawUntil = true, "2026-12-09", ""
	other, err := Render(offer, writer)
	if agreed, _ := Render(sample("en"), writer); err != nil || bytes.Equal(other, agreed) {
		t.Errorf("an offer is written as what was agreed: %v", err)
	}
}

// All languages say the same things, in characters that the font has.
func TestWords(t *testing.T) {
	s, err := newSheet("")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(languages[fallback]))
	for lang, words := range languages {
		if got := slices.Sorted(maps.Keys(words)); !slices.Equal(got, want) {
			t.Errorf("%s has the keys %v, want %v", lang, got, want)
		}
		for key, text := range words {
			if !s.has(text) || text == "" {
				t.Errorf("%s: the font lacks a character of %s: %s", lang, key, text)
			}
			for _, name := range []string{"{lender}", "{date}", "{days}", "{count}", "{phone}"} {
				if strings.Contains(text, name) != strings.Contains(languages[fallback][key], name) {
					t.Errorf("%s: %s and English differ in %s", lang, key, name)
				}
			}
		}
	}
	if s.has("محمد") || !s.has("José Ção") || !s.has("王小明") {
		t.Error("the font has what it should not have, or lacks what it should have")
	}
}

// However narrow the column is, no amount, date or number is broken, and no line begins with a closing mark.
func TestNumbersStayWhole(t *testing.T) {
	s, err := newSheet("")
	if err != nil {
		t.Fatal(err)
	}
	for language := range languages {
		whole := []string{ladder.Amount(123456789, "EUR", language), ladder.Date("2026-12-10", language), "+351 210 000 000",
			"1234567890"}
		text := []piece{}
		for key, words := range languages[language] {
			if strings.HasPrefix(key, "right") {
				text = append(text, sentence(words, "date", whole[1])...)
			}
		}
		for _, w := range whole[:3] {
			text = append(text, piece{" a 12345 " + languages[language]["tell_us"], false}, piece{w, true})
		}
		text = append(text, piece{"1234567890。", false})
		for wide := 10.0; wide < 500; wide += 7 {
			lines := s.lines(text, wide)
			for _, w := range append(whole, "12345") {
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, w) }) {
					t.Fatalf("%s: at a width of %.0f %q is broken: %q", language, wide, w, lines)
				}
			}
			for _, line := range lines[1:] {
				if r := []rune(line); len(r) > 0 && strings.ContainsRune(closing, r[0]) {
					t.Fatalf("%s: at a width of %.0f a line begins with %q", language, wide, r[0])
				}
			}
			if !strings.EqualFold(strings.ReplaceAll(strings.Join(lines, ""), " ", ""), joined(text)) {
				t.Fatalf("%s: at a width of %.0f something is lost: %q", language, wide, lines)
			}
		}
	}
}

func joined(pieces []piece) string {
	out := ""
	for _, p := range pieces {
		out += p.text
	}
	return strings.ReplaceAll(out, " ", "")
}
