package server

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows are what each room may import of the others: drawn as a table.
// A room that is not here may import no other room.
var arrows = map[string][]string{
	"auth":            {"auth/factor", "auth/keyfile", "auth/refusal"},
	"auth/factor":     {},
	"auth/keyfile":    {},
	"auth/refusal":    {},
	"auth/strictjson": {},
	"geo":             {"auth/refusal", "auth/strictjson"},
	"geo/country":     {"geo"},
	"geo/division":    {"auth/refusal", "geo"},
	"geo/basemap":     {"auth/refusal", "geo", "geo/extract"},
	"geo/extract":     {},
	"geo/travel":      {"auth/refusal", "geo", "geo/extract"},
	"geo/routing":     {},
	// Only tests import it.
	"geo/extract/extracttest": {"geo"},
	"geo/routing/drawing":     {"geo/routing"},
	"geo/routing/vroom":       {"geo/routing", "geo/routing/drawing"},
	"geo/routing/referee":     {"geo/routing"},
	"geo/dayplan": {"auth/refusal", "geo", "geo/routing", "geo/routing/referee", "geo/routing/vroom",
		"geo/travel"},
	"openapi":              {},
	"sync/journal":         {"auth", "auth/refusal", "auth/strictjson"},
	"sync/seal":            {"auth", "auth/keyfile", "auth/strictjson", "geo", "sync/journal"},
	"sync/offline":         {"auth", "auth/refusal", "auth/strictjson", "sync/journal"},
	"server/conduct":       {"auth/refusal", "auth/strictjson"},
	"server/conduct/say":   {},
	"server/conduct/words": {"auth/refusal", "auth/strictjson"},
	"server/repayment":     {"auth/refusal", "auth/strictjson"},
	"server/ladder":        {"auth/refusal", "server/conduct", "server/conduct/words"},
	"server/office": {"auth", "auth/refusal", "geo", "geo/country", "geo/division", "server/conduct/words",
		"server/ladder", "server/repayment", "sync/journal"},
	"server/record": {"auth", "auth/refusal", "auth/strictjson", "geo", "sync/journal", "sync/offline", "sync/seal"},
	"server/casework": {"auth", "auth/refusal", "auth/strictjson", "geo", "geo/country", "server/casework/rows",
		"server/conduct", "server/conduct/say", "server/ladder", "server/record", "server/repayment",
		"sync/journal", "sync/offline", "sync/seal"},
	"server/casework/rows": {"auth/refusal", "auth/strictjson"},
	"server/dispatch": {"auth", "auth/refusal", "geo", "geo/routing", "geo/routing/referee", "geo/travel",
		"server/casework", "server/conduct",
		"server/office", "server/record", "sync/journal"},
	"server/lawbook":    {"auth", "server/casework", "server/conduct", "server/office", "sync/journal"},
	"server/notify":     {"auth", "sync/journal"},
	"server/notify/fcm": {"server/notify"},
	"server/notify/sms": {"auth/refusal", "auth/strictjson", "server/notify"},
	"server/access":     {"auth", "auth/refusal", "sync/journal"},
	"server/attachments": {"auth", "auth/refusal", "auth/strictjson", "server/casework", "server/record",
		"sync/journal", "sync/offline", "sync/seal"},
	"server/audit":             {"auth", "auth/keyfile", "auth/refusal", "server/record", "sync/journal", "sync/seal"},
	"server/backup":            {"auth", "auth/keyfile"},
	"server/console":           {},
	"server/doorway":           {},
	"server/paper":             {},
	"server/figures":           {"auth", "auth/refusal", "server/record", "sync/journal"},
	"server/store/sqlitestore": {"auth", "auth/keyfile", "auth/refusal", "sync/journal"},
	"server/store/mongostore":  {"auth", "sync/journal"},
	"server/store/memstore":    {"auth", "sync/journal"},
	"server/simulation":        {},
	"server/store/storetest":   {"auth", "sync/journal"},
	"server/play":              {},
	"server/httpapi": {"auth", "auth/refusal", "auth/strictjson", "geo", "geo/basemap", "geo/dayplan", "geo/routing",
		"geo/routing/vroom", "geo/travel", "openapi", "server/access", "server/attachments", "server/audit",
		"server/casework", "server/conduct", "server/conduct/say", "server/conduct/words", "server/dispatch",
		"server/doorway", "server/figures", "server/ladder", "server/office", "server/paper", "server/record",
		"server/repayment", "sync/journal", "sync/offline", "sync/seal"},
	"server": {"auth", "auth/keyfile", "auth/refusal", "geo", "geo/basemap", "geo/travel", "server/access",
		"server/attachments", "server/audit", "server/backup", "server/casework", "server/conduct", "server/conduct/words",
		"server/console", "server/dispatch", "server/figures",
		"server/httpapi", "server/ladder", "server/lawbook", "server/notify",
		"server/notify/fcm", "server/notify/sms", "server/office", "server/store/mongostore",
		"server/store/sqlitestore", "sync/journal", "sync/offline", "sync/seal"},
	"server/cmd/doorstep": {"auth", "auth/refusal", "geo/basemap", "geo/dayplan", "geo/routing", "geo/routing/vroom",
		"geo/travel", "server", "server/audit", "server/conduct/words", "server/figures", "server/play", "server/repayment",
		"server/store/sqlitestore", "sync/journal"},
	"scripts/firstround": {"server/play"},
	"scripts/underfire":  {"server/play"},
	"scripts/benchsync":  {"scripts/figures", "server", "server/play"},
	"scripts/figures":    {},
	"scripts/democity":   {},
	"scripts/countries":  {},
	"scripts/benchmark": {"auth", "geo/routing", "geo/routing/referee", "scripts/figures", "server", "server/play",
		"server/store/sqlitestore", "sync/journal"},
}

