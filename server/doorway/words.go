package doorway

import (
	"embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed words/*.json door/*.json
var files embed.FS

// sentences are those of a language, by name.
type sentences map[string]string

// fallback is the language of who asks for none that there is.
const fallback = "en"

// all are the sentences of /who, doors those of the pages of the person visited, by language.
var (
	all, matcher, tags = readLanguages()
	doors              = readWords("door")
)

func readWords(folder string) map[string]sentences {
	out := map[string]sentences{}
	entries, err := files.ReadDir(folder)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		text, err := files.ReadFile(folder + "/" + e.Name())
		if err != nil {
			panic(err)
		}
		s := sentences{}
		if err := json.Unmarshal(text, &s); err != nil {
			panic("doorway: " + e.Name() + ": " + err.Error())
		}
		out[strings.TrimSuffix(e.Name(), ".json")] = s
	}
	return out
}

func readLanguages() (map[string]sentences, language.Matcher, []string) {
	out := readWords("words")
	names := slices.Sorted(maps.Keys(out))
	at := slices.Index(names, fallback)
	names = append([]string{fallback}, slices.Delete(names, at, at+1)...) // the matcher falls back to its first
	known := make([]language.Tag, len(names))
	for i, n := range names {
		known[i] = language.Make(n)
	}
	return out, language.NewMatcher(known), names
}

// Languages lists those that the pages are written in (BCP 47).
func Languages() []string { return slices.Sorted(maps.Keys(all)) }

// Language picks one of Languages: the one asked for by name, else the best of an Accept-Language header, else English.
func Language(asked, accepted string) string {
	if _, ok := all[asked]; ok {
		return asked
	}
	if len(accepted) > 1000 {
		return fallback
	}
	wanted, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil {
		return fallback
	}
	_, i, sure := matcher.Match(wanted...)
	if sure == language.No {
		return fallback
	}
	return tags[i]
}

// say fills the sentence of a name; values are pairs of a name in braces and what stands for it.
func (s sentences) say(name string, values ...string) string {
	pairs := slices.Clone(values)
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(s[name])
}
