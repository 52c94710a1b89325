package main

import (
	"strings"
	"testing"
)

// fsck says which store it reads, never a password, and what fits that store.
func TestFsckSaysWhatItDoes(t *testing.T) {
	for _, c := range []struct {
		cmd             fsckCmd
		checked, advice string
	}{
		{fsckCmd{storeFlags{Data: "/d"}}, "the embedded store in /d", "copy the data away"},
		{fsckCmd{storeFlags{Data: "/d", MongoDBURI: "mongodb://u:secret@a,b/field?replicaSet=r"}},
			"the MongoDB database field", "stop every node"},
		{fsckCmd{storeFlags{MongoDBURI: "secret"}}, "a MongoDB database", "stop every node"},
	} {
		checked, advice := c.cmd.whatIsChecked(), c.cmd.advice()
		if !strings.Contains(checked, c.checked) || !strings.Contains(advice, c.advice) ||
			strings.Contains(checked+advice, "secret") {
			t.Errorf("%s\n%s", checked, advice)
		}
	}
}
