package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"doorstep/auth"
	"doorstep/auth/keyfile"
)

// Kind says what a file holds.
type Kind string

// The kinds.
const (
	Data Kind = "data" // the journal, the views and the small documents
	Keys Kind = "keys" // the debtors' keys, and sealed the keys that sign
)

// Format is the version of files that this program reads and writes.
const Format = 1

// Manifest says what a file is.
type Manifest struct {
	Kind   Kind `json:"kind"`
	Format int  `json:"format"`
	// ID is the same in the two files of one backup.
	ID string `json:"id"`
	// Program is the version of the program that made the file, Schema that of the tables in it.
	Program string `json:"program"`
	Schema  int    `json:"schema"`
	// Deployment is the name of the installation, AuditKey the public key of its checkpoints.
	Deployment string `json:"deployment"`
	AuditKey   string `json:"audit_key"`
	// KEK is the fingerprint of the key-encryption key that opens the debtors' keys.
	KEK string `json:"kek"`
	// MadeAt is when the copy began, DoneAt when it was complete, in UTC. What was acknowledged before MadeAt is in the
	// file, and what was acknowledged after DoneAt is not.
	MadeAt time.Time `json:"made_at"`
	DoneAt time.Time `json:"done_at"`
	// Branches are the branches of the data, the organisation among them.
	Branches []Branch `json:"branches,omitempty"`
	// Attachments says what is in the folder of the sealed frames of photos and recordings, whose name is the file's with
	// TreeSuffix; nil if they are not part of the backup.
	Attachments *Tree `json:"attachments,omitempty"`
	// Sealed are the files audit.key, audit.key.pub and auth.keys of the data folder, sealed under the
	// key-encryption key, by their names.
	Sealed map[string][]byte `json:"sealed,omitempty"`
}

// Branch is how far a branch's journal goes in a file.
type Branch struct {
	Branch auth.BranchID `json:"branch"`
	// W is the number of the last entry.
	W uint64 `json:"w"`
	// Checkpoint is the signed head of its tree (C2SP tlog-checkpoint).
	Checkpoint string `json:"checkpoint"`
}

// Entries counts the entries of all branches.
func (m *Manifest) Entries() (n uint64) {
	for _, b := range m.Branches {
		n += b.W
	}
	return n
}

// The last line: the mark, the lengths of the database and the manifest, the sum.
const (
	mark    = "doorstep-backup"
	lastLen = len(mark) + 2 + len(" 00000000000000000000 00000000000000000000 ") + 2*sha256.Size + 2
	// sqlite is what every database begins with.
	sqlite = "SQLite format 3\x00"
)

func lastLine(database, manifest int64, sum []byte) []byte {
	return fmt.Appendf(nil, "\n%s/%d %020d %020d %s\n", mark, Format, database, manifest, hex.EncodeToString(sum))
}

// Finish makes a database that was copied to path a file of a backup: it appends the manifest and the last line,
// durably. The file's name is not made durable yet; see Publish.
func Finish(path string, m Manifest) (err error) {
	m.Format = Format
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	sum.Write(text)
	if _, err := f.Write(append(text, lastLine(size, int64(len(text)), sum.Sum(nil))...)); err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync())
}

// Publish gives a finished file its name, durably. With over it takes the place of a file that is there; without, that
// is an fs.ErrExist. Both names are on one file system.
func Publish(from, to string, over bool) error {
	if over {
		return errors.Join(os.Rename(from, to), keyfile.SyncFolder(filepath.Dir(to)))
	}
	err := os.Link(from, to) // unlike Rename it never replaces
	switch {
	case errors.Is(err, fs.ErrExist):
		return err
	case err != nil: // a file system without links
		if _, err := os.Lstat(to); err == nil {
			return fs.ErrExist
		}
		err = os.Rename(from, to)
	default:
		err = os.Remove(from)
	}
	return errors.Join(err, keyfile.SyncFolder(filepath.Dir(to)))
}

// File is a file that was read and is whole.
type File struct {
	Path     string
	Manifest Manifest
	size     int64 // of the database
}

// Read reads a file to its end and checks it. The error says in a sentence what is wrong with it: it was cut short or
// altered, it is not a backup, it is of the other kind, or a newer program made it.
func Read(path string, want Kind) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	wrong := func(what string) (*File, error) { return nil, fmt.Errorf("%s %s", path, what) }
	if !info.Mode().IsRegular() {
		return wrong("is not a file")
	}
	head := make([]byte, len(sqlite))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	isDatabase := string(head[:n]) == sqlite
	last := make([]byte, lastLen)
	if info.Size() >= int64(lastLen) {
		if _, err := f.ReadAt(last, info.Size()-int64(lastLen)); err != nil {
			return nil, err
		}
	}
	var format int
	var database, manifest int64
	var sum string
	if _, err := fmt.Sscanf(string(last), "\n"+mark+"/%d %d %d %s\n", &format, &database, &manifest, &sum); err != nil {
		if isDatabase {
			return wrong("has no end of a backup: it was cut short, or it is a database that was copied and not a backup " +
				"that doorstep backup made")
		}
		return wrong("is not a backup that doorstep backup made")
	}
	if format > Format {
		return wrong(fmt.Sprintf("was made by a newer program (form %d, this one reads %d): restore it with that program",
			format, Format))
	}
	body := info.Size() - int64(lastLen)
	if database < 0 || manifest < 0 || database+manifest != body || !isDatabase {
		return wrong("was altered: its length is not the one it was written with")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	hash, text := sha256.New(), &bytes.Buffer{}
	if _, err := io.CopyN(hash, f, database); err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.MultiWriter(hash, text), f, manifest); err != nil {
		return nil, err
	}
	if !bytes.Equal(last, lastLine(database, manifest, hash.Sum(nil))) {
		return wrong("was altered: it is not what was written (its SHA-256 is another)")
	}
	out := &File{Path: path, size: database}
	if err := json.Unmarshal(text.Bytes(), &out.Manifest); err != nil {
		return wrong("has a manifest that cannot be read")
	}
	if out.Manifest.Kind != want {
		return wrong(fmt.Sprintf("holds the %s of a backup, and here its %s are wanted", out.Manifest.Kind, want))
	}
	return out, nil
}

// Extract writes the database of a file to another, which must not be there, durably. It compares the sum once more,
// since the file may have changed since it was read.
func (b *File) Extract(to string) (err error) {
	in, err := os.Open(b.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	hash := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(out, hash), in, b.size); err != nil {
		return err
	}
	tail, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if len(tail) < lastLen {
		return fmt.Errorf("%s has changed while it was read", b.Path)
	}
	text, last := tail[:len(tail)-lastLen], tail[len(tail)-lastLen:]
	hash.Write(text)
	if !bytes.Equal(last, lastLine(b.size, int64(len(text)), hash.Sum(nil))) {
		return fmt.Errorf("%s has changed while it was read", b.Path)
	}
	return out.Sync()
}

const part = ".part-"

// Temporary makes a folder beside a file for what is not complete yet, which only its owner can open. The caller
// removes it. One that a killed backup left may be removed at any time.
func Temporary(path string) (string, error) {
	return os.MkdirTemp(filepath.Dir(path), filepath.Base(path)+part)
}
