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
// erased debtors back. If nodes have secrets' folders of their own, each has the whole
// list: casework adds to it what other nodes erased.
type erasureList struct {
	path string
	mu   sync.Mutex
	has  map[string]bool // erasures by id
	err  error           // why nothing can be added any more
}

// erasuresFile is the list's name in the secrets' folder. It is there from the first start on, so that a list that is
// not there is known to be lost.
const erasuresFile = "erasures.jsonl"

// openErasures reads the list, and makes it at the first start. It removes a last line that a crash cut short: that
// debtor's key was not destroyed yet.
func openErasures(folder string) (*erasureList, []casework.ErasureLine, error) {
	l := &erasureList{path: filepath.Join(folder, erasuresFile), has: map[string]bool{}}
	if err := keyfile.Touch(l.path); err != nil {
		return nil, nil, fmt.Errorf("make the erasure list: %w", err)
	}
	lines, whole, size, err := readErasures(l.path)
	if err != nil {
		return nil, nil, err
	}
	for _, line := range lines {
		l.has[line.Erasure] = true
	}
	if whole < size {
		if err := os.Truncate(l.path, int64(whole)); err != nil {
			return nil, nil, fmt.Errorf("mend the erasure list: %w", err)
		}
	}
	return l, lines, nil
}

// readErasures reads a list and changes nothing. whole is how many of its size bytes are whole lines.
func readErasures(path string) (lines []casework.ErasureLine, whole, size int, err error) {
	data, err := keyfile.Read(path)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("read the erasure list: %w", err)
	}
	data, size = data[:bytes.LastIndexByte(data, '\n')+1], len(data)
	for n, text := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		var line casework.ErasureLine
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, &line); err != nil || line.Debtor == "" || line.Erasure == "" {
			return nil, 0, 0, fmt.Errorf("line %d of the erasure list %s does not read; mend it, "+
				"for without it a debtor who was erased comes back", n+1, path)
		}
		lines = append(lines, line)
	}
	return lines, len(data), size, nil
}

// Add appends a line, which is durable when Add returns nil, unless the erasure is listed already.
func (l *erasureList) Add(line casework.ErasureLine) (added bool, err error) {
	text, err := json.Marshal(line)
	if err != nil {
		return false, err
	}
	text = append(text, '\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.has[line.Erasure] {
		return false, l.err
	}
	if err := keyfile.Append(l.path, text); err != nil {
		l.err = l.mend(text)
		return false, err
	}
	l.has[line.Erasure] = true
	return true, nil
}

// mend removes what a failed append left of a line, since the next line would be appended to it.
func (l *erasureList) mend(text []byte) error {
	data, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		whole := bytes.LastIndexByte(data, '\n') + 1
		part := data[whole:]
		switch {
		case len(part) == 0:
			return nil
		case bytes.HasPrefix(text, part):
			err = os.Truncate(l.path, int64(whole))
		default:
			err = errors.New("its last line is not whole")
		}
	}
	if err != nil {
		return fmt.Errorf("the erasure list %s takes no more lines until the next start: %w", l.path, err)
	}
	return nil
}
