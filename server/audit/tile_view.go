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

// tileState is the document of a tile: of 256 hashes, or of those that the last tile of a level above the leaves has
// so far. A document of a full tile never changes.
type tileState struct {
	Hashes string `json:"hashes"` // base64
}

// Tiles returns the view of the tiles of the branches' trees, from which proofs are made without reading the whole
// journal. The journal applies it to runs of 256 entries. The entries after the last full run are in no tile; proofs
// read them from the last pages.
func Tiles() journal.View {
	return journal.View{Name: tilesView, Step: tileWidth, Folds: true, Apply: applyTiles}
}

func applyTiles(ctx context.Context, run journal.Run) ([]journal.Record, error) {
	var added []tlog.Hash
	for _, p := range run.Pages {
		for i, leaf := range p.Leaves {
			if n := p.First + uint64(i); n > run.After && n <= run.UpTo {
				added = append(added, leaf)
			}
		}
	}
	if uint64(len(added)) != run.UpTo-run.After || len(added)%tileWidth != 0 {
		return nil, fmt.Errorf("audit: %d leaves of entries %d to %d", len(added), run.After+1, run.UpTo)
	}
	var out []journal.Record
	// added are the hashes that a level gets, the first of which has the number from; each of them is the root of
	// width leaves. The full tiles among them give the level above its own.
	from, width := run.After, uint64(1)
	for level := 0; len(added) > 0; level, width = level+1, width*tileWidth {
		var roots []tlog.Hash
		first := from / tileWidth
		row, err := rowSoFar(ctx, run, level, from)
		if err != nil {
			return nil, err
		}
		for n := first; len(added) > 0; n++ {
			more := min(tileWidth-len(row), len(added))
			row, added = append(row, added[:more]...), added[more:]
			body, err := encodeTile(row)
			if err != nil {
				return nil, err
			}
			to := n*tileWidth + uint64(len(row))
			out = append(out, journal.Record{ID: tileDoc(level, n), N: to * width, Rev: 1, Body: body})
			if len(row) == tileWidth {
				roots = append(roots, newTile(nil, row).rows[tileHeight][0])
			}
			row = nil
		}
		added, from = roots, first
	}
	return out, nil
}

// rowSoFar returns the hashes before number from of the tile that has it.
func rowSoFar(ctx context.Context, run journal.Run, level int, from uint64) ([]tlog.Hash, error) {
	if from%tileWidth == 0 {
		return nil, nil
	}
	id := tileDoc(level, from/tileWidth)
	docs, err := run.Docs(ctx, id)
	if err != nil {
		return nil, err
	}
	row, err := decodeTile(docs[0].Body)
	if err != nil {
		return nil, fmt.Errorf("tile %s: %w", id, err)
	}
	// Another node may be ahead: what it added is added here again, and is not newer.
	if uint64(len(row)) < from%tileWidth {
		return nil, fmt.Errorf("tile %s has %d hashes, fewer than %d", id, len(row), from%tileWidth)
	}
	return row[: from%tileWidth : from%tileWidth], nil
}

func tileDoc(level int, n uint64) string { return fmt.Sprintf("%d/%d", level, n) }

func encodeTile(row []tlog.Hash) (json.RawMessage, error) {
	b := make([]byte, 0, len(row)*tlog.HashSize)
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
	if err != nil || len(b) == 0 || len(b) > tileWidth*tlog.HashSize || len(b)%tlog.HashSize != 0 {
		return nil, fmt.Errorf("a tile has 1 to %d hashes, this one %d bytes", tileWidth, len(b))
	}
	row := make([]tlog.Hash, len(b)/tlog.HashSize)
	for i := range row {
		copy(row[i][:], b[i*tlog.HashSize:])
	}
	return row, nil
}
