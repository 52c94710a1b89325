// Package mongostore keeps the journal and its views in MongoDB, for deployments
// with more than one node. It is the only importer of the MongoDB driver.
//
// No multi-document transaction is used. A page is one insert under the key
// branch/first, so that a place is won once; its view writes follow, each put if
// newer (J4), and the branch's watermark is raised by swap last. A crash in between
// leaves a page that is durable and not yet visible: a reader that reads on from the
// watermark applies it again, which changes nothing twice. All writes are w:majority
// with the journal flushed, all reads are of the primary at majority and causally after
// all the store has seen; a feed reads its watermark first (J6).
//
// Every row of a view names its generation, in its _id too; the collection views holds
// one document for each generation, with its watermark and its state. A writer reads
// them after the page is stored and writes to all that need the page; to switch, the
// generation that is read is closed to writers first, and only then is the next one
// opened to readers (Switch, settled). Readers remember for a second which generation
// they read; the rows of one that is read no longer are removed three seconds later, and
// a read that took as long looks again (pinned).
//
// View documents live in one collection per type ("view.cases"). Each holds the
// state's canonical JSON, which is what comes back, byte for byte, and beside it,
// under "state", the same fields as native BSON, so that operators can query them and
// indexes can serve them. What has no exact native form (an array in an array, a
// number that is not an int64, a field name with a dot) is in the JSON only.
//
// Every call has a deadline, and every read asks for what this store has seen before
// (calls.go): after an election a former primary cannot answer it with less.
//
// Every collection can be sharded by {branch: 1, _id: 1}: all filters name the branch, but
// that of Watermarks, which reads the collection views by _id, and
// every _id begins with it, so that an _id is unique over all shards. Small documents
// belong to no branch; each is one of its own (smallKey). The collection meta holds
// one document and stays where it is.
package mongostore
