package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests run the shell lines of the manuals as they are printed there, except for
// the name of the program.

const repository = "../../.."

// shell is a folder in which the manuals' lines run as they do in the repository.
type shell struct {
	t      *testing.T
	folder string
	binary string
	env    []string
}

func newShell(t *testing.T, binary string) *shell {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("the manuals' lines need curl: ", err)
	}
	s := &shell{t: t, folder: t.TempDir(), binary: binary}
	for _, name := range []string{"scripts", "server", "geo"} {
		at, err := filepath.Abs(filepath.Join(repository, name))
		noError(t, err)
		noError(t, os.Symlink(at, filepath.Join(s.folder, name)))
	}
	// The manuals' lines name no port; this one was free a moment ago.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	noError(t, free.Close())
	s.env = append(os.Environ(), "DOORSTEP_LISTEN="+free.Addr().String(), "URL=http://"+free.Addr().String())
	return s
}

func (s *shell) command(ctx context.Context, lines string) *exec.Cmd {
	lines = strings.ReplaceAll(lines, "go run ./server/cmd/doorstep", s.binary)
	c := exec.CommandContext(ctx, "bash", "-euc", lines)
	c.Dir, c.Env = s.folder, s.env
	// The process group lets the test end a whole pipeline with the server in it.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	return c
}

// run runs lines to their end and returns what they print.
func (s *shell) run(lines string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	c := s.command(ctx, lines)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	// A failure within a pipeline does not end the shell, but curl reports it on standard error.
	if err := c.Run(); err != nil || strings.Contains(errs.String(), "curl:") {
		s.t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	return out.String()
}

// start runs lines that keep running until the test ends. It returns their output up to
// and with the line that matches ready.
func (s *shell) start(lines string, ready *regexp.Regexp) string {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := s.command(ctx, lines)
	out, err := c.StdoutPipe()
	noError(s.t, err)
	noError(s.t, c.Start())
	s.t.Cleanup(func() {
		cancel()
		_ = c.Wait()
	})
	said, scan := "", bufio.NewScanner(out)
	for scan.Scan() {
		said += scan.Text() + "\n"
		if ready.MatchString(scan.Text()) {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return said
		}
	}
	s.t.Fatalf("it ended after it had printed\n%s", said)
	return ""
}

// answers waits until the server answers requests.
func (s *shell) answers() {
	s.t.Helper()
	for _, v := range s.env {
		if url, ok := strings.CutPrefix(v, "URL="); ok {
			eventually(s.t, func() bool {
				r, err := http.Get(url + "/livez")
				if err != nil {
					return false
				}
				_ = r.Body.Close()
				return r.StatusCode == http.StatusOK
			})
		}
	}
}

// eventually polls a condition for half a minute.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("that did not come about")
		}
		pause(t.Context(), 50*time.Millisecond)
	}
}

// blocks returns the shell blocks of a section of a manual.
func blocks(t *testing.T, manual, section string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, manual))
	noError(t, err)
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	var out []string
	for {
		_, after, more := strings.Cut(rest, "```sh\n")
		if !more {
			break
		}
		block, tail, _ := strings.Cut(after, "```")
		out, rest = append(out, block), tail
	}
	if !found || len(out) == 0 {
		t.Fatalf("%s has no lines under %q", manual, section)
	}
	return out
}

func wants(t *testing.T, said string, shapes ...string) {
	t.Helper()
	for _, shape := range shapes {
		if !regexp.MustCompile(shape).MatchString(said) {
			t.Errorf("nothing of the shape %s in\n%s", shape, said)
		}
	}
}

func TestTheManualsLinesRun(t *testing.T) {
	binary := build(t)
	pasted := regexp.MustCompile(`(?m)^  ((?:URL|DATE|KEY)=.*|sign_in .*)$`)
	demo := func(t *testing.T, args string) (s *shell, before string) {
		s = newShell(t, binary)
		said := s.start("go run ./server/cmd/doorstep demo --search 1 "+args, regexp.MustCompile(`^Everything is kept`))
		fits(t, said)
		for _, m := range pasted.FindAllStringSubmatch(said, -1) {
			before += m[1] + "\n"
		}
		return s, before
	}
	t.Run("the first real day", func(t *testing.T) {
		t.Parallel()
		s := newShell(t, binary)
		day := blocks(t, "README.md", "The first real day")
		s.start(day[0], childSays)
		s.answers()
		wants(t, s.run(strings.Join(day[1:], "\n")), `"accepted": 150`, `"status": "applied"`, `"id": "visit1"`,
			`"stops": [1-9]`)
	})
	t.Run("plans without a server", func(t *testing.T) {
		t.Parallel()
		said := newShell(t, binary).run(blocks(t, "server/repayment/README.md", "Try it")[0])
		wants(t, said, `"due_on":"2027-02-28","amount_minor":3333`, `{"refused":{"reason":"start_in_past","at":"start_on"}}`,
			`"state":"active".*"state":"kept"`, `{"problem":{"code":"plan.question","at":"as_of"`)
	})
	t.Run("the tour, and a backup", func(t *testing.T) {
		t.Parallel()
		s, before := demo(t, "--data kept")
		wants(t, s.run("DATA=kept\n"+blocks(t, "server/README.md", "Backup and restore")[0]),
			`monday.bak holds \d+ entries of 2 branches`, `branch RIBEIRA: \d+ entries; its feeds and its log begin the epoch e`,
			`branch RIBEIRA: clean, \d+ entries`)
		wants(t, s.run(before+blocks(t, "README.md", "A tour")[0]), `"left_out": [1-9]`, `OUTSIDE_HOURS`, `next_allowed_at`,
			`verified: \d\d visits of branch RIBEIRA.*; nothing altered, nothing left out`, "\nso it shows\n")
	})
	t.Run("when the day changes, and territories", func(t *testing.T) {
		t.Parallel()
		s, before := demo(t, "--morning")
		manual := func(section string) string { return blocks(t, "server/README.md", section)[0] }
		said := s.run(before + manual("The supervisors' desk") + manual("When the day changes") + manual("Territories"))
		wants(t, said, `"slots"`, `"overlaps"`, `RIB-WEST-team1`, `"case_ref"`, `"unassigned"`, `"next_eta"`)
	})
}
