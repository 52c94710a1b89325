package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// ways lists the ways to the members of a JSON value, "visits.check_in.at".
func ways(v any, at string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			into[at+"."+name] = true
			ways(x, at+"."+name, into)
		}
	case []any:
		for _, x := range v {
			ways(x, at, into)
		}
	}
}

// shapeOf is what apps of a version are shown: the members of each kind, all of them filled in, and the codes.
func shapeOf(t *testing.T, version int) string {
	t.Helper()
	all, lists := map[string]bool{}, map[string]bool{}
	for _, k := range Kinds() {
		if !k.Synced || !k.Known(version) {
			continue
		}
		state, _ := filled(k, nil)
		doc, err := Show(state, Agent)
		must(t, err)
		doc, err = k.Shaped(doc, version)
		must(t, err)
		var v any
		must(t, json.Unmarshal(doc, &v))
		ways(v, k.Name, all)
		gone := shaperOf(version).gone
		eachType(reflect.TypeOf(k.New()).Elem(), k.Name, false, func(at string, m *Member, of reflect.Type, _ bool) {
			for way := range gone {
				if at == way || strings.HasPrefix(at, way+".") {
					return
				}
			}
			if !all[at] { // phones are not shown it
				return
			}
			if of.Kind() == reflect.String && CodesOf(m.Is) != nil {
				lists[m.Is] = true
			}
		})
	}
	out := strings.Join(slices.Sorted(maps.Keys(all)), "\n") + "\n"
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		codes := slices.DeleteFunc(slices.Clone(CodesOf(list)), func(code string) bool {
			_, newer := shaperOf(version).codes[list][code]
			return newer
		})
		slices.Sort(codes)
		out += fmt.Sprintf("codes of %s: %s\n", list, strings.Join(codes, " "))
	}
	return out
}

// The shapes of each version are pinned. -update writes those of the newest version, and of older ones only where the
// file is missing: what they have is not to change.
func TestShapesOfEachVersionStayAsTheyAre(t *testing.T) {
	for version := MinSchema; version <= Schema; version++ {
		name := filepath.Join("testdata", "shapes", fmt.Sprintf("v%d.txt", version))
		now := shapeOf(t, version)
		was, err := os.ReadFile(name)
		if *update && (version == Schema || os.IsNotExist(err)) {
			must(t, os.MkdirAll(filepath.Dir(name), 0o755))
			must(t, os.WriteFile(name, []byte(now), 0o644))
			continue
		}
		must(t, err)
		if string(was) == now {
			continue
		}
		lines := func(text string) []string { return strings.Split(text, "\n") }
		for _, line := range lines(now) {
			if !slices.Contains(lines(string(was)), line) {
				t.Errorf("version %d did not have %q: name what is new in brought (versions.go)", version, line)
			}
		}
		for _, line := range lines(string(was)) {
			if !slices.Contains(lines(now), line) {
				t.Errorf("version %d lacks %q; go test ./server/record -run Shapes -update pins the newest version", version,
					line)
			}
		}
	}
}

// Each line of brought names what there is, and a code that every version has in the place of a newer one.
func TestWhatVersionsBroughtExists(t *testing.T) {
	newest, last := shapeOf(t, Schema), MinSchema
	for _, b := range brought {
		if b.version <= last {
			t.Errorf("version %d stands after %d", b.version, last)
		}
		last = b.version
		for _, way := range b.members {
			way = strings.Replace(way, "*.", "visits.", 1)
			if !strings.Contains("\n"+newest, "\n"+way+"\n") {
				t.Errorf("version %d brought %s, which is not there", b.version, way)
			}
		}
		for list, instead := range b.codes {
			for code, older := range instead {
				if !slices.Contains(CodesOf(list), code) || !slices.Contains(CodesOf(list), older) {
					t.Errorf("version %d brought %s to %s, in the place of %s", b.version, code, list, older)
				}
				if _, newer := shaperOf(MinSchema).codes[list][older]; newer {
					t.Errorf("%s is shown in the place of %s and is newer itself", older, code)
				}
			}
		}
	}
	if last > Schema {
		t.Errorf("Schema is %d, and something came with version %d", Schema, last)
	}
}

