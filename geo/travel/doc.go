// Package travel says how long it takes from each place to each other, on
// foot, by bicycle, scooter or car, as matrices of seconds and metres.
//
// There are three kinds of Source. CrowFly needs nothing but coordinates and
// is a guess that says so. A road graph made from an OpenStreetMap extract is
// exact on that map and asks nobody. OSRM and Valhalla ask a routing server,
// and fall back to CrowFly when it does not answer. Cached, around any of
// them, makes a change of one stop cost one row and one column.
//
// A place that cannot be reached is never hidden behind a guess: its pairs are
// Never, and the matrix names it in CutOff.
//
// How a map becomes Roads, file by file: extract.go reads ways, nodes and
// restrictions; profile.go is the data that usage.go and access.go make speeds
// and barriers of, by country.go's limits; edges.go cuts ways at crossings and
// joins what lies between; island.go finds what leads nowhere; ban.go puts
// restrictions (rule.go) on the graph; states.go expands it, so that what may
// be done next depends on where one is only; contract.go and hierarchy.go make
// the contraction hierarchy. To answer, snap.go finds points on roads, many.go
// and search.go compute tables, unpack.go ways; roadfile.go keeps it all.
//
// It knows neither teams nor stops nor times of day: which team goes where is
// the matter of geo/routing, and server/dispatch brings the two together.
package travel
