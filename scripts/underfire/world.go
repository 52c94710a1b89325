package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/server/play"
)

// world is a branch's day: servers, phones and an office, and what befell them.
type world struct {
	binary, root string
	mongo        string
	seed         uint64
	say          func(format string, args ...any)

	began  time.Time // by this machine's clock, when the server's stood at clock
	clock  time.Time
	nodes  []*node
	day    *play.Day
	proxy  *proxy
	book   *book
	owners *owners
	office *office
	agents []*agent
	// gate is held for reading while an agent or the office works, and for writing while a backup is restored.
	gate sync.RWMutex
	over atomic.Bool
	work sync.WaitGroup

	disk     string // a small file system, "" where none can be mounted
	backup   string // the newest backup; "" before the first
	backedUp time.Time

	restoredAt time.Time // when a backup was restored last
	older      bool      // the newest export is of a log that an older backup has replaced
	exports    []string  // earlier exports, by path
	heads      []head
	counts     counts
}

// counts are what befell the world.
type counts struct {
	kills, killsAtStart, backups, restores, behind, diskFull, phonesRestored atomic.Int64
	written, unanswered, tooOften                                            atomic.Int64

	recovery  []time.Duration // from a start after SIGKILL to an answer
	afterDisk []time.Duration // from room on the disk to an acknowledged write
	converge  time.Duration
}

// now is the server's clock.
func (w *world) now() time.Time { return w.clock.Add(time.Since(w.began)).UTC() }

// base is the address of a server that runs.
func (w *world) base() string {
	for _, n := range w.nodes {
		if at := n.address(); at != "" {
			return "http://" + at
		}
	}
	return "http://127.0.0.1:1"
}

// open makes the servers and the day, publishes its round and lets every phone pull.
func (w *world) open(ctx context.Context) error {
	w.began, w.clock = time.Now(), time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	parent := w.root
	if w.mongo == "" {
		w.mountDisk()
		if w.disk != "" {
			parent = w.disk
		}
	} else {
		w.clock = w.began
	}
	n := &node{binary: w.binary, data: filepath.Join(parent, "data"), mongo: w.mongo, now: w.now,
		log: filepath.Join(w.root, "server.log")}
	w.nodes = []*node{n}
	if err := n.start(ctx); err != nil {
		return err
	}
	if w.mongo != "" {
		second := &node{binary: w.binary, data: filepath.Join(parent, "second"), mongo: w.mongo,
			log: filepath.Join(w.root, "second.log")}
		if err := n.shareKeys(second.data); err != nil {
			return err
		}
		if err := second.start(ctx); err != nil {
			return err
		}
		w.nodes = append(w.nodes, second)
	}
	folder := filepath.Join(w.root, "city")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	day, err := play.City(folder)
	if err != nil {
		return err
	}
	day.Base, day.HTTP, day.Password, day.Date = w.base(), &http.Client{Timeout: 10 * time.Minute}, password, w.workday()
	day.TimeLimitS, day.Seed = 1, 1
	w.day = day
	if err := w.publish(ctx); err != nil {
		return err
	}
	if w.mongo == "" {
		// The round was planned early; the phones work in the morning.
		if err := n.stop(); err != nil {
			return err
		}
		w.clock = w.clock.Add(3 * time.Hour)
		if err := n.start(ctx); err != nil {
			return err
		}
		w.moved()
		if err := day.SignInAgain(ctx); err != nil {
			return err
		}
	}
	w.owners = &owners{cases: map[string][]span{}}
	w.book = newBook(w.owners)
	dice := rand.New(rand.NewPCG(w.seed, 1))
	var mu sync.Mutex
	w.proxy, err = newProxy(w.seed, func() string {
		mu.Lock()
		defer mu.Unlock()
		// A dead node is asked too, as a balancer does for a while.
		return w.nodes[dice.IntN(len(w.nodes))].address()
	}, w.book.hear)
	if err != nil {
		return err
	}
	w.office = newOffice(w)
	for i, p := range day.Phones {
		w.book.device(p.Device, p.Agent)
		w.agents = append(w.agents, newAgent(w, p, i))
	}
	return nil
}

