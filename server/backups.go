package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"doorstep/auth/keyfile"
	"doorstep/server/audit"
	"doorstep/server/backup"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// BackupOptions say what Backup writes where.
type BackupOptions struct {
	// Data, Secrets and KEK are as in Config. Secrets and KEK are read for Keys only.
	Data, Secrets, KEK string
	// File is the path of the file with the data.
	File string
	// Keys is the path of the file with the keys; "" writes none.
	Keys string
	// Over replaces files that are there.
	Over bool
	// NoAttachments leaves the sealed frames of photos and recordings to the caller's own tools.
	NoAttachments bool
	// Deployment is as in Config; "" is the name that the audit key was made with.
	Deployment string
	Version    string
	// Clock is nil for the system's.
	Clock func() time.Time
	// between, if not nil, is called between the two copies; for tests.
	between func()
}

// signingFiles are the files of the data folder that a backup of the keys holds beside the debtors' keys.
var signingFiles = []string{"audit.key", "audit.key.pub", "auth.keys"}

// Backup writes a backup of the embedded store in a data folder, whether a server has it open or not; it is for a
// process of its own (sync/journal/README.md, J10). A file appears under its name when it is whole. The manifest of
// the data is returned.
//
// The data are copied before the keys: a key is durable before the entry that needs it, so the keys that are
// copied later open all that was copied before.
func Backup(ctx context.Context, o BackupOptions) (m backup.Manifest, err error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	for _, path := range []string{o.File, o.Keys, o.File + backup.TreeSuffix} {
		if _, err := os.Lstat(path); path != "" && err == nil && !o.Over {
			return m, fmt.Errorf("%s is there already, and a backup never overwrites: name another file, or say --force", path)
		}
	}
	if o.Keys != "" && filepath.Clean(o.Keys) == filepath.Clean(o.File) {
		return m, errors.New("the keys go into a file of their own, which is kept elsewhere than the data")
	}
	store, err := sqlitestore.Inspect(ctx, o.Data, Indexes())
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if m, err = o.manifest(ctx, store); err != nil {
		return m, err
	}
	var kek seal.KEK
	if o.Keys != "" { // before anything is written
		if kek, err = o.openKEK(m.KEK); err != nil {
			return m, fmt.Errorf("the keys that sign are backed up sealed: %w", err)
		}
	}
	m.Kind = backup.Data
	if !o.NoAttachments {
		m.Attachments = &backup.Tree{}
	}
	if err := o.write(ctx, o.File, &m, store.CopyData, o.heads); err != nil {
		return m, err
	}
	if o.Keys == "" {
		return m, nil
	}
	if o.between != nil {
		o.between()
	}
	keys := m
	keys.Kind, keys.Branches, keys.Attachments, keys.Sealed = backup.Keys, nil, nil, map[string][]byte{}
	for _, name := range signingFiles {
		text, err := keyfile.Read(filepath.Join(o.Data, name))
		if err != nil {
			return m, fmt.Errorf("read a key that signs: %w", err)
		}
		if keys.Sealed[name], err = kek.SealFile(name, text); err != nil {
			return m, err
		}
	}
	return m, o.write(ctx, o.Keys, &keys, store.CopyKeys, nil)
}

// manifest tells whose data a store holds.
func (o *BackupOptions) manifest(ctx context.Context, store journal.Store) (m backup.Manifest, err error) {
	m = backup.Manifest{ID: journal.NewID(), Program: o.Version, Schema: sqlitestore.SchemaVersion}
	body, _, err := store.Small(ctx, fingerprintKind, "kek")
	if err != nil {
		return m, fmt.Errorf("no server has finished a start on this store: %w", err)
	}
	if err := json.Unmarshal(body, &m.KEK); err != nil {
		return m, fmt.Errorf("read the fingerprint of the key-encryption key: %w", err)
	}
	key, err := audit.LoadKey(filepath.Join(o.Data, "audit.key"))
	if err != nil {
		return m, err
	}
	m.AuditKey, m.Deployment = key.Public, cmp.Or(o.Deployment, key.Name())
	return m, nil
}

