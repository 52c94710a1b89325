package travel

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"doorstep/geo"
)

// modeInURL is replaced by the mode in an OSRM server's address.
const modeInURL = "{mode}"

// osrm speaks the HTTP API of OSRM 5 and 6: /table/v1 and /route/v1.
type osrm struct{ base string }

// NewOSRM returns a Source that asks OSRM at an address such as
// http://host:5000. One OSRM server knows one mode and does not say which: a
// plain address is taken to be a server for cars, which scooters follow. For
// other modes run a server each and write {mode} in the address, which becomes
// foot, bicycle, scooter or car.
func NewOSRM(address string) (*Remote, error) {
	base, err := serverURL("OSRM", strings.ReplaceAll(address, modeInURL, string(Car)))
	if err != nil {
		return nil, err
	}
	return newRemote("osrm", osrm{strings.TrimSuffix(address, "/")}, base), nil
}

func (o osrm) serves(mode Mode) bool {
	return mode == Car || mode == Scooter || strings.Contains(o.base, modeInURL)
}

func (osrm) mostPoints() int { return 100 }

func (o osrm) address(service string, mode Mode, points []geo.Point, options url.Values) string {
	profile := "driving"
	switch mode {
	case Foot:
		profile = "foot"
	case Bicycle:
		profile = "bike"
	}
	list := make([]string, len(points))
	for i, p := range points {
		list[i] = fmt.Sprintf("%.6f,%.6f", p.Lon, p.Lat)
	}
	return strings.ReplaceAll(o.base, modeInURL, string(mode)) + "/" + service + "/v1/" + profile + "/" +
		strings.Join(list, ";") + "?" + options.Encode()
}

// osrmError is why OSRM does not answer.
func osrmError(status int, code, message string) error {
	switch {
	case code == "NoSegment":
		return errNoRoad
	case code != "Ok" && code != "" || status != http.StatusOK:
		return fmt.Errorf("%.40s: %.80s", code, message)
	}
	return nil
}

func (o osrm) table(ctx context.Context, ask asker, mode Mode, from, to []geo.Point) (tile, error) {
	var reply struct {
		Code, Message        string
		Durations, Distances [][]*float64
	}
	options := url.Values{"annotations": {"duration,distance"}, "sources": {numbers(0, len(from))},
		"destinations": {numbers(len(from), len(to))}}
	points := append(append([]geo.Point(nil), from...), to...)
	status, err := ask(ctx, o.address("table", mode, points, options), nil, &reply)
	if err != nil {
		return tile{}, err
	}
	return tile{reply.Durations, reply.Distances}, osrmError(status, reply.Code, reply.Message)
}

func (o osrm) legs(ctx context.Context, ask asker, mode Mode, points []geo.Point) ([]remoteLeg, error) {
	var reply struct {
		Code, Message string
		Routes        []struct {
			Legs []struct {
				Duration, Distance float64
				Steps              []struct {
					Geometry struct{ Coordinates []geo.Point }
				}
			}
		}
	}
	// A leg has no line of its own, but its steps have.
	options := url.Values{"steps": {"true"}, "geometries": {"geojson"}, "overview": {"false"}}
	status, err := ask(ctx, o.address("route", mode, points, options), nil, &reply)
	if err != nil {
		return nil, err
	}
	if err := osrmError(status, reply.Code, reply.Message); err != nil {
		return nil, err
	}
	if len(reply.Routes) == 0 {
		return nil, fmt.Errorf("no route in the answer")
	}
	var legs []remoteLeg
	for _, l := range reply.Routes[0].Legs {
		leg := remoteLeg{seconds: l.Duration, metres: l.Distance}
		for _, s := range l.Steps {
			leg.line = append(leg.line, s.Geometry.Coordinates...)
		}
		legs = append(legs, leg)
	}
	return legs, nil
}

// numbers lists n numbers from first on.
func numbers(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(first + i)
	}
	return strings.Join(list, ";")
}
