// Package say holds what agents must say at a door, by conduct profile, as data with sources: say.json. It is a script
// and not a judgement: the conduct decision does not depend on it. Counsel is to check it, as the profiles.
package say

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// When a line is said.
const (
	First  = "first"  // to whoever opens, before it is known who they are: nothing of the debt
	Known  = "known"  // once the person is known to be the debtor
	Asked  = "asked"  // when the person asks
	Leave  = "leave"  // before leaving
	Before = "before" // before a recording begins
)

// Line is one thing that must be said.
type Line struct {
	ID string `json:"id"`
	// When says when it is said: a code of first, before, known, asked and leave.
	When string `json:"when"`
	// Text is the line in the language asked for, else in English.
	Text string `json:"text"`
	// Language says in which language the text is.
	Language string `json:"language"`
	// Cite are keys of the policy's sources; house is Doorstep's own.
	Cite []string `json:"cite"`
}

type script struct {
	Profile string `json:"profile"`
	Lines   []struct {
		ID   string            `json:"id"`
		When string            `json:"when"`
		Text map[string]string `json:"text"`
		Cite []string          `json:"cite"`
	} `json:"lines"`
}

//go:embed say.json
var text []byte

var order = []string{First, Before, Known, Asked, Leave}

// scripts are the data, read once.
var scripts = sync.OnceValue(func() []script {
	var all []script
	if err := json.Unmarshal(text, &all); err != nil {
		panic("say: " + err.Error()) // a test reads it
	}
	return all
})

// Script is what must be said under some profiles, each line once, in the order in which it is said. What holds
// everywhere is in it always. A language is a BCP 47 tag.
func Script(profiles []string, language string) []Line {
	base, _, _ := strings.Cut(language, "-")
	out := []Line{}
	for _, s := range scripts() {
		country, _, _ := strings.Cut(s.Profile, "-")
		if s.Profile != "base" && !slices.ContainsFunc(profiles, func(p string) bool {
			return p == s.Profile || strings.HasPrefix(p, country+"-") && s.Profile == country
		}) {
			continue
		}
		for _, l := range s.Lines {
			x := Line{ID: l.ID, When: l.When, Cite: l.Cite}
			for _, lang := range []string{language, base, "en"} {
				if l.Text[lang] != "" {
					x.Text, x.Language = l.Text[lang], lang
					break
				}
			}
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b Line) int { return slices.Index(order, a.When) - slices.Index(order, b.When) })
	return out
}
