// Package extract reads OpenStreetMap extracts in files of the format .osm.pbf: nodes, ways and relations, in the
// order of the file, with a filter that runs while blocks are decoded on all cores.
//
// It knows nothing of what the objects mean. geo/travel makes road graphs of them, and geo/basemap makes a map to look
// at. Both read a file several times rather than hold it in memory.
//
// A file that cannot be read gives an Unreadable, whose text says what is wrong and what to do about it.
package extract
