package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"doorstep/auth/keyfile"
)

// Tree is how many files a folder holds, and how many bytes are in them.
type Tree struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// TreeSuffix ends the name of the folder with the attachments of a backup, after the name of its file.
const TreeSuffix = ".attachments"

// PublishTree gives a folder its name, durably. With over it takes the place of a folder that is there, which is moved
// beside from and left there. A folder with nothing in it, or that is not there, gets no name. Both names are on one
// file system.
func PublishTree(from, to string, over bool) error {
	if over {
		if err := os.Rename(to, from+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return errors.Join(os.Rename(from, to), keyfile.SyncFolder(filepath.Dir(to)))
}

// Measure counts the files of a folder and of those below it. A folder that is not there is empty.
func Measure(folder string) (t Tree, err error) {
	err = eachFile(folder, func(_ string, info fs.FileInfo) error {
		t.Files++
		t.Bytes += info.Size()
		return nil
	})
	return t, err
}

// Fill gives a folder the files of another that it lacks or has shorter, durably and for the owner only; it is for
// files that only grow. A file is there under its name when it is whole. With link it is the same file wherever the
// file system can do that, so that it costs no room and grows on with the other; without, it is a copy. A file that
// vanishes meanwhile is passed over, and so is a folder that is not there. added tells what came.
func Fill(ctx context.Context, from, to string, link bool) (added Tree, err error) {
	touched := map[string]bool{}
	err = eachFile(from, func(name string, info fs.FileInfo) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(to, name)
		if had, err := os.Lstat(path); err == nil && had.Size() >= info.Size() {
			return nil
		}
		if err := keyfile.Folder(filepath.Dir(path)); err != nil {
			return err
		}
		n, err := put(filepath.Join(from, name), path, link)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		touched[filepath.Dir(path)] = true
		added.Files++
		added.Bytes += n
		return nil
	})
	for folder := range touched {
		err = errors.Join(err, keyfile.SyncFolder(folder))
	}
	return added, err
}

// eachFile calls fn with the files of a folder and of those below it, by their names from there.
func eachFile(folder string, fn func(name string, info fs.FileInfo) error) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.Type().IsRegular() || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		name, outside := filepath.Rel(folder, path)
		if err = errors.Join(err, outside); err != nil {
			return err
		}
		return fn(name, info)
	})
}

// put links or copies a file to a path, in place of what is there, and tells how many bytes it has.
func put(from, to string, link bool) (n int64, err error) {
	next := to + part
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if link && os.Link(from, next) == nil {
		info, err := os.Lstat(next)
		if err != nil {
			return 0, err
		}
		return info.Size(), os.Rename(next, to)
	}
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(next))
	}
	return n, os.Rename(next, to)
}
