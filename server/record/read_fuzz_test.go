package record

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Whatever a phone sends of any kind, it is refused with a place or read; what was read says the same when it is read
// again, is shown to every version, and what an older app sends back of that erases nothing.
func FuzzRead(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text), uint8(1))
	}
	f.Add([]byte(`{"content":{"a":null,"b c":1},"more":{"more":{"case":7}}}`), uint8(2))
	f.Add([]byte(`{"case":"c","of_type":"visits","content":[],"x":`+strings.Repeat("[", 500)+strings.Repeat("]", 500)+`}`),
		uint8(0))
	f.Fuzz(func(t *testing.T, text []byte, version uint8) {
		if _, bad := DraftChanges(text); bad != nil && bad.Place == "" {
			t.Errorf("changes are refused without a place: %v", bad)
		}
		for name := range samples {
			k, _ := KindOf(name)
			state, bad := k.Read(text, noon)
			if bad != nil {
				if bad.Code() == "" || bad.Place == "" {
					t.Errorf("%s is refused without a place: %v", name, bad)
				}
				continue
			}
			said, err := k.Said(state)
			if err != nil {
				t.Fatal(err)
			}
			again, bad := k.Read(said, noon)
			if bad != nil {
				t.Fatalf("%s: what was read is refused: %v\n%s", name, bad, said)
			}
			if twice, err := k.Said(again); err != nil || !bytes.Equal(said, twice) {
				t.Fatalf("%s says\n%s, then\n%s, %v", name, said, twice, err)
			}
			shown, err := k.Shaped(said, int(version))
			if err != nil || !json.Valid(shown) {
				t.Fatalf("%s is shown to version %d as %s, %v", name, version, shown, err)
			}
			back, err := k.Completed(said, shown, int(version), true)
			if err != nil {
				t.Fatal(err)
			}
			whole, bad := k.Read(back, noon)
			if bad != nil {
				t.Fatalf("%s: what version %d sends back is refused: %v\n%s", name, version, bad, back)
			}
			if same, err := k.Said(whole); err != nil || !bytes.Equal(said, same) {
				t.Fatalf("%s: version %d sends back\n%s, of\n%s", name, version, same, said)
			}
		}
	})
}
