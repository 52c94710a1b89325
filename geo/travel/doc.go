// Package travel computes how long it takes from place to place on foot, by bicycle,
// scooter or car, as matrices of seconds and metres.
//
// There are three kinds of Source. CrowFly guesses from coordinates alone, and its
// results say so. Roads computes exact results on a road graph made from an
// OpenStreetMap extract, without any server. OSRM and Valhalla ask a routing server and
// fall back to CrowFly if it does not answer. Cached wraps any of them, so that a change
// of one stop costs one row and one column.
//
// A place that cannot be reached is never given a guess: its pairs are Never, and the
// matrix names it in CutOff.
//
// How a map becomes Roads, file by file: geo/extract decodes the file; extract.go
// reads ways, nodes and restrictions. profile.go has the data from which usage.go and
// access.go compute speeds and barriers, with the limits of country.go. edges.go
// cuts ways at crossings and joins the pieces between them. island.go finds parts that are not connected to the rest,
// enclave.go those that only roads for residents lead to. ferry.go reads how long ferries take. ban.go puts
// turn restrictions (rule.go) on the graph. states.go expands the graph so that the
// possible next moves depend only on the state. contract.go and hierarchy.go make the
// contraction hierarchy. For a query, snap.go finds points on roads, many.go and
// search.go compute tables, and unpack.go computes lines. roadfile.go stores the graph.
//
// The package knows neither teams nor stops nor times of day. geo/routing decides which
// team goes where, and server/dispatch brings the two together.
package travel
