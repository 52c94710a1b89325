package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"
)

// until polls a condition for at most 30 seconds.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("after 30 seconds: %s", what)
		}
		wait := time.NewTimer(20 * time.Millisecond)
		<-wait.C
	}
}

// joined opens the store of another node's data folder.
func joined(data string) func(context.Context, *Config) (store, error) {
	return func(ctx context.Context, _ *Config) (store, error) {
		s, err := sqlitestore.Join(ctx, data, Indexes())
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// shareKeys gives a second node the keys of the first, and no erasure list.
func shareKeys(t *testing.T, data, other string) {
	t.Helper()
	for from, to := range map[string]string{data + "/audit.key": other, data + "/audit.key.pub": other,
		data + "/auth.keys": other, data + "-secrets/kek": other + "-secrets"} {
		text, err := os.ReadFile(from)
		ok(t, err)
		ok(t, os.MkdirAll(to, 0o700))
		ok(t, os.WriteFile(filepath.Join(to, filepath.Base(from)), text, 0o600))
	}
}

// TestEveryNodeKeepsTheErasureList runs two nodes on one store. What one erases, the other
// lists: at once if it runs, at its next start if it does not. Then the data folder is
// restored from before the erasures, and only the second node starts.
func TestEveryNodeKeepsTheErasureList(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	data, dataB, backup := filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "backup")
	a, first, second := twoAdmins(t, Config{Data: data})
	for _, n := range []string{"2", "3"} {
		ok(t, first.Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv",
			strings.NewReader(strings.NewReplacer("C1", "C"+n, "D1", "D"+n).Replace(oneCase)), nil))
	}
	a.stop()
	ok(t, os.CopyFS(backup, os.DirFS(data)))
	shareKeys(t, data, dataB)

	a = run(t, Config{Data: data})
	b := run(t, Config{Data: dataB, store: joined(data)})
	first.Base, second.Base = a.URL(), b.URL()
	list := func(data string) string {
		text, err := os.ReadFile(data + "-secrets/erasures.jsonl")
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
	erase := func(asks, confirms *play.Client, debtor string) {
		t.Helper()
		var asked erasureAnswer
		ok(t, asks.Do(ctx, http.MethodPost, "/v1/debtors/"+debtor+"/erase", map[string]any{"reason": "request"}, &asked))
		ok(t, confirms.Do(ctx, http.MethodPost, "/v1/debtors/"+debtor+"/erase/"+asked.ID+"/confirm", nil, nil))
	}
	nameOf := func(c *play.Client, n int) any {
		t.Helper()
		var file map[string]any
		ok(t, c.Do(ctx, http.MethodGet, fmt.Sprintf("/v1/cases/L1.C%d", n), nil, &file))
		return file["debtor_name"]
	}
	if nameOf(second, 1) != "Secret Name" { // the second node remembers the key now
		t.Fatal("the second node does not show the case")
	}
	second.Base = a.URL()
	erase(first, second, "L1.D1")
	second.Base = b.URL()
	until(t, "the second node has not listed what the first erased", func() bool { return list(dataB) != "" })
	until(t, "the second node still reads what the first erased", func() bool { return nameOf(second, 1) == nil })
	first.Base = b.URL()
	erase(second, first, "L1.D2")
	until(t, "the first node has not listed what the second erased", func() bool { return list(data) == list(dataB) })
	b.stop()
	first.Base, second.Base = a.URL(), a.URL()
	erase(first, second, "L1.D3")
	if list(data) == list(dataB) {
		t.Fatal("the second node wrote its list while it was stopped")
	}
	b = run(t, Config{Data: dataB, store: joined(data)})
	if want := list(data); list(dataB) != want || strings.Count(want, "\n") != 3 {
		t.Errorf("the lists are\n%s\nand\n%s", want, list(dataB))
	}
	b.stop()
	a.stop()

	before := list(dataB)
	ok(t, os.RemoveAll(data))
	ok(t, os.CopyFS(data, os.DirFS(backup)))
	b = run(t, Config{Data: data, Secrets: dataB + "-secrets"})
	first.Base = b.URL()
	for n := 1; n <= 3; n++ {
		if name := nameOf(first, n); name != nil {
			t.Errorf("the backup brought debtor %d back: %v", n, name)
		}
	}
	var page struct{ Items []erasureItem }
	ok(t, first.Do(ctx, http.MethodGet, "/v1/erasures?branch=north&state=erased", nil, &page))
	if len(page.Items) != 3 || list(dataB) != before {
		t.Errorf("after the restore %d erasures are recorded, and the list is\n%s", len(page.Items), list(dataB))
	}
	b.stop()
	keys, err := os.ReadFile(filepath.Join(data, sqlitestore.KeysFileName))
	ok(t, err)
	old, err := os.ReadFile(filepath.Join(backup, sqlitestore.KeysFileName))
	ok(t, err)
	if bytes.Equal(keys, old) {
		t.Error("the keys are those of the backup")
	}
}

// erasureItem is an erasure in a list.
type erasureItem struct {
	ID     string `json:"id"`
	Debtor string `json:"debtor"`
	State  string `json:"state"`
}

// TestALostErasureListIsWrittenAgain starts without the list: the journal knows who was
// erased. Keys from before the erasure do not bring the debtor back, with the list or without it.
func TestALostErasureListIsWrittenAgain(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	s, first, second := twoAdmins(t, Config{Data: data})
	keys := filepath.Join(data, sqlitestore.KeysFileName)
	old, err := os.ReadFile(keys)
	ok(t, err)
	var asked erasureAnswer
	ok(t, first.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase", map[string]any{"reason": "request"}, &asked))
	ok(t, second.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase/"+asked.ID+"/confirm", nil, nil))
	s.stop()
	path := data + "-secrets/erasures.jsonl"
	list, err := os.ReadFile(path)
	ok(t, err)
	for _, lost := range []bool{true, false} {
		if lost {
			ok(t, os.Remove(path))
		}
		ok(t, os.WriteFile(keys, old, 0o600))
		s = run(t, Config{Data: data})
		first.Base = s.URL()
		var file map[string]any
		ok(t, first.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file))
		if file["erased"] != true || file["debtor_name"] != nil {
			t.Errorf("with the list lost %t, the old keys brought the debtor back: %v", lost, file)
		}
		s.stop()
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, list) {
			t.Errorf("the list is now %s, %v; want %s", now, err, list)
		}
	}
}
