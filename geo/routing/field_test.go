package routing

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

const fieldData = "../../../shared/data/field"

// readField reads one of the days of the field, which are in VROOM's JSON, as
// far as they use it.
func readField(t testing.TB, path string) Problem {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the days of the field are not there: %v", err)
	}
	var in struct {
		Vehicles []struct {
			Start  int    `json:"start_index"`
			End    int    `json:"end_index"`
			Window [2]int `json:"time_window"`
			Max    int    `json:"max_tasks"`
			Skills []int
			Breaks []struct {
				Service int
				Windows [][2]int `json:"time_windows"`
			}
		}
		Jobs []struct {
			Place    int `json:"location_index"`
			Service  int
			Windows  [][2]int `json:"time_windows"`
			Skills   []int
			Priority int
		}
		Matrices map[string]struct{ Durations [][]int32 }
	}
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	skills := func(ks []int) []string {
		var s []string
		for _, k := range ks {
			s = append(s, strconv.Itoa(k))
		}
		return s
	}
	windows := func(in [][2]int) []Window {
		var ws []Window
		for _, w := range in {
			ws = append(ws, Window{w[0], w[1]})
		}
		return ws
	}
	d := in.Matrices["car"].Durations
	p := Problem{Matrices: []Matrix{{Places: len(d), Durations: slices.Concat(d...)}}}
	for _, j := range in.Jobs {
		p.Stops = append(p.Stops, Stop{Place: j.Place, Service: j.Service, Windows: windows(j.Windows), Skills: skills(j.Skills), Priority: j.Priority})
	}
	for _, v := range in.Vehicles {
		s := Shift{Start: v.Start, End: v.End, Window: Window{v.Window[0], v.Window[1]}, MaxStops: v.Max, Skills: skills(v.Skills)}
		for _, b := range v.Breaks {
			s.Breaks = append(s.Breaks, Break{Service: b.Service, Windows: windows(b.Windows)})
		}
		p.Shifts = append(p.Shifts, s)
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
		if *measure == "" && day.name == "field-400-1" {
			continue // too long for every day
		}
		p := readField(t, filepath.Join(fieldData, day.name+".json"))
		budget := *cpuTime
		if *measure != "" && *measure != "all" && *measure != day.name {
			continue
		}
		if *measure == "" {
			budget = min(budget, 700*time.Millisecond)
		}
		clock := cpuClock()
		r, err := Solve(context.Background(), p, Options{Seed: *seed, clock: cpuClock(), budget: budget})
		if bad := Check(p, r); err != nil || len(bad) > 0 {
			t.Fatal(err, bad)
		}
		if testing.Verbose() {
			fmt.Printf("row %-12s %6.2f s priority %6d (VROOM %6d) left out %3d (%3d) travel %6d (%6d, %+6.2f %%) %8d steps %4.0f MB\n", day.name, clock().Seconds(),
				r.Total.Priority, day.priority, len(r.LeftOut), day.leftOut, r.Total.Travel, day.drive, 100*(float64(r.Total.Travel)/float64(day.drive)-1), r.Iterations, megabytes())
		}
		if r.Total.Priority < day.priority*97/100 {
			t.Errorf("%s: priority %d, VROOM has %d, at least 97 %% of it is asked for", day.name, r.Total.Priority, day.priority)
		}
	}
}