// homes are the outside libraries with one home each.
var homes = map[string][]string{
	"github.com/gin-gonic/gin":        {"server/httpapi"},
	"github.com/danielgtaylor/huma":   {"server/httpapi"},
	"github.com/prometheus":           {"server/httpapi"},
	"go.mongodb.org/mongo-driver":     {"server/store/mongostore"},
	"modernc.org/sqlite":              {"server/store/sqlitestore", "geo/basemap"},
	"github.com/tus/tusd":             {"server/attachments"},
	"golang.org/x/image":              {"server/attachments"},
	"golang.org/x/exp":                {"server/attachments"},
	"firebase.google.com/go":          {"server/notify/fcm"},
	"google.golang.org/api":           {"server/notify/fcm"},
	"github.com/tink-crypto":          {"sync/seal"},
	"github.com/paulmach/orb":         {"geo", "geo/basemap"},
	"github.com/paulmach/osm":         {"geo/extract", "geo/extract/extracttest", "geo/travel", "geo/basemap"},
	"github.com/klauspost/compress":   {"geo/extract", "geo/extract/extracttest", "server/httpapi"},
	"google.golang.org/protobuf":      {"geo/extract", "geo/extract/extracttest"},
	"github.com/golang-jwt/jwt":       {"auth"},
	"github.com/MicahParks/jwkset":    {"auth"},
	"github.com/alexedwards/argon2id": {"auth"},
	"github.com/google/uuid":          {"sync/journal", "server/play"},
	"github.com/nyaruka/phonenumbers": {"server/casework"},
	"gopkg.in/yaml.v3":                {"server/conduct", "server/conduct/words"},
	"golang.org/x/mod/sumdb/note":     {"server/audit"},
	"github.com/signintech/gopdf":     {"server/paper"},
	"github.com/alecthomas/kong": {"server/cmd/doorstep", "scripts/firstround", "scripts/democity",
		"scripts/benchmark", "scripts/benchsync", "scripts/underfire"},
}

func TestImportsGoDownOnly(t *testing.T) {
	root := ".."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == ".git" || name == "node_modules" || name == "testdata" {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root {
				return filepath.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		room := filepath.ToSlash(rel)
		if room == "sync" {
			t.Errorf("%s: no Go file may stand directly in sync: there, sync is the standard library's", path)
		}
		allowed, known := arrows[room]
		if !known {
			t.Errorf("%s: the room %s is not in the table of arrows", path, room)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to, ours := strings.CutPrefix(name, "doorstep/"); ours && !slices.Contains(allowed, to) {
				t.Errorf("%s: %s imports %s, which the table of arrows does not allow", path, room, to)
			}
			for library, rooms := range homes {
				if (name == library || strings.HasPrefix(name, library+"/")) && !slices.Contains(rooms, room) {
					t.Errorf("%s: %s has its home in %v", path, name, rooms)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("only %d files were looked at", files)
	}
}
