// Package sqlitestore keeps the journal and its views in one SQLite file: the
// embedded default, which needs no configuration. It is the only importer of
// modernc.org/sqlite.
//
// A page, its view writes and the watermark are one transaction (BEGIN IMMEDIATE,
// write-ahead log, synchronous=FULL), so that what is acknowledged is on the disk
// and a crash leaves either all of a page or nothing. One connection writes; a few
// read, each in its own snapshot.
//
// Declared indexes are rows of one table under order-preserving keys, made here
// from the documents' top-level fields. Nothing is decided here.
//
// Debtors' wrapped keys stand in a second file, keys.db, in a layout where a
// destroyed key leaves no bytes behind (keys.go).
package sqlitestore
