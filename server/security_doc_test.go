package server

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityDocNamesTestsThatExist: a state "met" in SECURITY.md rests on the test that the row names.
func TestSecurityDocNamesTestsThatExist(t *testing.T) {
	doc, err := os.ReadFile("SECURITY.md")
	ok(t, err)
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	ok(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			there[string(m[1])] = true
		}
		return err
	}))
	named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(doc), -1)
	for _, name := range named {
		if !there[name] {
			t.Errorf("SECURITY.md names %s, which does not exist", name)
		}
	}
	if len(named) < 80 || len(there) < 500 {
		t.Errorf("%d tests are named, of %d", len(named), len(there))
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+)`).FindAllStringSubmatch(string(doc), -1)
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r[1]] {
			t.Errorf("requirement %s has two rows", r[1])
		}
		seen[r[1]] = true
	}
}
