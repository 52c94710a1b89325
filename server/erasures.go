package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"doorstep/auth/keyfile"
	"doorstep/server/casework"
)

// erasureList is the erasure list in the secrets' folder: the file erasures.jsonl, one
// JSON object a line (casework.ErasureLine), appended and never changed. Backups of the
// data do not hold it, and a restore must use the current list: an older one would bring
// erased debtors back. If nodes have secrets' folders of their own, each keeps the
// erasures that were confirmed on it; before a restore, put the lines of all lists into
// one file, in any order.
type erasureList struct {
	path string
	mu   sync.Mutex
}

// openErasures reads the list. It removes a last line that a crash cut short: that debtor's key was not
// destroyed yet.
func openErasures(folder string) (*erasureList, []casework.ErasureLine, error) {
	l := &erasureList{path: filepath.Join(folder, "erasures.jsonl")}
	data, err := keyfile.Read(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the erasure list: %w", err)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	var lines []casework.ErasureLine
	for n, text := range bytes.Split(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n")) {
		var line casework.ErasureLine
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, &line); err != nil || line.Debtor == "" || line.Erasure == "" {
			return nil, nil, fmt.Errorf("line %d of the erasure list %s does not read; mend it, "+
				"for without it a debtor who was erased comes back", n+1, l.path)
		}
		lines = append(lines, line)
	}
	if len(whole) < len(data) {
		if err := os.Truncate(l.path, int64(len(whole))); err != nil {
			return nil, nil, fmt.Errorf("mend the erasure list: %w", err)
		}
	}
	return l, lines, nil
}

// Add appends a line, which is durable when Add returns nil.
func (l *erasureList) Add(line casework.ErasureLine) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return keyfile.Append(l.path, append(text, '\n'))
}
