//go:build unix

package keyfile

import (
	"errors"
	"os"
)

// modes says that the system has permissions of owner, group and others.
const modes = true

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
