package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/server/casework/rows"
	"doorstep/server/conduct"
	"doorstep/server/record"
)

// warned lists the warnings of an import as "code@line.column".
func warned(all []rows.LineError) []string {
	var out []string
	for _, w := range all {
		out = append(out, fmt.Sprintf("%s@%d.%s", w.Code, w.Line, w.Column))
	}
	return out
}

// imports takes lines in and gives the report.
func (h *fixture) imports(lines ...[]string) ImportReport {
	h.t.Helper()
	rep, err := h.svc.ImportCases(context.Background(), boss, porto, "text/csv", strings.NewReader(file(lines...)),
		ImportOptions{})
	ok(h.t, err)
	return rep
}

func TestAZoneIsOneOfTheCountrys(t *testing.T) {
	h := newFixture(t)
	place := map[string][2]string{"CN": {"114.06", "22.55"}, "DE": {"11.6044", "49.9813"}, "US": {"-118.24", "34.05"},
		"US-CA": {"-118.24", "34.05"}, "GB": {"-0.12", "51.5"}, "PT": {"-8.61", "41.15"}, "IN": {"77.2", "28.6"}}
	for _, c := range []struct{ country, zone, want string }{
		{"CN", "UTC", "0/0/0/1 import.time_zone@2.time_zone"},
		{"CN", "Asia/Tokyo", "0/0/0/1 import.time_zone@2.time_zone"},
		{"CN", "Asia/Shanghai", "1/0/0/0"},
		{"CN", "PRC", "1/0/0/0"},
		{"DE", "Etc/GMT+1", "0/0/0/1 import.time_zone@2.time_zone"},
		{"DE", "CET", "0/0/0/1 import.time_zone@2.time_zone"},
		{"DE", "Europe/Vienna", "0/0/0/1 import.time_zone@2.time_zone"},
		{"DE", "Europe/Berlin", "1/0/0/0"},
		{"GB", "GMT", "0/0/0/1 import.time_zone@2.time_zone"},
		{"US", "Europe/London", "0/0/0/1 import.time_zone@2.time_zone"},
		{"US-CA", "US/Pacific", "1/0/0/0"},
		{"IN", "Asia/Calcutta", "1/0/0/0"},
		{"PT", "Atlantic/Azores", "1/0/0/0"},
		{"PT", "Factory", "0/0/0/1 import.time_zone@2.time_zone"},
	} {
		h.n++
		at := place[c.country]
		got := h.imported(boss, porto, line(fmt.Sprintf("z%d", h.n), "country", c.country, "time_zone", c.zone,
			"lon", at[0], "lat", at[1]))
		if got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.country, c.zone, got, c.want)
		}
	}
}

// A home in Los Angeles whose line says New York is visited only when both clocks allow it, until its
// zone is corrected.
func TestTheZoneOfTheHomeBindsAsWell(t *testing.T) {
	h := newFixture(t)
	la := []string{"country", "US", "lon", "-118.24", "lat", "34.05", "profile", "house-visit"}
	rep := h.imports(line("mixed", append(la, "time_zone", "America/New_York")...),
		line("right", append(la, "time_zone", "America/Los_Angeles")...),
		line("same", append(la, "time_zone", "America/Tijuana")...))
	if got := warned(rep.Warnings); rep.Accepted != 2 || !slices.Equal(got, []string{"import.home_zone@2.time_zone"}) {
		t.Fatalf("%+v", rep)
	}
	windows := func(id string) string {
		day := PlanningDay{mustPolicy(t), "2026-12-02", nil}
		f, err := h.svc.PlanningFileOf(context.Background(), boss, porto, "north.mixed", day)
		ok(t, err)
		if id == "right" {
			f, err = h.svc.PlanningFileOf(context.Background(), boss, porto, "north.right", day)
			ok(t, err)
		}
		all, _, err := WindowsOf(context.Background(), mustPolicy(t), f, day.Date, WellEquipped())
		ok(t, err)
		return fmt.Sprint(spans(all))
	}
	both, right := windows("mixed"), windows("right")
	// What New York's clock allows early is night in Los Angeles.
	if !strings.HasPrefix(right, "[16:00") || !strings.HasPrefix(both, "[16:00") || both == right {
		t.Errorf("by both clocks %s, by the right one %s", both, right)
	}
	zone := "America/Los_Angeles"
	h.must(Correct{Case: "north.mixed", TimeZone: &zone})
	if k := h.shown("north.mixed"); k["home_time_zone"] != nil || windows("mixed") != right {
		t.Errorf("corrected: %v, %s", k["home_time_zone"], windows("mixed"))
	}
	home := geo.Point{Lon: -74.0, Lat: 40.71}
	if got := h.must(Correct{Case: "north.mixed", Home: &home}); h.shown("north.mixed")["home_time_zone"] !=
		"America/New_York" || !strings.Contains(fmt.Sprint(got["warnings"]), "America/New_York") {
		t.Errorf("moved to New York: %v", got)
	}
	zone = "UTC"
	if _, err := h.do(Correct{Case: "north.mixed", TimeZone: &zone}); code(err) != "case.time_zone" {
		t.Errorf("corrected to UTC: %v", err)
	}
	// A new line of the lender's settles the zones anew.
	h.imports(line("mixed", append(la, "time_zone", "America/Denver")...))
	if k := h.shown("north.mixed"); k["home_time_zone"] != "America/New_York" {
		t.Errorf("the corrected home under a new zone: %v", k["home_time_zone"])
	}
}

