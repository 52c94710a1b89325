package journal

import (
	"encoding/json"
	"time"

	"doorstep/auth"
)

// SchemaVersion is the schema number written into new entries.
const SchemaVersion = 1

// Doc is the full new state of one document an entry touches.
type Doc struct {
	Type string // "cases", "visits", …: the plural the wire uses
	ID   string
	// Rev counts the states of this document from 1, and goes on above RevsAbove after a restore.
	Rev uint64
	// No is the dense number of this document among the branch's documents of
	// its type, given by the committer on creation, for NumberedTypes only
	// (visits: the audit's visit_no). Zero elsewhere, and in states after a copy.
	No uint64
	// Copy says that the document was made in another branch's journal and counts there:
	// it gets no number here.
	Copy bool
	// Deleted makes a tombstone; State is then empty.
	Deleted bool
	// State is compact JSON without floats; personal parts are sealed in it.
	State json.RawMessage
}

// FeedRow says that a feed must hear of a document. The row is a reference:
// what the phone gets is decided when it pulls.
type FeedRow struct {
	Feed Feed
	Type string
	ID   string
}

// Entry is one accepted change, as numbered and hashed. See canonical.go for its bytes.
type Entry struct {
	Schema   int
	Branch   auth.BranchID
	N        uint64
	Received time.Time // when the server took it in; UTC, milliseconds
	Claimed  time.Time // when the device says it happened; zero when it said nothing
	Actor    auth.UserID
	Device   auth.DeviceID
	Command  string // the command id; one id may cover a run of entries
	Part     int    // position in that run, from 0
	// Said is what the decision said of the command's payload, so that the same id with
	// another payload is refused. It tells nothing of what the payload held (Draft.Said).
	Said   []byte
	Action string // "visit.record", "case.import", …
	Writes []Key  // sorted, without repeats; DocKey of each doc and the command's key included
	Docs   []Doc
	Feeds  []FeedRow
	// Verdicts are the conduct decisions the change rests on, each with its policy's hash.
	Verdicts json.RawMessage
	// Receipt is what the command's sender was told, sealed where it repeats personal data.
	Receipt json.RawMessage
}

// Seq is the feed number of the i-th feed row of entry n under an epoch's base:
// unique in a feed, ascending, below 2^53.
func Seq(base, n uint64, i int) uint64 { return base + n*MaxFeedRows + uint64(i) }

// SeqTop is the highest feed number that entry n could have: the tail of every feed at watermark n.
func SeqTop(base, n uint64) uint64 { return base + n*MaxFeedRows + MaxFeedRows - 1 }
