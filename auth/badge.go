package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// BadgeCodeLife is how long a badge code is the newest.
const BadgeCodeLife = time.Minute

// badgeCodesTaken is how many codes are taken, the newest first: who asks has to read one and to type it.
const badgeCodesTaken = 3

// BadgeCode gives the six digits that an agent's phone shows at an instant, and until when it shows them. They change
// each minute and tell nothing to who has no key. All nodes give the same. The digits are cut from the code by the
// dynamic truncation of RFC 4226, section 5.3.
func (k *Keys) BadgeCode(user UserID, at time.Time) (code string, until time.Time) {
	span := at.Unix() / int64(BadgeCodeLife/time.Second)
	return k.badgeCode(user, span), time.Unix((span+1)*int64(BadgeCodeLife/time.Second), 0).UTC()
}

// IsBadgeCode tells whether an agent's phone shows a code at an instant, or showed it in one of the two minutes before.
func (k *Keys) IsBadgeCode(user UserID, code string, at time.Time) bool {
	span := at.Unix() / int64(BadgeCodeLife/time.Second)
	is := false
	for i := range int64(badgeCodesTaken) {
		if hmac.Equal([]byte(k.badgeCode(user, span-i)), []byte(code)) {
			is = true // all are compared, so that the time taken tells nothing
		}
	}
	return is
}

func (k *Keys) badgeCode(user UserID, span int64) string {
	m := hmac.New(sha256.New, k.refresh)
	fmt.Fprintf(m, "doorstep badge\n%d\n%s", span, user)
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// BadgeCode gives the digits that an agent's phone shows; see Keys.BadgeCode.
func (s *Sessions) BadgeCode(user UserID, at time.Time) (code string, until time.Time) {
	return s.keys.BadgeCode(user, at)
}

// IsBadgeCode tells whether they are an agent's; see Keys.IsBadgeCode.
func (s *Sessions) IsBadgeCode(user UserID, code string, at time.Time) bool {
	return s.keys.IsBadgeCode(user, code, at)
}
