package routing

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Breakdown is an error that says that a search ended in a panic. It is a fault of
// this package, never of the problem.
type Breakdown struct {
	// Where is the file and line, such as "insert.go:42".
	Where string
	// Cause is the message of the panic.
	Cause string
}

// Code returns the stable code routing.breakdown.
func (b *Breakdown) Code() string { return "routing.breakdown" }

// Error returns where and why the search failed, and asks for a report.
func (b *Breakdown) Error() string {
	return fmt.Sprintf("the search broke down at %s: %s; this is a fault of the program, please report it with the "+
		"problem", b.Where, b.Cause)
}

// brokenDown returns the Breakdown of a recovered panic, or nil if recovered is nil.
func brokenDown(recovered any) *Breakdown {
	if recovered == nil {
		return nil
	}
	if b, ok := recovered.(*Breakdown); ok {
		return b
	}
	b := &Breakdown{Where: "an unknown place", Cause: fmt.Sprint(recovered)}
	pcs := make([]uintptr, 50)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for thrown := false; ; {
		f, more := frames.Next()
		if thrown && strings.Contains(f.Function, "/routing.") {
			b.Where = fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
			return b
		}
		thrown = thrown || strings.HasPrefix(f.Function, "runtime.")
		if !more {
			return b
		}
	}
}

// group runs searches side by side. A panic in one of them, which would end the
// process, is raised again by wait.
type group struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	first *Breakdown
}

// run calls f in a new goroutine.
func (g *group) run(f func()) {
	g.wg.Go(func() {
		defer func() {
			if b := brokenDown(recover()); b != nil {
				g.mu.Lock()
				defer g.mu.Unlock()
				if g.first == nil {
					g.first = b
				}
			}
		}()
		f()
	})
}

// wait waits for all goroutines. It panics with the first *Breakdown of any of them.
func (g *group) wait() {
	g.wg.Wait()
	if g.first != nil {
		panic(g.first)
	}
}
