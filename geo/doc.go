// Package geo is about places: points, datums, the shapes of territories, and
// the index that says in which territory a point lies.
//
// Everything is WGS 84 with coordinates in the order [lon, lat] (RFC 7946).
// Shapes and points are checked where they come in, so that the rest of the
// program never meets a ring that crosses itself or a latitude of 120.
// It is the only importer of github.com/paulmach/orb, whose types it exposes
// where other rooms need plain coordinates.
//
// What is kept is a grid of 1e-7 degrees, about one centimetre (see E7): a
// shape is rounded to it before it is checked, all tests of position are done
// in integers and therefore exact, and what goes into the journal contains no
// float.
//
// It does not know debtors. A Point prints itself in logs, because most points
// are territory corners, road nodes and depots; the home of a person is sealed
// by sync/seal, whose type redacts itself.
//
// How long it takes from one place to another is the matter of geo/travel;
// which team goes where is the matter of geo/routing.
package geo
