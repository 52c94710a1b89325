package figures

import (
	"strings"
	"testing"
)

func TestFiguresAreToldByTheirMedians(t *testing.T) {
	var f Figures
	for i, v := range []float64{4, 1, 3, 2} {
		f.Add("push", "per s", v)
		f.Add("peer", "per s", float64(i+1))
	}
	f.Add("pull", "ms", 7)
	f.Ratio("push over peer", "push", "peer")
	var text, data strings.Builder
	if err := f.Print(&text); err != nil {
		t.Fatal(err)
	}
	if err := f.PrintJSON(&data); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(text.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	want := []string{"figure median unit least to most", "push 2.5 per s 1 to 4", "peer 2.5 per s 1 to 4",
		"pull 7 ms 7 to 7", "push over peer 0.75 ratio 0.5 to 4"}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
	if !strings.Contains(strings.Join(strings.Fields(data.String()), " "),
		`"name": "push", "unit": "per s", "median": 2.5, "samples": [ 4, 1, 3, 2 ]`) {
		t.Error(data.String())
	}
}
