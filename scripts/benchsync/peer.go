package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/scripts/figures"
	"doorstep/server/play"
)

// peer is one measured run of pouchdb-server on LevelDB.
type peer struct {
	*arguments
	folder string
	f      *figures.Figures
	process
	base string
}

func (p *peer) measure(ctx context.Context) error {
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return err
	}
	bin, err := filepath.Abs(filepath.Join(p.Peer, "node_modules/pouchdb-server/bin/pouchdb-server"))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "node", bin, "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--dir", ".",
		"--no-stdout-logs")
	cmd.Dir = p.folder
	if err := cmd.Start(); err != nil {
		return err
	}
	p.process, p.base = process{cmd.Process.Pid}, fmt.Sprintf("http://127.0.0.1:%d/bench", port)
	err = p.loads(ctx)
	_ = cmd.Process.Kill() // all is measured
	_ = cmd.Wait()
	return err
}

func (p *peer) ask(ctx context.Context, c *http.Client, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, res.Status, answer)
	}
	return answer, err
}

func (p *peer) loads(ctx context.Context) error {
	one := oneConnection()
	defer one.CloseIdleConnections()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, err := p.ask(ctx, one, http.MethodPut, "", nil); err == nil {
			break
		} else if time.Since(began) > 30*time.Second {
			return err
		}
	}
	if err := p.push(ctx); err != nil {
		return err
	}
	return errors.Join(p.pull(ctx, "peer: pull, pages with documents", p.changes(ctx, one, true)),
		p.pull(ctx, "peer: pull, replication", p.changes(ctx, one, false)))
}

func (p *peer) push(ctx context.Context) error {
	bodies := make([][][]byte, pushers)
	for i := range bodies {
		for n := 0; n < p.Documents/pushers; n += batchSize {
			var docs []map[string]any
			for k := range batchSize {
				docs = append(docs, map[string]any{"_id": play.NewID(), "type": "visit_notes", "case": fmt.Sprintf("DAY-%05d", k),
					"at": morning, "kind": "general", "text": text(n + k)})
			}
			b, err := json.Marshal(map[string]any{"docs": docs})
			if err != nil {
				return err
			}
			bodies[i] = append(bodies[i], b)
		}
	}
	var over atomic.Bool
	var wait sync.WaitGroup
	var failed error
	wait.Go(func() { // the one that pulls
		c := oneConnection()
		defer c.CloseIdleConnections()
		since := "0"
		for !over.Load() && failed == nil {
			var n int
			if n, since, _, failed = p.page(ctx, c, since, true); n == 0 {
				time.Sleep(20 * time.Millisecond)
			}
		}
	})
	before := p.cpu()
	each, took, err := send(bodies, func(c *http.Client, _ int, body []byte) error {
		answer, err := p.ask(ctx, c, http.MethodPost, "/_bulk_docs", body)
		if err != nil {
			return err
		}
		return checkEvery(answer, `"ok":true`, batchSize)
	})
	over.Store(true)
	wait.Wait()
	n := len(bodies) * len(bodies[0]) * batchSize
	p.f.Add("peer: push", "documents/s", float64(n)/took.Seconds())
	p.f.Add("peer: push: CPU", "ms/1,000", float64((p.cpu()-before).Microseconds())/float64(n))
	if len(each) > 0 {
		p.f.Add("peer: push: p99 of 100", "ms", percentile(each, 99))
	}
	return errors.Join(err, failed)
}

func (p *peer) pull(_ context.Context, name string, all func() (int, error)) error {
	before, began := p.cpu(), time.Now()
	n, err := all()
	if err != nil || n == 0 {
		return fmt.Errorf("%s: %d documents: %w", name, n, err)
	}
	p.f.Add(name, "documents/s", float64(n)/time.Since(began).Seconds())
	p.f.Add(name+": CPU", "ms/1,000", float64((p.cpu()-before).Microseconds())/float64(n))
	return nil
}

// changes pulls everything: with the documents in the list of changes, or as a replication does, which asks for the
// revisions that a page of changes names.
func (p *peer) changes(ctx context.Context, c *http.Client, withDocs bool) func() (int, error) {
	return func() (n int, err error) {
		for since := "0"; ; {
			k, next, page, err := p.page(ctx, c, since, withDocs)
			if err != nil || k == 0 {
				return n, err
			}
			if !withDocs {
				var ask struct {
					Docs []map[string]string `json:"docs"`
				}
				for _, r := range page {
					ask.Docs = append(ask.Docs, map[string]string{"id": r.ID, "rev": r.Changes[0].Rev})
				}
				body, err := json.Marshal(ask)
				if err != nil {
					return n, err
				}
				answer, err := p.ask(ctx, c, http.MethodPost, "/_bulk_get?revs=true", body)
				if err != nil {
					return n, err
				}
				if err := checkEvery(answer, `"ok":{`, k); err != nil {
					return n, err
				}
			}
			n, since = n+k, next
		}
	}
}

// change is a row of a page of changes.
type change struct {
	ID      string `json:"id"`
	Changes []struct {
		Rev string `json:"rev"`
	} `json:"changes"`
}

// page reads one page of changes. With documents only what is needed of the answer is decoded, as of the product's.
func (p *peer) page(ctx context.Context, c *http.Client, since string, withDocs bool) (n int, next string,
	rows []change, err error) {
	path := fmt.Sprintf("/_changes?limit=%d&since=%s&include_docs=%t", pageSize, since, withDocs)
	answer, err := p.ask(ctx, c, http.MethodGet, path, nil)
	if err != nil {
		return 0, since, nil, err
	}
	if withDocs {
		i := bytes.LastIndex(answer, []byte(`"last_seq":`))
		if i < 0 {
			return 0, since, nil, fmt.Errorf("a page without last_seq: %.200s", answer)
		}
		var last int
		if _, err := fmt.Sscanf(string(answer[i:]), `"last_seq":%d`, &last); err != nil {
			return 0, since, nil, err
		}
		return bytes.Count(answer, []byte(`"changes":[`)), fmt.Sprint(last), nil, nil
	}
	var page struct {
		Results []change        `json:"results"`
		LastSeq json.RawMessage `json:"last_seq"`
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return 0, since, nil, err
	}
	return len(page.Results), string(page.LastSeq), page.Results, nil
}
