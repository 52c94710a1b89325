package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// programFolder is where the program is built for the tests that run it as a process.
var programFolder string

func TestMain(m *testing.M) {
	var err error
	if programFolder, err = os.MkdirTemp("", "doorstep-program-"); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(programFolder)
	os.Exit(status)
}

// program builds the program as it is shipped. All tests share it, because linking takes seconds.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "doorstep")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// build returns the path of the program.
func build(t *testing.T) string {
	t.Helper()
	path, err := program()
	noError(t, err)
	return path
}

// child is a running process of the program.
type child struct {
	t            *testing.T
	binary, data string
	mongoDB      string    // the URI of its database; "" for the embedded store in data
	began        time.Time // of the clock of a server on the embedded store
	cmd          *exec.Cmd
	out          io.Reader
	errs         *bytes.Buffer
	url, key     string
}

var childSays = regexp.MustCompile(`answers at (\S+); the audit's public key is (\S+)`)

// launch starts the process without waiting for it to answer. Its clock continues from the last process's.
func (c *child) launch(ctx context.Context) {
	c.t.Helper()
	args := []string{"serve", "--listen", "127.0.0.1:0"}
	if c.mongoDB == "" {
		now := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC).Add(time.Since(c.began))
		args = append(args, "--now", now.Format(time.RFC3339Nano))
	}
	c.cmd = exec.CommandContext(ctx, c.binary, append(args, c.store()...)...)
	c.cmd.Env = append(os.Environ(), "DOORSTEP_ADMIN_PASSWORD="+killPassword)
	c.errs = &bytes.Buffer{}
	c.cmd.Stderr = c.errs
	out, err := c.cmd.StdoutPipe()
	noError(c.t, err)
	c.out = out
	noError(c.t, c.cmd.Start())
	c.t.Cleanup(func() { _ = c.cmd.Process.Kill() })
}

// store returns the flags that name its store.
func (c *child) store() []string {
	flags := []string{"--data", c.data}
	if c.mongoDB != "" {
		flags = append(flags, "--mongodb-uri", c.mongoDB)
	}
	return flags
}

func (c *child) start(ctx context.Context) {
	c.t.Helper()
	c.launch(ctx)
	lines := bufio.NewScanner(c.out)
	for lines.Scan() {
		if m := childSays.FindStringSubmatch(lines.Text()); m != nil {
			if c.key != "" && c.key != m[2] {
				c.t.Fatalf("the audit's key was %s and is %s", c.key, m[2])
			}
			c.url, c.key = m[1], m[2]
			return
		}
	}
	_ = c.cmd.Wait()
	c.t.Fatalf("the server does not start on what the killed one left: %s", c.errs)
}

func (c *child) kill() {
	c.t.Helper()
	noError(c.t, c.cmd.Process.Kill())
	if err := c.cmd.Wait(); err == nil || c.cmd.ProcessState.Exited() {
		c.t.Fatalf("the server ended by itself before it was killed: %v\n%s", c.cmd.ProcessState, c.errs)
	}
	if s := c.errs.String(); strings.Contains(s, "panic") || strings.Contains(s, "level=ERROR") {
		c.t.Errorf("the killed server had said: %s", s)
	}
}

func (c *child) stop() {
	c.t.Helper()
	noError(c.t, c.cmd.Process.Signal(os.Interrupt))
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("a graceful stop: %v\n%s", err, c.errs)
	}
}

func (c *child) fsck(ctx context.Context) {
	c.t.Helper()
	out, err := exec.CommandContext(ctx, c.binary, append([]string{"fsck"}, c.store()...)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "clean") {
		c.t.Errorf("fsck: %v\n%s", err, out)
	}
}
