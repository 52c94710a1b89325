package server

import (
	"strings"
	"testing"
	"time"

	"doorstep/server/store/mongostore"
)

func TestANodeWarnsOfItsClockAndOfAStandalone(t *testing.T) {
	for _, c := range []struct {
		name  string
		hello mongostore.Hello
		first bool
		want  []string
	}{
		{"all is well", mongostore.Hello{Ahead: 900 * time.Millisecond}, true, nil},
		{"a slow answer proves nothing", mongostore.Hello{Ahead: 2 * time.Second, Within: 1500 * time.Millisecond},
			true, nil},
		{"ahead", mongostore.Hello{Ahead: 3 * time.Second}, false, []string{"3s ahead of"}},
		{"behind", mongostore.Hello{Ahead: -90 * time.Second}, false, []string{"1m30s behind"}},
		{"a standalone", mongostore.Hello{Standalone: true}, true, []string{"not a replica set"}},
		{"a standalone is told once", mongostore.Hello{Standalone: true}, false, nil},
	} {
		got := warnings(c.hello, c.first)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", c.name, got)
			continue
		}
		for i, w := range c.want {
			if !strings.Contains(got[i], w) {
				t.Errorf("%s: %q, want %q in it", c.name, got[i], w)
			}
		}
	}
}
