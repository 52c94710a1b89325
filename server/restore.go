package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"doorstep/auth/keyfile"
	"doorstep/server/backup"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// RestoreOptions say what Restore restores where.
type RestoreOptions struct {
	// Data, Secrets, KEK and MongoDB are as in Config.
	Data, Secrets, KEK, MongoDB string
	// File is the file with the data, Keys the one with the keys; "" takes the keys that are in Data.
	File, Keys string
	// Erasures is the path of the newest erasure list; "" is that of the secrets' folder.
	Erasures string
	// WithoutErasures restores although there is no list, or an old one, and says so in the journals.
	WithoutErasures bool
	// Checkpoints are signed checkpoints that are newer than the backup, one text each; the journals hold them.
	Checkpoints []string
	// BackupAt is when a backup was made that MongoDB's tools restored; zero if that is not known.
	BackupAt time.Time
	// WithoutAttachments restores although the folder of the attachments is not beside File, or has too little.
	WithoutAttachments bool
	// Over moves aside what is in Data.
	Over bool
	// Deployment is as in Config; "" takes it from the file.
	Deployment string
	// Clock is nil for the system's.
	Clock func() time.Time
	// join replaces how Restored opens the store; for tests.
	join func() (journal.Store, error)
	// crash, if not nil, is called after each step that changes the data folder; tests panic in it.
	crash func()
}

// step is called after each step that changes the data folder.
func (o *RestoreOptions) step() {
	if o.crash != nil {
		o.crash()
	}
}

// RestoreReport says what a restore did.
type RestoreReport struct {
	At       time.Time
	Manifest backup.Manifest // zero for MongoDB
	// Branches are those that begin a new epoch, the organisation among them.
	Branches []RestoredBranch
	// Sessions is how many sessions were ended, Erased how many debtors of the list there are, whose keys are destroyed.
	Sessions, Erased int
	// Shut is who was shut out again by the list in the secrets' folder, NoShutOuts that there is no such list.
	Shut       office.ShutAgain
	NoShutOuts bool
	// Attachments are the files of photos and recordings that came back from the backup. Those that were there stay.
	Attachments backup.Tree
	// Aside is the folder with what was in the data folder before; "" if that was empty.
	Aside string
}

// RestoredBranch says how a branch goes on.
type RestoredBranch struct {
	Branch string
	// W is the number of the last entry of the backup.
	W uint64
	// Lost is how many entries after it are known to be lost, from the last known checkpoint.
	Lost uint64
	// Epoch is that of its feeds and of its log's origin.
	Epoch string
}

// unfinished is the folder below a data folder in which a restore works. While it is there no server starts.
const unfinished = "restoring"

// Marks in that folder: the name of the folder for what is moved aside, then that the new files are moved in.
const (
	markAside = "aside"
	markIn    = "in"
	// asidePrefix begins the name of the folder for what is moved aside.
	asidePrefix = "before-restore-"
)

// dataFiles are the files of a data folder that a restore replaces. The database goes before its side files.
var dataFiles = []string{sqlitestore.FileName, sqlitestore.FileName + "-wal", sqlitestore.FileName + "-shm",
	sqlitestore.KeysFileName, sqlitestore.KeysFileName + "-journal", "audit.key", "audit.key.pub", "auth.keys"}

// notRestored refuses a data folder in which a restore has not ended.
func notRestored(data string) error {
	_, err := os.Lstat(filepath.Join(data, unfinished))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("a restore into %s did not end: run the same doorstep restore again, which begins anew and loses "+
		"nothing of what was there before", data)
}

// Restore replaces the embedded store of a data folder that no server has open by a backup, and begins the new epochs
// (see beginEpochs). The new store is made complete in a folder of its own before anything is replaced, so that an
// error leaves what was there. A crash leaves that as well, or a folder that the start refuses; then Restore is called
// again.
func Restore(ctx context.Context, o RestoreOptions) (rep RestoreReport, err error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	r := &restore{RestoreOptions: o}
	if r.data, err = filepath.Abs(o.Data); err != nil {
		return rep, err
	}
	if err := r.check(); err != nil {
		return rep, err
	}
	if err := keyfile.Folder(r.data); err != nil {
		return rep, err
	}
	lock, err := sqlitestore.LockFolder(r.data)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := r.undo(); err != nil {
		return rep, fmt.Errorf("take back a restore that did not end: %w", err)
	}
	old, err := r.old()
	if err != nil {
		return rep, err
	}
	if rep, err = r.stage(ctx); err != nil {
		return rep, errors.Join(err, os.RemoveAll(filepath.Join(r.data, unfinished)))
	}
	rep.Manifest = r.file.Manifest
	if rep.Manifest.Attachments != nil {
		// Frames only come. What is there already stays, and if the rest fails they do no harm.
		if rep.Attachments, err = backup.Fill(ctx, r.File+backup.TreeSuffix,
			filepath.Join(r.data, sqlitestore.FramesFolder), false); err != nil {
			return rep, errors.Join(fmt.Errorf("bring back the attachments: %w", err),
				os.RemoveAll(filepath.Join(r.data, unfinished)))
		}
	}
	rep.Aside, err = r.swap(old)
	return rep, err
}

