package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"doorstep/server/notify"
)

// File appends each text to a file, a line of JSON each. It is safe for concurrent use. The file holds numbers and
// texts in the clear: only its owner may read it, and what becomes of it is the operator's to decide.
type File struct {
	path string
	now  func() time.Time
	most int64 // bytes
	mu   sync.Mutex
}

// A file that has grown to mostFile bytes is put aside as path.1, and the ones before it as path.2 and on; of these the
// newest keptFiles are kept.
const (
	mostFile  = 16 << 20
	keptFiles = 4
)

// NewFile makes a carrier that appends to the file at path, which it makes when the first text comes.
func NewFile(path string, now func() time.Time) *File {
	return &File{path: path, now: now, most: mostFile}
}

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
	if err := f.rotate(); err != nil {
		return "", &notify.NotCarried{Retry: true, Why: "unwritable"}
	}
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

// rotate puts the file aside if it is full. What a crash in between leaves is put aside the next time.
func (f *File) rotate() error {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil || info.Size() < f.most:
		return err
	}
	name := func(n int) string { return f.path + "." + strconv.Itoa(n) }
	for n := keptFiles - 1; n > 0; n-- {
		if err := os.Rename(name(n), name(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(f.path, name(1))
}
