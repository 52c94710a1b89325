package conduct

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"

	"doorstep/auth/refusal"
)

// defaultPack is the pack that ships with the product, for counsel to check.
//
//go:embed packs/default.yaml
var defaultPack []byte

// maxProfiles is how many profiles a policy may have.
const maxProfiles = 500

// schema is the value of the field schema in every pack.
const schema = "conduct-policy/v1"

// Policy is a set of compiled profiles. It never changes and is safe for concurrent use.
type Policy struct {
	hash       string
	packs      []Pack
	parts      []Part
	reasons    []string
	reasonCode map[string]int
	profiles   map[string]*profile
	sources    map[string]Source
	calendars  map[string]map[int32]bool
	tags       map[string]bool
	flags      map[string]bool
	scopes     map[string]bool

	// zones caches tables of time zones by name; there are only a few hundred names.
	zones sync.Map
	// offsets caches the part with the zone offsets by the date of the bundle.
	offsets sync.Map
}

// Profile describes a profile; it leaves out its rules.
type Profile struct {
	ID            string   `json:"id"`
	Title         string   `json:"title,omitempty"`
	Status        string   `json:"status"`                   // in_force or draft
	EffectiveFrom string   `json:"effective_from,omitempty"` // local date
	Extends       []string `json:"extends"`
	Zone          string   `json:"zone,omitempty"`     // IANA zone of acts that name none
	Calendar      string   `json:"calendar,omitempty"` // of public holidays
	// Kept holds the sections that have no effect on decisions, such as retention, as they stand in the pack.
	Kept map[string]any `json:"kept,omitempty"`
}

// Source is a law or guideline that rules cite by its key.
type Source struct {
	Key   string `json:"key"`           // as rules cite it
	Title string `json:"title"`         // in the language of whoever wrote the pack
	URL   string `json:"url,omitempty"` // where it was read
}

// Default returns the policy that the pack that ships makes by itself. Reading a pack takes tens of milliseconds, so
// this one is read once; all callers share the policy, which never changes.
func Default() (*Policy, error) { return readDefault() }

var readDefault = sync.OnceValues(func() (*Policy, error) { return LoadPacks([]Pack{DefaultPack()}) })

// DefaultPack returns the pack that ships with the product. Its name is default.
func DefaultPack() Pack { return Pack{Name: "default", Text: slices.Clone(defaultPack)} }

// Pack is the text of one file of profiles, sources and calendars.
type Pack struct {
	Name string // for error texts; "" if there is only one pack
	Text []byte // YAML, or JSON, which is YAML too
}

// Load reads packs without names.
func Load(packs ...[]byte) (*Policy, error) {
	named := make([]Pack, len(packs))
	for i, text := range packs {
		named[i].Text = text
		if len(packs) > 1 {
			named[i].Name = index("pack", i)
		}
	}
	return LoadPacks(named)
}

// LoadPacks reads packs. A profile, calendar or source of a later pack replaces the one
// of the same name in an earlier pack as a whole; so does a list of reasons. An error is
// a *refusal.Error with the code conduct.pack that names every fault with its pack and line.
// Unknown rules are faults too: ignoring one would permit what it forbids.
func LoadPacks(packs []Pack) (*Policy, error) {
	p := &Policy{profiles: map[string]*profile{}, sources: map[string]Source{}, calendars: map[string]map[int32]bool{},
		tags: map[string]bool{}, flags: map[string]bool{}, scopes: map[string]bool{}}
	for _, f := range knownFlags {
		p.flags[f] = true
	}
	for _, s := range scopes {
		p.scopes[s] = true
	}
	all := &problems{code: "conduct.pack"} // faults that are not in a single pack
	raw := newRawPolicy()
	sum := sha256.New()
	read := make([]*packReader, len(packs))
	for i, pack := range packs {
		sum.Write(pack.Text)
		p.packs = append(p.packs, Pack{pack.Name, slices.Clone(pack.Text)})
		read[i] = &packReader{name: pack.Name, text: pack.Text, problems: problems{code: "conduct.pack"}}
		p.readPack(read[i].decode(), raw)
	}
	p.hash = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	p.reasonCode = map[string]int{}
	for i, r := range p.reasons {
		p.reasonCode[r] = i
	}
	c := &compiler{p: p, ids: map[string]bool{}}
	for _, id := range slices.Sorted(maps.Keys(raw.profiles)) {
		p.profiles[id] = c.profile(id, raw.profiles[id])
	}
	p.checkPolicy(all, raw)
	for _, pr := range p.profiles {
		pr.national = pr.ID != base && p.extends(pr.ID, base, map[string]bool{})
	}
	p.parts = raw.parts(all, p.reasons)
	if err := faultsOf(read, all); err != nil {
		return nil, err
	}
	return p, nil
}

