package drawing_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"doorstep/geo/routing"
	"doorstep/geo/routing/drawing"
	"doorstep/geo/routing/vroom"
)

// shape is an element of a drawing.
type shape struct {
	kind  string
	attr  map[string]string
	title string
	text  string
}

// figure is an attribute that is a number.
func (s shape) figure(t *testing.T, key string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s.attr[key], 64)
	if err != nil {
		t.Fatalf("%s of %+v: %v", key, s, err)
	}
	return v
}

// draw solves a problem and returns the elements of its drawing.
func draw(t *testing.T, problem string) []shape {
	t.Helper()
	task, err := vroom.Read(strings.NewReader(problem), vroom.MaxLimits())
	if err != nil {
		t.Fatal(err)
	}
	p, err := task.Problem(t.Context(), noTravel)
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.Solve(t.Context(), p, routing.Options{Iterations: 50})
	if err != nil {
		t.Fatal(err)
	}
	var svg bytes.Buffer
	if err := task.Draw(&svg, r); err != nil {
		t.Fatal(err)
	}
	var file struct {
		Shapes []struct {
			XMLName xml.Name
			Attrs   []xml.Attr `xml:",any,attr"`
			Title   string     `xml:"title"`
			Text    string     `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal(svg.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	var all []shape
	for _, s := range file.Shapes {
		one := shape{s.XMLName.Local, map[string]string{}, s.Title, s.Text}
		for _, a := range s.Attrs {
			one.attr[a.Name.Local] = a.Value
		}
		all = append(all, one)
	}
	return all
}

// texts are all that is written in a drawing.
func texts(all []shape) []string {
	var out []string
	for _, s := range all {
		if s.kind == "text" {
			out = append(out, s.text)
		}
	}
	return out
}

// corners are the points of a polyline.
func corners(t *testing.T, s shape) [][2]float64 {
	t.Helper()
	var out [][2]float64
	for _, f := range strings.Fields(s.attr["points"]) {
		var p [2]float64
		if _, err := fmt.Sscanf(f, "%f,%f", &p[0], &p[1]); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func only(t *testing.T, all []shape, what string, is func(shape) bool) shape {
	t.Helper()
	var found []shape
	for _, s := range all {
		if is(s) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d of %s: %+v", len(found), what, found)
	}
	return found[0]
}

const lineOfPlaces = `"matrices":{"car":{"durations":[
	[0,100,200,300],[100,0,100,200],[200,100,0,100],[300,200,100,0]]}}`

func TestFarStopLeftOutDoesNotShrinkTheDrawing(t *testing.T) {
	all := draw(t, `{"vehicles":[{"id":1,"start":[1,2],"start_index":0}],"jobs":[
		{"id":1,"location":[1.01,2.01],"location_index":1},
		{"id":2,"location":[1.012,2],"location_index":2,"skills":[1]},
		{"id":3,"location":[30,-5],"location_index":3,"skills":[1]}],`+lineOfPlaces+`}`)
	line := corners(t, only(t, all, "routes", func(s shape) bool { return s.kind == "polyline" }))
	if long := math.Hypot(line[1][0]-line[0][0], line[1][1]-line[0][1]); long < 500 {
		t.Errorf("the route is %.0f long on a drawing of %.0f", long, drawing.SheetWidth)
	}
	far := only(t, all, "marks at the border", func(s shape) bool { return s.kind == "path" })
	var x, y float64
	if _, err := fmt.Sscanf(far.attr["d"], "M%f,%f", &x, &y); err != nil {
		t.Fatal(err)
	}
	frame := only(t, all, "frames", func(s shape) bool { return s.attr["stroke"] == "#ddd" })
	left, top, wide, tall := frame.figure(t, "x"), frame.figure(t, "y"), frame.figure(t, "width"),
		frame.figure(t, "height")
	if x < left+wide*0.9 || x > left+wide || y < top || y > top+tall {
		t.Errorf("the stop in the east is marked at %.0f, %.0f of %+v", x, y, frame)
	}
	if !strings.Contains(far.title, "job 3: left out, no_fit_team") ||
		!regexp.MustCompile(`some 33[0-9][0-9] km away`).MatchString(far.title) {
		t.Errorf("its title is %q", far.title)
	}
	if slices.Contains(texts(all), "") {
		t.Error("an empty text is drawn")
	}
	near := only(t, all, "stops left out near by", func(s shape) bool {
		return s.kind == "circle" && strings.Contains(s.title, "left out")
	})
	if x := near.figure(t, "cx"); x < left || x > left+wide {
		t.Errorf("the near stop is drawn at %+v", near)
	}
	if !slices.Contains(texts(all), "left out: 2") ||
		!slices.Contains(texts(all), "1 of them far away: ◆ at the border") {
		t.Errorf("legend %q", texts(all))
	}
}

func TestDrawingOfNothingButStopsLeftOutIsFittedToMostOfThem(t *testing.T) {
	all := draw(t, `{"vehicles":[],"jobs":[{"id":1,"location":[1,2]},{"id":2,"location":[1.01,2]},{"id":3,`+
		`"location":[1.01,2.01]},{"id":4,"location":[90,60]}]}`)
	circles := slices.DeleteFunc(slices.Clone(all), func(s shape) bool { return s.kind != "circle" })
	if len(circles) != 3 || math.Abs(circles[1].figure(t, "cx")-circles[0].figure(t, "cx")) < 500 {
		t.Errorf("%+v", circles)
	}
	draw(t, `{"vehicles":[],"jobs":[{"id":1,"location":[1,2]},{"id":2,"location":[1,2]}]}`)
}

func TestStopsAtOneDoorShareAMarkThatNamesThem(t *testing.T) {
	all := draw(t, `{"vehicles":[{"id":1,"start":[1,2],"start_index":0}],"jobs":[
		{"id":1,"location":[1.01,2.01],"location_index":1},{"id":2,"description":"flat 2","location":[1.01,2.01],
		"location_index":1},{"id":3,"location":[1.01,2.01],"location_index":1},
		{"id":4,"location":[1.01,2.01],"location_index":1,"skills":[1]},{"id":5,"location":[1.01,2.01],
		"location_index":1,"skills":[1]}],`+lineOfPlaces+`}`)
	stops := only(t, all, "marks with job 2", func(s shape) bool { return strings.Contains(s.title, "job 2 (flat 2)") })
	if n := strings.Count(stops.title, "job "); n != 3 || !slices.Contains(texts(all), "1–3") {
		t.Errorf("title %q, texts %q", stops.title, texts(all))
	}
	out := only(t, all, "marks with job 4", func(s shape) bool { return strings.Contains(s.title, "job 4") })
	if !strings.Contains(out.title, "job 5: left out") || !slices.Contains(texts(all), "×2") {
		t.Errorf("title %q, texts %q", out.title, texts(all))
	}
	if out.figure(t, "y") < stops.figure(t, "y")+16 {
		t.Error("what is left out hides the stops")
	}
}

func TestRunsOfNumbers(t *testing.T) {
	for want, numbers := range map[string][]int{"7": {7}, "1–2": {1, 2}, "3–5, 9": {3, 4, 5, 9}, "1, 3, 5": {1, 3, 5},
		"4 stops": {1, 3, 5, 7}} {
		if got := drawing.Runs(numbers); got != want {
			t.Errorf("%v: %q, want %q", numbers, got, want)
		}
	}
}

func TestBreakIsDrawnWhereItIsTaken(t *testing.T) {
	// A quarter of the way to the job has been driven when it is time for tea.
	all := draw(t, `{"vehicles":[{"id":1,"start":[1,2],"start_index":0,"end":[1,2],"end_index":0,
		"time_window":[0,40000],
		"breaks":[{"id":5,"description":"tea","service":600,"time_windows":[[30000,30000]]}]}],
		"jobs":[{"id":1,"location":[1.02,2],"location_index":1,"time_windows":[[32100,32100]]}],
		"matrices":{"car":{"durations":[[0,2000],[2000,0]]}}}`)
	line := corners(t, only(t, all, "routes", func(s shape) bool { return s.kind == "polyline" }))
	tea := only(t, all, "breaks", func(s shape) bool { return strings.Contains(s.title, "tea") })
	if tea.kind != "rect" || tea.title != "break 5 (tea) of vehicle 1, 08:20–08:30" {
		t.Errorf("%+v", tea)
	}
	if x, want := tea.figure(t, "x")+tea.figure(t, "width")/2,
		line[0][0]+(line[1][0]-line[0][0])/4; math.Abs(x-want) > 1 {
		t.Errorf("drawn at %.1f, taken at %.1f of %v", x, want, line)
	}
	for _, want := range []string{"08:20", "break (tea) 08:20–08:30"} {
		if !slices.Contains(texts(all), want) {
			t.Errorf("%q is not in %q", want, texts(all))
		}
	}
}

func TestTimesAreWrittenForPeople(t *testing.T) {
	for name, c := range map[string]struct{ window, window2, stop, note string }{
		"times of day":   {"[32400,61200]", "[36000,36000]", "10:00", ""},
		"after midnight": {"[72000,99000]", "[93600,93600]", "02:00+1", ""},
		"timestamps": {"[1763974800,1764003600]", "[1763976600,1763976600]", "09:30",
			"times are in UTC, of 2025-11-24"},
		"timestamps of two days": {"[1763974800,1764066600]", "[1764066600,1764066600]", "10:30",
			"times are in UTC, of 2025-11-25"},
		"from the day's beginning": {"[0,9000]", "[5400,5400]", "1:30",
			"times are hours and minutes from the beginning"},
		"far from any beginning": {"[36000,900000]", "[360000,360000]", "100:00",
			"times are hours and minutes from the beginning"},
		"long past": {"[50000000,50009000]", "[50000400,50000400]", "13889:00",
			"times are hours and minutes from the beginning"},
	} {
		all := draw(t, `{"vehicles":[{"id":1,"start":[1,2],"start_index":0,"time_window":`+c.window+`}],
			"jobs":[{"id":1,"location":[1.01,2.01],"location_index":1,
			"time_windows":[`+c.window2+`]}],`+lineOfPlaces+`}`)
		job := only(t, all, "jobs", func(s shape) bool { return strings.Contains(s.title, "job 1") })
		if want := "1. job 1, " + c.stop; job.title != want {
			t.Errorf("%s: %q, want %q", name, job.title, want)
		}
		if c.note != "" && !slices.Contains(texts(all), c.note) {
			t.Errorf("%s: %q", name, texts(all))
		}
	}
	if got := drawing.TextOfTimestamp(1_763_974_800, "2025-11-24", 86_400); got != "11-25 09:00" {
		t.Errorf("the next day is %q", got)
	}
}

// noTravel stands in for travel times in problems without vehicles.
func noTravel(_ context.Context, _ string, points []vroom.Point) (durations, distances []int32, err error) {
	return make([]int32, len(points)*len(points)), nil, nil
}
