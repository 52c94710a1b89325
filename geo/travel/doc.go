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
// It knows neither teams nor stops nor times of day: which team goes where is
// the matter of geo/routing, and server/dispatch brings the two together.
package travel
