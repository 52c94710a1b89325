// Benchsync measures sync over HTTP on the binary and on pouchdb-server, one after the other in each run, with the
// same loads: documents of about 260 bytes, batches of 100, four connections that push and one that pulls. The load
// runs on the same cores as the servers.
package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
	_ "time/tzdata"

	"doorstep/scripts/figures"

	"github.com/alecthomas/kong"
)

type arguments struct {
	Doorstep  []string `help:"The binary; several are measured in turns."`
	Peer      string   `help:"A folder with pouchdb-server in node_modules; without it the product is measured alone."`
	Work      string   `required:"" help:"A folder that is thrown away."`
	Runs      int      `default:"3" help:"How often everything is measured."`
	Documents int      `default:"20000" help:"How many documents are pushed."`
	Visits    int      `default:"4000" help:"How many visits are pushed."`
	Cases     int      `default:"20000" help:"How many cases are imported."`
	Streams   int      `default:"2000" help:"How many idle streams are opened."`
	Profile   string   `help:"Serve in this process, and write CPU profiles of each load under this prefix."`
}

// Of every load.
const (
	batchSize = 100
	pushers   = 4
	pageSize  = 500
)

func main() {
	var a arguments
	kong.Parse(&a, kong.Name("bench-sync"))
	if len(a.Doorstep) == 0 {
		a.Doorstep = []string{"this process"}
	}
	f := &figures.Figures{}
	if err := a.measure(context.Background(), f); err != nil {
		fmt.Fprintln(os.Stderr, "bench-sync:", err)
		os.Exit(1)
	}
	if err := f.Print(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-sync:", err)
		os.Exit(1)
	}
}

func (a *arguments) measure(ctx context.Context, f *figures.Figures) error {
	if least := 4 * pushers * batchSize; a.Documents < least || a.Visits < pushers*batchSize {
		return fmt.Errorf("push at least %d documents and %d visits", least, pushers*batchSize)
	}
	for n := range a.Runs {
		order := slices.Clone(a.Doorstep)
		if n%2 == 1 {
			slices.Reverse(order) // whoever comes first in a run finds colder caches
		}
		for _, binary := range order {
			name := ""
			if len(order) > 1 {
				name = filepath.Base(binary) + ": "
			}
			folder := filepath.Join(a.Work, strconv.Itoa(n)+"-"+filepath.Base(binary))
			p := &product{arguments: a, binary: binary, folder: folder, f: f, name: name}
			if err := p.measure(ctx); err != nil {
				return fmt.Errorf("%s: %w", binary, err)
			}
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
		}
		if a.Peer != "" {
			folder := filepath.Join(a.Work, strconv.Itoa(n)+"-peer")
			if err := (&peer{arguments: a, folder: folder, f: f}).measure(ctx); err != nil {
				return fmt.Errorf("pouchdb-server: %w", err)
			}
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
		}
	}
	first := a.Doorstep[0]
	if len(a.Doorstep) > 1 {
		for _, name := range []string{"push, notes", "push, visits", "push, notes: CPU", "push, visits: CPU", "pull, notes",
			"pull, cards", "pull, notes: CPU", "pull, cards: CPU", "import of cases", "import of cases: CPU",
			"memory after the import", "idle stream"} {
			f.Ratio(name+", first to last", filepath.Base(first)+": "+name,
				filepath.Base(a.Doorstep[len(a.Doorstep)-1])+": "+name)
		}
		first = filepath.Base(first) + ": "
	} else {
		first = ""
	}
	if a.Peer != "" {
		f.Ratio("push, to the peer's", first+"push, notes", "peer: push")
		f.Ratio("pull, to the peer's pages with documents", first+"pull, notes", "peer: pull, pages with documents")
		f.Ratio("pull, to the peer's replication", first+"pull, notes", "peer: pull, replication")
	}
	return nil
}

// send posts bodies over one connection for each list, and returns how long each took and the whole.
func send(bodies [][][]byte, post func(client *http.Client, of int, body []byte) error) (each []time.Duration,
	whole time.Duration, err error) {
	var mu sync.Mutex
	errs := make([]error, len(bodies))
	var wait sync.WaitGroup
	began := time.Now()
	for i := range bodies {
		wait.Go(func() {
			client := oneConnection()
			defer client.CloseIdleConnections()
			for _, body := range bodies[i] {
				began := time.Now()
				if errs[i] = post(client, i, body); errs[i] != nil {
					return
				}
				mu.Lock()
				each = append(each, time.Since(began))
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return each, time.Since(began), cmp.Or(errs...)
}

// oneConnection is a client that keeps one connection and asks for no compression.
func oneConnection() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, DisableCompression: true}}
}

// percentile is a percentile of times, in milliseconds.
func percentile(times []time.Duration, p int) float64 {
	s := slices.Sorted(slices.Values(times))
	return float64(s[min(len(s)-1, len(s)*p/100)].Microseconds()) / 1000
}

// text is about what an agent writes, so that a document has about 260 bytes.
func text(n int) string {
	return fmt.Sprintf("Visit %d: the bell works, the neighbour says that the family comes home after six in the evening.",
		n)
}

// checkEvery fails unless an answer has a text n times.
func checkEvery(answer []byte, what string, n int) error {
	if got := bytes.Count(answer, []byte(what)); got != n {
		return fmt.Errorf("%d of %d are answered %s: %.400s", got, n, what, answer)
	}
	return nil
}
