// Package figures collects the samples of what the benchmarks measure.
package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Figures are samples by name, in the order in which the names came. The zero value has none.
type Figures struct {
	names   []string
	units   map[string]string
	samples map[string][]float64
}

// Add adds a sample. The unit is that of the name's first one.
func (f *Figures) Add(name, unit string, v float64) {
	if f.units == nil {
		f.units, f.samples = map[string]string{}, map[string][]float64{}
	}
	if _, met := f.units[name]; !met {
		f.names = append(f.names, name)
		f.units[name] = unit
	}
	f.samples[name] = append(f.samples[name], v)
}

// Names are those of the samples, in the order in which they came.
func (f *Figures) Names() []string { return slices.Clone(f.names) }

// Unit is the unit of a name; "" for an unknown one.
func (f *Figures) Unit(name string) string { return f.units[name] }

// Of are the samples of a name; nil for none.
func (f *Figures) Of(name string) []float64 { return f.samples[name] }

// Ratio adds how often the second figure is contained in the first, run by run.
func (f *Figures) Ratio(name, above, below string) {
	a, b := f.samples[above], f.samples[below]
	for i := range min(len(a), len(b)) {
		f.Add(name, "ratio", a[i]/b[i])
	}
}

// Print writes a line for each name: the median, the unit, the least and the most.
func (f *Figures) Print(w io.Writer) error {
	width := len("figure")
	for _, n := range f.names {
		width = max(width, len(n))
	}
	if _, err := fmt.Fprintf(w, "%-*s %12s  %-18s %s\n", width, "figure", "median", "unit", "least to most"); err != nil {
		return err
	}
	for _, n := range f.names {
		s := f.samples[n]
		if _, err := fmt.Fprintf(w, "%-*s %12.5g  %-18s %.5g to %.5g\n", width, n, Median(s), f.units[n], slices.Min(s),
			slices.Max(s)); err != nil {
			return err
		}
	}
	return nil
}

// PrintJSON writes a list with an object for each name: name, unit, median and samples.
func (f *Figures) PrintJSON(w io.Writer) error {
	type figure struct {
		Name    string    `json:"name"`
		Unit    string    `json:"unit"`
		Median  float64   `json:"median"`
		Samples []float64 `json:"samples"`
	}
	var out []figure
	for _, n := range f.names {
		out = append(out, figure{n, f.units[n], Median(f.samples[n]), f.samples[n]})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// Median is the middle one of some samples, or between the two in the middle. It panics without any.
func Median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
