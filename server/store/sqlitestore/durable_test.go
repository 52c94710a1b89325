package sqlitestore

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// J10: an answer means that the disk has it. Nothing short of pulling the plug
// would show it otherwise, so the settings are asked for, on the connection that writes.
func TestWritesAreDurableInOneFile(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "mmap_size": "0"} {
		var got string
		if err := s.write.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, must be %s", pragma, got, want)
		}
	}
	// Attached files would not commit together with this one.
	files := 0
	if err := s.write.QueryRowContext(ctx,
		"SELECT count(*) FROM pragma_database_list WHERE file <> ''").Scan(&files); err != nil || files != 1 {
		t.Errorf("%d files are written: %v", files, err)
	}
	// A transaction takes the write lock when it begins: one that began by reading could not go on after another's write.
	other, err := sql.Open("sqlite", dsn(fileOf(ctx, t, s), "_pragma=busy_timeout(1)"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if err := s.tx(ctx, func(*txn) error {
		if _, err := other.ExecContext(ctx,
			"INSERT INTO small (kind, id, version, body) VALUES ('k', 'i', 1, x'00')"); err == nil {
			t.Error("somebody else wrote while a write transaction was open")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func fileOf(ctx context.Context, t *testing.T, s *Store) (path string) {
	t.Helper()
	if err := s.write.QueryRowContext(ctx,
		"SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Two servers on one folder would each take its caches for the truth.
func TestAFolderIsOpenInOneProcess(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	s, err := Open(ctx, folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, folder, nil); err == nil || !strings.Contains(err.Error(),
		"in use by another doorstep (process "+strconv.Itoa(os.Getpid())+")") {
		t.Errorf("a second start on the folder: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(ctx, folder, nil); err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, filepath.Join(folder, "absent"), nil); err == nil || !strings.Contains(err.Error(),
		"check that it exists") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
