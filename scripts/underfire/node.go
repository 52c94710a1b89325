package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// node is a server process on a data folder, which is killed and started again.
type node struct {
	binary, data, mongo string
	now                 func() time.Time // the server's clock; nil: the system's
	log                 string           // path of what it says

	mu  sync.Mutex
	cmd *exec.Cmd
	at  string // host:port; "" while it does not answer
	key string // the audit's public key
}

const password = "underfire-administrator"

var answersAt = regexp.MustCompile(`answers at http://(\S+); the audit's public key is (\S+)`)

// address is where the node answers; "" while it does not.
func (n *node) address() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.at
}

// launch starts the process and returns what it writes. It does not wait for it to answer.
func (n *node) launch(ctx context.Context) (io.Reader, error) {
	args := []string{"serve", "--listen", "127.0.0.1:0", "--data", n.data}
	if n.mongo != "" {
		args = append(args, "--mongodb-uri", n.mongo)
	} else {
		args = append(args, "--now", n.now().Format(time.RFC3339Nano))
	}
	cmd := exec.CommandContext(ctx, n.binary, args...)
	cmd.Env = append(os.Environ(), "DOORSTEP_ADMIN_PASSWORD="+password)
	said, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = said.Close() }()
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.cmd = cmd
	n.mu.Unlock()
	return out, cmd.Start()
}

// start starts the process and returns once it answers.
func (n *node) start(ctx context.Context) error {
	out, err := n.launch(ctx)
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		m := answersAt.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		if n.key != "" && n.key != m[2] {
			return fmt.Errorf("the audit's key was %s and is %s", n.key, m[2])
		}
		n.key = m[2]
		go func() { _, _ = io.Copy(io.Discard, out) }()
		n.mu.Lock()
		n.at = m[1]
		n.mu.Unlock()
		return nil
	}
	said, _ := os.ReadFile(n.log)
	return errors.Join(fmt.Errorf("the server does not start on what it left: %s", last(said)), n.cmd.Wait())
}

func last(text []byte) string { return string(text[max(0, len(text)-2000):]) }

// kill ends the process with SIGKILL.
func (n *node) kill() error {
	n.mu.Lock()
	n.at = ""
	n.mu.Unlock()
	if err := n.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill the server: %w", err)
	}
	if err := n.cmd.Wait(); err == nil || n.cmd.ProcessState.Exited() {
		said, _ := os.ReadFile(n.log)
		return fmt.Errorf("the server ended by itself before it was killed: %v: %s", n.cmd.ProcessState, last(said))
	}
	return nil
}

// stop ends the process gracefully.
func (n *node) stop() error {
	n.mu.Lock()
	n.at = ""
	n.mu.Unlock()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := n.cmd.Wait(); err != nil {
		return fmt.Errorf("a graceful stop: %w", err)
	}
	return nil
}

// run runs another command of the program and returns what it says.
func (n *node) run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, n.binary, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("doorstep %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// fsck compares the views with the journal.
func (n *node) fsck(ctx context.Context) error {
	args := []string{"fsck", "--data", n.data}
	if n.mongo != "" {
		args = append(args, "--mongodb-uri", n.mongo)
	}
	out, err := n.run(ctx, args...)
	if err == nil && !strings.Contains(out, "clean") {
		err = fmt.Errorf("fsck says %s", out)
	}
	return err
}

// shareKeys gives another node's folders the keys of this one.
func (n *node) shareKeys(data string) error {
	for from, to := range map[string]string{"/audit.key": "", "/audit.key.pub": "", "/auth.keys": "",
		"-secrets/kek": "-secrets"} {
		text, err := os.ReadFile(n.data + from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(data+to, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(data+to, filepath.Base(from)), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
