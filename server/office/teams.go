package office

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/sync/journal"
)

// Team is the state of a document of type "teams": one or more agents who visit together.
type Team struct {
	ID          string        `json:"id"`
	Branch      auth.BranchID `json:"branch"`
	Name        string        `json:"name,omitempty"`
	Agents      []auth.UserID `json:"agents"`
	Territories []string      `json:"territories,omitempty"` // empty: all of the branch
	Skills      []string      `json:"skills,omitempty"`      // certificate, specialist, language:pt, …
	Items       []string      `json:"items,omitempty"`       // papers carried: badge, authorisation_letter, iibf_certificate
	Recording   bool          `json:"recording,omitempty"`   // the team records its visits
	Mode        string        `json:"mode,omitempty"`        // foot, bicycle, scooter, car; "" is car
	// Start and End are where the day begins and ends: [lon, lat], WGS 84, in units of 1e-7 degree. Nil: anywhere.
	Start    *geo.E7 `json:"start,omitempty"`
	End      *geo.E7 `json:"end,omitempty"`
	MaxStops int     `json:"max_stops,omitempty"` // doors a day, several cases at one being one; 0: no limit
}

// Shift is the state of a document of type "shifts": a team's working day.
type Shift struct {
	Branch auth.BranchID `json:"branch"`
	Team   string        `json:"team"`
	Date   string        `json:"date"` // local to the branch
	// From and To are local wall times, "15:04", in the branch's zone.
	From   string        `json:"from"`
	To     string        `json:"to"`
	Agents []auth.UserID `json:"agents,omitempty"` // replaces the team that day
	Breaks []Break       `json:"breaks,omitempty"`
	// Territories are worked that day instead of the team's; empty: the team's.
	Territories []string `json:"territories,omitempty"`
}

// Works says whether a team works a territory in this shift of its.
func (sh Shift) Works(t Team, territory string) bool {
	if len(sh.Territories) > 0 {
		return slices.Contains(sh.Territories, territory)
	}
	return len(t.Territories) == 0 || slices.Contains(t.Territories, territory)
}

// Works tells a decision whether a team works a territory on a local date of the reader's branch. A team that is
// not there, and a territory of "", are never worked. The decision rests on the team and its shift.
func (s *Service) Works(ctx context.Context, r *journal.Reader, team, date, territory string) (bool, error) {
	t, err := readDoc[Team](ctx, r, "teams", team)
	if err != nil || t == nil || territory == "" {
		return false, err
	}
	sh, err := readDoc[Shift](ctx, r, "shifts", shiftID(team, date))
	if err != nil {
		return false, err
	}
	if sh == nil {
		sh = &Shift{}
	}
	return sh.Works(*t, territory), nil
}

// shiftID names the shift of a team on a date.
func shiftID(team, date string) string { return team + "." + date }

// Staff reads for a decision the teams of the reader's branch by id, and the shifts of a local date by team. The
// decision rests on them: a team or shift that is put or changed meanwhile has it taken again.
func (s *Service) Staff(ctx context.Context, r *journal.Reader, date string) ([]Team, []Shift, error) {
	r.Depend(groundKey, shiftsKey(date))
	teams, err := readAll[Team](ctx, r, teamsByID)
	if err != nil {
		return nil, nil, err
	}
	shifts, err := readAll[Shift](ctx, r, shiftsByDate, date)
	return teams, shifts, err
}

// shiftsKey is the key of who works on a date: every write of a shift writes it.
func shiftsKey(date string) journal.Key { return journal.Key("shifts:" + date) }

// Break is a pause that begins within a span of the shift.
type Break struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Minutes int    `json:"minutes"`
}

var (
	modes = []string{"foot", "bicycle", "scooter", "car"}
	items = []string{"badge", "authorisation_letter", "iibf_certificate"}
)

// PutTeam makes or changes a team. team.*; the agents must be agents of the branch.
func (s *Service) PutTeam(ctx context.Context, ask Ask, t Team) (Team, error) {
	if err := s.checkTeam(ctx, t); err != nil {
		return Team{}, err
	}
	out, err := apply(ctx, s, ask, change[Team]{branch: t.Branch, typ: "teams", id: t.ID, action: "team.put",
		keys: []journal.Key{groundKey},
		decide: func(ctx context.Context, r *journal.Reader, _ *Team) (*Team, error) {
			for _, id := range t.Territories {
				if tt, err := readDoc[Territory](ctx, r, "territories", id); err != nil {
					return nil, err
				} else if tt == nil {
					return nil, invalid("team.territory", "territories", "no such territory in this branch")
				}
			}
			return &t, nil
		}})
	if err != nil {
		return Team{}, err
	}
	return *out, nil
}

func (s *Service) checkTeam(ctx context.Context, t Team) error {
	switch {
	case !idShape.MatchString(t.ID):
		return invalid("team.id", "id", "a team id has 1 to 64 letters, digits, dots, dashes or underscores")
	case len(t.Name) > 200:
		return invalid("team.name", "name", "a team's name has at most 200 bytes")
	case len(t.Agents) == 0 || len(t.Agents) > 10:
		return invalid("team.agents", "agents", "a team has 1 to 10 agents")
	case t.Mode != "" && !slices.Contains(modes, t.Mode):
		return invalid("team.mode", "mode", "mode is foot, bicycle, scooter or car")
	case t.MaxStops < 0 || t.MaxStops > 500:
		return invalid("team.max_stops", "max_stops", "max_stops is from 0 (no limit) to 500")
	case len(t.Skills) > 50 || len(t.Territories) > 200:
		return invalid("team.skills", "skills", "a team has at most 50 skills and 200 territories")
	}
	for _, it := range t.Items {
		if !slices.Contains(items, it) {
			return invalid("team.items", "items", "items are badge, authorisation_letter and iibf_certificate")
		}
	}
	if err := s.checkEnds(ctx, t); err != nil {
		return err
	}
	return s.checkAgents(ctx, t.Branch, t.Agents, "team.agents")
}

