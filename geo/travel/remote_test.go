package travel

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/geo"
)

// A peer on the loopback speaks as the real servers do. Its world: the time
// between two points is their difference of longitude in thousandths, in
// seconds; the distance ten times that. South of 0 there is no road; east of 2
// is an island.
type peer struct {
	t *testing.T
	*httptest.Server

	mu       sync.Mutex
	requests []string
	failures int    // still to answer with failure
	failure  string // status, or "hang"
	most     int    // pairs of a table
}

func newPeer(t *testing.T, serve func(p *peer, w http.ResponseWriter, r *http.Request)) *peer {
	p := &peer{t: t, most: 2500}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.requests = append(p.requests, r.URL.Path)
		fail := p.failures > 0
		if fail {
			p.failures--
		}
		failure := p.failure
		p.mu.Unlock()
		if !fail {
			serve(p, w, r)
			return
		}
		if failure == "hang" {
			io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the client is gone
			<-r.Context().Done()
			return
		}
		status, _ := strconv.Atoi(failure)
		http.Error(w, "<html>no", status)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *peer) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

func worldly(a, b geo.Point) (seconds float64, ok bool) {
	return max(a.Lon-b.Lon, b.Lon-a.Lon) * 1000, (a.Lon > 2) == (b.Lon > 2)
}

func serveOSRM(p *peer, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	parts := strings.Split(r.URL.Path, "/") // "", service, v1, profile, coordinates
	var points []geo.Point
	for i, text := range strings.Split(parts[4], ";") {
		var at geo.Point
		if _, err := fmt.Sscanf(text, "%f,%f", &at.Lon, &at.Lat); err != nil {
			p.t.Errorf("coordinates %q: %v", text, err)
		}
		if at.Lat < 0 {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"code":"NoSegment","message":"Could not find a matching segment for coordinate %d"}`, i)
			return
		}
		points = append(points, at)
	}
	switch parts[1] {
	case "table":
		if r.URL.Query().Get("annotations") != "duration,distance" {
			p.t.Errorf("annotations: %v", r.URL.Query())
		}
		chosen := func(key string) (list []geo.Point) {
			for _, text := range strings.Split(r.URL.Query().Get(key), ";") {
				i, err := strconv.Atoi(text)
				if err != nil {
					p.t.Errorf("%s: %v", key, err)
				}
				list = append(list, points[i])
			}
			return list
		}
		from, to := chosen("sources"), chosen("destinations")
		if len(from)*len(to) > p.most || len(points) > 100 {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"code":"TooBig","message":"Too many table coordinates"}`)
			return
		}
		var seconds, metres [][]*float64
		for _, a := range from {
			var s, m []*float64
			for _, b := range to {
				if d, ok := worldly(a, b); ok {
					far := 10 * d
					s, m = append(s, &d), append(m, &far)
				} else {
					s, m = append(s, nil), append(m, nil)
				}
			}
			seconds, metres = append(seconds, s), append(metres, m)
		}
		json.NewEncoder(w).Encode(map[string]any{"code": "Ok", "durations": seconds, "distances": metres})
	case "route":
		var legs []any
		for i := 1; i < len(points); i++ {
			d, ok := worldly(points[i-1], points[i])
			if !ok {
				w.WriteHeader(400)
				fmt.Fprint(w, `{"code":"NoRoute","message":"Impossible route between points"}`)
				return
			}
			bend := geo.Point{Lon: points[i].Lon, Lat: points[i-1].Lat}
			legs = append(legs, map[string]any{"duration": d, "distance": 10 * d, "steps": []any{
				map[string]any{"geometry": map[string]any{"type": "LineString",
					"coordinates": []geo.Point{points[i-1], bend}}},
				map[string]any{"geometry": map[string]any{"type": "LineString",
					"coordinates": []geo.Point{bend, points[i]}}}}})
		}
		json.NewEncoder(w).Encode(map[string]any{"code": "Ok", "routes": []any{map[string]any{"legs": legs}}})
	}
}

