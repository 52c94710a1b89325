package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// unmapBinary takes the pages of the binary's code and constants out of the process. Those that are used again come
// back from the system's file cache, as they do whenever the system is short of memory; nothing is lost, since they
// were never written. Where the system does not tell of its mappings, nothing happens.
func unmapBinary() {
	binary, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for _, m := range readOnly(string(text), binary) {
		// The system refuses nothing that matters: then the pages stay.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED)
	}
}

// span is a part of the address space, without its end.
type span struct{ from, to uintptr }

// readOnly finds, in the form of /proc/PID/maps, where a file is mapped and cannot be written.
func readOnly(maps, file string) []span {
	var out []span
	for line := range strings.Lines(maps) {
		// 00400000-01b80000 r-xp 00000000 fe:00 11985495   /usr/bin/doorstep
		f := strings.Fields(line)
		if len(f) != 6 || f[5] != file || len(f[1]) != 4 || f[1][0] != 'r' || f[1][1] != '-' || f[1][3] != 'p' {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		a, errA := strconv.ParseUint(from, 16, 64)
		b, errB := strconv.ParseUint(to, 16, 64)
		if errA == nil && errB == nil && a < b {
			out = append(out, span{uintptr(a), uintptr(b)})
		}
	}
	return out
}
