// Package backup reads and writes the files of a backup: one with the data, and one with the keys.
//
// A file is a SQLite database, then its manifest (JSON), then a last line of fixed length that holds the lengths of
// both and the SHA-256 of everything before it. The last line is written last: a file without it was cut short, or is
// not a backup. The SHA-256 shows whether a byte was altered.
//
// The SHA-256 protects from accidents only, because anyone who can write the file can compute it anew. The journal's
// hashes, which doorstep fsck compares, and the signed checkpoint of each branch in the manifest prove the content.
//
// Photos and recordings are files beside the database that only grow. A backup has them in a folder beside its file, as
// links where the file system has them, so that a backup costs no room for them; the manifest says how many there are.
//
// The package knows nothing of what the databases hold, and opens none.
package backup
