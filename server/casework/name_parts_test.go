package casework

import (
	"strings"
	"testing"
)

func TestAPartOfANameFindsIt(t *testing.T) {
	for _, c := range []struct {
		name, asked string
		want        bool
	}{
		{"João da Silva", "silv", true},
		{"João da Silva", "SILVA joao", true},
		{"João da Silva", "Silvas", false},
		{"João da Silva", "ilva", false},
		{"João da Silva", "si", false},
		{"João da Silva", "da", true},
		{"João da Silva", "d", false},
		{"Rui Sá", "sa", true},
		{"Rui Sá", "rui sa", true},
		{"Rui Sá", "rui rui", false},
		{"Ana Anabela", "ana anab", true},
		{"Ana-María O'Neill", "oneil mar", true},
		{"Konstantinopolitanski", "konstantinopol", true},
		{"Konstantinopolitanski", "konstantinoX", false},
		{"王小明", "王小", true},
		{"王小明", "小明", true},
		{"王小明", "王明", false},
		{"王小明", "王", false},
		{"欧阳 娜娜", "欧阳", true},
		{"李", "李", true},
		{"Ana", "...", false},
	} {
		if got := hasName(c.name, c.asked); got != c.want {
			t.Errorf("%q asks for %q: %t", c.asked, c.name, got)
		}
		// The index leads to whatever is found.
		part := partAsked(c.asked)
		indexed := false
		for _, p := range partsOf(c.name) {
			indexed = indexed || p == part
		}
		if c.want && !indexed {
			t.Errorf("%q asks the index for %q, and %q has %v", c.asked, part, c.name, partsOf(c.name))
		}
	}
	for name, want := range map[string]string{"Rui Sá": "rui sa", "Silva": "sil silv silva", "王小明": "小明 王小",
		"李": "李", "": ""} {
		got := partsOf(name)
		if s := strings.Join(got, " "); s != want && len(got) != len(strings.Fields(want)) {
			t.Errorf("%s has the parts %s, want %s", name, s, want)
		}
	}
	if n := len(partsOf(strings.Repeat("Abcdefghijk Bbcdefghijk Cbcdefghijk Dbcdefghijk Ebcdefghijk ", 3) +
		"Fbcdefghijk Gbcdefghijk Hbcdefghijk Ibcdefghijk Jbcdefghijk")); n != nameParts {
		t.Errorf("a long name has %d parts", n)
	}
}