// workday is the date of the round: the server's date, or the next weekday if the server runs on the system's clock.
func (w *world) workday() string {
	if w.mongo == "" {
		return w.now().Format(time.DateOnly)
	}
	at := w.now().AddDate(0, 0, 1)
	for at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	return at.Format(time.DateOnly)
}

func (w *world) publish(ctx context.Context) error {
	if err := w.day.SetUp(ctx); err != nil {
		return err
	}
	for _, im := range [][2]string{{"territories", w.day.Territories}, {"cases", w.day.Cases},
		{"contacts", w.day.Contacts}} {
		if _, err := w.day.Import(ctx, im[0], im[1]); err != nil {
			return err
		}
	}
	if err := w.day.MakeTeams(ctx); err != nil {
		return err
	}
	if err := w.day.Plan(ctx, nil); err != nil {
		return err
	}
	return w.day.Publish(ctx, nil)
}

// moved tells all who call a server directly where it answers now.
func (w *world) moved() {
	w.day.Base = w.base()
	w.day.Admin.Base, w.day.Auditor.Base = w.day.Base, w.day.Base
	for _, p := range w.day.Phones {
		p.Base = w.day.Base
	}
}

// fire lets everybody work for a time while faults happen, and then lets them end in calm.
func (w *world) fire(ctx context.Context, d time.Duration) error {
	for _, a := range w.agents {
		w.work.Go(func() { a.run(ctx) })
	}
	w.work.Go(func() { w.office.run(ctx) })
	err := w.faults(ctx, time.Now().Add(d))
	w.proxy.calm.Store(true)
	w.over.Store(true)
	w.work.Wait()
	w.proxy.late.Wait()
	return err
}

// faults makes servers fail until a time. The first ones come in a fixed order, and all of them, so that a
// short run has each.
func (w *world) faults(ctx context.Context, until time.Time) error {
	dice := rand.New(rand.NewPCG(w.seed, 2))
	kinds := []string{"kill", "backup", "disk", "restore", "kill", "restore"}
	if w.mongo != "" {
		kinds = []string{"kill", "kill"}
	}
	for n := 0; n < len(kinds) || time.Now().Before(until); n++ {
		pause(ctx, time.Duration(500+dice.IntN(1500))*time.Millisecond)
		kind := "kill"
		if n < len(kinds) {
			kind = kinds[n]
		} else if w.mongo == "" {
			kind = []string{"kill", "kill", "kill", "kill", "kill", "kill", "backup", "backup", "restore", "disk"}[dice.IntN(10)]
		}
		var err error
		switch {
		case kind == "backup":
			err = w.backUp(ctx)
		case kind == "restore" && w.backup != "":
			err = w.restore(ctx)
		case kind == "disk" && w.disk != "":
			err = w.fillDisk(ctx, dice)
		default:
			err = w.killOne(ctx, dice)
		}
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if n%4 == 3 {
			w.office.head(ctx)
		}
	}
	return nil
}

