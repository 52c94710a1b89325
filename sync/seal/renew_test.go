package seal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"doorstep/sync/seal"
)

// A document that moves is sealed anew: it opens in its new place and says nothing that
// compares with the old one. What cannot be read stays as it is.
func TestADocumentIsSealedAnewForAnotherPlace(t *testing.T) {
	store, c := newSmalls(), newClock()
	v := open(t, store, c)
	ctx := context.Background()
	was := sealed(t, v, debtor, branch, "cases", "c1")
	doc := read(t, was)
	seal.Renew(doc) // closed parts stay
	if again, err := json.Marshal(doc); err != nil || !bytes.Equal(again, was) {
		t.Errorf("a closed document became %s, %v", again, err)
	}
	check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", doc))
	seal.Renew(doc)
	if _, err := json.Marshal(doc); err == nil {
		t.Error("a renewed document can be stored before it is sealed")
	}
	check(t, v.SealDoc(ctx, debtor, "elsewhere", "cases", "c1", doc))
	now, err := json.Marshal(doc)
	check(t, err)
	type parts struct {
		Name struct {
			Commit string `json:"c"`
		} `json:"name"`
	}
	var a, b parts
	check(t, json.Unmarshal(was, &a))
	check(t, json.Unmarshal(now, &b))
	if a.Name.Commit == "" || a.Name.Commit == b.Name.Commit {
		t.Errorf("the commitments are %q and %q", a.Name.Commit, b.Name.Commit)
	}
	moved := read(t, now)
	check(t, v.OpenDoc(ctx, debtor, "elsewhere", "cases", "c1", moved))
	if moved.Name.Plain() != name {
		t.Errorf("in its new place it says %q", moved.Name.Plain())
	}
	if err := v.OpenDoc(ctx, debtor, branch, "cases", "c1", read(t, now)); err == nil {
		t.Error("it opens in its old place too")
	}
}
