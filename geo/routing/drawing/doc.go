// Package drawing draws results of geo/routing as SVG. It needs no map: routes are
// straight lines between stops. geo/routing/vroom fills a Scene from a problem in
// VROOM's JSON.
package drawing
