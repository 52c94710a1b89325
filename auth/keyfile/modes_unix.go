//go:build unix

package keyfile

import (
	"errors"
	"os"
)

// modes says that the system has permissions of owner, group and others.
const modes = true

// SyncFolder makes the names in a folder durable: a file that was made or renamed in it has its name after a crash.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
