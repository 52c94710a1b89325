package words

import "testing"

// The files are part of the program: a fault in one is found here and not when a text is to be sent.
func TestFilesAreRead(t *testing.T) {
	b, err := readBook(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"en", "zh", "es", "hi", "pt", "de", "fr", "ar", "af", "zu", "xh", "tl"} {
		if l := b.languages[code]; l == nil || !l.judges {
			t.Errorf("the language %s has no file that judges", code)
		}
	}
}
