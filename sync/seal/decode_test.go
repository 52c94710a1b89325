package seal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"reflect"
	"testing"
)

// TestBothWaysToReadASealedPartAgree compares reading the form that we write with reading any JSON.
func TestBothWaysToReadASealedPartAgree(t *testing.T) {
	commit := base64.StdEncoding.EncodeToString(make([]byte, sha256.Size))
	form := func(k, s, c string) string { return fmt.Sprintf(`{"k":"%s","s":"%s","c":"%s"}`, k, s, c) }
	for text, quick := range map[string]bool{
		form("key", "AAEC", commit):                         true,
		form("ké", "", commit):                              true,
		form("k\xff", "AAEC", commit):                       false,
		form(`k\u0061`, "AAEC", commit):                     false,
		form(`k\"`, "AAEC", commit):                         false,
		form("", "AAEC", commit):                            false,
		form("key", "AAE", commit):                          false,
		form("key", "A*EC", commit):                         false,
		form("key", "AAEC", commit[:8]):                     false,
		form("key", "AAEC", commit+"AAAA"):                  false,
		form("key", "AAEC", commit) + " ":                   false,
		`{"k":"key","c":"` + commit + `","s":"AA=="}`:       false,
		`{"k":"key","s":"AAEC"}`:                            false,
		`{"k":"key","s":"AAEC","c":"` + commit + `","x":1}`: false,
	} {
		var fast, slow part
		ok := fast.decodeWritten([]byte(text))
		if ok != quick {
			t.Errorf("%s is read quickly: %t", text, ok)
		}
		if ok && (!slow.decodeAny([]byte(text)) || !reflect.DeepEqual(fast, slow)) {
			t.Errorf("%s is read as %#v and as %#v", text, fast.key, slow.key)
		}
	}
}
