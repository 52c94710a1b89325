package mongostore

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestWhatHasAnExactFormIsNative(t *testing.T) {
	for _, c := range []struct{ state, want string }{
		{`{"n":9007199254740993,"min":-9223372036854775808}`,
			`{"n":{"$numberLong":"9007199254740993"},"min":{"$numberLong":"-9223372036854775808"}}`},
		{`{"s":"é中","b":true,"z":null,"o":{"p":{"q":"r"}}}`, `{"s":"é中","b":true,"z":null,"o":{"p":{"q":"r"}}}`},
		{`{"agents":["a","b"],"breaks":[{"at":"12:00"}]}`, `{"agents":["a","b"],"breaks":[{"at":"12:00"}]}`},
		{`{"big":9223372036854775808,"f":1.5,"e":1e3,"k":"v"}`, `{"k":"v"}`},
		{`{"shape":[[1,2],[3,4]],"k":"v","deep":{"shape":[[[1]]],"m":"w"}}`, `{"k":"v","deep":{"m":"w"}}`},
		{`{"half":[1,1.5],"objects":[{"points":[[1]],"name":"n"}]}`, `{"objects":[{"name":"n"}]}`},
		{`{"$set":"x","a.b":"y","":"z","a\u0000b":"w","k":"v"}`, `{"k":"v"}`},
		{`{"k":"first","k":"second"}`, `{"k":"first"}`},
		{`{}`, `{}`},
		{`{"owner":["o1"],"k":1}`, `{"k":{"$numberLong":"1"}}`},
		{`{"owner":null}`, `{}`},
		{`{"owner":{"owner":["o1"]},"o":{"owner":["o1"]}}`, `{"o":{"owner":["o1"]}}`},
	} {
		got, err := bson.MarshalExtJSON(native([]byte(c.state), map[string]bool{"owner": true}), true, false)
		if err != nil || string(got) != c.want {
			t.Errorf("%s\n got %s %v\nwant %s", c.state, got, err, c.want)
		}
	}
	for _, none := range []string{`"text"`, `[]`, `null`, `7`, ``, `{"cut":`, `{"a":[`} {
		if d := native([]byte(none), nil); d == nil || len(d) > 0 {
			t.Errorf("%s: %v", none, d)
		}
	}
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	if raw, err := bson.Marshal(native([]byte(`{"k":"v","deep":`+deep+`}`), nil)); err != nil || len(raw) > 1000 {
		t.Errorf("a deep state: %d bytes, %v", len(raw), err)
	}
}

// FuzzNative: an index sees a document just when journal.TopFields says that it has the field, and with that value.
func FuzzNative(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":"x","b":[[1]]}`, `{"a":1.0}`, `{"a":-0}`, `{"a":{"a":1}}`, `{"a":["x"]}`,
		`{"a":null}`,
		`{"b":{"a":[{"c":[1]}]},"a":9223372036854775807}`, `{"a":"\u0000\ud800"}`, `{"a":true}`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		var v map[string]any
		d := json.NewDecoder(bytes.NewReader(state))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return
		}
		state, err := json.Marshal(v)
		if err != nil {
			return
		}
		doc := native(state, map[string]bool{"a": true})
		if _, err := bson.Marshal(doc); err != nil {
			t.Fatalf("%s: %v", state, err)
		}
		var got any
		for _, e := range doc {
			if e.Key == "a" {
				got = e.Value
			}
		}
		want, ok := journal.TopFields(state, []string{"a"})
		if !ok {
			want = []any{nil}
		}
		if got != want[0] {
			t.Fatalf("%s: the index would see %v, the field is %v", state, got, want[0])
		}
	})
}
