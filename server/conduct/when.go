package conduct

import (
	"encoding/json"
	"time"

	"doorstep/auth/refusal"
)

// When is a time as it was given: an instant, or wall time in the debtor's first
// zone, which becomes an instant once that zone is known. The zero When means that no
// time is given.
type When struct {
	sec  int64 // Unix seconds; of wall time as if it were UTC
	kind whenKind
}

type whenKind uint8

const (
	noTime whenKind = iota
	instant
	wall
)

// Times outside these years are refused: the tables of zones end there.
const (
	firstYear = 1970
	lastYear  = 2100
)

// At returns the instant t, cut to whole seconds, or the zero When for a zero t.
func At(t time.Time) When {
	if t.IsZero() {
		return When{}
	}
	return When{t.Unix(), instant}
}

// ParseWhen reads an instant such as "2006-01-02T15:04:05Z" or with an offset, a wall
// time without an offset, or a date, which means 00:00 of that date. It cuts off
// fractions of a second. The error is a *refusal.Error with the code conduct.invalid.
func ParseWhen(s string) (When, error) {
	w, err := parseWhen("", s)
	if err != nil {
		return When{}, err
	}
	return w, nil
}

func parseWhen(field, s string) (When, *refusal.Error) {
	for _, f := range [...]struct {
		layout string
		kind   whenKind
	}{
		{time.RFC3339, instant}, {"2006-01-02T15:04:05", wall}, {"2006-01-02T15:04", wall},
		{"2006-01-02T15:04Z07:00", instant}, {time.DateOnly, wall},
	} {
		t, err := time.Parse(f.layout, s)
		if err != nil {
			continue
		}
		w := When{t.Unix(), f.kind}
		return w, w.check(field)
	}
	return When{}, invalid(field,
		"write a time as 2006-01-02T15:04:05, with an offset or without, or a date as 2006-01-02")
}

// check refuses years outside firstYear to lastYear.
func (w When) check(field string) *refusal.Error {
	if w.kind != noTime && (w.sec < firstSecond || w.sec >= lastSecond) {
		return invalid(field, "the year is not between %d and %d", firstYear, lastYear)
	}
	return nil
}

// IsZero tells whether no time is given.
func (w When) IsZero() bool { return w.kind == noTime }

// String returns the time as ParseWhen reads it.
func (w When) String() string {
	switch w.kind {
	case instant:
		return time.Unix(w.sec, 0).UTC().Format(time.RFC3339)
	case wall:
		return time.Unix(w.sec, 0).UTC().Format("2006-01-02T15:04:05")
	}
	return ""
}

// MarshalJSON writes the time as String does, and the zero When as null.
func (w When) MarshalJSON() ([]byte, error) {
	if w.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(w.String())
}

// UnmarshalJSON reads what ParseWhen reads, and null as the zero When.
func (w *When) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil || s == nil {
		*w = When{}
		return err
	}
	var err error
	*w, err = ParseWhen(*s)
	return err
}

// resolve returns the time as an instant in Unix seconds; wall time is taken to be in zone z.
func (w When) resolve(z *zone) int64 {
	if w.kind == wall {
		return z.instantOf(w.sec)
	}
	return w.sec
}

// parseDay reads a date as days since 1970-01-01.
func parseDay(s string) (int32, bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return 0, false
	}
	return int32(t.Unix() / daySeconds), true
}

// parseClock reads "15:04" as seconds since midnight; "24:00" is the end of the day.
func parseClock(s string) (int64, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for i, c := range []byte(s) {
		if i != 2 && (c < '0' || c > '9') {
			return 0, false
		}
	}
	h, m := int64(s[0]-'0')*10+int64(s[1]-'0'), int64(s[3]-'0')*10+int64(s[4]-'0')
	if m > 59 || h > 24 || h == 24 && m > 0 {
		return 0, false
	}
	return h*3600 + m*60, true
}
