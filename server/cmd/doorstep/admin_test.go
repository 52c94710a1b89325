package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"doorstep/server/play"
)

// serving runs serve in this process and waits until it answers; said are the lines it printed before.
func serving(t *testing.T, data string) (url, said string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "error"},
			streams{in: strings.NewReader(""), out: write, err: io.Discard})
		_ = write.CloseWithError(err)
		ended <- err
	}()
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		if m := childSays.FindStringSubmatch(lines.Text()); m != nil {
			return m[1], said, func() {
				cancel()
				if err := <-ended; err != nil {
					t.Errorf("serve: %v", err)
				}
			}
		}
		said += lines.Text() + "\n"
	}
	cancel()
	t.Fatalf("serve did not start: %v after %q", <-ended, said)
	return "", "", nil
}

var oneTime = regexp.MustCompile(`Sign in as admin with the one-time password: (\S+)`)

// onceIn returns the one-time password in the output of a command, or "".
func onceIn(said string) string {
	if m := oneTime.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return ""
}

// A start may fail after it made the one-time password. The administrator can still
// sign in: each start prints a new one, until it has been changed.
func TestTheOneTimePasswordIsPrintedUntilItIsChanged(t *testing.T) {
	data := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	failed := runs(t, "", "serve", "--listen", taken.Addr().String(), "--data", data, "--log-level", "error")
	noError(t, taken.Close())
	if failed.status != 1 || onceIn(failed.out) == "" {
		t.Fatalf("a start on a port that is taken ended with %d and printed %q", failed.status, failed.out)
	}

	url, said, stop := serving(t, data)
	once := onceIn(said)
	if once == "" {
		t.Fatalf("the next start printed %q and no password", said)
	}
	ctx := t.Context()
	admin := &play.Client{Base: url}
	noError(t, admin.SignIn(ctx, "admin", once, ""))
	change := map[string]string{"old": once, "new": "a password of my own"}
	noError(t, admin.Do(ctx, http.MethodPost, "/v1/users/me/password", change, nil))
	if r := runs(t, "", "admin", "reset-password", "admin", "--data", data); r.status != 1 {
		t.Errorf("the password of a running server was reset: %s", r.out)
	}
	stop()

	url, said, stop = serving(t, data)
	if said != "" {
		t.Errorf("the password was changed, and the start after that printed %q", said)
	}
	noError(t, (&play.Client{Base: url}).SignIn(ctx, "admin", "a password of my own", ""))
	stop()
}

func TestALostPasswordIsResetOnAStoppedServer(t *testing.T) {
	data := t.TempDir()
	_, _, stop := serving(t, data)
	stop()
	if r := runs(t, "", "admin", "reset-password", "nobody", "--data", data); r.status != 1 || r.out != "" {
		t.Errorf("a login that does not exist: status %d, printed %q", r.status, r.out)
	}
	if r := runs(t, "", "admin", "reset-password", "admin", "--data", t.TempDir()); r.status != 1 || r.out != "" {
		t.Errorf("a folder without a store: status %d, printed %q", r.status, r.out)
	}
	reset := onceIn(runs(t, "", "admin", "reset-password", "Admin", "--data", data, "--factors").out)

	// A start does not replace the password that reset-password printed.
	url, said, stop := serving(t, data)
	defer stop()
	if reset == "" || said != "" {
		t.Fatalf("reset to %q; the start after that printed %q", reset, said)
	}
	ctx := t.Context()
	admin := &play.Client{Base: url}
	noError(t, admin.SignIn(ctx, "admin", reset, ""))
	if err := admin.Do(ctx, http.MethodGet, "/v1/users", nil, nil); play.CodeOf(err) != "auth.must_change_password" {
		t.Errorf("with the one-time password users are read: %v", err)
	}
	var me struct {
		Reset time.Time `json:"factors_reset_at"`
	}
	if err := admin.Do(ctx, http.MethodGet, "/v1/users/me", nil, &me); err != nil || me.Reset.IsZero() {
		t.Errorf("the factors were reset at %v, %v", me.Reset, err)
	}
}

func TestBareDoorstepListsTheCommands(t *testing.T) {
	r := runs(t, "")
	_, list, found := strings.Cut(r.out, "Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	if r.status != 0 || !found {
		t.Fatalf("status %d: %s%s", r.status, r.out, r.err)
	}
	for _, c := range []string{"serve", "demo", "export", "verify", "route solve", "route matrix", "roads prepare", "fsck",
		"admin reset-password"} {
		if !strings.Contains(list, "\n  "+c+"  ") && !strings.HasPrefix(list, "  "+c+"  ") {
			t.Errorf("%s is not in the list:\n%s", c, list)
		}
	}
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "   ") || utf8.RuneCountInString(line) > columns+1 {
			t.Errorf("a command takes more than a line of %d columns: %s", columns, line)
		}
	}
}
