//go:build unix

package sqlitestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockName is the file that says who has the folder. It is not the database: closing
// any handle of that inside the process would drop SQLite's own locks (J10).
const lockName = "doorstep.lock"

// lock takes the folder for this process; it is given back when the file is closed,
// or by the system when the process dies, however it dies.
func lock(folder string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(folder, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data folder cannot be written; check that it exists, who owns it and whether it is "+
			"mounted read-only: %w", err)
	}
	if err := f.Chmod(0o600); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the data folder belongs to another user: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		who := make([]byte, 20)
		n, _ := f.ReadAt(who, 0)
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the data folder is in use by another doorstep (process %s); stop it first, or use "+
				"another folder", strings.TrimSpace(string(who[:n])))
		}
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	// Whose it is is told for people's sake: the lock itself is what counts.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}
