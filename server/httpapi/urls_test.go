package httpapi

import (
	"reflect"
	"slices"
	"testing"

	"doorstep/server/record"

	"github.com/danielgtaylor/huma/v2"
)

// sealedNames collects the names of the members of a type that are sealed, at any depth.
func sealedNames(t reflect.Type, into map[string]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for _, m := range record.Members(t) {
		if m.IsPersonal() {
			into[m.Name] = true
		} else if m.Type.PkgPath() != "time" {
			sealedNames(m.Type, into)
		}
	}
}

// No parameter of a path or a query has the name of what is sealed, or of what signs a person in: URLs stand in the
// logs of proxies and in the history of browsers.
func TestNoURLTakesWhatIsPersonal(t *testing.T) {
	personal := map[string]bool{"name": true, "login": true, "email": true, "password": true, "code": true,
		"token": true, "access_token": true, "refresh_token": true, "push_token": true}
	for _, k := range record.Kinds() {
		sealedNames(reflect.TypeOf(k.New()), personal)
	}
	for _, name := range []string{"debtor_name", "phone", "address", "text", "holds"} {
		if !personal[name] {
			t.Fatalf("%s is not among what is sealed: %v", name, personal)
		}
	}
	// These are names of packs, not of persons; and the token of a link, which can stand nowhere else, opens a page
	// that asks who reads it.
	others := []string{"getPack name", "putPack name", "deletePack name", "openDoor token", "checkDoor token"}
	for _, item := range described(t).huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete, item.Head} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				at := op.OperationID + " " + p.Name
				if (p.In == "query" || p.In == "path") && personal[p.Name] && !slices.Contains(others, at) {
					t.Errorf("%s takes %s in its URL; take it in a body", op.OperationID, p.Name)
				}
			}
		}
	}
}