// readPack reads a pack except for its profiles, which are compiled after all packs have been read.
func (p *Policy) readPack(o object, raw *rawPolicy) {
	if o.m == nil {
		return
	}
	if o.need("schema") != schema {
		o.p.add(o.at("schema"), "only %s is known", schema)
	}
	o.skip("compiled", "decisions", "note")
	if reasons := o.strs("reason_priority"); reasons != nil {
		p.reasons = reasons
	}
	sources, _ := o.object("sources")
	for _, key := range sources.keys() {
		s, _ := sources.object(key)
		p.sources[key] = Source{Key: key, Title: s.str("title"), URL: s.str("url")}
		s.done()
		raw.sources[key] = s
	}
	calendars, _ := o.object("calendars")
	calendars.skip("note")
	for _, key := range calendars.keys() {
		if key == "note" {
			continue
		}
		checkName(o.p, calendars.at(key), key)
		days := map[int32]bool{}
		for i, day := range calendars.strs(key) {
			days[readDay(o.p, index(calendars.at(key), i), day)] = true
		}
		p.calendars[key] = days
		raw.calendars[key] = calendars
	}
	profiles, _ := o.object("profiles")
	for _, id := range profiles.keys() {
		checkName(o.p, profiles.at(id), id)
		raw.profiles[id], _ = profiles.object(id)
		if name, ok := raw.profiles[id].m["calendar"].(string); ok {
			raw.named[name] = true
		}
	}
	o.done()
}

// checkPolicy checks what profiles require of each other.
func (p *Policy) checkPolicy(all *problems, raw *rawPolicy) {
	for _, r := range []string{"PROFILE_NOT_IN_FORCE", "TZ_UNKNOWN", "PARTY_NOT_ALLOWED", "PARTY_REFUSED", "PARTY_PURPOSE",
		"PARTY_CAP", "PARTY_DISCLOSURE", "CHANNEL_OPTED_OUT", "PLACE_NOT_ALLOWED", "INCONVENIENT_TIME",
		"INCONVENIENT_PLACE", "BADGE_MISSING", "AUTH_LETTER_MISSING", "CERT_MISSING"} {
		if !slices.Contains(p.reasons, r) {
			all.add("reason_priority", "%s is missing", r)
		}
	}
	for name, o := range raw.calendars {
		if !raw.named[name] {
			o.p.add(o.at(name), "no profile names this calendar, so it would close no day; mind upper and lower case")
		}
	}
	if n := len(p.profiles); n > maxProfiles {
		all.add("profiles", "these are %d profiles; a policy has at most %d", n, maxProfiles)
	}
	for _, id := range p.Profiles() {
		at := raw.profiles[id].p
		for i, base := range p.profiles[id].Extends {
			if p.profiles[base] == nil {
				at.add(index("profiles."+id+".extends", i), "there is no such profile")
			}
		}
		if p.extends(id, id, map[string]bool{}) {
			at.add("profiles."+id+".extends", "the profile extends itself")
		}
	}
}

// extends tells whether a profile extends another, directly or by those between.
func (p *Policy) extends(from, id string, seen map[string]bool) bool {
	if seen[from] || p.profiles[from] == nil {
		return false
	}
	seen[from] = true
	for _, next := range p.profiles[from].Extends {
		if next == id || p.extends(next, id, seen) {
			return true
		}
	}
	return false
}

// Hash returns "sha256:" and the SHA-256 of the packs' bytes, one after another, in
// hexadecimal. Decisions store it, so that each can be explained by the rules in force
// when it was made.
func (p *Policy) Hash() string { return p.hash }

// Packs returns copies of the packs the policy was loaded from.
func (p *Policy) Packs() []Pack {
	packs := make([]Pack, len(p.packs))
	for i, pack := range p.packs {
		packs[i] = Pack{pack.Name, slices.Clone(pack.Text)}
	}
	return packs
}

// Gone lists the profiles of was that the policy lacks, sorted. A policy may replace was only if no case and no
// branch names any of them, because what names them could not be judged any more.
func (p *Policy) Gone(was *Policy) []string {
	var gone []string
	for _, id := range was.Profiles() {
		if !p.Has(id) {
			gone = append(gone, id)
		}
	}
	return gone
}

// StillNamed refuses to take profiles away: something names them. Its code is conduct.profile_gone.
func StillNamed(profiles []string) error {
	return refusal.New(refusal.Conflict, "conduct.profile_gone", "",
		"cases or branches name these profiles, so they cannot go: %s; "+
			"give what is no longer wanted the status draft instead", strings.Join(profiles, ", "))
}