// openKEK reads the key-encryption key with a fingerprint.
func (o *BackupOptions) openKEK(print string) (seal.KEK, error) {
	cfg := Config{Data: o.Data, Secrets: o.Secrets, KEK: o.KEK}
	if err := cfg.secrets(); err != nil {
		return seal.KEK{}, err
	}
	kek, err := cfg.kek(seal.LoadKEK)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return kek, fmt.Errorf("the key-encryption key is not at %s: give --secrets or DOORSTEP_KEK", cfg.kekPath())
	case err == nil && kek.Fingerprint() != print:
		err = errors.New("the key-encryption key is not the one of this data")
	}
	return kek, err
}

// write copies a database into a file of a backup. about, if not nil, completes the manifest from the copy.
func (o *BackupOptions) write(ctx context.Context, path string, m *backup.Manifest,
	copyTo func(context.Context, string) error, about func(ctx context.Context, folder string, m *backup.Manifest) error,
) (err error) {
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	folder, err := backup.Temporary(path)
	if err != nil {
		return fmt.Errorf("write a backup beside %s: %w", path, err)
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(folder))
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%s has appeared meanwhile; nothing was overwritten: %w", path, err)
		}
	}()
	part, tree := filepath.Join(folder, sqlitestore.FileName), filepath.Join(folder, sqlitestore.FramesFolder)
	m.MadeAt = o.Clock().UTC()
	// Frames that are there before the database is copied may be dropped while it is, and those that it needs may come
	// while it is: they are taken before and after.
	if err := o.takeFrames(ctx, tree, m); err != nil {
		return fmt.Errorf("write %s: %w", path+backup.TreeSuffix, err)
	}
	if err := copyTo(ctx, part); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := o.takeFrames(ctx, tree, m); err != nil {
		return fmt.Errorf("write %s: %w", path+backup.TreeSuffix, err)
	}
	m.DoneAt = o.Clock().UTC()
	if about != nil {
		if err := about(ctx, folder, m); err != nil {
			return fmt.Errorf("read the copy for %s: %w", path, err)
		}
	}
	if err := backup.Finish(part, *m); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if m.Attachments != nil {
		if err := backup.PublishTree(tree, path+backup.TreeSuffix, o.Over); err != nil {
			return err
		}
	}
	err = backup.Publish(part, path, o.Over)
	if err != nil && m.Attachments != nil && !o.Over {
		err = errors.Join(err, os.RemoveAll(path+backup.TreeSuffix)) // it is of no file
	}
	return err
}

// takeFrames takes the sealed frames into a backup that holds them.
func (o *BackupOptions) takeFrames(ctx context.Context, to string, m *backup.Manifest) error {
	if m.Attachments == nil {
		return nil
	}
	_, err := backup.Fill(ctx, filepath.Join(o.Data, sqlitestore.FramesFolder), to, true)
	if err != nil {
		return err
	}
	*m.Attachments, err = backup.Measure(to)
	return err
}

// heads reads from a copy how far the branches' journals go, and signs the heads of their trees.
func (o *BackupOptions) heads(ctx context.Context, folder string, m *backup.Manifest) (err error) {
	key, err := audit.LoadKey(filepath.Join(o.Data, "audit.key"))
	if err != nil {
		return err
	}
	store, err := sqlitestore.Inspect(ctx, folder, Indexes())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	j := journal.Open(store, journal.Options{Clock: o.Clock})
	defer func() { err = errors.Join(err, j.Close(ctx)) }()
	branches, err := store.Branches(ctx)
	if err != nil {
		return err
	}
	m.Branches = nil
	for _, b := range branches {
		h, err := j.Head(ctx, b)
		if err != nil {
			return err
		}
		restores, err := journal.Restores(ctx, store, b)
		if err != nil {
			return err
		}
		signed, err := key.SignHead(m.Deployment, b, journal.EpochAfter(restores), h)
		if err != nil {
			return err
		}
		m.Branches = append(m.Branches, backup.Branch{Branch: b, W: h.Size, Checkpoint: signed})
	}
	return nil
}
