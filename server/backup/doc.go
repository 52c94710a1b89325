// Package backup reads and writes the files of a backup: one with the data, and one with the keys.
//
// A file is a SQLite database, then its manifest (JSON), then a last line of fixed length that holds the lengths of
// both and the SHA-256 of everything before it. The last line is written last, so that a file that was cut short, or
// that is no backup, is recognised by its end alone; the sum tells whether a byte was altered since.
//
// The sum protects from accidents. It is no signature: who can write the file can make another. What proves the
// journal's content are its hashes, which doorstep fsck compares, and the signed checkpoint of each branch in the
// manifest.
//
// The package knows nothing of what the databases hold, and opens none.
package backup
