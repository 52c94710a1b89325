package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/scripts/figures"
	"doorstep/server"
	"doorstep/server/play"
)

const password = "bench-administrator"

// morning is the start of the measured day.
var morning = time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)

// product is one measured run of the binary.
type product struct {
	*arguments
	binary, folder, name string
	f                    *figures.Figures
	day                  *play.Day
	process
	stop func() error
}

func (p *product) add(name, unit string, v float64) { p.f.Add(p.name+name, unit, v) }

func (p *product) measure(ctx context.Context) error {
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	err := p.loads(ctx)
	return errors.Join(err, p.stop())
}

func (p *product) loads(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return fmt.Errorf("prepare the day: %w", err)
	}
	for _, load := range []func(context.Context) error{p.pushNotes, p.pullNotes, p.pullCards, p.pushVisits, p.halfLoad,
		p.idleStreams, p.importCases} {
		if err := load(ctx); err != nil {
			return err
		}
	}
	return nil
}

var says = regexp.MustCompile(`answers at (\S+); the audit's public key`)

// start starts the binary, or a server in this process to profile it.
func (p *product) start(ctx context.Context) error {
	data := filepath.Join(p.folder, "data")
	p.day = &play.Day{TeamsPerTerritory: 1, Password: password, Date: morning.Format(time.DateOnly), TimeLimitS: 2,
		Seed: 1, HTTP: &http.Client{}}
	if p.Profile != "" {
		s, err := server.Open(ctx, server.Config{Listen: "127.0.0.1:0", Data: data, AdminPassword: password, Now: morning})
		if err != nil {
			return err
		}
		serving, end := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(serving) }()
		p.day.Base, p.process, p.stop = s.URL(), process{os.Getpid()}, func() error { end(); return <-ended }
		return nil
	}
	cmd := exec.CommandContext(ctx, p.binary, "serve", "--listen", "127.0.0.1:0", "--data", data, "--now",
		morning.Format(time.RFC3339))
	cmd.Env = append(os.Environ(), "DOORSTEP_ADMIN_PASSWORD="+password)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := says.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			p.day.Base, p.process = m[1], process{cmd.Process.Pid}
			p.stop = func() error { return errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()) }
			return nil
		}
	}
	return errors.Join(errors.New("the server did not start"), cmd.Wait())
}

// header is the columns of the cases that are made up.
const header = "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on,address," +
	"postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor,amount_due_minor,due_date," +
	"priority,service_min,flags\n"

// cases writes made-up cases to a file: homes a few metres apart.
func cases(path, prefix string, n int) error {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "%[1]s-%05[2]d,LND-A,card,house-visit,%[1]s-D%05[2]d,Demo Debtor %05[2]d,pt,+35191%07[2]d,"+
			"2026-11-24,Rua do Poço %[2]d,0000-000,Ribeira,PT,%.6[3]f,%.6[4]f,2026-11-24,Europe/Lisbon,EUR,518322,172774,2026-08-11,2,"+
			"1,\n", prefix, i, cornerLon+(float64(i%pushers)+.4+.2*r.Float64())*areaSize, 41.56+(r.Float64()-.5)*4e-3)
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// homes is how many cases are issued to the phones at most: as many in each of a row of square areas.
const (
	homes     = 400
	cornerLon = -8.50
	areaSize  = 0.02 // degrees
)

// prepare issues stops to four teams of two phones.
func (p *product) prepare(ctx context.Context) error {
	d := p.day
	d.Cases, d.Territories = filepath.Join(p.folder, "cases.csv"), filepath.Join(p.folder, "area.geojson")
	var areas []string
	for i := range pushers {
		west := strconv.FormatFloat(cornerLon+float64(i)*areaSize, 'f', 2, 64)
		east := strconv.FormatFloat(cornerLon+float64(i+1)*areaSize, 'f', 2, 64)
		areas = append(areas, fmt.Sprintf(`{"type":"Feature","id":"area%[1]d","properties":{"branch":"ribeira",`+
			`"name":"Area %[1]d"},"geometry":{"type":"Polygon","coordinates":[[[%[2]s,41.55],[%[3]s,41.55],[%[3]s,41.57],`+
			`[%[2]s,41.57],[%[2]s,41.55]]]}}`, i, west, east))
	}
	text := `{"type":"FeatureCollection","features":[` + strings.Join(areas, ",") + `]}`
	if err := os.WriteFile(d.Territories, []byte(text), 0o600); err != nil {
		return err
	}
	if err := cases(d.Cases, "DAY", homes); err != nil {
		return err
	}
	if err := d.Read(); err != nil {
		return err
	}
	if err := d.SetUp(ctx); err != nil {
		return err
	}
	for _, im := range [][2]string{{"territories", d.Territories}, {"cases", d.Cases}} {
		if rep, err := d.Import(ctx, im[0], im[1]); err != nil || rep.Rejected > 0 {
			return errors.Join(err, fmt.Errorf("import %s: %d rejected: %.300s", im[0], rep.Rejected, rep.Errors))
		}
	}
	for _, do := range []func(context.Context) error{d.MakeTeams,
		func(ctx context.Context) error { return d.Plan(ctx, nil) },
		func(ctx context.Context) error { return d.Publish(ctx, nil) }} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	held, err := d.PullAll(ctx)
	p.add("stops on the phones", "stops", float64(held))
	return err
}

