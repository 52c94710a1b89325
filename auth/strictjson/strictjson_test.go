package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

var texts = []struct {
	text string
	want string // the fault and its place, "" for none
}{
	{`{"a":1,"b":{"a":2},"c":["a","a"]}`, ""},
	{`["\u00e1\ud83d\ude00\\u0000", "\"", "😀", "\ufffd"]`, ""},
	{`{"a":"\\","a\\":1,"A":2}`, ""},
	{" {\"\" : [ -0.5e+3,0 , 1E400,9007199254740993 ],\n\"b\":{ },\t\"c\":[ ]}\r\n", ""},
	{`{"a":1,"a":2}`, "a member is named twice at byte 8, a"},
	{`{"a":1,"\u0061":2}`, "a member is named twice at byte 8, a"},
	{`{"a":null,"b":0,"a":null}`, "a member is named twice at byte 17, a"},
	{`[{"x":{"a":1,"b":[{}],"a":2}}]`, "a member is named twice at byte 23, [0].x.a"},
	{`{"h":[1,[{"b":2,"b":2}]]}`, "a member is named twice at byte 17, h[1][0].b"},
	{`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1,"12":1,"13":1,"14":1,"15":1,"16":1,` +
		`"17":1,"18":1,"1":1}`, "a member is named twice at byte 119, 1"},
	{`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1,"12":1,"13":1,"14":1,"15":1,"16":1,` +
		`"17":1,"18":1,"18":1}`, "a member is named twice at byte 119, 18"},
	{`{"` + strings.Repeat("a", 64) + `":{"` + strings.Repeat("b", 65) + `":tru}}`,
		"not JSON at byte 141, " + strings.Repeat("a", 64) + ".…"},
	{`"\ud83d"`, "half a surrogate pair in the text at byte 1, "},
	{`{"a":["x", "\ud83dx"]}`, "half a surrogate pair in the text at byte 12, a[1]"},
	{`"\ud83d\n"`, "half a surrogate pair in the text at byte 1, "},
	{`"\ud83d\ud83d\ude00"`, "half a surrogate pair in the text at byte 1, "},
	{`"\ude00\ud83d"`, "half a surrogate pair in the text at byte 1, "},
	{`"\uD83D\u0041"`, "half a surrogate pair in the text at byte 1, "},
	{`"\ud83d\ue000"`, "half a surrogate pair in the text at byte 1, "}, {`"\ud7ff\ue000\uDBFF\uDFFF\uD800\uDC00"`, ""},
	{`["", "a\u0000"]`, "a NUL in the text at byte 6, [1]"},
	{`{"a\u0000":1}`, "a NUL in the text at byte 2, "},
	{"\"\xff\"", "not UTF-8 at byte 2, "},
	{"[\"é\xc3\"]", "not UTF-8 at byte 5, [0]"},
	{"[\"\\n\xed\xa0\x80\"]", "not UTF-8 at byte 5, [0]"},
	{"{\"\xc0\x80\":1}", "not UTF-8 at byte 3, "},
	{nested(64), ""},
	{nested(65), "nested too deep at byte 65, " + strings.Repeat("[0]", 64)},
	{strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "nested too deep at byte 321, " +
		strings.Repeat("a.", 63) + "a"},
	{strings.Repeat(`[`, 63) + "{},{},[]" + strings.Repeat("]", 63), ""},
	{`1 2`, "something follows the JSON value at byte 3, "}, {`{}}`, "something follows the JSON value at byte 3, "},
	{"1\x00", "something follows the JSON value at byte 2, "},
	{"", "the JSON ends too early at byte 1, "}, {`{"a`, "the JSON ends too early at byte 4, "},
	{`{"a":"\u12`, "the JSON ends too early at byte 11, a"}, {`"\ud83d\`, "half a surrogate pair in the text at byte 1, "},
	{`"\`, "the JSON ends too early at byte 3, "}, {`[1,`, "the JSON ends too early at byte 4, [1]"},
	{`tru`, "the JSON ends too early at byte 4, "}, {`-`, "the JSON ends too early at byte 2, "},
	{`[1,]`, "not JSON at byte 4, [1]"}, {`{"a":1,}`, "not JSON at byte 8, "}, {`{a:1}`, "not JSON at byte 2, "},
	{`{"a" 1}`, "not JSON at byte 6, "}, {`{"a":1 "b":2}`, "not JSON at byte 8, "}, {`[1 2]`, "not JSON at byte 4, "},
	{`01`, "something follows the JSON value at byte 2, "}, {`[1.]`, "not JSON at byte 4, [0]"},
	{`[1e+]`, "not JSON at byte 5, [0]"}, {`[.5]`, "not JSON at byte 2, [0]"}, {`[+1]`, "not JSON at byte 2, [0]"},
	{`[--1]`, "not JSON at byte 3, [0]"}, {`"\x"`, "not JSON at byte 3, "}, {"\"a\nb\"", "not JSON at byte 3, "},
	{"\"\x00\"", "not JSON at byte 2, "},
	{"\"\x1f\"", "not JSON at byte 2, "}, {"\"\x7f \"", ""},
	{`"\u00g0"`, "not JSON at byte 6, "}, {"\ufeff{}", "not JSON at byte 1, "},
	{"[\u00a01]", "not JSON at byte 2, [0]"}, {`'a'`, "not JSON at byte 1, "}, {`NaN`, "not JSON at byte 1, "},
	{"\xff", "not JSON at byte 1, "}, {`[1]//`, "something follows the JSON value at byte 4, "},
}

func told(f *Fault) string {
	if f == nil {
		return ""
	}
	return f.Error() + ", " + f.Place
}

func TestWhatReadersWouldReadDifferentlyIsRefused(t *testing.T) {
	for _, c := range texts {
		if got := told(Check([]byte(c.text))); got != c.want {
			t.Errorf("%.70q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestCanonicalJSONHasOneSpelling has texts that Check takes; their canonical form is another.
func TestCanonicalJSONHasOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":[1,-2,{"b":null}],"c":"\u003c\/ ","d":9223372036854775807,"e":-9223372036854775808,"f":0}`: "",
		`{ }`: "not JSON at byte 2, ", `{"a": 1}`: "not JSON at byte 6, a",
		`1 `:     "something follows the JSON value at byte 2, ",
		`[1 ,2]`: "not JSON at byte 3, ", ` 1`: "not JSON at byte 1, ",
		`[1.0]`:               "a number that is not whole, or too large at byte 2, [0]",
		`{"a":1e3}`:           "a number that is not whole, or too large at byte 6, a",
		`9223372036854775808`: "a number that is not whole, or too large at byte 1, ",
		`-0`:                  "a number that is not whole, or too large at byte 1, ",
		nested(100):           "",
		nested(101):           "nested too deep at byte 101, " + strings.Repeat("[0]", 100),
		`{"a":1,"a":1}`:       "a member is named twice at byte 8, a",
	} {
		if got := told(CheckCanonical([]byte(text))); got != want {
			t.Errorf("%.70q: %q, want %q", text, got, want)
		}
	}
}

func TestMembersAreThoseOfTheWholeObject(t *testing.T) {
	members, f := Members([]byte(` {"b\u0061" : {"x":[1]} ,"a":1.0e2, "c":"\u00e9"} `))
	want := []Member{{"ba", json.RawMessage(`{"x":[1]}`)}, {"a", json.RawMessage(`1.0e2`)},
		{"c", json.RawMessage(`"\u00e9"`)}}
	if f != nil || !reflect.DeepEqual(members, want) {
		t.Errorf("%q %v, want %q", members, f, want)
	}
	if members, f := Members([]byte(`{}`)); f != nil || members == nil || len(members) != 0 {
		t.Errorf("%q %v of an empty object", members, f)
	}
	for text, want := range map[string]string{
		`[{"a":1}]`: "not an object at byte 1, ", `null`: "not an object at byte 1, ",
		``:                    "the JSON ends too early at byte 1, ",
		`[{"a":1,"a":2}]`:     "a member is named twice at byte 9, [0].a",
		`{"o":{"a":1,"a":2}}`: "a member is named twice at byte 13, o.a",
		`{} 1`:                "something follows the JSON value at byte 4, ",
	} {
		if members, f := Members([]byte(text)); members != nil || told(f) != want {
			t.Errorf("%s: %q %q, want %q", text, members, told(f), want)
		}
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	v, f := Value([]byte(`{"a":[9007199254740993,1.10,1E400]}`))
	want := map[string]any{"a": []any{json.Number("9007199254740993"), json.Number("1.10"), json.Number("1E400")}}
	if f != nil || !reflect.DeepEqual(v, want) {
		t.Errorf("%v %v, want %v", v, f, want)
	}
	if v, f := Value([]byte(`{"a":1}]`)); v != nil || f == nil {
		t.Errorf("%v %v of a text with something behind it", v, f)
	}
}

// oracle is what encoding/json and regular expressions say of a text, by other ways than Check's.
type oracle struct {
	valid, utf8, twice, half, nul bool
	depth                         int
}

var (
	pair    = regexp.MustCompile(`(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}`)
	half    = regexp.MustCompile(`(?i)\\ud[89a-f][0-9a-f]{2}`)
	nulRune = regexp.MustCompile(`\\u0000`)
)

// ask is called with valid JSON only, where a backslash stands within a string.
func ask(text []byte) oracle {
	o := oracle{valid: json.Valid(text), utf8: utf8.Valid(text)}
	if !o.valid {
		return o
	}
	alone := bytes.ReplaceAll(text, []byte(`\\`), []byte("__"))
	o.nul = nulRune.Match(alone)
	o.half = half.Match(pair.ReplaceAll(alone, nil))
	type level struct {
		names map[string]bool // nil: a list
		key   bool
	}
	var levels []level
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return o
		}
		if err != nil {
			panic(err) // of valid JSON
		}
		top := len(levels) - 1
		if name, is := token.(string); is && top >= 0 && levels[top].key {
			o.twice = o.twice || levels[top].names[name]
			levels[top].names[name], levels[top].key = true, false
			continue
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{map[string]bool{}, true})
		case json.Delim('['):
			levels = append(levels, level{})
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:top]
		}
		o.depth = max(o.depth, len(levels))
		if top = len(levels) - 1; top >= 0 && levels[top].names != nil && token != json.Delim('{') {
			levels[top].key = true
		}
	}
}

