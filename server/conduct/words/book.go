package words

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

//go:embed *.yaml
var files embed.FS

// language is a file of patterns.
type language struct {
	code, name, reviewed string
	judges               bool // it has what the meaning of texts is judged by; else stop words alone
	lists                map[string][][]item
}

// rule says what is found, and when it counts.
type rule struct {
	// Reason is of a text, Intent of a reply.
	Reason, Intent string
	// Find are lists; one that is found is what the rule is about.
	Find []string
	// Near are lists of which one must be found in the same sentence.
	Near []string
	// Mask are lists: what overlaps with one of them does not count.
	Mask []string
	// Unless are lists: one in the same sentence lifts the rule.
	Unless []string
	// UnlessAnywhere are lists: one in the text lifts the rule.
	UnlessAnywhere []string `yaml:"unless_anywhere"`
	// Denied has the rule pass what is denied.
	Denied bool
	// Promise makes a threat of what is denied and depends on payment ("we will not … if you pay").
	Promise bool
	// Steps are the only steps the rule is for; none: all.
	Steps []string
}

// book is all files together.
type book struct {
	rules     []rule
	languages map[string]*language
	codes     []string // of the languages, in order
	hash      string
	stopOnce  sync.Once
	stops     stopWords
	wordsOnce sync.Once
	words     map[string]bool
}

// everywhere is the file whose lists hold for all languages.
const everywhere = "any"

var readFiles = sync.OnceValue(func() *book {
	b, err := readBook(files)
	if err != nil {
		panic("words: " + err.Error()) // they are part of the program, and tests read them
	}
	return b
})

// Hash is the SHA-256 of the word lists and rules, as "sha256:" and hexadecimal digits.
func Hash() string { return readFiles().hash }

// LanguageFile says who answers for the patterns of a language.
type LanguageFile struct {
	Code, Name string
	Reviewed   string // who reviewed it; "not reviewed yet"
	Judges     bool   // false: only stop words are known
}

// Languages lists the languages that are known, by code.
func Languages() []LanguageFile {
	b := readFiles()
	var out []LanguageFile
	for _, c := range b.codes {
		l := b.languages[c]
		out = append(out, LanguageFile{l.code, l.name, l.reviewed, l.judges})
	}
	return out
}

// readBook reads rules.yaml and the files of languages.
func readBook(f fs.FS) (*book, error) {
	names, err := fs.Glob(f, "*.yaml")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	b := &book{languages: map[string]*language{}}
	sum := sha256.New()
	var faults []error
	for _, name := range names {
		text, err := fs.ReadFile(f, name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(text))
		sum.Write(text)
		if name == "rules.yaml" {
			if err := b.readRules(text); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", name, err))
			}
			continue
		}
		l, err := readLanguage(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if l.code != strings.TrimSuffix(name, ".yaml") {
			faults = append(faults, fmt.Errorf("%s: it is of the language %q", name, l.code))
		}
		b.languages[l.code] = l
		if l.code != everywhere {
			b.codes = append(b.codes, l.code)
		}
	}
	b.hash = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return b, errors.Join(append(faults, b.check()...)...)
}

func (b *book) readRules(text []byte) error {
	var doc struct{ Rules []rule }
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil {
		return err
	}
	b.rules = doc.Rules
	return nil
}

func readLanguage(text []byte) (*language, error) {
	var doc struct {
		Language, Name string
		ReviewedBy     string `yaml:"reviewed_by"`
		Judges         bool
		Lists          map[string]string
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if doc.Language == "" || doc.Name == "" || doc.ReviewedBy == "" {
		return nil, errors.New("language, name and reviewed_by are needed")
	}
	l := &language{code: doc.Language, name: doc.Name, reviewed: doc.ReviewedBy, judges: doc.Judges,
		lists: map[string][][]item{}}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(doc.Lists)) {
		rows, err := parsePattern(doc.Lists[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
		l.lists[name] = rows
	}
	return l, errors.Join(append(faults, l.checkNames()...)...)
}

// checkNames finds lists that do not exist, and lists that refer to themselves.
func (l *language) checkNames() []error {
	var faults []error
	state := map[string]int{} // 1: being looked at, 2: done
	var look func(name string)
	var rows func(of string, in [][]item)
	rows = func(of string, in [][]item) {
		for _, row := range in {
			for _, it := range row {
				rows(of, it.rows)
				if it.kind != listed {
					continue
				}
				if _, known := l.lists[it.text]; !known {
					faults = append(faults, fmt.Errorf("%s: there is no list %s", of, it.text))
				} else if state[it.text] == 1 {
					faults = append(faults, fmt.Errorf("%s: it refers to itself by %s", of, it.text))
				} else {
					look(it.text)
				}
			}
		}
	}
	look = func(name string) {
		if state[name] == 0 {
			state[name] = 1
			rows(name, l.lists[name])
			state[name] = 2
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.lists)) {
		look(name)
	}
	return faults
}

// used are the lists that the program itself looks for, beside those of the rules.
var used = []string{"tell", "not", "not_not", "not_paid", "tied", "regardless", "turn", "debt", "amount", "date",
	"stop_word", "no_stop_word", "courtesy", "day", "sum", "no_offer"}

// check finds lists that nothing looks for, and rules whose lists no file has.
func (b *book) check() []error {
	wanted := map[string]bool{}
	for _, name := range used {
		wanted[name] = true
	}
	var faults []error
	for _, r := range b.rules {
		known := slices.Contains(Reasons(), r.Reason) ||
			slices.Contains(append(Intents(), vulnerable, NoCalls, NoVisits), r.Intent)
		if !known || r.Reason != "" && r.Intent != "" || len(r.Find) == 0 {
			faults = append(faults, fmt.Errorf("rules.yaml: a rule for %q has no reason or intent that is known, or no find",
				r.Reason+r.Intent))
		}
		for _, names := range [][]string{r.Find, r.Near, r.Mask, r.Unless, r.UnlessAnywhere} {
			for _, name := range names {
				wanted[name] = true
			}
		}
	}
	there := map[string]bool{}
	for code, l := range b.languages {
		refers := map[string]bool{}
		var rows func(in [][]item)
		rows = func(in [][]item) {
			for _, row := range in {
				for _, it := range row {
					rows(it.rows)
					if it.kind == listed {
						refers[it.text] = true
					}
				}
			}
		}
		for _, in := range l.lists {
			rows(in)
		}
		for name := range l.lists {
			if there[name] = true; !wanted[name] && !refers[name] {
				faults = append(faults, fmt.Errorf("%s.yaml: no rule and no pattern looks for %s", code, name))
			}
		}
	}
	for name := range wanted {
		if !there[name] {
			faults = append(faults, fmt.Errorf("rules.yaml: no language has the list %s", name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return faults
}

// aliases are other tags of languages.
var aliases = map[string]string{"fil": "tl", "yue": "zh", "cmn": "zh", "nan": "zh", "hak": "zh"}

// primary is the code of the file for a BCP 47 tag.
func primary(tag string) string {
	code, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	if to, is := aliases[code]; is {
		return to
	}
	return code
}
