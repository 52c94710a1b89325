package offline

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
)

// Whatever is sent, each mutation of a push is either readable or says why not, and means the same when it is read
// again.
func FuzzReadPush(f *testing.F) {
	const mid = `"mid":"01a22460-0000-7000-8000-000000000001"`
	for _, text := range []string{`{"mutations":[]}`, `{"mutations":[1,null,"a",[],{}]}`, `{"mutations":{}}`, `[]`,
		`{"mutations":[{` + mid + `,"type":"visits","id":"v1","op":"put","base":3,"fields":{"a":[1.0,1e3,null]}}]}`,
		`{"mutations":[{` + mid + `,"type":"visits","id":"v 1","op":"upsert","base":-1,"client_ts":"0001-01-01T00:00:00Z"}]}`,
		`{"mutations":[{` + mid + `,"requires":["x"],"fields":{"a":"\ud83d"}}],"device":1}`,
		`{"mutations":[{` + mid + `,"fields":` + strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat(`}`, 200) + `}]}`,
		"\xef\xbb\xbf{}", `{"mutations":[],"Mutations":[]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		q, err := ReadPush(text)
		if err != nil {
			return
		}
		again, err := ReadPush(text)
		if err != nil || len(q.Mutations) > MaxMutations || len(again.Mutations) != len(q.Mutations) {
			t.Fatalf("%d mutations, then %d, %v", len(q.Mutations), len(again.Mutations), err)
		}
		for i := range q.Mutations {
			m, n := &q.Mutations[i], &again.Mutations[i]
			m.settle()
			n.settle()
			if !bytes.Equal(m.payload(), n.payload()) {
				t.Errorf("%s means %q and %q", m.Raw, m.payload(), n.payload())
			}
			switch {
			case m.Bad != nil:
				if m.Bad.Code == "" || m.Bad.Detail == "" || m.Raw == nil || m.ID != "" && !idShape.MatchString(m.ID) ||
					m.Type != "" && !idShape.MatchString(m.Type) || m.Requires != nil {
					t.Errorf("what cannot be read is %+v", m)
				}
			case !midShape.MatchString(m.Mid) || !idShape.MatchString(m.ID) ||
				!slices.Contains([]string{"put", "patch", "delete"}, m.Op) || strictjson.Check(m.Raw) != nil ||
				m.Op != "delete" && !json.Valid(m.Fields) || !m.Written().IsZero() && !writable(m.Written()):
				t.Errorf("taken is %s", m.Raw)
			}
		}
	})
}

// A body with more mutations than a push may have is refused before they are looked at.
func TestAPushOfTooManyMutationsIsRefusedUnread(t *testing.T) {
	text := []byte(`{"mutations":[` + strings.Repeat("0,", MaxPushBytes/2-20) + `0]}`)
	if n := testing.AllocsPerRun(1, func() {
		if _, err := ReadPush(text); err == nil {
			t.Error("it is taken")
		}
	}); n > 10_000 {
		t.Errorf("%.0f allocations to refuse %d bytes", n, len(text))
	}
}

// A push that names a member twice says two things, whichever member it is.
func TestAPushThatNamesAMemberTwiceIsRefused(t *testing.T) {
	for text, place := range map[string]string{
		`{"mutations":[],"mutations":[]}`:            "mutations",
		`{"mutations":[],"device":"a","device":""}`:  "device",
		`{"mutations":[],"schema":3,"Schema":3}`:     "schema",
		`{"epoch":"e1","mutations":[],"epoch":"e2"}`: "epoch",
		`{"app":1,"mutations":[],"app":1}`:           "",
	} {
		_, err := ReadPush([]byte(text))
		if e, ok := refusal.Of(err); !ok || e.Kind != refusal.Malformed || e.Place != place {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ReadPush([]byte(`{"app":1,"App":1,"mutations":[]}`)); err != nil {
		t.Error(err)
	}
}
