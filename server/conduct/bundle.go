package conduct

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	// Semantics is the version of what rules, and what case cards say for them, mean. It changes when an engine that
	// was written before would judge by the same text otherwise: phones with such an engine then say that they cannot
	// tell. A new kind of rule needs no new version, because an engine refuses a member that it does not know.
	Semantics = 1
	// HashFormula names how Hash is made: SHA-256 of the bytes of the packs, one after another.
	HashFormula = "sha256-packs"
	// ZonesPart is the name of the part of a Bundle that holds the zone offsets.
	ZonesPart = "zones"

	// offsetsAhead and offsetsBack are for how long after and before its date a bundle has zone offsets. Rules count
	// local dates of at most a year.
	offsetsAhead = 60 * 24 * time.Hour
	offsetsBack  = 400 * 24 * time.Hour
)

// Bundle is a policy as phones get it: the parts and what is signed of them.
type Bundle struct {
	Hash string
	// Org is the number of the organisation's entry that put the policy in force. It never falls, so a phone that
	// keeps the highest that it verified does not take an older policy for the newest.
	Org uint64
	// Dated is the date ("2006-01-02", UTC) from which the zone offsets hold for 60 days: a Monday.
	Dated string
	// Parts are those of the policy and the offsets of all zones (ZonesPart), sorted by name.
	Parts []Part
}

// Dated is the date of a bundle that is made at an instant: the Monday before. All nodes make the same bundle in one
// week, and a new one in the next, when the offsets of the last still hold for 53 days.
func Dated(now time.Time) string {
	now = now.UTC()
	return now.AddDate(0, 0, -(int(now.Weekday())+6)%7).Format(time.DateOnly)
}

// Bundle makes the bundle of a policy that an entry of the organisation put in force. The same policy, entry and week
// always make the same bytes.
func (p *Policy) Bundle(org uint64, now time.Time) (Bundle, error) {
	b := Bundle{Hash: p.hash, Org: org, Dated: Dated(now), Parts: p.Parts()}
	zones, ok := p.offsets.Load(b.Dated)
	if !ok {
		from, err := time.Parse(time.DateOnly, b.Dated)
		if err != nil {
			return b, fmt.Errorf("make zone offsets: %w", err)
		}
		text, err := zoneOffsets(from.Add(-offsetsBack), from.Add(offsetsAhead))
		if err != nil {
			return b, err
		}
		sum := sha256.Sum256([]byte(text))
		zones = Part{Name: ZonesPart, SHA256: hex.EncodeToString(sum[:]), Text: text}
		p.offsets.Store(b.Dated, zones)
	}
	b.Parts = append(b.Parts, zones.(Part))
	return b, nil
}

// Statement returns the text that the audit key signs for a bundle: lines with what there is to know of it, and then
// the hash and the name of every part.
func (b Bundle) Statement() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s\norg %d\ndated %s\nsemantics %d\npolicy_hash %s\n", b.Hash, b.Org, b.Dated, Semantics, HashFormula)
	for _, part := range b.Parts {
		s.WriteString(part.SHA256 + " " + part.Name + "\n")
	}
	return s.String()
}

// zoneNames lists all names of the IANA list, so that a bundle need not change when a case of another zone comes, and
// is the same for all branches.
//
//go:embed zones.txt
var zoneNames string

// zoneOffsets writes the offsets of all zones between two instants as JSON: names and numbers of tables, which many
// names share. A row of a table is the instant (Unix seconds) from which an offset (seconds east of UTC) holds.
func zoneOffsets(from, to time.Time) (string, error) {
	var out struct {
		Schema string         `json:"schema"`
		From   time.Time      `json:"from"`
		To     time.Time      `json:"to"`
		Tables [][][2]int64   `json:"tables"`
		Zones  map[string]int `json:"zones"`
	}
	out.Schema, out.From, out.To, out.Zones = "conduct-zones/v1", from.UTC(), to.UTC(), map[string]int{}
	known := map[string]int{}
	for name := range strings.FieldsSeq(zoneNames) {
		loc, err := time.LoadLocation(name)
		if err != nil {
			return "", fmt.Errorf("make zone offsets: %w", err)
		}
		var table [][2]int64
		z := tableOf(loc, from.Unix(), to.Unix())
		for i, start := range z.starts {
			table = append(table, [2]int64{start, z.offsets[i]})
		}
		key := fmt.Sprint(table)
		n, there := known[key]
		if !there {
			n = len(out.Tables)
			known[key] = n
			out.Tables = append(out.Tables, table)
		}
		out.Zones[name] = n
	}
	text, err := json.Marshal(out)
	return string(text), err
}
