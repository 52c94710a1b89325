package record

import "time"

// wholeUTC is an instant in UTC, cut to whole seconds.
func WholeUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}
