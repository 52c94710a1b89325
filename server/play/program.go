package play

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// Program is a running server process.
type Program struct {
	// URL is the server's address; Key is its public audit key.
	URL, Key string
	cmd      *exec.Cmd
}

var programSays = regexp.MustCompile(`answers at (\S+); the audit's public key is (\S+)`)

// Start starts the binary on a data folder, with its clock at now, and returns when it
// listens on a free port of the loopback. password is the first administrator's. The
// server logs to this process's standard error.
func Start(ctx context.Context, binary, data string, now time.Time, password string) (*Program, error) {
	p := &Program{cmd: exec.CommandContext(ctx, binary, "serve", "--listen", "127.0.0.1:0", "--data", data, "--now",
		now.Format(time.RFC3339))}
	p.cmd.Env = append(os.Environ(), "DOORSTEP_ADMIN_PASSWORD="+password)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := programSays.FindStringSubmatch(lines.Text()); m != nil {
			p.URL, p.Key = m[1], m[2]
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return p, nil
		}
	}
	return nil, errors.Join(errors.New("the server did not start"), p.cmd.Wait())
}

// Stop stops the server gracefully and waits for its end.
func (p *Program) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// Kill kills the server at once; it does nothing if the server has ended.
func (p *Program) Kill() { _ = p.cmd.Process.Kill() }

// Memory returns the server's resident memory in MB, or 0 if the system does not tell.
func (p *Program) Memory() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	m := residentKB.FindSubmatch(text)
	if m == nil {
		return 0
	}
	var kb int
	_, _ = fmt.Sscan(string(m[1]), &kb)
	return kb / 1024
}

var residentKB = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