// spans are intervals as UTC wall times.
func spans(all []conduct.Interval) []string {
	var out []string
	for _, w := range all {
		out = append(out, w.From.UTC().Format("15:04")+"-"+w.To.UTC().Format("15:04"))
	}
	return out
}

func TestAHomeLiesInItsCountry(t *testing.T) {
	h := newFixture(t)
	for _, c := range []struct{ what, lon, lat, country, says string }{
		{"swapped", "49.9813402", "11.6044209", "DE", "are they swapped"},
		{"swapped in Portugal", "41.15", "-8.61", "PT", "are they swapped"},
		{"the minus is gone", "8.61", "41.15", "PT", "west and south are negative"},
		{"another continent", "100", "60", "PT", "outside the country"},
	} {
		zone := ""
		if c.country == "PT" {
			zone = "Europe/Lisbon"
		}
		rep := h.imports(line("c1", "lon", c.lon, "lat", c.lat, "country", c.country, "time_zone", zone))
		if rep.Rejected != 1 || len(rep.Errors) != 1 || rep.Errors[0].Column != "lon" ||
			!strings.Contains(rep.Errors[0].Message, c.says) {
			t.Errorf("%s: %+v", c.what, rep)
		}
	}
	h.take(line("c1"))
	for what, p := range map[string]geo.Point{"are they swapped": {Lon: 41.15, Lat: -8.61},
		"west and south are negative": {Lon: 8.61, Lat: 41.15}, "outside the country": {Lon: 100, Lat: 60}} {
		if _, err := h.do(Correct{Case: "north.c1", Home: &p}); code(err) != "case.point" ||
			!strings.Contains(err.Error(), what) {
			t.Errorf("corrected to %v: %v", p, err)
		}
	}
}

func TestAHomeInTheSeaOrFarFromTheOthersIsWarnedOf(t *testing.T) {
	h := newFixture(t)
	var lines [][]string
	for i := range 12 {
		lines = append(lines, line(fmt.Sprintf("c%d", i), "lat", fmt.Sprintf("41.1%d", 40+i)))
	}
	if rep := h.imports(lines...); len(rep.Warnings) > 0 {
		t.Fatalf("homes in Porto: %+v", rep.Warnings)
	}
	rep := h.imports(line("sea", "lon", "-9.2"), line("faro", "lon", "-7.93", "lat", "37.02"),
		line("faro2", "lon", "-7.93", "lat", "37.02"), line("braga", "lon", "-8.42", "lat", "41.55"))
	want := []string{"import.off_land@2.lon", "import.far@3.lon", "import.far@4.lon"}
	if got := warned(rep.Warnings); rep.Accepted != 4 || !slices.Equal(got, want) {
		t.Fatalf("%+v, want %v", rep, want)
	}
	for i, says := range []string{"40 km off the land", "from the nearest other case"} {
		if !strings.Contains(rep.Warnings[i].Message, says) {
			t.Errorf("%q does not say %q", rep.Warnings[i].Message, says)
		}
	}
	for _, p := range []geo.Point{{Lon: -9.2, Lat: 41.15}, {Lon: -7.93, Lat: 37.02}} {
		if got := h.must(Correct{Case: "north.c1", Home: &p}); got["warnings"] == nil {
			t.Errorf("a correction to %v: %v", p, got)
		}
	}
	if got := h.must(Correct{Case: "north.c1", Home: &geo.Point{Lon: -8.62, Lat: 41.16}}); got["warnings"] != nil {
		t.Errorf("a correction within Porto: %v", got)
	}
}

// A lender's system is not told where the cases of others lie.
func TestWarningsRestOnWhatTheActorMayKnow(t *testing.T) {
	h := newFixture(t)
	var lines [][]string
	for i := range 12 {
		lines = append(lines, line(fmt.Sprintf("c%d", i), "lat", fmt.Sprintf("41.1%d", 40+i)))
	}
	h.take(lines...)
	far := line("faro", "lender", "south", "lon", "-7.93", "lat", "37.02")
	rep, err := h.svc.ImportCases(context.Background(), system("south", porto), porto, "text/csv",
		strings.NewReader(file(far)), ImportOptions{})
	ok(t, err)
	if len(rep.Warnings) > 0 {
		t.Errorf("south is told of north's cases: %+v", rep.Warnings)
	}
}

func TestZonesOfACase(t *testing.T) {
	if got := (&record.Case{}).Zones(); len(got) > 0 {
		t.Errorf("a case without a zone has %v", got)
	}
	k := record.Case{TimeZone: "America/New_York", HomeTimeZone: "America/Los_Angeles"}
	if got := (visitAct{}).action(&k).TZ; !slices.Equal(got, []string{"America/New_York", "America/Los_Angeles"}) {
		t.Errorf("a visit is judged in %v", got)
	}
}
