// Package memstore keeps a journal's store in memory, for simulations: what is written is on a Disk, and what
// serves it is a Store, which may be stopped after any single write while the Disk stays.
//
// It keeps the whole contract (server/store/storetest), in the order of an engine without transactions across
// documents: Commit stores the page, then each document, feed row and receipt, then raises each watermark, and
// every one of these is a write of its own. Each read and write asks the store's Guard, which may hold it back,
// fail it, or have it done and fail it all the same: so a simulation orders the calls of all goroutines, and ends a
// node at any write.
//
// Nothing of it outlives the process. No server offers it as a store.
package memstore
