package strictjson

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestWholeNumbersHaveOneSpelling(t *testing.T) {
	for number, want := range map[string]string{"7": "7", "7.0": "7", "7.000": "7", "70e-1": "7", "0.7e1": "7", "7E0": "7",
		"7e+2": "700", "-7.0": "-7", "0": "0", "-0": "0", "0.0e9": "0", "1001.0": "1001",
		"12345678901234567890.0": "12345678901234567890", "7.5": "", "75e-1": "", "0.7": "", "7e-1": "", "1e41": "",
		"1e999999999999": "", "x": "", "": "", "-": "", "1e1x": ""} {
		if got, ok := Whole(number); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t, want %q", number, got, ok, want)
		}
	}
}

// Whole agrees with exact arithmetic.
func TestWholeIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Skip("not a number")
		}
		got, whole := Whole(text)
		if whole && (!exact.IsInt() || exact.Num().String() != got) {
			t.Fatalf("%s: %s, want %s", text, got, exact)
		}
		if small := len(exact.Num().String()) < 38; !whole && exact.IsInt() && small {
			t.Fatalf("%s is whole: %s", text, exact)
		}
	})
}
