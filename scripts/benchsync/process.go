package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// process is a process whose cost is measured.
type process struct{ pid int }

// tick is the unit of the times in /proc.
const tick = 10 * time.Millisecond

// cpu is the time that all cores have spent on the process: user and system.
func (p process) cpu() time.Duration {
	if p.pid == os.Getpid() {
		var u syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
			return time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * tick
}

// memory is the resident memory in kB, or 0 if the system does not tell.
func (p process) memory() int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	kb := 0
	_, _ = fmt.Sscan(string(after), &kb)
	return kb
}