// Has tells whether there is a profile of that name.
func (p *Policy) Has(profile string) bool { return p.profiles[profile] != nil }

// Profiles lists the names of all profiles, sorted.
func (p *Policy) Profiles() []string { return slices.Sorted(maps.Keys(p.profiles)) }

// About describes a profile; it returns false if there is no profile of that name.
func (p *Policy) About(profile string) (Profile, bool) {
	pr := p.profiles[profile]
	if pr == nil {
		return Profile{}, false
	}
	about := pr.Profile
	about.Extends, about.Kept = slices.Clone(about.Extends), maps.Clone(about.Kept)
	return about, true
}

// Sources lists the sources that rules cite, sorted by key.
func (p *Policy) Sources() []Source {
	list := make([]Source, 0, len(p.sources))
	for _, key := range slices.Sorted(maps.Keys(p.sources)) {
		list = append(list, p.sources[key])
	}
	return list
}

// Reasons lists the reasons for which an act may be denied, the most important first.
func (p *Policy) Reasons() []string { return slices.Clone(p.reasons) }

// ContentTags lists the content tags that rules name, sorted. Judge refuses other tags.
func (p *Policy) ContentTags() []string { return slices.Sorted(maps.Keys(p.tags)) }

// Flags lists the facts about a case, sorted: those that any case may have, and those that rules name. Judge
// refuses others.
func (p *Policy) Flags() []string { return slices.Sorted(maps.Keys(p.flags)) }

// ConsentScopes lists the scopes of consents, sorted. Judge refuses other scopes.
func (p *Policy) ConsentScopes() []string { return slices.Sorted(maps.Keys(p.scopes)) }

// houseVisit is the profile for countries that have none of their own.
const houseVisit = "house-visit"

// Standing lists the profiles that a policy in use cannot do without: base, which is in every chain, and the
// profile of countries that have none.
func Standing() []string { return []string{base, houseVisit} }

// DefaultProfile returns the national profile of a country (ISO 3166-1, "PT", or a
// part of one, "US-MA"), or house-visit if the country has none. It never returns an
// overlay, because overlays only add rules to another profile.
func (p *Policy) DefaultProfile(country string) string {
	id, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(country)), "-")
	if id == "gb" {
		id = "uk"
	}
	if pr := p.profiles[id]; len(id) == 2 && pr != nil && pr.national {
		return id
	}
	return houseVisit
}

// chain holds the profiles that must all allow an act.
type chain struct {
	profiles []*profile
	holidays []map[int32]bool // of each
	zone     string           // the default of the first profile that has one, or ""
}

// Chain returns base, the named profiles and all they extend, base first, each once; all of
// them must allow an act. For a profile that is in no pack it returns a *refusal.Error
// with the code conduct.unknown_profile.
func (p *Policy) Chain(profiles []string) ([]string, error) {
	c, err := p.chain(profiles)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(c.profiles))
	for i, pr := range c.profiles {
		ids[i] = pr.ID
	}
	return ids, nil
}

func (p *Policy) chain(profiles []string) (*chain, *refusal.Error) {
	for i, id := range profiles {
		if p.profiles[id] == nil {
			return nil, refusal.New(refusal.Malformed, "conduct.unknown_profile", index("profiles", i),
				"there is no such profile; there are %s", strings.Join(p.Profiles(), ", "))
		}
	}
	c := &chain{}
	if p.profiles[base] != nil {
		p.extend(c, base)
	}
	for _, id := range profiles {
		p.extend(c, id)
	}
	var first map[int32]bool
	for _, pr := range c.profiles {
		if c.zone == "" {
			c.zone = pr.Zone
		}
		if first == nil && pr.Calendar != "" {
			first = p.calendars[pr.Calendar]
		}
	}
	for _, pr := range c.profiles {
		days := first
		if pr.Calendar != "" {
			days = p.calendars[pr.Calendar]
		}
		c.holidays = append(c.holidays, days)
	}
	return c, nil
}

func (p *Policy) extend(c *chain, id string) {
	pr := p.profiles[id]
	if slices.Contains(c.profiles, pr) {
		return
	}
	for _, base := range pr.Extends {
		p.extend(c, base)
	}
	c.profiles = append(c.profiles, pr)
}

// zone returns a zone of the IANA list, or nil.
func (p *Policy) zone(name string) *zone {
	if z, ok := p.zones.Load(name); ok {
		return z.(*zone)
	}
	z := loadZone(name)
	if z != nil {
		p.zones.Store(name, z)
	}
	return z
}
