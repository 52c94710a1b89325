package travel

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"doorstep/geo"
)

// valhalla speaks the HTTP API of Valhalla 3: /sources_to_targets and /route.
type valhalla struct{ base string }

// NewValhalla returns a Source that asks Valhalla at an address such as http://host:8002.
func NewValhalla(address string) (*Remote, error) {
	base, err := serverURL("Valhalla", address)
	if err != nil {
		return nil, err
	}
	return newRemote("valhalla", valhalla{base.String()}, base), nil
}

func (valhalla) serves(Mode) bool { return true }

// The default limits of a server are 20 points a way, 2,500 pairs a table.
func (valhalla) mostPoints() int { return 20 }

func costing(mode Mode) string {
	switch mode {
	case Foot:
		return "pedestrian"
	case Bicycle:
		return "bicycle"
	case Scooter:
		return "motor_scooter"
	}
	return "auto"
}

type valhallaPoint struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

func valhallaPoints(points []geo.Point) []valhallaPoint {
	list := make([]valhallaPoint, len(points))
	for i, p := range points {
		list[i] = valhallaPoint{p.Lat, p.Lon}
	}
	return list
}

// valhallaFault is in every answer that is not one.
type valhallaFault struct {
	ErrorCode int    `json:"error_code"`
	Error     string `json:"error"`
}

func (f valhallaFault) err(status int) error {
	const noSuitableEdges = 171
	switch {
	case f.ErrorCode == noSuitableEdges:
		return errNoRoad
	case f.ErrorCode != 0 || status != http.StatusOK:
		return fmt.Errorf("error %d: %.80s", f.ErrorCode, f.Error)
	}
	return nil
}

func (v valhalla) table(ctx context.Context, ask asker, mode Mode, from, to []geo.Point) (tile, error) {
	var reply struct {
		valhallaFault
		Rows [][]struct {
			Time     *float64 `json:"time"`
			Distance *float64 `json:"distance"` // kilometres
		} `json:"sources_to_targets"`
	}
	body := map[string]any{"sources": valhallaPoints(from), "targets": valhallaPoints(to), "costing": costing(mode),
		"units": "kilometers"}
	status, err := ask(ctx, v.base+"/sources_to_targets", body, &reply)
	if err != nil {
		return tile{}, err
	}
	if err := reply.err(status); err != nil {
		return tile{}, err
	}
	var t tile
	for _, row := range reply.Rows {
		seconds, metres := make([]*float64, len(row)), make([]*float64, len(row))
		for j, pair := range row {
			seconds[j] = pair.Time
			if pair.Distance != nil {
				m := *pair.Distance * 1000
				metres[j] = &m
			}
		}
		t.seconds, t.metres = append(t.seconds, seconds), append(t.metres, metres)
	}
	return t, nil
}

func (v valhalla) legs(ctx context.Context, ask asker, mode Mode, points []geo.Point) ([]remoteLeg, error) {
	var reply struct {
		valhallaFault
		Trip struct {
			Legs []struct {
				Summary struct {
					Time   float64 `json:"time"`
					Length float64 `json:"length"` // kilometres
				} `json:"summary"`
				Shape string `json:"shape"`
			} `json:"legs"`
		} `json:"trip"`
	}
	body := map[string]any{"locations": valhallaPoints(points), "costing": costing(mode), "units": "kilometers",
		"directions_type": "none"}
	status, err := ask(ctx, v.base+"/route", body, &reply)
	if err != nil {
		return nil, err
	}
	if err := reply.err(status); err != nil {
		return nil, err
	}
	var legs []remoteLeg
	for _, l := range reply.Trip.Legs {
		line, err := decodePolyline(l.Shape)
		if err != nil {
			return nil, err
		}
		legs = append(legs, remoteLeg{seconds: l.Summary.Time, metres: l.Summary.Length * 1000, line: line})
	}
	return legs, nil
}

// decodePolyline reads an encoded polyline of six decimals, latitude first:
// differences, zigzag, in groups of five bits with 63 added, lowest first.
func decodePolyline(text string) ([]geo.Point, error) {
	var line []geo.Point
	var at [2]int64
	in := strings.NewReader(text)
	for in.Len() > 0 {
		for k := range at {
			value, shift := uint64(0), 0
			for {
				b, err := in.ReadByte()
				if err != nil || b < 63 || shift > 45 {
					return nil, fmt.Errorf("a line that is not a polyline")
				}
				b -= 63
				value |= uint64(b&31) << shift
				shift += 5
				if b < 32 {
					break
				}
			}
			at[k] += int64(value>>1) ^ -int64(value&1)
		}
		line = append(line, geo.Point{Lat: float64(at[0]) / 1e6, Lon: float64(at[1]) / 1e6})
	}
	return line, nil
}
