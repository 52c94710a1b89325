// Package sqlitestore keeps the journal and its views in one SQLite file: the
// embedded default, which needs no configuration. It is the only importer of
// modernc.org/sqlite.
//
// A page, its view writes and the watermark are one transaction (BEGIN IMMEDIATE,
// write-ahead log, synchronous=FULL), so that what is acknowledged is on the disk
// and a crash leaves either all of a page or nothing. One connection writes; a few
// read, each in its own snapshot.
//
// Rows of views stand under the number of their generation. The generation that is read
// is found in the same statement, or the same snapshot, as the rows themselves, and
// nothing about it is remembered in memory: a switch is one transaction, and a reader is
// before it or after it.
//
// One process serves a folder (Open takes its lock), because the server's caches would
// not hear of another's writes. A command in another process (doorstep rebuild, doorstep
// fsck) may join it all the same, through SQLite's own locks: what it writes is rows of
// views, of which the server remembers nothing. So the commands need no socket, no
// endpoint and no token, and are the same whether a server runs or not. A guest whose
// version or declared indexes are not the file's is refused, since the rows that it
// writes would not be those that the server looks for.
//
// Declared indexes are rows of one table under order-preserving keys, made here
// from the documents' top-level fields. Nothing is decided here.
//
// Debtors' wrapped keys stand in a second file, keys.db, in a layout where a
// destroyed key leaves no bytes behind (keys.go).
package sqlitestore
