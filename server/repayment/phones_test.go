package repayment

import (
	"bufio"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bojanz/currency"
)

var (
	questionsTo   = flag.String("questions", "", "a file for TestWriteQuestions to write questions and answers to")
	questionsMany = flag.Int("questions-many", 2000, "how many questions it writes")
)

// TestWriteQuestions writes random questions and their answers, line by line in turn, for the tests of
// sync/clients/plan.
func TestWriteQuestions(t *testing.T) {
	if *questionsTo == "" {
		t.Skip("NO QUESTIONS WERE WRITTEN FOR THE PHONES' PLANS: they are when -questions names a file")
	}
	f, err := os.Create(*questionsTo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	var line []byte
	for i := range uint64(*questionsMany) {
		question := render(t, choose(i).question())
		line = append(append(line[:0], question...), '\n')
		line = append(AppendAnswer(line, question), '\n')
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestPhonesKnowTheSameCurrencies compares the table of sync/clients/plan with the currencies that imports take.
func TestPhonesKnowTheSameCurrencies(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "sync", "clients", "plan", "src", "money.ts"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]byte{}
	for _, row := range regexp.MustCompile(`(?s)\[(\d), "(.*?)\],`).FindAllSubmatch(text, -1) {
		for _, code := range regexp.MustCompile(`[A-Z]{3}`).FindAllString(string(row[2]), -1) {
			got[code] = row[1][0] - '0'
		}
	}
	for _, code := range currency.GetCurrencyCodes() {
		if digits, _ := currency.GetDigits(code); got[code] != digits {
			t.Errorf("%s has %d decimals, phones think %d", code, digits, got[code])
		}
		delete(got, code)
	}
	if len(got) > 0 {
		t.Errorf("phones take %v, which imports refuse", got)
	}
	if n := len(currency.GetCurrencyCodes()); n < 150 || strings.Count(string(text), "GBP") != 1 {
		t.Errorf("%d currencies were compared", n)
	}
}