// agrees tells whether a fault is one that the oracle sees as well.
func (o oracle) agrees(f *Fault, depth int) bool {
	switch f.Kind {
	case Syntax, Cut, Trailing:
		return !o.valid
	case UTF8:
		return !o.utf8
	}
	if !o.valid {
		return true // the fault stands before what encoding/json refuses
	}
	switch f.Kind {
	case Surrogate:
		return o.half
	case NUL:
		return o.nul
	case Repeated:
		return o.twice
	case Deep:
		return o.depth > depth
	}
	return false
}

func FuzzCheck(f *testing.F) {
	for _, c := range texts {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkText(t, text) })
}

// pieces are what FuzzPieces builds texts of. Bytes at random are seldom JSON; these often are.
var pieces = []string{"{", "}", "[", "]", ",", ":", `"a"`, `"a":`, `"b":`, `"\u0061":`, `"`, `"`, `\ud7ff`, `\ud800`,
	`\uDBFF`, `\udc00`, `\udfff`, `\ue000`, `\u0000`, `\`, `\\`, `\"`, "u0000", "\xff", "é", "\xc3", "\x1f", " ", "0", "-",
	"1", ".", "e", "+", "null", "true", `"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1,"12":1,`,
	`"13":1,"14":1,"15":1,`, `"1":1,`, `"2":1,`, `"16":1,`, `"17":1,`, `"17":1`, `"3":1`, strings.Repeat("[", 60),
	strings.Repeat("]", 60), "9223372036854775807", "9223372036854775808", "-9223372036854775808"}

