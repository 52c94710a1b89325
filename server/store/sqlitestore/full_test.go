package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// A store without room says so, keeps what it had, and goes on once there is room.
func TestAFullStoreSaysSo(t *testing.T) {
	ctx := context.Background()
	s, err := Open(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	body := make([]byte, 64<<10)
	limit := func(pages int) {
		t.Helper()
		if _, err := s.write.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.keys.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SwapSmall(ctx, "k", "before", 0, body); err != nil {
		t.Fatal(err)
	}
	limit(1) // SQLite takes the present size
	writes := map[string]func(id string) error{
		"swap": func(id string) error { return s.SwapSmall(ctx, "k", id, 0, body) },
		"insert": func(id string) error {
			_, err := s.InsertSmalls(ctx, "k", []string{id}, [][]byte{body})
			return err
		},
		"keys": func(id string) error {
			_, err := s.InsertKeys(ctx, []string{id}, [][]byte{body})
			return err
		},
	}
	for what, write := range writes {
		err := write(what)
		var no *refusal.Error
		if !errors.Is(err, journal.ErrFull) || !errors.As(err, &no) || no.RetryAfter == 0 {
			t.Errorf("%s: %v, want ErrFull", what, err)
		}
	}
	if _, _, err := s.Small(ctx, "k", "before"); err != nil {
		t.Errorf("what was there: %v", err)
	}
	limit(1 << 30)
	for what, write := range writes {
		if err := write(what); err != nil {
			t.Errorf("%s, with room: %v", what, err)
		}
	}
}