// restore is a restore under way.
type restore struct {
	RestoreOptions
	data       string // the folder, absolute
	file, keys *backup.File
	auditKey   string // the public key of the checkpoints
	kek        seal.KEK
	lines      []casework.ErasureLine
	list       *erasureList    // of the secrets' folder
	shut       *office.ShutOut // nil without a list
}

// check refuses what cannot be restored, before anything is touched.
func (r *restore) check() (err error) {
	if r.file, err = backup.Read(r.File, backup.Data); err != nil {
		return err
	}
	m := &r.file.Manifest
	r.auditKey, r.BackupAt = m.AuditKey, m.MadeAt
	if m.Schema != sqlitestore.SchemaVersion {
		return fmt.Errorf("%s was made by program %s, whose tables are of version %d; this program has version %d: restore "+
			"it with that program", r.File, m.Program, m.Schema, sqlitestore.SchemaVersion)
	}
	if err := r.checkAttachments(); err != nil {
		return err
	}
	if r.Keys != "" {
		if r.keys, err = backup.Read(r.Keys, backup.Keys); err != nil {
			return err
		}
		k := &r.keys.Manifest
		switch {
		case k.KEK != m.KEK || k.AuditKey != m.AuditKey:
			return fmt.Errorf("%s holds the keys of another installation than %s", r.Keys, r.File)
		case k.ID != m.ID && k.MadeAt.Before(m.DoneAt):
			return fmt.Errorf("the keys of %s are older than the data of %s, which may need keys that are not among them: "+
				"take the keys of the same backup or of a later one", r.Keys, r.File)
		}
	}
	from := BackupOptions{Data: r.Data, Secrets: r.Secrets, KEK: r.KEK}
	if r.kek, err = from.openKEK(m.KEK); err != nil {
		return fmt.Errorf("nothing personal in the backup can be read, nor debtors be erased again: %w", err)
	}
	return r.readErasures()
}

// checkAttachments refuses a backup whose attachments are not there.
func (r *restore) checkAttachments() error {
	want := r.file.Manifest.Attachments
	if want == nil || r.WithoutAttachments {
		return nil
	}
	folder := r.File + backup.TreeSuffix
	have, err := backup.Measure(folder)
	if err != nil {
		return err
	}
	if have.Files < want.Files || have.Bytes < want.Bytes {
		return fmt.Errorf("the backup has %d files of photos and recordings (%d bytes), and %s has %d (%d bytes): put the "+
			"folder beside the file; if it is lost for good, say --without-attachments", want.Files, want.Bytes, folder,
			have.Files, have.Bytes)
	}
	return nil
}

// readErasures reads the erasure list.
func (r *restore) readErasures() error {
	cfg := Config{Data: r.Data, Secrets: r.Secrets}
	if err := cfg.secrets(); err != nil {
		return err
	}
	own := filepath.Join(cfg.Secrets, erasuresFile)
	if r.Erasures == "" {
		r.Erasures = own
	}
	lines, _, _, err := readErasures(r.Erasures)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.WithoutErasures:
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no erasure list at %s, and without it debtors who were erased after the backup would "+
			"come back: name the newest list with --erasures; if it is lost for good, say --without-erasures; the journals "+
			"then say so", r.Erasures)
	case err != nil:
		return err
	}
	r.lines = lines
	if err := keyfile.Folder(cfg.Secrets); err != nil {
		return err
	}
	var had []casework.ErasureLine
	if r.list, had, err = openErasures(cfg.Secrets); err != nil {
		return err
	}
	r.lines = append(r.lines, had...) // of the same debtors, or of more: each is erased
	return r.readShutOuts(filepath.Dir(r.Erasures), cfg.Secrets)
}

// readShutOuts reads the lists of who is shut out that are in some folders. Of what they say together nothing is lost.
func (r *restore) readShutOuts(folders ...string) error {
	for _, folder := range folders {
		o, err := readShutOuts(filepath.Join(folder, shutOutsFile))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case r.shut == nil:
			r.shut = &o
		default:
			r.shut.Add(o)
		}
	}
	return nil
}

