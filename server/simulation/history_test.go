package simulation

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/server"
	"doorstep/server/store/memstore"
)

// newWorld begins a world in the morning: call it in a bubble. data is a folder of its own for its keys.
func (m morning) newWorld(t *testing.T, data string, seed uint64, nodes int) *world {
	w := &world{t: t, data: data, disk: m.disk.Copy(), nodes: nodes, startedAt: m.at, began: time.Now(),
		sched: rand.New(rand.NewPCG(seed, 10)), rand: rand.New(rand.NewPCG(seed, 11)),
		phones: map[string]*phone{}, devices: map[string]int{}, desks: map[string]*desk{}, erased: map[string]bool{},
		blocked: map[string]time.Time{}, tally: map[string]int{}, ops: sha256.New(),
		ledger: ledger{sent: map[string]*sent{}}, oracle: oracle{branches: map[auth.BranchID]*chronicle{}}}
	w.log = slog.New(slog.NewTextHandler(&w.logged, &slog.HandlerOptions{Level: slog.LevelError}))
	for _, agent := range agents {
		w.phones[agent] = w.newPhone(agent)
	}
	for _, login := range []string{"admin", "two", "sup", "sue", "aud"} {
		w.desks[login] = w.newDesk(login)
	}
	return w
}

// folder copies the folders of the keys.
func (m morning) folder(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	for _, part := range []string{"", "-secrets"} {
		if err := os.CopyFS(to+part, os.DirFS(m.data+part)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// startAll starts the nodes that are not up.
func (w *world) startAll() {
	for i := range w.nodes {
		if i < len(w.up) && !w.up[i].isDead() {
			continue
		}
		if i < len(w.up) {
			w.up[i].bury()
		}
		n, err := w.start(i)
		w.must(err)
		w.mu.Lock()
		if i < len(w.up) {
			w.up[i] = n
		} else {
			w.up = append(w.up, n)
		}
		w.mu.Unlock()
		w.settle()
	}
}

// stopAll stops all nodes as servers that are told to.
func (w *world) stopAll() {
	for _, n := range w.up {
		n.bury()
	}
	w.up = nil
}

// phoneAct has an agent do something.
func (w *world) phoneAct(p *phone) (what string, do func()) {
	r := w.rand
	switch r.IntN(10) {
	case 0, 1, 2:
		return "writes", func() {
			for range 1 + p.r.IntN(4) {
				p.write()
			}
		}
	case 3, 4, 5:
		return "pushes", func() { _ = p.push() }
	case 6, 7:
		return "pulls", func() { _ = p.pull() }
	default:
		return "syncs", func() {
			p.write()
			_ = p.push()
			_ = p.pull()
		}
	}
}

// step does one thing, or several at once.
func (w *world) step(i int) {
	r := w.rand
	agent := agents[r.IntN(4)]
	if r.IntN(12) == 0 {
		agent = "eve"
	}
	p := w.phones[agent]
	note := func(format string, args ...any) {
		w.steps = append(w.steps, fmt.Sprintf("%3d %s ", i, w.now().Format("15:04:05"))+fmt.Sprintf(format, args...))
	}
	w.startAll()
	for _, n := range w.up {
		n.mu.Lock()
		n.dieAfter, n.unclear = -1, 0
		switch r.IntN(20) {
		case 0, 1:
			n.dieAfter = r.IntN(40)
		case 2:
			n.unclear = 10
		}
		if n.dieAfter >= 0 || n.unclear > 0 {
			note("node %d dies after %d writes, %d in 100 are unclear", n.number, n.dieAfter, n.unclear)
		}
		n.mu.Unlock()
	}
	if p.wiped {
		w.phones[agent] = w.newPhone(agent)
		note("%s gets a new phone", agent)
		return
	}
	switch k := r.IntN(40); {
	case k < 20:
		what, do := w.phoneAct(p)
		note("%s %s", agent, what)
		w.together(what, do)
	case k < 28:
		what, do := w.officeAct()
		note("the office: %s", what)
		w.together(what, do)
	case k < 34: // at once
		var fs []func()
		all := ""
		for _, j := range r.Perm(4)[:2+r.IntN(2)] {
			what, do := w.phoneAct(w.phones[agents[j]])
			fs, all = append(fs, do), all+agents[j]+" "+what+", "
		}
		what, do := w.officeAct()
		note("at once: %sthe office: %s", all, what)
		w.together("at once", append(fs, do)...)
	case k < 36:
		d := time.Duration(1+r.IntN(600)) * time.Second
		note("%s pass", d)
		w.pass(d)
	case k == 36:
		p.backup = p.Copy()
		note("the phone of %s is backed up", agent)
	case k == 37:
		if p.backup != nil && w.devices[agent] < 5 {
			w.devices[agent]++
			device := fmt.Sprintf("%s-phone-%d", agent, w.devices[agent])
			p.attach(p.backup.CopyAs(device))
			p.out = true
			note("the phone of %s is restored as %s", agent, device)
		}
	case k == 38:
		if len(w.strays) > 0 {
			j := r.IntN(len(w.strays))
			s := w.strays[j]
			w.strays = append(w.strays[:j:j], w.strays[j+1:]...)
			note("%s %s of %s arrives late", s.method, s.path, s.device)
			w.together("a stray", func() { _, _ = w.send(s, r.IntN(1<<16)) })
		}
	default:
		w.backUpOrRestore(note)
	}
}

// backUpOrRestore backs the disk up, or puts the backup back in place of it.
func (w *world) backUpOrRestore(note func(string, ...any)) {
	if w.backup == nil {
		w.settle()
		w.backup, w.backedUpAt = w.disk.Copy(), time.Now()
		note("the disk is backed up")
		return
	}
	if w.rand.IntN(3) > 0 {
		return
	}
	note("the backup is restored")
	w.stopAll()
	w.disk, w.backup = w.backup, nil
	w.openGate(true)
	_, err := server.RestoredInProcess(noContext, server.RestoreOptions{Data: w.data, Clock: w.now, WithoutErasures: true,
		BackupAt: w.now().Add(-time.Since(w.backedUpAt))}, memstore.Open(w.disk, server.Indexes(), nil))
	w.openGate(false)
	w.must(err)
	w.restored()
	w.count("restores of the server")
	w.startAll()
}

// history plays a seed and returns how it failed.
func (m morning) history(t *testing.T, seed uint64, steps int) (w *world, failed *failure) {
	data := m.folder(t)
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(t *testing.T) {
		w = m.newWorld(t, data, seed, 1+int(seed%2))
		if *traceFlag != "" {
			f, err := os.Create(*traceFlag)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			w.lines = f
		}
		failed = w.guarded(func() {
			w.startAll()
			for _, agent := range agents {
				w.together("the first pull", func() { w.must(w.phones[agent].pull()) })
				w.phones[agent].line.trouble = int(seed*7%5) * 8
			}
			for i := range steps {
				w.step(i)
			}
			w.finale()
			w.stopAll()
		})
	})
	return w, failed
}
