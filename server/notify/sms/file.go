package sms

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"doorstep/server/notify"
)

// File appends each text to a file, a line of JSON each. It is safe for concurrent use. The file holds numbers and
// texts in the clear: only its owner may read it, and what becomes of it is the operator's to decide.
type File struct {
	path string
	now  func() time.Time
	mu   sync.Mutex
}

// NewFile makes a carrier that appends to the file at path, which it makes when the first text comes.
func NewFile(path string, now func() time.Time) *File { return &File{path: path, now: now} }

// Name is file.
func (f *File) Name() string { return fileCarrier }

// fileLine is a line of the file.
type fileLine struct {
	At     time.Time `json:"at"`
	ID     string    `json:"id"`
	Number string    `json:"number"`
	Text   string    `json:"text"`
}

// Carry appends the text, durable when it returns. A file that cannot be opened has certainly not taken it.
func (f *File) Carry(_ context.Context, t notify.Text) (string, error) {
	line, err := json.Marshal(fileLine{f.now().UTC().Truncate(time.Second), t.ID, t.Number, t.Text})
	if err != nil {
		return "", &notify.NotCarried{Why: "unwritable"}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return "", &notify.NotCarried{Retry: true, Why: "unwritable"}
	}
	_, err = file.Write(append(line, '\n'))
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", fmt.Errorf("append a text: %w", err)
	}
	return "", nil
}
