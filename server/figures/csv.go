package figures

import (
	"maps"
	"slices"
	"strconv"
)

// Table gives the figures as a table of texts: a line of names, the groups, the total, and then lines that begin with
// #: what the figures rest on, and what each counts. Money has a column for each currency.
func (a *Counted) Table() [][]string {
	currencies := slices.Sorted(maps.Keys(a.Total.Money))
	head := []string{"branch", "from", "to", ByDay, ByLender, ByTeam}
	for _, d := range a.Definitions {
		if d.of != nil {
			head = append(head, d.Name)
			continue
		}
		for _, c := range currencies {
			head = append(head, money+"_minor_"+c)
		}
	}
	line := func(g *CountedGroup, first string) []string {
		out := []string{string(a.Branch), a.From, a.To, g.Day, g.Lender, g.Team}
		if first != "" {
			out[3] = first
		}
		for _, d := range a.Definitions {
			if d.of != nil {
				out = append(out, strconv.FormatInt(g.Figures[d.Name], 10))
				continue
			}
			for _, c := range currencies {
				out = append(out, strconv.FormatInt(g.Money[c], 10))
			}
		}
		return out
	}
	out := [][]string{head}
	for i := range a.Rows {
		out = append(out, line(&a.Rows[i], ""))
	}
	out = append(out, line(&a.Total, "#total"),
		[]string{"#as_of", a.Today, a.TimeZone, strconv.FormatUint(a.Entries, 10), strconv.FormatUint(a.OrgEntries, 10)})
	for _, l := range a.Limits {
		out = append(out, []string{"#limit", l.Lender, strconv.Itoa(l.Contacts), strconv.Itoa(l.Days)})
	}
	for _, d := range a.Definitions {
		out = append(out, []string{"#definition", d.Name, d.Unit, d.Says})
	}
	return out
}