// killOne kills a server, sometimes once more while it starts, and starts it again.
func (w *world) killOne(ctx context.Context, dice *rand.Rand) error {
	n := w.nodes[len(w.nodes)-1-dice.IntN(len(w.nodes))*dice.IntN(2)] // of two, the second more often
	if err := n.kill(); err != nil {
		return err
	}
	w.counts.kills.Add(1)
	if dice.IntN(3) == 0 {
		out, err := n.launch(ctx)
		if err != nil {
			return err
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		pause(ctx, time.Duration(dice.IntN(300))*time.Millisecond)
		if err := n.kill(); err != nil {
			return err
		}
		w.counts.killsAtStart.Add(1)
	}
	if w.mongo == "" && dice.IntN(4) == 0 {
		if err := n.fsck(ctx); err != nil {
			w.book.fault("fsck", "after a kill: %v", err)
		}
	}
	begun := time.Now()
	if err := n.start(ctx); err != nil {
		return err
	}
	w.counts.recovery = append(w.counts.recovery, time.Since(begun))
	return nil
}

// backUp backs the running server up.
func (w *world) backUp(ctx context.Context) error {
	n, begun := w.nodes[0], time.Now()
	path := filepath.Join(w.root, fmt.Sprintf("backup-%d", w.counts.backups.Add(1)))
	if _, err := n.run(ctx, "backup", path, "--keys", path+".keys", "--data", n.data,
		"--now", w.now().Format(time.RFC3339Nano)); err != nil {
		return err
	}
	w.backup, w.backedUp = path, begun
	return nil
}

// restore kills the server and restores the newest backup. The phones come back with what they keep.
func (w *world) restore(ctx context.Context) error {
	n := w.nodes[0]
	if err := w.office.export(ctx); err != nil {
		return err
	}
	// The backup does not know of a restore since: the log that began then is gone, and verify must notice.
	w.older = w.backedUp.Before(w.restoredAt)
	if err := n.kill(); err != nil {
		return err
	}
	w.gate.Lock()
	defer w.gate.Unlock()
	for w.proxy.asking.Load() > 0 {
		pause(ctx, 10*time.Millisecond)
	}
	from := time.Now()
	w.counts.behind.Add(int64(w.book.restored(w.backedUp, w.keeps)))
	if _, err := n.run(ctx, "restore", w.backup, "--keys", w.backup+".keys", "--data", n.data, "--force",
		"--now", w.now().Format(time.RFC3339Nano)); err != nil {
		return err
	}
	aside, err := filepath.Glob(n.data + ".*")
	if err != nil {
		return err
	}
	for _, old := range aside {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := n.start(ctx); err != nil {
		return err
	}
	w.counts.restores.Add(1)
	w.restoredAt = time.Now()
	return w.office.comeBack(ctx, from)
}

// keeps tells whether the phone of an agent keeps a mutation. No agent works at the same time.
func (w *world) keeps(agent, mid string) bool {
	for _, a := range w.agents {
		if a.phone.Agent == agent {
			return a.phone.Keeps(mid)
		}
	}
	return false
}

// diskSize is the size of the small file system.
const diskSize = 1 << 30

// mountDisk mounts a small file system for the data, if this machine lets us.
func (w *world) mountDisk() {
	dir := filepath.Join(w.root, "disk")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return
	}
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", diskSize), "tmpfs", dir).CombinedOutput()
	if err != nil {
		w.say("no full disk: a small file system cannot be mounted: %s", strings.TrimSpace(string(out)))
		return
	}
	w.disk = dir
}

// fillDisk fills the data's disk for a while.
func (w *world) fillDisk(ctx context.Context, dice *rand.Rand) error {
	ballast := filepath.Join(w.disk, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	if err := f.Close(); err != nil {
		return err
	}
	w.counts.diskFull.Add(1)
	pause(ctx, time.Duration(500+dice.IntN(2500))*time.Millisecond)
	if dice.IntN(2) == 0 { // it dies with a full disk, too
		if err := w.nodes[0].kill(); err != nil {
			return err
		}
		w.counts.kills.Add(1)
		defer func() { _ = os.Remove(ballast) }()
		if err := os.Remove(ballast); err != nil {
			return err
		}
		return w.nodes[0].start(ctx)
	}
	begun := time.Now()
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if !w.office.await(ctx, func() bool { return w.book.answeredSince(begun) }) {
		return errors.New("the disk has room again, and no write is acknowledged within a minute")
	}
	w.counts.afterDisk = append(w.counts.afterDisk, time.Since(begun))
	return nil
}

// close ends the servers and unmounts the disk.
func (w *world) close() {
	for _, n := range w.nodes {
		if n.address() != "" {
			_ = n.stop()
		}
	}
	if w.proxy != nil {
		_ = w.proxy.close()
	}
	if w.disk != "" {
		if out, err := exec.Command("umount", w.disk).CombinedOutput(); err != nil {
			w.say("umount: %s", out)
		}
	}
}

// pause waits for a time that the dice said; it waits for no condition.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
