package conduct

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestABundleIsTheSameForAWeek makes bundles on the days of a week: the date and the bytes change on Monday.
func TestABundleIsTheSameForAWeek(t *testing.T) {
	p := defaultPolicy(t)
	for at, want := range map[string]string{
		"2026-11-29T23:59:59Z": "2026-11-23", "2026-11-30T00:00:00Z": "2026-11-30", "2026-12-06T12:00:00Z": "2026-11-30",
		"2026-12-07T13:00:00+14:00": "2026-11-30",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Dated(now); got != want {
			t.Errorf("at %s a bundle is dated %s, want %s", at, got, want)
		}
	}
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	one, err := p.Bundle(7, at)
	if err != nil {
		t.Fatal(err)
	}
	same, _ := p.Bundle(7, at.AddDate(0, 0, 3))
	next, _ := p.Bundle(7, at.AddDate(0, 0, 7))
	if one.Statement() != same.Statement() || one.Statement() == next.Statement() {
		t.Errorf("signed are %q, %q and %q", one.Statement(), same.Statement(), next.Statement())
	}
	begins := p.Hash() + "\norg 7\ndated 2026-11-23\nsemantics 1\npolicy_hash sha256-packs\n"
	if !strings.HasPrefix(one.Statement(), begins) || strings.Count(one.Statement(), "\n") != 5+len(p.Parts())+1 {
		t.Errorf("signed is %q", one.Statement())
	}
}

// TestABundleKnowsTheOffsetsOfAllZones compares the offsets of a bundle with those the engine judges by, at every
// change and beside it.
func TestABundleKnowsTheOffsetsOfAllZones(t *testing.T) {
	p := defaultPolicy(t)
	b, err := p.Bundle(1, time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	part := b.Parts[len(b.Parts)-1]
	if quoted, err := plainJSON(part.Text); err != nil || part.Name != ZonesPart || len(quoted) > maxPartBytes {
		t.Fatalf("%s has %d bytes: %v", part.Name, len(quoted), err)
	}
	var zones struct {
		From, To time.Time
		Tables   [][][2]int64
		Zones    map[string]int
	}
	if err := json.Unmarshal([]byte(part.Text), &zones); err != nil {
		t.Fatal(err)
	}
	if got := zones.To.Format(time.DateOnly); got != "2027-01-22" || len(zones.Zones) < 590 {
		t.Errorf("offsets of %d zones until %s", len(zones.Zones), got)
	}
	t.Logf("%d zones, %d tables, %d bytes", len(zones.Zones), len(zones.Tables), len(part.Text))
	for name, n := range zones.Zones {
		z := p.zone(name)
		if z == nil {
			t.Fatalf("%s is no zone", name)
		}
		table := zones.Tables[n]
		if table[0][0] != zones.From.Unix() {
			t.Errorf("%s begins at %d", name, table[0][0])
		}
		for i, row := range table {
			end := zones.To.Unix()
			if i+1 < len(table) {
				end = table[i+1][0]
			}
			for _, at := range []int64{row[0], (row[0] + end) / 2, end - 1} {
				if got := z.offsets[z.span(at)]; got != row[1] {
					t.Errorf("%s at %d: %d, want %d", name, at, row[1], got)
				}
			}
		}
	}
}
