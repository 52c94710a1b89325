// Package basemap makes and reads the map that lies under stops and territories, so that no third party is asked for
// it: whoever serves tiles learns where the people live who are visited.
//
// Prepare makes vector tiles of an OpenStreetMap extract and keeps them in one MBTiles file. Open reads such a file, or
// one of the schema Shortbread that was made elsewhere. Style draws it with MapLibre.
//
// How an extract becomes tiles, file by file: schema.go says which objects are drawn, in which layers and from which
// zoom. read.go reads the extract three times: relations, ways, and the nodes that those need. rings.go joins ways to
// rings and finds out which are holes, from where they lie. sea.go fills the sea where the coastlines allow it.
// tiles.go simplifies whole features once for each zoom, then cuts tiles from them, so that neighbours agree at their
// border. mbtiles.go writes and reads the file. The same extract gives the same bytes.
//
// What is drawn is a subset of Shortbread 1.0, zooms 5 to 14. Two things are beyond it: names in all languages, as
// name_xx, and the coast as a line of the kind coastline in water_lines where the sea cannot be filled.
//
// A map without a box in its header reaches 0.004 degrees beyond its streets, and nothing is drawn outside the box.
// The extract of a city should hold the whole map there; one that was cut down to roads gives streets without houses.
//
// Memory is bounded by the extract: it holds what is drawn once as read and once as simplified for a zoom, and the
// tiles of as many columns as there are cores. Porto (348,000 nodes) takes 4 s of processor time to prepare, and its
// 603 tiles 3.4 MB. BenchmarkPrepare and BenchmarkTile measure both.
package basemap
