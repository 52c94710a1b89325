package record

import (
	"doorstep/auth/refusal"
	"regexp"
	"time"
)

func checkAt(at, now time.Time) *refusal.Error {
	if at.IsZero() || at.Year() < 2000 || Late(at, now) {
		return invalid("validation.at", "at", "say when it happened, as RFC 3339 with an offset")
	}
	return nil
}

// late tells whether an instant lies ahead of the server's clock by more than phones' clocks may be wrong.
func Late(at, now time.Time) bool { return at.After(now.Add(7 * 24 * time.Hour)) }

// externalPattern keeps ids of other systems to what can stand in a document's id.
var ExternalPattern = regexp.MustCompile(`^[A-Za-z0-9_.:/@#+-]{1,128}$`)

// codeWords refuses values that are no codes or ids: 1 to 128 letters A to Z,
// digits and a few signs, or nothing. What is kept in the clear for ever must not
// have room for a name or an address; sentences belong into the members that are sealed.
func CodeWords(field string, values ...string) *refusal.Error {
	for _, v := range values {
		if v != "" && !ExternalPattern.MatchString(v) {
			return invalid("validation."+lastName(field), field, "this is a code or an id: at most 128 letters A to Z, digits and any of _.:/@#+-; write sentences in a note")
		}
	}
	return nil
}
