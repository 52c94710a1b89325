package office

import (
	"context"
	"fmt"
	"math"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/geo/country"
)

const (
	// offLand is how far off the land of its country a place may be: the outlines are as rough.
	offLand = 3_000.0 // metres
	// farAway is how far from every territory of its branch a team may begin or end its day.
	farAway = 100_000.0 // metres
)

// land tells where the places of a branch may lie: in its country or, if it names none, anywhere that does not look
// like a place of its zone's country with lon and lat swapped.
type land struct {
	code    string
	guessed bool
}

// landOf reads the land of a branch; any place is on that of a branch that does not exist.
func (s *Service) landOf(ctx context.Context, b auth.BranchID) (land, error) {
	branch, ok, err := load[Branch](ctx, s, auth.OrgBranch, "branches", string(b))
	switch {
	case err != nil || !ok:
		return land{}, err
	case branch.Country != "":
		return land{code: branch.Country}, nil
	}
	return land{country.OfZone(branch.TimeZone), true}, nil
}

// wrong says why a place cannot be one of the branch; "" if it can.
func (l land) wrong(p geo.Point) string {
	if l.guessed && !country.InBox(l.code, geo.Point{Lon: p.Lat, Lat: p.Lon}) {
		return ""
	}
	return country.Misplaced(l.code, p)
}

// wrongTerritory refuses a territory whose middle lies in the branch's country only with lon and lat swapped. A
// territory elsewhere does no harm: it holds no case.
func (l land) wrongTerritory(t Territory) error {
	shape, err := t.Shape.Shape()
	if err != nil {
		return nil // not for its place
	}
	l.guessed = true
	if wrong := l.wrong(shape.Centre()); wrong != "" {
		return refusal.New(refusal.Invalid, "territory.place", "geometry.coordinates", "%s", wrong)
	}
	return nil
}

// teamEnd is where a team's day begins or ends, with its member's name.
type teamEnd struct {
	member string
	at     geo.Point
}

// ends are those of a team's ends that are given.
func (t Team) ends() []teamEnd {
	var out []teamEnd
	for _, member := range []string{"start", "end"} {
		at := t.Start
		if member == "end" {
			at = t.End
		}
		if at != nil {
			out = append(out, teamEnd{member, at.Point()})
		}
	}
	return out
}

// checkEnds refuses ends of the day that cannot be in the branch.
func (s *Service) checkEnds(ctx context.Context, t Team) error {
	l, err := s.landOf(ctx, t.Branch)
	if err != nil {
		return err
	}
	for _, end := range t.ends() {
		if wrong := l.wrong(end.at); wrong != "" {
			return refusal.New(refusal.Invalid, "team.place", end.member, "%s", wrong)
		}
	}
	return nil
}

// TeamWarnings says what of a team was taken and may be a mistake: a day that begins or ends in the sea, or far
// from all territories of the branch.
func (s *Service) TeamWarnings(ctx context.Context, t Team) ([]string, error) {
	if len(t.ends()) == 0 {
		return nil, nil
	}
	l, err := s.landOf(ctx, t.Branch)
	if err != nil {
		return nil, err
	}
	territories, err := s.Territories(ctx, t.Branch)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, end := range t.ends() {
		if off := country.Off(l.code, end.at); off > offLand && !l.guessed {
			out = append(out, fmt.Sprintf("%s lies %.0f km off the land of the branch's country: are lon and lat right?",
				end.member, off/1000))
		}
		nearest := math.Inf(1)
		for _, x := range territories {
			if shape, err := x.Shape.Shape(); err == nil {
				nearest = min(nearest, shape.DistanceTo(end.at))
			}
		}
		if nearest > farAway && len(territories) > 0 {
			out = append(out, fmt.Sprintf("%s lies %.0f km from the nearest territory of the branch: are lon and lat right?",
				end.member, nearest/1000))
		}
	}
	return out, nil
}
