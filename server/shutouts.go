package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"doorstep/auth"
	"doorstep/auth/keyfile"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// shutOutsFile is the name in the secrets' folder of the list of who is shut out: disabled users, blocked devices and
// devices to be wiped (office.ShutOut as JSON). Unlike the erasure list it says what is so now, and is written anew
// when that changes. No backup of the data holds it; a restore shuts out again whom it names, because the backup may
// be older than what was done. Each node keeps it from the journal, so that every node has all of it.
const shutOutsFile = "shutouts.json"

// readShutOuts reads the list. fs.ErrNotExist: there is none.
func readShutOuts(path string) (o office.ShutOut, err error) {
	text, err := keyfile.Read(path)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return o, fmt.Errorf("the list of who is shut out, %s, does not read; mend it or move it away: %w", path, err)
	}
	return o, nil
}

// writeShutOuts replaces the list, durably.
func writeShutOuts(path string, o office.ShutOut) error {
	text, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		return err
	}
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := keyfile.Create(next, append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return keyfile.SyncFolder(filepath.Dir(path))
}

// shutOutsEvery is how often the organisation's journal is looked at for changes of the list, when it has grown.
const shutOutsEvery = time.Second

// keepShutOuts writes the list, and again whenever users or devices change, until the context ends.
func (s *Server) keepShutOuts(ctx context.Context) error {
	path := filepath.Join(s.cfg.Secrets, shutOutsFile)
	var grown atomic.Bool
	grown.Store(true)
	defer s.journal.Subscribe(func(c journal.Committed) {
		if c.Branch == auth.OrgBranch {
			grown.Store(true)
		}
	})()
	list, err := follower{path: path}, error(nil)
	for {
		if grown.Swap(false) {
			if list, err = list.follow(ctx, s); err != nil {
				grown.Store(true)
				if ctx.Err() == nil {
					s.cfg.Log.Error("cannot keep the list of who is shut out; will try again", "err", err)
				}
			}
		}
		if journal.Sleep(ctx, shutOutsEvery) != nil {
			return nil
		}
	}
}

// follower is the list as of an entry of the organisation's journal.
type follower struct {
	path  string
	begun bool
	w     uint64
	set   office.ShutOut
	dirty bool // what is in the file is older
}

// follow brings the list up to the journal. After an error it goes on where it was.
func (f follower) follow(ctx context.Context, s *Server) (follower, error) {
	if !f.begun {
		// The views may have more than the watermark that is read first; that is read again from the pages.
		w, err := s.store.Watermark(ctx, auth.OrgBranch)
		if err != nil {
			return f, err
		}
		if f.set, err = s.office.ShutOut(ctx); err != nil {
			return f, err
		}
		f.begun, f.w, f.dirty = true, w, true
	}
	for p, err := range journal.Pages(ctx, s.store, auth.OrgBranch, f.w) {
		if err != nil {
			return f, err
		}
		entries, err := p.Decode()
		if err != nil {
			return f, err
		}
		for _, e := range entries {
			for _, d := range e.Docs {
				changed, err := f.set.Note(d)
				if err != nil {
					return f, err
				}
				f.dirty = f.dirty || changed
			}
		}
		f.w = p.Last
	}
	if !f.dirty {
		return f, nil
	}
	if err := writeShutOuts(f.path, f.set); err != nil {
		return f, err
	}
	f.dirty = false
	return f, nil
}
