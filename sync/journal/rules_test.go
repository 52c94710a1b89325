package journal

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRulesNameTestsThatThereAre looks for the tests that are named where rules and their tests are listed.
func TestRulesNameTestsThatThereAre(t *testing.T) {
	var named []string
	for _, list := range []string{"doc.go", "../README.md"} {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		named = append(named, regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(string(text), -1)...)
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((Test|Fuzz)[A-Z]\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			return errOrSkip(err)
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, found := range declared.FindAllSubmatch(text, -1) {
			there[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range named {
		if !there[name] {
			t.Errorf("%s is named, and there is no such test", name)
		}
	}
	if len(named) < 80 {
		t.Errorf("only %d tests are named", len(named))
	}
}

func errOrSkip(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}
