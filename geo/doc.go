// Package geo has points, datums, the shapes of territories, and the index that finds
// the territory of a point.
//
// Everything is WGS 84 with coordinates in the order [lon, lat] (RFC 7946).
// Shapes and points are checked where they come in, so that the rest of the
// program never meets a ring that crosses itself or a latitude of 120.
// It is the only importer of github.com/paulmach/orb, whose types it exposes
// where other rooms need plain coordinates.
//
// Positions are stored on a grid of 1e-7 degrees, about one centimetre (see E7). A shape
// is rounded to the grid before it is checked. All tests of position use integers and
// are exact, and no entry of the journal contains a float.
//
// The package does not know debtors. A Point prints itself in logs, because most points
// are territory corners, road nodes and depots. sync/seal seals the home of a person in
// a type that redacts itself.
//
// geo/travel computes how long it takes from place to place, and geo/routing decides
// which team goes where.
package geo
