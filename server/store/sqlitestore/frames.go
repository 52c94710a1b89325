package sqlitestore

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"doorstep/sync/journal"
)

// Frames of blobs stand in files beside the database, one file for each blob: photos and recordings would make the
// database too large to copy, and what was erased would leave holes in it. A frame is appended with its length and a
// checksum before it, and the file is flushed before the frame counts. What a crash cut short does not count, and the
// next frame is written over it.

// FramesFolder is the name of the blobs' folder in a data folder.
const FramesFolder = "attachments"

const (
	frameHead = 8 // the length of the frame and its CRC-32C, four bytes each, big-endian
	maxFrame  = 1 << 20
	// knownEnds is how many files' ends are remembered.
	knownEnds = 1024
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frames keeps the files of the blobs.
type frames struct {
	folder string
	seed   maphash.Seed
	// locks are held, by the hash of the blob's name, while a file is changed or its end is looked for.
	locks [64]sync.Mutex

	mu   sync.Mutex
	ends map[string]frameEnd
}

// frameEnd is where the whole frames of a file end.
type frameEnd struct {
	count int
	last  int64 // where the last frame's head begins
	end   int64
}

func newFrames(folder string) *frames {
	return &frames{folder: filepath.Join(folder, FramesFolder), seed: maphash.MakeSeed(), ends: map[string]frameEnd{}}
}

// lock locks a blob, whose name is 1 to 64 lower-case letters and digits.
func (f *frames) lock(blob string) (path string, unlock func(), err error) {
	if len(blob) < 2 || len(blob) > 64 || strings.Trim(blob, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return "", nil, errors.New("the name of a blob is 2 to 64 lower-case letters and digits")
	}
	m := &f.locks[maphash.String(f.seed, blob)%uint64(len(f.locks))]
	m.Lock()
	return filepath.Join(f.folder, blob[:2], blob), m.Unlock, nil
}

func (f *frames) remember(blob string, e frameEnd) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ends) >= knownEnds {
		clear(f.ends)
	}
	f.ends[blob] = e
}

func (f *frames) forget(blob string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ends, blob)
}

// end finds where the whole frames of a file end. The frame that was written last may be cut short.
func (f *frames) end(blob string, file *os.File) (frameEnd, error) {
	info, err := file.Stat()
	if err != nil {
		return frameEnd{}, err
	}
	f.mu.Lock()
	e, known := f.ends[blob]
	f.mu.Unlock()
	if known && e.end == info.Size() {
		return e, nil
	}
	e = frameEnd{}
	for {
		var head [frameHead]byte
		if _, err := file.ReadAt(head[:], e.end); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return e, err
		}
		n := int64(binary.BigEndian.Uint32(head[:]))
		next := e.end + frameHead + n
		if n == 0 || n > maxFrame || next > info.Size() {
			break
		}
		if next == info.Size() { // the last one: it may have been written in part, in any order of its pages
			body := make([]byte, n)
			if _, err := file.ReadAt(body, e.end+frameHead); err != nil {
				return e, err
			}
			if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
				break
			}
		}
		e.last, e.end, e.count = e.end, next, e.count+1
	}
	f.remember(blob, e)
	return e, nil
}

// AddFrame keeps frame n of a blob; the first one makes the blob. It is durable when AddFrame returns nil.
// journal.ErrRaced: there is a frame n already, or none before it.
func (s *Store) AddFrame(_ context.Context, blob string, n int, frame []byte) error {
	if len(frame) == 0 || len(frame) > maxFrame {
		return fmt.Errorf("keep a frame: it has 1 to %d bytes", maxFrame)
	}
	path, unlock, err := s.frames.lock(blob)
	if err != nil {
		return err
	}
	defer unlock()
	made := false
	if n == 1 {
		if made, err = makeFile(path); err != nil {
			return noRoom(err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return journal.ErrRaced
	}
	if err != nil {
		return err
	}
	err = s.frames.add(blob, file, n, frame)
	err = errors.Join(err, file.Close())
	if err == nil && made {
		err = flushFolders(filepath.Dir(path), s.frames.folder, filepath.Dir(s.frames.folder))
	}
	return noRoom(err)
}

func (f *frames) add(blob string, file *os.File, n int, frame []byte) error {
	e, err := f.end(blob, file)
	if err != nil {
		return err
	}
	if n != e.count+1 {
		return journal.ErrRaced
	}
	f.forget(blob)
	if err := file.Truncate(e.end); err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(frame)))
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(frame, castagnoli))
	if _, err := file.WriteAt(append(head, frame...), e.end); err != nil {
		return errors.Join(err, file.Truncate(e.end))
	}
	if err := file.Sync(); err != nil {
		return err
	}
	f.remember(blob, frameEnd{count: n, last: e.end, end: e.end + frameHead + int64(len(frame))})
	return nil
}

// makeFile makes a blob's file, for its owner only, and tells whether it was not there.
func makeFile(path string) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, file.Close()
}

// flushFolders makes the names in folders durable.
func flushFolders(folders ...string) error {
	for _, name := range folders {
		folder, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
			return err
		}
	}
	return nil
}

// noRoom makes an error of a write that found no room a journal.ErrFull.
func noRoom(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return journal.ErrFull.Because(err)
	}
	return err
}

// LastFrame reads the last frame of a blob and tells how many it has; 0 for one that is not there.
func (s *Store) LastFrame(_ context.Context, blob string) (n int, frame []byte, err error) {
	path, unlock, err := s.frames.lock(blob)
	if err != nil {
		return 0, nil, err
	}
	defer unlock()
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	e, err := s.frames.end(blob, file)
	if err != nil || e.count == 0 {
		return 0, nil, err
	}
	frame = make([]byte, e.end-e.last-frameHead)
	_, err = file.ReadAt(frame, e.last+frameHead)
	return e.count, frame, err
}

// EachFrame calls fn for the frames of a blob in order, until fn returns an error. fn may keep none of them. A frame
// whose checksum is wrong is an error.
func (s *Store) EachFrame(ctx context.Context, blob string, fn func(n int, frame []byte) error) error {
	path, unlock, err := s.frames.lock(blob)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		unlock()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer file.Close()
	e, err := s.frames.end(blob, file)
	unlock()
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(file, 0, e.end), 64<<10)
	var body []byte
	for n := 1; n <= e.count; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		var head [frameHead]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		size := binary.BigEndian.Uint32(head[:])
		if size > maxFrame {
			return fmt.Errorf("frame %d of a blob is damaged", n)
		}
		if uint32(cap(body)) < size {
			body = make([]byte, size)
		}
		body = body[:size]
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
			return fmt.Errorf("frame %d of a blob is damaged", n)
		}
		if err := fn(n, body); err != nil {
			return err
		}
	}
	return nil
}

// DropFrames removes a blob. Doing it again does nothing.
func (s *Store) DropFrames(_ context.Context, blob string) error {
	path, unlock, err := s.frames.lock(blob)
	if err != nil {
		return err
	}
	defer unlock()
	s.frames.forget(blob)
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return flushFolders(filepath.Dir(path))
}
