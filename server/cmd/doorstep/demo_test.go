package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The lines of README's tour are typed against a running demo, on whatever day:
// each name they use is set by them or by the demo, and none names a day of its own.
func TestTheDemoSaysWhatTheTourUses(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	said := welcome{URL: "u", Date: "d", Round: "r", Key: "k"}.String()
	uses := regexp.MustCompile(`\$\{?([A-Za-z]\w*)`)
	sets := regexp.MustCompile(`(?m)(?:^|; )\s*([A-Za-z]\w*)=`)
	for _, section := range []string{"## A tour with curl", "### When the day changes", "### Territories"} {
		_, rest, found := strings.Cut(string(readme), "\n"+section+"\n")
		_, rest, fenced := strings.Cut(rest, "```sh\n")
		block, _, closed := strings.Cut(rest, "```")
		if !found || !fenced || !closed {
			t.Fatalf("README has no lines under %s", section)
		}
		var set []string
		for _, m := range sets.FindAllStringSubmatch(said+block, -1) {
			set = append(set, m[1])
		}
		for _, m := range uses.FindAllStringSubmatch(said+block, -1) {
			if !slices.Contains(set, m[1]) {
				t.Errorf("%s: nothing sets $%s", section, m[1])
			}
		}
		for _, line := range strings.Split(block, "\n") {
			// What is asked of the rules alone may be of any day.
			if regexp.MustCompile(`20\d\d-\d\d`).MatchString(line) && !strings.Contains(line, `"channel":"visit"`) {
				t.Errorf("%s: a day of its own: %s", section, line)
			}
		}
	}
}
