package conduct

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Part is a piece of a policy as phones get it: a small pack in JSON with one profile,
// one calendar, all sources or the list of reasons. Loading all parts as packs, in any
// order, makes a policy that gives the same decisions.
type Part struct {
	Name   string // reasons, sources, calendar.<name>, profile.<id>
	SHA256 string // of Text, in hex
	Text   string
}

// maxPartBytes is how long a part may be as a JSON string, in bytes: it must fit into one synced record.
const maxPartBytes = 60 << 10

// Parts returns the pieces of the policy, sorted by name. The same rules always make the
// same bytes, so a change of one profile changes one part.
func (p *Policy) Parts() []Part { return slices.Clone(p.parts) }

// rawPolicy holds the profiles, sources and calendars of all packs before they are
// compiled; those of later packs have replaced those of earlier ones.
type rawPolicy struct {
	profiles  map[string]object // by id
	sources   map[string]object // by key
	calendars map[string]object // by name: the object that holds it
	named     map[string]bool   // calendars that any profile names, including profiles that were replaced
}

func newRawPolicy() *rawPolicy {
	return &rawPolicy{map[string]object{}, map[string]object{}, map[string]object{}, map[string]bool{}}
}

// parts makes the policy's parts. A part that is too long for a record is a problem of the pack it comes from.
func (r *rawPolicy) parts(all *problems, reasons []string) []Part {
	var parts []Part
	add := func(p *problems, field, name, section string, value any) {
		text, err := plainJSON(map[string]any{"schema": schema, section: value})
		if err != nil {
			p.add(field, "this cannot be written as JSON")
			return
		}
		if quoted, err := plainJSON(text); err != nil || len(quoted) > maxPartBytes {
			p.add(field, "this is too long for a phone: at most %d KiB as JSON", maxPartBytes>>10)
		}
		sum := sha256.Sum256([]byte(text))
		parts = append(parts, Part{Name: name, SHA256: hex.EncodeToString(sum[:]), Text: text})
	}
	for _, name := range slices.Sorted(maps.Keys(r.calendars)) {
		o := r.calendars[name]
		add(o.p, o.at(name), "calendar."+name, "calendars", map[string]any{name: o.m[name]})
	}
	for _, id := range slices.Sorted(maps.Keys(r.profiles)) {
		o := r.profiles[id]
		add(o.p, o.path, "profile."+id, "profiles", map[string]any{id: o.m})
	}
	add(all, "reason_priority", "reasons", "reason_priority", reasons)
	sources := map[string]any{}
	for key, o := range r.sources {
		sources[key] = o.m
	}
	add(all, "sources", "sources", "sources", sources)
	return parts
}

// plainJSON encodes v as JSON without the escapes that only HTML needs.
func plainJSON(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("encode part: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

var nameShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// checkName checks a name that becomes part of a record's id.
func checkName(p *problems, path, name string) {
	if !nameShape.MatchString(name) {
		p.add(path, "a name has 1 to 40 letters, digits, dashes or underscores")
	}
}
