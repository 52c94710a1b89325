package sqlitestore

// schemaVersion is kept in the file's user_version.
const schemaVersion = 2

// Rows of views stand under the number of their generation, which is one of the table views.
const schema = `
CREATE TABLE IF NOT EXISTS pages (
	branch TEXT NOT NULL,
	first  INTEGER NOT NULL,
	last   INTEGER NOT NULL,
	id     TEXT NOT NULL,
	body   BLOB NOT NULL,
	PRIMARY KEY (branch, first)
);
CREATE TABLE IF NOT EXISTS views (
	branch TEXT NOT NULL,
	gen    INTEGER NOT NULL,
	view   TEXT NOT NULL,
	w      INTEGER NOT NULL,
	state  TEXT NOT NULL,
	PRIMARY KEY (branch, gen)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
	branch  TEXT NOT NULL,
	gen     INTEGER NOT NULL,
	type    TEXT NOT NULL,
	id      TEXT NOT NULL,
	n       INTEGER NOT NULL,
	rev     INTEGER NOT NULL,
	no      INTEGER NOT NULL,
	deleted INTEGER NOT NULL,
	body    BLOB,
	PRIMARY KEY (branch, gen, type, id)
);
CREATE TABLE IF NOT EXISTS found (
	branch TEXT NOT NULL,
	gen    INTEGER NOT NULL,
	ix     TEXT NOT NULL,
	key    BLOB NOT NULL,
	id     TEXT NOT NULL,
	PRIMARY KEY (branch, gen, ix, key, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feeds (
	branch TEXT NOT NULL,
	gen    INTEGER NOT NULL,
	feed   TEXT NOT NULL,
	type   TEXT NOT NULL,
	id     TEXT NOT NULL,
	seq    INTEGER NOT NULL,
	PRIMARY KEY (branch, gen, feed, type, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS feeds_seq ON feeds (branch, gen, feed, seq);
CREATE TABLE IF NOT EXISTS receipts (
	branch  TEXT NOT NULL,
	gen     INTEGER NOT NULL,
	command TEXT NOT NULL,
	n       INTEGER NOT NULL,
	said    BLOB,
	body    BLOB,
	PRIMARY KEY (branch, gen, command)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS small (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	body    BLOB NOT NULL,
	PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS declared (
	ix     TEXT PRIMARY KEY,
	fields TEXT NOT NULL
) WITHOUT ROWID;
`
