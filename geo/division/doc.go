// Package division proposes how to divide an area into territories of equal work, each
// compact, so that as few doors as possible change their territory.
//
// The territories are the cells of a power diagram (a Voronoi diagram whose sites have
// weights): a door x belongs to the site s with the least |x−s|² − w(s). For given sites
// there are weights with which every cell has its wanted work. Of all divisions with that
// work, the one with these weights has the least sum of work times squared distance from
// door to site (Aurenhammer, Hoffmann and Aronov 1998). It is compact, has straight
// borders, and is equal up to the work of one door.
//
// To keep present borders, a door pays a toll, in square metres, for leaving its present
// territory. Inside each present territory the cells are then those of a power diagram
// in which its own site has the toll as additional weight. A high toll moves the least
// work and can stretch territories or tear them into parts; no toll gives the most
// compact ones. Divide tries several tolls and takes the best division by judge, which
// weighs moved work against shape.
//
// The package knows areas, doors and minutes, but no cases, teams or branches. It
// computes on a plane that touches the Earth in the middle of the area, on which lines
// that are straight in longitude and latitude are straight. It is meant for cities and
// regions, not for continents.
package division
