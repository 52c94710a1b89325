package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"doorstep/auth/strictjson"
)

var texts = []string{"", "plain", `"quoted" \ back`, "line\nfeed\r\ttab\b\f", "\x00\x01\x1f\x7f", "<b>&amp;</b>",
	"Rua de São Bento", "电话 \U0001F6AA", "a\u2028b\u2029c", "cut \xe2\x80", "\xff\xfe between \xc0 ends", "\ufffd",
	"\xed\xa0\x80", strings.Repeat("long ", 100) + `"`}

// What is appended is what encoding/json writes.
func FuzzAppendString(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := strictjson.AppendString([]byte("x"), s); string(got) != "x"+string(want) {
			t.Errorf("%q is written %s, want x%s", s, got, want)
		}
		if got := strictjson.AppendString(nil, []byte(s)); string(got) != string(want) {
			t.Errorf("the bytes of %q are written %s, want %s", s, got, want)
		}
	})
}

func TestAppendingAStringCopiesNothing(t *testing.T) {
	b, s := make([]byte, 0, 1<<10), `São "Bento" <1>`
	if n := testing.AllocsPerRun(10, func() { b = strictjson.AppendString(b[:0], s) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
