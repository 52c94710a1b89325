// Package division proposes how to divide an area into territories of equal
// work, each compact, and with as few doors as possible changing hands.
//
// The territories are the cells of a power diagram (a Voronoi diagram whose
// sites have weights): a door x belongs to the site s with the least
// |x−s|² − w(s). For given sites there are weights with which every cell has
// the work it should have, and of all divisions with that work theirs is the one
// with the least sum of work times squared distance from door to site
// (Aurenhammer, Hoffmann and Aronov 1998): compact, with straight borders, and
// equal up to the work of a door.
//
// To keep borders, a door pays a toll, in square metres, for leaving its present
// territory. Inside each present territory the cells are then those of a
// power diagram in which its own site weighs more by the toll. A high toll moves
// the least work and can stretch territories or tear them into parts, none at all
// gives the most compact ones; Divide tries several tolls and takes the division that has
// its doors in fewest new hands for what it gives up in shape (see judge).
//
// It knows areas, doors and minutes, no cases, teams or branches. All is done on
// a plane that touches the Earth in the middle of the area, on which straight
// lines are straight in longitude and latitude, too; it is meant for cities and
// regions, not for continents.
package division
