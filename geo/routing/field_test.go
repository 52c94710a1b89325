package routing_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
	"doorstep/geo/routing/vroom"
)

const fieldData = "../../../shared/data/field"

// readField reads one of the days of the field, which are in VROOM's JSON.
func readField(t testing.TB, path string) routing.Problem {
	in, err := os.Open(path)
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the days of the field are not there: %v", err)
	}
	defer func() { _ = in.Close() }()
	task, err := vroom.Read(in, vroom.MaxLimits())
	if err != nil {
		t.Fatal(err)
	}
	p, err := task.Problem(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDaysOfTheField(t *testing.T) {
	for _, day := range []struct {
		name                     string
		priority, leftOut, drive int
	}{
		{"field-100-1", 2210, 5, 13680}, {"field-200-1", 5355, 16, 33983},
		{"field-200L-1", 5855, 0, 27725}, {"field-400-1", 11565, 33, 69462},
	} {
		if *routing.Measure == "" && day.name == "field-400-1" {
			continue // too long for every day
		}
		p := readField(t, filepath.Join(fieldData, day.name+".json"))
		budget := *routing.CPUTime
		if m := *routing.Measure; m != "" && m != "all" && m != day.name {
			continue
		}
		if *routing.Measure == "" {
			budget = min(budget, 700*time.Millisecond)
		}
		r, err := routing.Solve(context.Background(), p, routing.WithinCPU(budget))
		if bad := referee.Check(p, r); err != nil || len(bad) > 0 {
			t.Fatal(err, bad)
		}
		if testing.Verbose() {
			fmt.Printf("row %-12s %v priority %6d (VROOM %6d) left out %3d (%3d) travel %6d (%6d, %+6.2f %%) %8d "+
				"steps %4.0f MB\n", day.name, budget,
				r.Total.Priority, day.priority, len(r.LeftOut), day.leftOut, r.Total.Travel, day.drive,
				100*(float64(r.Total.Travel)/float64(day.drive)-1), r.Iterations, routing.Megabytes())
		}
		if r.Total.Priority < day.priority*97/100 {
			t.Errorf("%s: priority %d, VROOM has %d, at least 97 %% of it is asked for", day.name, r.Total.Priority,
				day.priority)
		}
	}
}

func TestTheResultsOfDaysOfTheFieldArePinned(t *testing.T) {
	for name, want := range map[string]string{"field-100-1": "ad5b6351b6ee", "field-200-1": "7ad138211fc7",
		"field-200L-1": "e1836f1e7576"} {
		p := readField(t, filepath.Join(fieldData, name+".json"))
		if got := routing.Fingerprint(t, p, 4000); got != want {
			t.Errorf("%s: result %s, pinned %s", name, got, want)
		}
	}
}