func serveValhalla(p *peer, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	var body struct {
		Sources, Targets, Locations []struct{ Lat, Lon float64 }
		Costing, Units              string
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Units != "kilometers" ||
		body.Costing != "motor_scooter" || r.Method != "POST" {
		p.t.Errorf("%s %+v: %v", r.Method, body, err)
	}
	refuse := func(code int, text string) {
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"error_code":%d,"error":%q,"status_code":400,"status":"Bad Request"}`, code, text)
	}
	for _, at := range slices.Concat(body.Sources, body.Targets, body.Locations) {
		if at.Lat < 0 {
			refuse(171, "No suitable edges near location")
			return
		}
	}
	switch r.URL.Path {
	case "/sources_to_targets":
		if len(body.Sources)*len(body.Targets) > p.most {
			refuse(150, "Exceeded max locations")
			return
		}
		var rows []any
		for i, a := range body.Sources {
			var row []any
			for j, b := range body.Targets {
				// as some versions say that there is no way
				pair := map[string]any{"from_index": i, "to_index": j, "time": nil, "distance": 0}
				if d, ok := worldly(geo.Point{Lon: a.Lon, Lat: a.Lat}, geo.Point{Lon: b.Lon, Lat: b.Lat}); ok {
					pair["time"], pair["distance"] = d, d/100
				}
				row = append(row, pair)
			}
			rows = append(rows, row)
		}
		json.NewEncoder(w).Encode(map[string]any{"sources_to_targets": rows, "units": "kilometers"})
	case "/route":
		if len(body.Locations) > 20 {
			refuse(150, "Exceeded max locations")
			return
		}
		var legs []any
		for i := 1; i < len(body.Locations); i++ {
			a, b := geo.Point{Lon: body.Locations[i-1].Lon, Lat: body.Locations[i-1].Lat},
				geo.Point{Lon: body.Locations[i].Lon, Lat: body.Locations[i].Lat}
			d, _ := worldly(a, b)
			legs = append(legs, map[string]any{"summary": map[string]any{"time": d, "length": d / 100},
				"shape": polyline(a, geo.Point{Lon: b.Lon, Lat: a.Lat}, b)})
		}
		json.NewEncoder(w).Encode(map[string]any{"trip": map[string]any{"legs": legs, "units": "kilometers"}})
	}
}

func polyline(points ...geo.Point) string {
	var text strings.Builder
	var was [2]int64
	for _, p := range points {
		e := p.E7()
		for k, v := range [2]int64{int64(e.Lat) / 10, int64(e.Lon) / 10} {
			d := v - was[k]
			was[k] = v
			u := uint64(d<<1) ^ uint64(d>>63)
			for ; u >= 32; u >>= 5 {
				text.WriteByte(byte(u&31|32) + 63)
			}
			text.WriteByte(byte(u) + 63)
		}
	}
	return text.String()
}

// servers are both kinds, each with its peer.
func servers(t *testing.T, test func(t *testing.T, p *peer, r *Remote)) {
	for _, kind := range []struct {
		name  string
		serve func(*peer, http.ResponseWriter, *http.Request)
		open  func(string) (*Remote, error)
	}{{"osrm", serveOSRM, NewOSRM}, {"valhalla", serveValhalla, NewValhalla}} {
		t.Run(kind.name, func(t *testing.T) {
			p := newPeer(t, kind.serve)
			r, err := kind.open(p.URL + "/")
			if err != nil {
				t.Fatal(err)
			}
			r.pause = time.Microsecond
			test(t, p, r)
		})
	}
}

func row(n int, first, step, lat float64) []geo.Point {
	points := make([]geo.Point, n)
	for i := range points {
		points[i] = geo.Point{Lon: first + step*float64(i), Lat: lat}
	}
	return points
}

func TestTableIsAskedForInTiles(t *testing.T) {
	servers(t, func(t *testing.T, p *peer, r *Remote) {
		from, to := row(120, 1, 0.001, 1), row(60, 1, 0.002, 1.5)
		table, err := r.Table(context.Background(), Scooter, from, to)
		if err != nil {
			t.Fatal(err)
		}
		if p.asked() != 6 || table.Guessed || table.Note != "" ||
			!strings.HasSuffix(table.Source, strings.TrimPrefix(p.URL, "http://")) {
			t.Errorf("%d requests; %q %q", p.asked(), table.Source, table.Note)
		}
		for i := range from {
			for j := range to {
				want := int32(max(i-2*j, 2*j-i))
				if s, m := table.Durations[i*60+j], table.Distances[i*60+j]; s != want || m != 10*want {
					t.Fatalf("from %d to %d: %d s, %d m, want %d s", i, j, s, m, want)
				}
			}
		}
	})
}

func TestNoWayAndNoRoadAreNotGuessed(t *testing.T) {
	servers(t, func(t *testing.T, p *peer, r *Remote) {
		points := append(row(60, 1, 0.001, 1), row(1, 2.5, 0, 1)[0]) // 60 is the island
		points[7].Lat, points[33].Lat = -1, -1                       // no road
		m, err := r.Matrix(context.Background(), Scooter, points)
		if err != nil {
			t.Fatal(err)
		}
		want := []CutOff{{Point: 7, OffRoad: true}, {Point: 33, OffRoad: true}, {Point: 60}}
		if !slices.Equal(m.CutOff, want) || m.Guessed {
			t.Errorf("cut off %+v, want %+v; guessed %v: %s", m.CutOff, want, m.Guessed, m.Note)
		}
		// Two without a road and one island, each to and from 60 others, of which pairs 6 are counted twice.
		if m.Note != "354 of 3660 pairs have no way between them by scooter" {
			t.Errorf("note %q", m.Note)
		}
		if m.Reachable(0, 60) || m.Reachable(7, 0) || m.Durations[7*61+7] != 0 || m.Durations[59] != 59 ||
			m.Distances[60] != Never {
			t.Errorf("durations %v", m.Durations[:61])
		}
		if p.asked() > 60 {
			t.Errorf("%d requests to find two points", p.asked())
		}
	})
}

func TestServerThatKeepsOneWaitingIsAskedOnce(t *testing.T) {
	servers(t, func(t *testing.T, p *peer, r *Remote) {
		p.failures, p.failure = 1000, "hang"
		r.client.Timeout = 50 * time.Millisecond
		m, err := r.Matrix(context.Background(), Scooter, row(3, 1, 0.1, 1))
		if err != nil || !m.Guessed || p.asked() != 1 ||
			!strings.Contains(m.Note, "gave no figures (no answer within 50ms)") {
			t.Errorf("%d requests, %v, %s", p.asked(), err, m.Note)
		}
		if w, err := r.Way(context.Background(), Scooter, row(3, 1, 0.1, 1)); err != nil || !w.Guessed ||
			p.asked() != 2 {
			t.Errorf("%d requests, %v, %s", p.asked(), err, w.Note)
		}
	})
}

func TestServerThatIsBrieflyAwayIsAskedAgain(t *testing.T) {
	servers(t, func(t *testing.T, p *peer, r *Remote) {
		p.failures, p.failure = 2, "503"
		table, err := r.Table(context.Background(), Scooter, row(2, 1, 0.1, 1), row(2, 1, 0.1, 1))
		if err != nil || table.Guessed || p.asked() != 3 {
			t.Errorf("%d requests, %v, %+v", p.asked(), err, table)
		}
	})
}

func TestCrowFlyStandsInAndSaysSo(t *testing.T) {
	for _, failure := range []string{"500", "hang", "404", "refused"} {
		t.Run(failure, func(t *testing.T) {
			servers(t, func(t *testing.T, p *peer, r *Remote) {
				p.failures, p.failure = 1000, failure
				r.client.Timeout = 50 * time.Millisecond
				if failure == "refused" {
					p.Close()
				}
				points := row(120, 1, 0.001, 1)
				m, err := r.Matrix(context.Background(), Scooter, points)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := CrowFly{}.Matrix(context.Background(), Scooter, points)
				if !m.Guessed || !slices.Equal(m.Durations, want.Durations) ||
					!strings.HasSuffix(m.Source, "+crow-fly") || !strings.Contains(m.Note, "straight lines") {
					t.Errorf("guessed %v, source %q, note %q", m.Guessed, m.Source, m.Note)
				}
				if strings.Contains(m.Note, "1.00") {
					t.Errorf("the note says where people live: %s", m.Note)
				}
				if p.asked() > attempts*tilesAtOnce*2 {
					t.Errorf("%d requests to a server that is away", p.asked())
				}
				w, err := r.Way(context.Background(), Scooter, points[:3])
				if err != nil || !w.Guessed || len(w.Line) != 3 {
					t.Errorf("%v %+v", err, w)
				}
			})
		})
	}
}

// TestAnAnswerThatLacksAPartSaysWhich checks the note of the guess that stands in.
func TestAnAnswerThatLacksAPartSaysWhich(t *testing.T) {
	for answer, says := range map[string]string{
		`{"code":"Ok","durations":[[0,1],[1,0]]}`:                  "no distances",
		`{"code":"Ok","durations":[[0,1],[1,0]],"distances":null}`: "no distances",
		`{"code":"Ok","durations":[[0,1],[1,0]],"distances":[]}`:   "no distances",
		`{"code":"Ok","distances":[[0,1],[1,0]]}`:                  "no durations",
		`{"code":"Ok"}`: "no durations",
		`{"code":"Ok","durations":[[0,1],[1,0]],"distances":[[0,1]]}`:          "the distances have 1 rows instead of 2",
		`{"code":"Ok","durations":[[0,1],[1]],"distances":[[0,1],[1,0]]}`:      "a row of the durations has 1 figures",
		`{"code":"Ok","durations":[[0,1],[1,0]],"distances":[[0,null],[1,0]]}`: "a duration without its distance",
	} {
		p := newPeer(t, func(_ *peer, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
		r, err := NewOSRM(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Matrix(context.Background(), Car, row(2, 1, 0.1, 1))
		if err != nil || !m.Guessed || !strings.Contains(m.Note, says) {
			t.Errorf("%s: %v, %q, want it to say %q", answer, err, m.Note, says)
		}
	}
}

func TestAnswersThatMakeNoSenseAreNotBelieved(t *testing.T) {
	for _, answer := range []string{
		`{"code":"Ok"}`, `{"code":"Ok","durations":[[0]],"distances":[[0]]}`,
		`{"code":"Ok","durations":[[0,-5],[5,0]],"distances":[[0,1],[1,0]]}`,
		`{"sources_to_targets":[]}`, `{"sources_to_targets":[[{},{}],[{}]]}`, `[]`,
		`{"code":"InvalidQuery","message":"no"}`, `null`,
		`{"sources_to_targets":[[{"time":-1,"distance":1},{"time":1,"distance":1}],[{"time":1,"distance":1},` +
			`{"time":1,"distance":1}]]}`,
	} {
		for _, open := range []func(string) (*Remote, error){NewOSRM, NewValhalla} {
			p := newPeer(t, func(_ *peer, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
			r, err := open(p.URL)
			if err != nil {
				t.Fatal(err)
			}
			if m, err := r.Matrix(context.Background(), Car, row(2, 1, 0.1, 1)); err != nil || !m.Guessed {
				t.Errorf("%s: %v, %+v", answer, err, m)
			}
			if w, err := r.Way(context.Background(), Car, row(2, 1, 0.1, 1)); err != nil || !w.Guessed {
				t.Errorf("%s: %v, %+v", answer, err, w)
			}
		}
	}
}

func TestWayFromAServer(t *testing.T) {
	servers(t, func(t *testing.T, p *peer, r *Remote) {
		points := row(130, 1, 0.001, 1)
		for i := range points {
			points[i].Lat += float64(i%2) / 100
		}
		w, err := r.Way(context.Background(), Scooter, points)
		if err != nil || w.Guessed {
			t.Fatal(err, w.Note)
		}
		if len(w.Legs) != 129 || len(w.Line) != 1+2*129 {
			t.Fatalf("%d legs, %d points", len(w.Legs), len(w.Line))
		}
		for i, l := range w.Legs {
			if l.Seconds != 1 || l.Metres != 10 || w.Line[l.End].DistanceTo(points[i+1]) > 0.1 ||
				w.Line[l.End-1].DistanceTo(geo.Point{Lon: points[i+1].Lon, Lat: points[i].Lat}) > 0.2 {
				t.Fatalf("leg %d: %+v", i, l)
			}
		}
	})
}

func TestCallerWhoGivesUpGetsNoGuess(t *testing.T) {
	servers(t, func(t *testing.T, p *peer, r *Remote) {
		p.failures, p.failure = 1000, "hang"
		ctx, stop := context.WithCancel(context.Background())
		go func() {
			for p.asked() == 0 {
				time.Sleep(time.Millisecond)
			}
			stop()
		}()
		if _, err := r.Matrix(ctx, Scooter, row(3, 1, 0.1, 1)); err != context.Canceled {
			t.Errorf("%v", err)
		}
	})
}

func TestOneOSRMServerKnowsOneMode(t *testing.T) {
	p := newPeer(t, serveOSRM)
	points := row(2, 1, 0.1, 1)
	plain, err := NewOSRM(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	// Car times for walkers would look right and be wrong.
	if m, err := plain.Matrix(context.Background(), Foot, points); err != nil || !m.Guessed || p.asked() != 0 ||
		!strings.Contains(m.Note, "the mode foot") || !strings.Contains(m.Note, "http://host/{mode}") {
		t.Errorf("%v, %+v", err, m)
	}
	r, err := NewOSRM("http://{mode}.invalid")
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range Modes() {
		u, err := url.Parse(r.server.(osrm).address("table", mode, points, nil))
		if err != nil || u.Host != string(mode)+".invalid" {
			t.Errorf("%s: %v %v", mode, u, err)
		}
	}
}

func TestAddressesAreChecked(t *testing.T) {
	for _, address := range []string{"", "localhost:5000", "ftp://x", "http://", "http://x?y=z", "http://%zz"} {
		if _, err := NewOSRM(address); code(err) != CodeService {
			t.Errorf("%q: %v", address, err)
		}
		if _, err := NewValhalla(address); code(err) != CodeService {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestPolylineThatIsNone(t *testing.T) {
	for _, text := range []string{"_", "_p~iF", "\x01\x02", strings.Repeat("~", 99), "_p~iF~ps|U_"} {
		if line, err := decodePolyline(text); err == nil {
			t.Errorf("%q is %v", text, line)
		}
	}
	line, err := decodePolyline(polyline(geo.Point{Lon: -8.61, Lat: 41.15}, geo.Point{Lon: 180, Lat: -90}))
	if err != nil || len(line) != 2 || line[0] != (geo.Point{Lon: -8.61, Lat: 41.15}) ||
		line[1] != (geo.Point{Lon: 180, Lat: -90}) {
		t.Errorf("%v %v", line, err)
	}
}
