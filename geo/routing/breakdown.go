package routing

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Breakdown is a fault of this package that ended a search. It is never the
// problem's.
type Breakdown struct {
	// Where is the file and line, such as "insert.go:42".
	Where string
	// Cause is what the runtime said.
	Cause string
}

// Code is stable: routing.breakdown.
func (b *Breakdown) Code() string { return "routing.breakdown" }

// Error says where and why, and asks for a report.
func (b *Breakdown) Error() string {
	return fmt.Sprintf("the search broke down at %s: %s; this is a fault of the program, please report it with the "+
		"problem", b.Where, b.Cause)
}

// brokenDown makes a Breakdown of what was recovered from a panic, or nil of nil.
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

// group is goroutines that search side by side. A panic in one of them, which would
// end the process, comes out of wait.
type group struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	first *Breakdown
}

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

func (g *group) wait() {
	g.wg.Wait()
	if g.first != nil {
		panic(g.first)
	}
}