// old lists the files that would be replaced, and refuses to replace any without being told to.
func (r *restore) old() (old []string, err error) {
	replaced := dataFiles
	if r.keys == nil {
		replaced = dataFiles[:3] // the keys that are there are taken over
	}
	for _, name := range dataFiles {
		if _, err := os.Lstat(filepath.Join(r.data, name)); err == nil {
			old = append(old, name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for _, name := range replaced {
		if _, err := os.Lstat(filepath.Join(r.data, name)); err == nil && !r.Over {
			return nil, fmt.Errorf("%s holds data already (%s): restore into an empty folder, or say --force to move aside "+
				"what is there", r.data, name)
		}
	}
	if _, err := os.Lstat(filepath.Join(r.data, sqlitestore.KeysFileName)); r.keys == nil && err != nil {
		return nil, fmt.Errorf("the debtors' keys are not in %s and not in %s: name the file that backup --keys wrote, with "+
			"--keys", r.File, r.data)
	}
	return old, nil
}

// stage makes the new data folder below the present one.
func (r *restore) stage(ctx context.Context) (rep RestoreReport, err error) {
	to := filepath.Join(r.data, unfinished, "new")
	if err := keyfile.Folder(to); err != nil {
		return rep, err
	}
	if err := r.file.Extract(filepath.Join(to, sqlitestore.FileName)); err != nil {
		return rep, fmt.Errorf("copy the data: %w", err)
	}
	if r.keys != nil {
		err = r.keys.Extract(filepath.Join(to, sqlitestore.KeysFileName))
	} else {
		err = sqlitestore.CopyKeysOf(ctx, r.data, filepath.Join(to, sqlitestore.KeysFileName))
	}
	if err != nil {
		return rep, fmt.Errorf("copy the debtors' keys: %w", err)
	}
	for _, name := range signingFiles {
		var text []byte
		if r.keys != nil {
			text, err = r.kek.OpenFile(name, r.keys.Manifest.Sealed[name])
		} else if text, err = keyfile.Read(filepath.Join(r.data, name)); errors.Is(err, fs.ErrNotExist) {
			continue // the start says what is missing, and how to go on without it
		}
		if err == nil {
			err = keyfile.Create(filepath.Join(to, name), text)
		}
		if err != nil {
			return rep, fmt.Errorf("copy a key that signs: %w", err)
		}
	}
	s, err := sqlitestore.Open(ctx, to, Indexes())
	if err != nil {
		return rep, err
	}
	rep, err = r.beginEpochs(ctx, s)
	return rep, errors.Join(err, s.Close())
}

// swap moves what was there aside and the new files in.
func (r *restore) swap(old []string) (aside string, err error) {
	work := filepath.Join(r.data, unfinished)
	if len(old) > 0 {
		name := asidePrefix + r.Clock().UTC().Format("20060102T150405.000Z")
		aside = filepath.Join(r.data, name)
		if err := keyfile.Folder(aside); err != nil {
			return "", err
		}
		r.step()
		if err := keyfile.Create(filepath.Join(work, markAside), []byte(name)); err != nil {
			return "", err
		}
		if err := r.move(r.data, aside, old); err != nil {
			return "", fmt.Errorf("move aside what was there: %w", err)
		}
	}
	r.step()
	if err := keyfile.Create(filepath.Join(work, markIn), nil); err != nil {
		return "", err
	}
	r.step()
	if err := r.move(filepath.Join(work, "new"), r.data, dataFiles); err != nil {
		return "", fmt.Errorf("move the restored files in: %w", err)
	}
	return aside, r.done()
}

// done removes the folder of the restore; from its first step on a server may start.
func (r *restore) done() error {
	ended := filepath.Join(r.data, unfinished+"-ended")
	if err := os.RemoveAll(ended); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(r.data, unfinished), ended); err != nil {
		return err
	}
	r.step()
	if err := keyfile.SyncFolder(r.data); err != nil {
		return err
	}
	return os.RemoveAll(ended)
}

// undo takes back what a restore that did not end has done to the folder. It may itself be cut short anywhere.
func (r *restore) undo() error {
	work := filepath.Join(r.data, unfinished)
	if _, err := os.Lstat(work); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(work, markIn)); err == nil {
		// What is there now is new, as far as it is there. The mark goes before anything old comes back.
		if err := r.remove(r.data, dataFiles); err != nil {
			return err
		}
		if err := r.remove(work, []string{markIn}); err != nil {
			return err
		}
	}
	name, err := os.ReadFile(filepath.Join(work, markAside))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A name that was not written whole is of a folder into which nothing was moved yet.
	if strings.HasPrefix(string(name), asidePrefix) {
		aside := filepath.Join(r.data, filepath.Base(string(name)))
		if err := r.move(aside, r.data, dataFiles); err != nil {
			return err
		}
		if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return r.done()
}

// remove removes those of the files that are there from a folder, durably.
func (r *restore) remove(folder string, names []string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.step()
	}
	return keyfile.SyncFolder(folder)
}

// move renames those of the files that are there from one folder to another, durably.
func (r *restore) move(from, to string, names []string) error {
	for _, name := range names {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil &&
			!errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.step()
	}
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return keyfile.SyncFolder(to)
	}
	return errors.Join(keyfile.SyncFolder(to), keyfile.SyncFolder(from))
}
