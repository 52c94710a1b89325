// Package keyfile makes and reads files that only their owner may read: keys,
// databases, lists. The folder they stand in and the process's umask do not matter.
// It knows nothing of what the files hold.
package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Read reads a file that only its owner may read. A file that others may read or
// write is made the owner's first; an error says what stands in the way.
// fs.ErrNotExist: there is none.
func Read(path string) ([]byte, error) {
	if err := Tighten(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Create writes a file that must not exist yet, durably, its name included. fs.ErrExist: there is one.
func Create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	// The umask may have taken bits that the owner needs.
	if err := errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		// Half a key must not be found at the next start.
		return errors.Join(err, os.Remove(path))
	}
	return SyncFolder(filepath.Dir(path))
}

// Append adds a line to a file, durably, and makes the file when there is none.
func Append(path string, line []byte) error {
	if err := Touch(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Sync(), f.Close())
}

// Touch makes an empty file where there is none, and makes one that is there its owner's only.
func Touch(path string) error {
	err := Create(path, nil)
	if errors.Is(err, fs.ErrExist) {
		return Tighten(path)
	}
	return err
}

// Folder makes a folder with those above it, for the owner only. One that is there is left as it is.
func Folder(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// Tighten takes a file's permissions away from everybody but its owner.
func Tighten(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	if info.Mode().Perm()&0o077 == 0 || !modes {
		return nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("%s can be read by others (mode %04o), and that cannot be changed: give it to the user who "+
			"runs the server, "+
			"with mode 0600: %w", path, info.Mode().Perm(), err)
	}
	return nil
}