// checkAgents refuses anybody who is not an agent of the branch, and repeats.
func (s *Service) checkAgents(ctx context.Context, b auth.BranchID, ids []auth.UserID, code string) error {
	for i, id := range ids {
		u, ok, err := load[User](ctx, s, auth.OrgBranch, "users", string(id))
		if err != nil {
			return err
		}
		if !ok || u.Role != auth.RoleAgent || !slices.Contains(u.Branches, b) || u.Disabled {
			return invalid(code, fmt.Sprintf("agents[%d]", i), "not an active agent of this branch")
		}
		if slices.Contains(ids[:i], id) {
			return invalid(code, fmt.Sprintf("agents[%d]", i), "an agent is named twice")
		}
	}
	return nil
}

// Team reads a team of a branch. team.not_found.
func (s *Service) Team(ctx context.Context, b auth.BranchID, id string) (Team, error) {
	t, ok, err := load[Team](ctx, s, b, "teams", id)
	if err != nil {
		return Team{}, err
	}
	if !ok {
		return Team{}, notFound("team.not_found", "no such team in your branches")
	}
	return *t, nil
}

// Teams lists a branch's teams by id.
func (s *Service) Teams(ctx context.Context, b auth.BranchID) ([]Team, error) {
	ts, err := list[Team](ctx, s, journal.Query{Branch: b, Type: "teams"})
	return values(ts), err
}

// PutShift makes or changes a team's shift of one date. shift.*, team.not_found.
func (s *Service) PutShift(ctx context.Context, ask Ask, sh Shift) (Shift, error) {
	if err := s.checkShift(ctx, sh); err != nil {
		return Shift{}, err
	}
	out, err := apply(ctx, s, ask, change[Shift]{branch: sh.Branch, typ: "shifts", id: shiftID(sh.Team, sh.Date),
		action: "shift.put",
		keys:   []journal.Key{shiftsKey(sh.Date)},
		decide: func(ctx context.Context, r *journal.Reader, _ *Shift) (*Shift, error) {
			if t, err := readDoc[Team](ctx, r, "teams", sh.Team); err != nil {
				return nil, err
			} else if t == nil {
				return nil, notFound("team.not_found", "no such team in your branches")
			}
			for i, id := range sh.Territories {
				if tt, err := readDoc[Territory](ctx, r, "territories", id); err != nil {
					return nil, err
				} else if tt == nil {
					return nil, invalid("shift.territory", fmt.Sprintf("territories[%d]", i), "no such territory in this branch")
				}
			}
			return &sh, nil
		}})
	if err != nil {
		return Shift{}, err
	}
	return *out, nil
}

func (s *Service) checkShift(ctx context.Context, sh Shift) error {
	if fault := DateFault(sh.Date); fault != "" {
		return invalid("shift.date", "date", fault)
	}
	from, err := ClockMinutes(sh.From)
	if err != nil {
		return invalid("shift.from", "from", "a time is written 08:30")
	}
	to, err := ClockMinutes(sh.To)
	if err != nil {
		return invalid("shift.to", "to", "a time is written 18:00")
	}
	if to <= from {
		return invalid("shift.to", "to", "a shift ends after it begins, on the same day")
	}
	if len(sh.Breaks) > 4 {
		return invalid("shift.breaks", "breaks", "a shift has at most 4 breaks")
	}
	if len(sh.Territories) > 200 {
		return invalid("shift.territory", "territories", "a shift has at most 200 territories")
	}
	for i, b := range sh.Breaks {
		bf, err1 := ClockMinutes(b.From)
		bt, err2 := ClockMinutes(b.To)
		if err1 != nil || err2 != nil || bt < bf || b.Minutes < 1 || b.Minutes > 240 || bf < from || bt > to {
			return invalid("shift.breaks", fmt.Sprintf("breaks[%d]", i),
				"a break begins between from and to, within the shift, and takes 1 to 240 minutes")
		}
	}
	return s.checkAgents(ctx, sh.Branch, sh.Agents, "shift.agents")
}

var dateShape = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// DateFault says what is wrong with a date, for people; "" when it is one.
func DateFault(date string) string {
	switch _, err := time.Parse(time.DateOnly, date); {
	case err == nil:
		return ""
	case dateShape.MatchString(date):
		return "the calendar has no such day; a date is year-month-day, such as 2026-11-25"
	}
	return "a date is written year-month-day, such as 2026-11-25"
}

// ClockMinutes reads a wall time "15:04" as minutes after midnight; 24:00 is the end of the day.
func ClockMinutes(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, err
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Shift reads a team's shift of a date. shift.not_found.
func (s *Service) Shift(ctx context.Context, b auth.BranchID, team, date string) (Shift, error) {
	sh, ok, err := load[Shift](ctx, s, b, "shifts", shiftID(team, date))
	if err != nil {
		return Shift{}, err
	}
	if !ok {
		return Shift{}, notFound("shift.not_found", "the team has no shift that day")
	}
	return *sh, nil
}

// Shifts lists a branch's shifts of a date by team.
func (s *Service) Shifts(ctx context.Context, b auth.BranchID, date string) ([]Shift, error) {
	ss, err := list[Shift](ctx, s, journal.Query{Branch: b, Type: "shifts", Index: shiftsByDate.Name, Eq: []any{date}})
	return values(ss), err
}