// What an app of any version pulls it may send back: the record says the same, with all that the version does not know.
func TestWhatAnOldAppSendsBackErasesNothingNewer(t *testing.T) {
	note, _ := KindOf("visit_notes")
	plan, _ := KindOf("plans")
	stop, _ := KindOf("assignments")
	for _, c := range []struct {
		what             string
		kind             Kind
		said, sent, want string
		version          int
		whole            bool
	}{
		{"a code", note, `{"kind":"hardship","text":"a"}`, `{"kind":"general","text":"b"}`, `{"kind":"hardship","text":"b"}`,
			1, true},
		{"a code that it knows", note, `{"kind":"hardship"}`, `{"kind":"general"}`, `{"kind":"general"}`, 2, true},
		{"another code", note, `{"kind":"hardship"}`, `{"kind":"safety"}`, `{"kind":"safety"}`, 1, true},
		{"a member", plan, `{"hardship":{"reason":"001"},"total_minor":5}`, `{"total_minor":6}`,
			`{"hardship":{"reason":"001"},"total_minor":6}`, 1, true},
		{"a member that it knows and took away", plan, `{"hardship":{"reason":"001"},"total_minor":5}`, `{"total_minor":6}`,
			`{"total_minor":6}`, 2, true},
		{"a patch", plan, `{"hardship":{"reason":"001"},"total_minor":5}`, `{"total_minor":6}`, `{"total_minor":6}`, 1,
			false},
		{"a code of a patch", stop, `{"decline_reason":"unwell"}`, `{"decline_reason":"other"}`,
			`{"decline_reason":"unwell"}`, 2, false},
		{"what is no object", stop, `{"decline_reason":"unwell"}`, `[1]`, `[1]`, 2, false},
		{"an app that is newer than the server", stop, `{"decline_reason":"unwell"}`, `{"decline_reason":"other"}`,
			`{"decline_reason":"other"}`, 9, false},
	} {
		got, err := c.kind.Completed(json.RawMessage(c.said), json.RawMessage(c.sent), c.version, c.whole)
		must(t, err)
		if string(got) != c.want {
			t.Errorf("%s: version %d says %s, want %s", c.what, c.version, got, c.want)
		}
	}
	v := vault(t)
	written(t, func(t *testing.T, k Kind) {
		full, _ := filled(k, nil)
		report := reflect.ValueOf(full).Elem().Field(k.report - 1)
		first, bad := k.Read(said1(t, full, report), noon)
		if bad != nil {
			t.Fatal(bad)
		}
		keep := opened(t, v, k, stored(t, v, k, first))
		doc, err := Show(keep, Agent)
		must(t, err)
		said, err := k.Said(keep)
		must(t, err)
		for version := MinSchema; version <= Schema; version++ {
			pulled, err := k.Shaped(doc, version)
			must(t, err)
			back, err := k.Completed(said, pulled, version, true)
			must(t, err)
			again, bad := k.Read(back, noon)
			if bad != nil {
				t.Fatalf("version %d: refused: %v\n%s", version, bad, back)
			}
			if !same(t, k, keep, again) {
				t.Errorf("version %d: sent back it says another thing:\n%s", version, back)
			}
		}
	})
}

// Apps of all versions are shown the members of a record, and of the objects in it, in one order.
func TestAnOlderAppIsShownTheSameOrder(t *testing.T) {
	for _, k := range Kinds() {
		if !k.Synced {
			continue
		}
		state, _ := filled(k, nil)
		doc, err := Show(state, Agent)
		must(t, err)
		for version := MinSchema; version < Schema; version++ {
			shaped, err := k.Shaped(doc, version)
			must(t, err)
			whole, part := namesIn(t, doc), namesIn(t, shaped)
			for len(whole) > 0 && len(part) > 0 {
				if whole[0] == part[0] {
					part = part[1:]
				}
				whole = whole[1:]
			}
			if len(part) > 0 {
				t.Errorf("%s of version %d has %s out of order:\n%s\n%s", k.Name, version, part[0], doc, shaped)
			}
		}
	}
}

// namesIn are the names and texts of a JSON value, as they stand.
func namesIn(t *testing.T, doc json.RawMessage) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(doc))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return names
		}
		must(t, err)
		if name, is := token.(string); is {
			names = append(names, name)
		}
	}
}
