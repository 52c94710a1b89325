// Package ferrettest runs the store's contract over the real wire, against an
// in-process server that speaks MongoDB's protocol and keeps its data in SQLite. It is
// a module of its own, so that the product does not depend on the server.
//
// The server is a test peer, never the product's store: its updates are not atomic
// between connections, so that all its tests use one connection.
package ferrettest
