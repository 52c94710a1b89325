package office

import (
	"strings"
	"testing"
)

// A leave has whole days of the calendar, at most a year of them, and an id.
func TestWhichLeavesCanBe(t *testing.T) {
	for _, c := range []struct{ id, from, to, place string }{
		{"l1", "2026-12-24", "2026-12-24", ""},
		{"l1", "2026-12-24", "2027-12-24", ""},
		{"l1", "2026-12-24", "2027-12-25", "to"},
		{"l1", "2026-12-24", "2026-12-23", "to"},
		{"l1", "2026-02-30", "2026-12-23", "from"},
		{"l1", "2026-12-24", "soon", "to"},
		{"a leave", "2026-12-24", "2026-12-24", "id"},
		{strings.Repeat("a", 65), "2026-12-24", "2026-12-24", "id"},
	} {
		err := checkLeave(Leave{ID: c.id, From: c.from, To: c.to})
		if c.place == "" && err != nil || c.place != "" && (err == nil || !strings.Contains(err.Error(), c.place)) {
			t.Errorf("%v: %v", c, err)
		}
	}
}