// load runs a load and adds its rate and its CPU time by 1,000 items.
func (p *product) load(name, unit string, do func() (items int, took time.Duration, err error)) error {
	if p.Profile != "" {
		w, err := os.Create(p.Profile + strings.ReplaceAll(strings.ReplaceAll(name, ", ", "-"), " ", "-") + ".prof")
		if err != nil {
			return err
		}
		defer w.Close()
		if err := pprof.StartCPUProfile(w); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	before := p.cpu()
	items, took, err := do()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if items == 0 {
		return fmt.Errorf("%s: nothing was done", name)
	}
	p.add(name, unit+"/s", float64(items)/took.Seconds())
	p.add(name+": CPU", "ms/1,000", float64((p.cpu()-before).Microseconds())/float64(items))
	return nil
}

// sender is a phone's part of a load.
type sender struct {
	phone *play.Phone
	token string
	cases []string
}

// senders are the first phones of the teams.
func (p *product) senders(ctx context.Context) ([]sender, error) {
	var out []sender
	for i, phone := range p.day.Phones {
		if i%2 == 1 {
			continue
		}
		token, err := phone.Token(ctx)
		if err != nil {
			return nil, err
		}
		s := sender{phone, token, slices.Sorted(maps.Keys(phone.Docs["cases"]))}
		if len(s.cases) == 0 {
			return nil, errors.New("a phone has no case")
		}
		out = append(out, s)
	}
	return out, nil
}

// batches are pushes of made-up records of a phone's cases.
func (s sender) batches(n int, typ string, fields func(i int, of string) map[string]any) ([][]byte, error) {
	var out [][]byte
	for range n / batchSize {
		var ms []play.Mutation
		for i := range batchSize {
			k := len(out)*batchSize + i
			ms = append(ms, play.Mutation{Mid: play.NewID(), Type: typ, ID: play.NewID(), Op: "put", ClientTS: morning,
				Fields: fields(k, s.cases[k%len(s.cases)])})
		}
		b, err := json.Marshal(map[string]any{"device": s.phone.Device, "schema": 3, "mutations": ms})
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func note(i int, of string) map[string]any {
	return map[string]any{"case": of, "at": morning, "kind": "general", "text": text(i)}
}

func visit(i int, of string) map[string]any {
	at := morning.Add(-time.Hour).Add(time.Duration(i) * time.Second)
	return map[string]any{"case": of, "at": at, "purpose": "negotiate", "place": "home",
		"items": []string{"badge", "authorisation_letter"}, "outcome": "NOT_MET_NOBODY", "announced_identity": true,
		"outcome_detail": "played visit", "person_met": map[string]any{"relationship": "nobody", "identity_check": "none"},
		"check_in": map[string]any{"at": at, "point": []float64{-8.43, 41.56}, "accuracy_m": 12, "provider": "gps"}}
}

// push pushes records over one connection a phone.
func (p *product) push(ctx context.Context, n int, typ string, fields func(int, string) map[string]any,
	pause time.Duration) (each []time.Duration, took time.Duration, err error) {
	ss, err := p.senders(ctx)
	if err != nil {
		return nil, 0, err
	}
	bodies := make([][][]byte, len(ss))
	for i, s := range ss {
		if bodies[i], err = s.batches(n/len(ss), typ, fields); err != nil {
			return nil, 0, err
		}
	}
	return send(bodies, func(c *http.Client, of int, body []byte) error {
		if pause > 0 {
			time.Sleep(pause)
		}
		answer, err := ss[of].ask(ctx, c, p.day.Base, http.MethodPost, "/sync/v1/push", body)
		if err != nil {
			return err
		}
		return checkEvery(answer, `"status":"applied"`, batchSize)
	})
}

// ask calls an endpoint as a phone.
func (s sender) ask(ctx context.Context, c *http.Client, base, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("X-Device-Id", s.phone.Device)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.400s", method, path, res.Status, answer)
	}
	return answer, err
}

// pages pulls page by page from a cursor to the end, and returns the number of changes.
func (s sender) pages(ctx context.Context, c *http.Client, base, types string, from *cursor) (changes int, err error) {
	for {
		path := fmt.Sprintf("/sync/v1/pull?limit=%d&after=%d&epoch=%s", pageSize, from.after, from.epoch)
		if types != "" {
			path += "&types=" + types
		}
		answer, err := s.ask(ctx, c, base, http.MethodGet, path, nil)
		if err != nil {
			return changes, err
		}
		var head struct {
			Epoch  string `json:"epoch"`
			Cursor uint64 `json:"cursor"`
			More   bool   `json:"more"`
		}
		i := bytes.Index(answer, []byte(`,"changes":[`))
		if i < 0 {
			return changes, fmt.Errorf("a page without changes: %.200s", answer)
		}
		if err := json.Unmarshal(append(slices.Clone(answer[:i]), '}'), &head); err != nil {
			return changes, err
		}
		from.epoch, from.after = head.Epoch, head.Cursor
		changes += bytes.Count(answer, []byte(`{"seq":`))
		if !head.More {
			return changes, nil
		}
	}
}

type cursor struct {
	epoch string
	after uint64
}

// beside pulls over one connection what is new to another phone of the first team, while do runs.
func (p *product) beside(ctx context.Context, do func() error) (pulled int, err error) {
	reader := p.day.Phones[1]
	token, err := reader.Token(ctx)
	if err != nil {
		return 0, err
	}
	s := sender{phone: reader, token: token}
	at := &cursor{reader.Epoch, reader.Cursor}
	var over atomic.Bool
	var wait sync.WaitGroup
	var failed error
	wait.Go(func() {
		c := oneConnection()
		defer c.CloseIdleConnections()
		for !over.Load() && failed == nil {
			var n int
			n, failed = s.pages(ctx, c, p.day.Base, "", at)
			pulled += n
			if n == 0 {
				time.Sleep(20 * time.Millisecond) // as a phone that is poked
			}
		}
	})
	err = do()
	over.Store(true)
	wait.Wait()
	return pulled, errors.Join(err, failed)
}

// pushNotes is the load that the peer has as well.
func (p *product) pushNotes(ctx context.Context) error {
	var each []time.Duration
	pulled := 0
	err := p.load("push, notes", "mutations", func() (n int, took time.Duration, err error) {
		pulled, err = p.beside(ctx, func() error {
			var err error
			each, took, err = p.push(ctx, p.Documents, "visit_notes", note, 0)
			return err
		})
		return p.Documents / pushers / batchSize * pushers * batchSize, took, err
	})
	if err == nil {
		p.add("push, notes: p99 of 100", "ms", percentile(each, 99))
		p.add("push, notes: pulled beside", "documents", float64(pulled))
	}
	return err
}

// pushVisits pushes visits, each with its contact, its stop and its feeds' rows.
func (p *product) pushVisits(ctx context.Context) error {
	var each []time.Duration
	err := p.load("push, visits", "mutations", func() (n int, took time.Duration, err error) {
		each, took, err = p.push(ctx, p.Visits, "visits", visit, 0)
		return p.Visits / pushers / batchSize * pushers * batchSize, took, err
	})
	if err == nil {
		p.add("push, visits: p99 of 100", "ms", percentile(each, 99))
	}
	return err
}

// halfLoad pushes about half as much as the server can take, as far as its full load showed.
func (p *product) halfLoad(ctx context.Context) error {
	rates := p.f.Of(p.name + "push, notes")
	pause := time.Duration(float64(pushers*batchSize) / rates[len(rates)-1] * float64(time.Second))
	each, _, err := p.push(ctx, p.Documents/4, "visit_notes", note, pause)
	if err == nil {
		p.add("push, notes: p99 of 100 at half load", "ms", percentile(each, 99))
	}
	return err
}

// pullAll pulls all documents of some types, over one connection.
func (p *product) pullAll(ctx context.Context, name, types string, least int) error {
	ss, err := p.senders(ctx)
	if err != nil {
		return err
	}
	c := oneConnection()
	defer c.CloseIdleConnections()
	return p.load(name, "documents", func() (n int, took time.Duration, err error) {
		began := time.Now()
		for n < least {
			for _, s := range ss {
				k, err := s.pages(ctx, c, p.day.Base, types, &cursor{})
				if err != nil {
					return n, 0, err
				}
				n += k
			}
		}
		return n, time.Since(began), nil
	})
}

func (p *product) pullNotes(ctx context.Context) error {
	return p.pullAll(ctx, "pull, notes", "visit_notes", 3*p.Documents)
}

func (p *product) pullCards(ctx context.Context) error {
	return p.pullAll(ctx, "pull, cards", "cases", p.Documents/4)
}

// importCases imports cases of other debtors.
func (p *product) importCases(ctx context.Context) error {
	path := filepath.Join(p.folder, "more.csv")
	if err := cases(path, "MORE", p.Cases); err != nil {
		return err
	}
	err := p.load("import of cases", "cases", func() (int, time.Duration, error) {
		began := time.Now()
		rep, err := p.day.Import(ctx, "cases", path)
		return rep.Accepted, time.Since(began), err
	})
	p.add("memory after the import", "MB", float64(p.memory())/1024)
	return err
}
