package record

import (
	"slices"
	"testing"
	"time"
)

// TestAReportOfLongAgoIsBackdated has the phone write a report at once and bring it late, or
// write it late and bring it at once.
func TestAReportOfLongAgoIsBackdated(t *testing.T) {
	received := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	late := received.Add(-LateWindow - time.Second)
	for name, c := range map[string]struct {
		at, written time.Time
		want        bool
	}{
		"brought at once":                  {received.Add(-time.Hour), received.Add(-time.Hour), false},
		"brought after seven days":         {received.Add(-LateWindow), received.Add(-LateWindow), false},
		"brought later":                    {late, late, true},
		"brought later, writing unknown":   {late, time.Time{}, true},
		"written after a day":              {received.Add(-25 * time.Hour), received.Add(-time.Hour), false},
		"written later":                    {received.Add(-25*time.Hour - time.Second), received.Add(-time.Hour), true},
		"brought at once, writing unknown": {received, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			at, flags := Sent{Device: "d1", Received: received, Written: c.written}.Instant(c.at)
			if !at.Equal(c.at) || slices.Contains(flags, "backdated") != c.want {
				t.Errorf("it was at %s with %v; backdated: want %t", at, flags, c.want)
			}
		})
	}
}
