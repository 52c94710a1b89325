package conduct_test

import (
	"fmt"
	"log"
	"time"

	"doorstep/server/conduct"
)

// Doorstep's own rules allow a visit from 08:00 to 20:00 of the debtor's local time. The
// first visit would begin at 20:30 and is denied; the same visit at 10:00 the next day is
// allowed.
func ExamplePolicy_Judge() {
	policy, err := conduct.Default()
	if err != nil {
		log.Fatal(err)
	}
	visit := conduct.Action{
		Channel:     "visit",
		TZ:          []string{"Europe/Lisbon"},
		Place:       "home",
		Agents:      2,
		Items:       []string{"badge", "authorisation_letter"},
		Recording:   true,
		DurationMin: 20,
	}
	for _, at := range []time.Time{
		time.Date(2026, 11, 25, 20, 30, 0, 0, time.UTC),
		time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC),
	} {
		visit.At = conduct.At(at)
		d, err := policy.Judge([]string{"house-visit"}, visit, conduct.Case{}, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(at.Format("02 Jan 15:04"), d.Decision, d.Reason, d.Rule)
	}
	// Output:
	// 25 Nov 20:30 deny OUTSIDE_HOURS hv-hours
	// 26 Nov 10:00 allow
}