func FuzzPieces(f *testing.F) {
	f.Add([]byte{0, 36, 37, 40, 41, 42, 1}) // an object with 17 members, the last of them twice
	f.Add([]byte{0, 36, 37, 40, 38, 42, 1}) // the first of them twice
	f.Add([]byte{10, 13, 15, 14, 16, 10})
	f.Add([]byte{44, 2, 2, 2, 2, 3, 3, 3, 3, 45})
	f.Fuzz(func(t *testing.T, picks []byte) {
		var text []byte
		for _, k := range picks {
			text = append(text, pieces[int(k)%len(pieces)]...)
		}
		checkText(t, text)
	})
}

// checkText holds all that the package says of a text against encoding/json.
func checkText(t *testing.T, text []byte) {
	t.Helper()
	o := ask(text)
	good := o.valid && o.utf8 && !o.twice && !o.half && !o.nul
	fault := Check(text)
	if (fault == nil) != (good && o.depth <= MaxDepth) || fault != nil && !o.agrees(fault, MaxDepth) {
		t.Fatalf("%q: %v, and encoding/json says %+v", text, fault, o)
	}
	var compact bytes.Buffer
	plain := good && o.depth <= MaxCanonicalDepth && json.Compact(&compact, text) == nil &&
		bytes.Equal(compact.Bytes(), text) && wholeNumbers(text)
	if fault := CheckCanonical(text); (fault == nil) != plain {
		t.Fatalf("%q: %v, but that it is canonical is %v", text, fault, plain)
	}
	checkMembers(t, text, fault)
}

// wholeNumbers tells whether all numbers of valid JSON are whole and written as Go writes an int64.
func wholeNumbers(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if n, is := token.(json.Number); is {
			if i, err := n.Int64(); err != nil || strconv.FormatInt(i, 10) != n.String() {
				return false
			}
		}
	}
}

// checkMembers holds Members and Value against encoding/json, and members by themselves against Check.
func checkMembers(t *testing.T, text []byte, fault *Fault) {
	t.Helper()
	v, valueFault := Value(text)
	members, membersFault := Members(text)
	if fault != nil {
		if told(valueFault) != told(fault) || told(membersFault) != told(fault) || v != nil || members != nil {
			t.Fatalf("%q: Check says %v, Value %v, Members %v", text, fault, valueFault, membersFault)
		}
		return
	}
	if valueFault != nil {
		t.Fatalf("%q: Check takes it, Value %v", text, valueFault)
	}
	object, is := v.(map[string]any)
	if !is {
		if membersFault == nil || membersFault.Kind != NotObject {
			t.Fatalf("%q: Members %v", text, membersFault)
		}
		return
	}
	if membersFault != nil || len(members) != len(object) {
		t.Fatalf("%q: Members %v, %d of %d", text, membersFault, len(members), len(object))
	}
	for _, m := range members {
		one, f := Value(m.Value)
		if f != nil || !reflect.DeepEqual(one, object[m.Name]) {
			t.Fatalf("%q: member %q is %v %v, want %v", text, m.Name, one, f, object[m.Name])
		}
	}
}
