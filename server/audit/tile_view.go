package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// tilesView is the name of the view and the type of its documents, whose ids are "level/n".
const tilesView = "tiles"

// tileState is the document of a full tile. It never changes.
type tileState struct {
	Hashes string `json:"hashes"` // 256 hashes, base64
}

// Tiles returns the view of the full tiles of the branches' trees, from which proofs are
// made without reading the whole journal. The journal applies it to runs of 256 entries.
// The entries after the last full run are in no tile; proofs read them from the last
// pages.
func Tiles() journal.View {
	return journal.View{Name: tilesView, Step: tileWidth, Apply: applyTiles}
}

func applyTiles(ctx context.Context, run journal.Run) ([]journal.Record, error) {
	var leaves []tlog.Hash
	for _, p := range run.Pages {
		for i, leaf := range p.Leaves {
			if n := p.First + uint64(i); n > run.After && n <= run.UpTo {
				leaves = append(leaves, leaf)
			}
		}
	}
	if uint64(len(leaves)) != run.UpTo-run.After || len(leaves)%tileWidth != 0 {
		return nil, fmt.Errorf("audit: %d leaves of entries %d to %d", len(leaves), run.After+1, run.UpTo)
	}
	var out []journal.Record
	// rows are the new full rows of one level; the first of them has the number from.
	rows, from := [][]tlog.Hash{}, run.After/tileWidth
	for ; len(leaves) > 0; leaves = leaves[tileWidth:] {
		rows = append(rows, leaves[:tileWidth])
	}
	for level, width := 0, uint64(tileWidth); len(rows) > 0; level, width = level+1, width*tileWidth {
		roots := make([]tlog.Hash, len(rows))
		for i, row := range rows {
			n := from + uint64(i)
			body, err := encodeTile(row)
			if err != nil {
				return nil, err
			}
			out = append(out, journal.Record{ID: tileDoc(level, n), N: (n + 1) * width, Rev: 1, Body: body})
			roots[i] = newTile(nil, row).rows[tileHeight][0]
		}
		// 256 rows of this level make one row of the level above, whose first hashes may be from earlier runs.
		first, end := from>>tileHeight, (from+uint64(len(rows)))>>tileHeight
		var above [][]tlog.Hash
		for n := first; n < end; n++ {
			row := make([]tlog.Hash, 0, tileWidth)
			var ask []string
			for k := n << tileHeight; k < min(from, (n+1)<<tileHeight); k++ {
				ask = append(ask, tileDoc(level, k))
			}
			docs, err := run.Docs(ctx, ask...)
			if err != nil {
				return nil, err
			}
			for i, d := range docs {
				below, err := decodeTile(d.Body)
				if err != nil {
					return nil, fmt.Errorf("tile %s: %w", ask[i], err)
				}
				row = append(row, newTile(nil, below).rows[tileHeight][0])
			}
			for k := max(from, n<<tileHeight); k < (n+1)<<tileHeight; k++ {
				row = append(row, roots[k-from])
			}
			above = append(above, row)
		}
		rows, from = above, first
	}
	return out, nil
}

func tileDoc(level int, n uint64) string { return fmt.Sprintf("%d/%d", level, n) }

func encodeTile(row []tlog.Hash) (json.RawMessage, error) {
	b := make([]byte, 0, tileWidth*tlog.HashSize)
	for _, h := range row {
		b = append(b, h[:]...)
	}
	return json.Marshal(tileState{base64.StdEncoding.EncodeToString(b)})
}

func decodeTile(body json.RawMessage) ([]tlog.Hash, error) {
	var s tileState
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s.Hashes)
	if err != nil || len(b) != tileWidth*tlog.HashSize {
		return nil, fmt.Errorf("a full tile has %d hashes, this one %d bytes", tileWidth, len(b))
	}
	row := make([]tlog.Hash, tileWidth)
	for i := range row {
		copy(row[i][:], b[i*tlog.HashSize:])
	}
	return row, nil
}
