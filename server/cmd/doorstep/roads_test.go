package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const monaco = "../../../../shared/data/osm/monaco.osm.pbf"

// folder makes a folder of files with these contents.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names are what a folder holds.
func names(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return all
}

func TestRoadsAreNotWrittenOverTheirExtract(t *testing.T) {
	dir := folder(t, map[string]string{"town": "not even an extract"})
	extract := filepath.Join(dir, "town")
	if err := os.Symlink(extract, extract+".symbolic"); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(extract, extract+".hard"); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{"town", "../" + filepath.Base(dir) + "/town", "town.symbolic", "town.hard"} {
		r := runs(t, "", "roads", "prepare", extract, "--out", filepath.Join(dir, out))
		if r.status != badInput || !strings.Contains(r.failure.Error(), "is the extract itself") {
			t.Errorf("%s: %+v", out, r)
		}
	}
	for out, says := range map[string]string{"other.pbf": "town.roads", "": "not a file that can be replaced",
		"town/x": "not a folder", "nowhere/x": "no such file"} {
		r := runs(t, "", "roads", "prepare", extract, "--out", dir+"/"+out)
		if r.status != badInput || !strings.Contains(r.failure.Error(), "--out: ") ||
			!strings.Contains(r.failure.Error(), says) {
			t.Errorf("%s: %+v", out, r)
		}
	}
	if text, err := os.ReadFile(extract); err != nil || string(text) != "not even an extract" {
		t.Errorf("the extract is %q: %v", text, err)
	}
}

func TestFailedPreparationLeavesTheEarlierOne(t *testing.T) {
	dir := folder(t, map[string]string{"cut.osm.pbf": "\x00\x00\x00\x0dOSM", "empty.osm.pbf": "",
		"day.roads": "of yesterday"})
	for extract, says := range map[string]string{"cut": "cut short", "empty": "empty.osm.pbf is empty",
		"none": "no such file"} {
		r := runs(t, "", "roads", "prepare", filepath.Join(dir, extract+".osm.pbf"), "--out",
			filepath.Join(dir, "day.roads"))
		if r.status != 1 || !strings.Contains(r.failure.Error(), says) {
			t.Errorf("%s: %+v", extract, r)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "day.roads")); err != nil || string(text) != "of yesterday" {
		t.Errorf("the earlier roads are %q: %v", text, err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"cut.osm.pbf", "day.roads", "empty.osm.pbf"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestPreparedRoadsReplaceTheEarlierOnes(t *testing.T) {
	if _, err := os.Stat(monaco); err != nil {
		t.Skip("NO ROADS WERE PREPARED: shared/data/osm/monaco.osm.pbf does not lie beside the checkout")
	}
	dir := folder(t, map[string]string{"day.roads": "of yesterday"})
	out := filepath.Join(dir, "day.roads")
	r := runs(t, "", "roads", "prepare", monaco, "--mode", "foot", "--out", out)
	if r.status != 0 || !strings.Contains(r.out,
		"no country's speed limits are known for this map: where it gives none, 50 km/h in towns") {
		t.Fatal(r)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"day.roads"}) {
		t.Errorf("left behind: %v", got)
	}
	if m := route(t, "[[7.42,43.73],[7.43,43.74]]", "matrix", "--profile", "foot", "--roads", out); m.status != 0 ||
		!strings.Contains(m.out, "road:monaco.osm.pbf") {
		t.Error(m)
	}
}
