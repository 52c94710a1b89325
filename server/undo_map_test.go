package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// An import of territories is undone whole: what it made is removed, what it changed is as before. A territory that was
// changed since, or that a team works, stands in the way, and then nothing is taken back.
func TestAnImportOfTerritoriesIsUndone(t *testing.T) {
	ctx := context.Background()
	_, admin, _ := oneBranch(t, Config{Data: t.TempDir()})
	square := func(id string, lon float64) string {
		return fmt.Sprintf(`{"type":"Feature","id":"%s","properties":{},"geometry":{"type":"Polygon","coordinates":`+
			`[[[%[2]f,51.5],[%[3]f,51.5],[%[3]f,51.6],[%[2]f,51.6],[%[2]f,51.5]]]}}`, id, lon, lon+0.01)
	}
	type report struct {
		Import    string `json:"import_id"`
		Accepted  int    `json:"accepted"`
		Updated   int    `json:"updated"`
		Unchanged int    `json:"unchanged"`
		State     string `json:"state"`
		Restored  int    `json:"restored"`
		Removed   int    `json:"removed"`
	}
	importing := func(features ...string) (r report) {
		t.Helper()
		ok(t, admin.Send(ctx, http.MethodPost, "/v1/imports/territories?branch=north", "application/geo+json",
			strings.NewReader(`{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}`), &r))
		return r
	}
	undo := func(id, query string) (r report, err error) {
		err = admin.Do(ctx, http.MethodPost, "/v1/imports/"+id+"/undo"+query, map[string]any{"reason": "wrong_file"}, &r)
		return r, err
	}
	shown := func() string {
		t.Helper()
		var list struct {
			Features []struct {
				ID       string
				Geometry struct{ Coordinates [][][]float64 }
			}
		}
		ok(t, admin.Do(ctx, http.MethodGet, "/v1/territories?branch=north", nil, &list))
		var out []string
		for _, f := range list.Features {
			out = append(out, fmt.Sprint(f.ID, " ", f.Geometry.Coordinates[0][0][0]))
		}
		return strings.Join(out, ", ")
	}
	first := importing(square("a", -0.10), square("b", -0.12))
	if again := importing(square("a", -0.10)); again.Import != "" || again.Unchanged != 1 {
		t.Errorf("an import that changes nothing: %+v", again)
	}
	second := importing(square("a", -0.10), square("b", -0.13), square("c", -0.15))
	if first.Import == "" || second.Accepted != 1 || second.Updated != 1 || second.Import == first.Import {
		t.Fatalf("the imports are answered %+v and %+v", first, second)
	}
	if _, err := undo(first.Import, ""); refused(err) != "409 import.changed_since" ||
		!strings.Contains(err.Error(), "b") {
		t.Errorf("the first, while the second stands: %v", err)
	}
	team := func(territories ...string) {
		t.Helper()
		ok(t, admin.Do(ctx, http.MethodPut, "/v1/teams/t1", map[string]any{"branch": "north", "agents": []string{"ann"},
			"territories": territories}, nil))
	}
	team("c")
	const both = "a -0.1, b -0.13, c -0.15"
	for _, query := range []string{"?dry_run=true", ""} {
		if _, err := undo(second.Import, query); refused(err) != "409 territory.in_use" {
			t.Errorf("undone%s while a team works it: %v", query, err)
		}
	}
	if got := shown(); got != both {
		t.Errorf("a refused undo leaves %s", got)
	}
	team("a")
	dry, err := undo(second.Import, "?dry_run=true")
	ok(t, err)
	if dry.Restored != 1 || dry.Removed != 1 || dry.State != "done" || shown() != both {
		t.Errorf("a dry run: %+v, and the map is %s", dry, shown())
	}
	for try := range 2 {
		done, err := undo(second.Import, "")
		ok(t, err)
		if done.Restored != 1 || done.Removed != 1 || done.State != "undone" || shown() != "a -0.1, b -0.12" {
			t.Errorf("undone %d: %+v, and the map is %s", try, done, shown())
		}
	}
	if _, err := undo(first.Import, "?dry_run=true"); refused(err) != "409 territory.in_use" {
		t.Errorf("the first, now: %v", err)
	}
	team()
	if _, err := undo(first.Import, ""); err != nil || shown() != "" {
		t.Errorf("the first, without a team: %v, and the map is %s", err, shown())
	}
	var listed struct {
		Items []struct{ ID, Kind, State string }
	}
	ok(t, admin.Do(ctx, http.MethodGet, "/v1/imports?branch=north&kind=territories", nil, &listed))
	if got := fmt.Sprint(listed.Items); got != fmt.Sprintf("[{%s territories undone} {%s territories undone}]",
		second.Import, first.Import) {
		t.Errorf("listed are %s", got)
	}
}
