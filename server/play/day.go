package play

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// Day is one day of a branch: its input files, its teams and phones, and the results.
type Day struct {
	Base                         string // of the API
	HTTP                         *http.Client
	Password                     string // of the administrator
	Cases, Contacts, Territories string // paths
	Date                         string
	TeamsPerTerritory            int
	TimeLimitS                   int
	Seed                         uint64

	// Read, SetUp, MakeTeams, Plan and Publish set the fields below.
	Branch, Zone, Country string
	Admin, Auditor        *Client
	Areas                 []Area
	Teams                 []TeamOfDay
	Phones                []*Phone // two for each team, in order of teams
	Round                 Round
}

// Area is a territory of the day.
type Area struct {
	ID     string
	Centre [2]float64
}

// TeamOfDay is a team with its agents.
type TeamOfDay struct {
	ID, Territory string
	Agents        []string
}

// ImportReport is the answer of an import.
type ImportReport struct {
	Accepted, Updated, Unchanged, Rejected int
	Errors                                 []json.RawMessage
	Unassigned                             int
}

// Round holds the members of a round that this package reads.
type Round struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Failure  string `json:"failure"`
	Cases    int    `json:"cases"`
	Stops    int    `json:"stops"`
	LeftOut  int    `json:"left_out"`
	TookMs   int64  `json:"took_ms"`
	Issued   int    `json:"issued"`
	Refused  int    `json:"refused"`
	Travel   string `json:"travel"`
	Progress *struct {
		Stage    string  `json:"stage"`
		Fraction float64 `json:"fraction"`
	} `json:"progress"`
	Cost *struct {
		TravelS   int `json:"travel_s"`
		DistanceM int `json:"distance_m"`
	} `json:"cost"`
	Routes []struct {
		Team  string `json:"team"`
		Stops []struct {
			Case string    `json:"case"`
			ETA  time.Time `json:"eta"`
		} `json:"stops"`
	} `json:"routes"`
	Unassigned []struct {
		Case string   `json:"case"`
		Code string   `json:"code"`
		Rule string   `json:"rule"`
		Cite []string `json:"cite"`
	} `json:"unassigned"`
}

// Read finds the branch, its zone and its territories in the files.
func (d *Day) Read() error {
	text, err := os.ReadFile(d.Territories)
	if err != nil {
		return err
	}
	var fc struct {
		Features []struct {
			ID         string `json:"id"`
			Properties struct {
				Branch string `json:"branch"`
				ID     string `json:"id"`
			} `json:"properties"`
			Geometry struct {
				Coordinates json.RawMessage `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &fc); err != nil {
		return fmt.Errorf("read territories: %w", err)
	}
	for _, f := range fc.Features {
		d.Branch = cmp.Or(d.Branch, f.Properties.Branch)
		d.Areas = append(d.Areas, Area{cmp.Or(f.ID, f.Properties.ID), centre(f.Geometry.Coordinates)})
	}
	if d.Branch == "" || len(d.Areas) == 0 {
		return errors.New("the territories name no branch")
	}
	f, err := os.Open(d.Cases)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	rows := csv.NewReader(bufio.NewReader(f))
	head, err := rows.Read()
	if err != nil {
		return fmt.Errorf("read cases: %w", err)
	}
	row, err := rows.Read()
	if err != nil {
		return fmt.Errorf("read cases: %w", err)
	}
	column := func(name string) string {
		if i := slices.Index(head, name); i >= 0 {
			return row[i]
		}
		return ""
	}
	d.Zone, d.Country = column("time_zone"), column("country")
	return nil
}

// centre returns the mean of all positions of a geometry's first ring.
func centre(raw json.RawMessage) [2]float64 {
	var x any
	if json.Unmarshal(raw, &x) != nil {
		return [2]float64{}
	}
	var sum [2]float64
	n := 0.0
	var walk func(any)
	walk = func(v any) {
		list, ok := v.([]any)
		if !ok {
			return
		}
		if len(list) >= 2 {
			if lon, ok := list[0].(float64); ok {
				if lat, ok := list[1].(float64); ok {
					sum[0], sum[1], n = sum[0]+lon, sum[1]+lat, n+1
					return
				}
			}
		}
		for _, x := range list {
			walk(x)
		}
	}
	walk(x)
	if n == 0 {
		return sum
	}
	return [2]float64{sum[0] / n, sum[1] / n}
}

func (d *Day) client() *Client { return &Client{Base: d.Base, HTTP: d.HTTP} }

// SetUp signs in the administrator and creates the branch, the firm, a supervisor, and an auditor who may see personal
// data.
func (d *Day) SetUp(ctx context.Context) error {
	d.Admin = d.client()
	if err := d.Admin.SignIn(ctx, "admin", d.Password, ""); err != nil {
		return err
	}
	country := d.Country
	if len(country) > 2 {
		country = country[:2]
	}
	if err := d.Admin.Do(ctx, http.MethodPut, "/v1/branches/"+d.Branch,
		map[string]any{"name": d.Branch, "time_zone": d.Zone, "country": country}, nil); err != nil {
		return err
	}
	if err := d.Admin.Do(ctx, http.MethodPut, "/v1/firm", map[string]any{"name": "Doorstep's played firm",
		"phone": "+351 220 000 000", "hours": "9:00-18:00"}, nil); err != nil {
		return err
	}
	if err := d.user(ctx, "supervisor", map[string]any{"role": "supervisor", "branches": []string{d.Branch}}); err != nil {
		return err
	}
	if err := d.user(ctx, "auditor", map[string]any{"role": "auditor", "branches": []string{d.Branch},
		"regulator": true}); err != nil {
		return err
	}
	d.Auditor = d.client()
	return d.Auditor.SignIn(ctx, "auditor", Password, "")
}

// Password is the password of every played user except the administrator.
const Password = "played-password-of-the-day"

func (d *Day) user(ctx context.Context, login string, more map[string]any) error {
	body := map[string]any{"id": login, "login": login, "name": login, "password": Password, "keep_password": true}
	for k, v := range more {
		body[k] = v
	}
	return d.Admin.Do(ctx, http.MethodPost, "/v1/users", body, nil)
}

// Import sends the file at path to the endpoint /v1/imports/what.
func (d *Day) Import(ctx context.Context, what, path string) (ImportReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return ImportReport{}, err
	}
	defer func() { _ = f.Close() }()
	contentType := "application/x-ndjson"
	switch {
	case strings.HasSuffix(path, ".csv"):
		contentType = "text/csv"
	case strings.HasSuffix(path, ".geojson"):
		contentType = "application/geo+json"
	}
	var rep ImportReport
	return rep, d.Admin.Send(ctx, http.MethodPost, "/v1/imports/"+what+"?branch="+d.Branch, contentType,
		io.Reader(f), &rep)
}

// MakeTeams creates the teams of each territory, with two agents, badge, letter and
// recording, who work from 08:30 to 18:00 with a lunch break, and signs in their phones.
func (d *Day) MakeTeams(ctx context.Context) error {
	for _, area := range d.Areas {
		for n := range max(1, d.TeamsPerTerritory) {
			t := TeamOfDay{ID: fmt.Sprintf("%s-team%d", area.ID, n+1), Territory: area.ID}
			for k := range 2 {
				agent := fmt.Sprintf("%s-agent%d", t.ID, k+1)
				if err := d.user(ctx, agent, map[string]any{"role": "agent", "branches": []string{d.Branch},
					"badge_no": "B-" + agent}); err != nil {
					return err
				}
				t.Agents = append(t.Agents, agent)
				phone := NewPhone(d.Base, agent, agent+"-phone", d.HTTP)
				if err := phone.SignIn(ctx, agent, Password, phone.Device); err != nil {
					return err
				}
				d.Phones = append(d.Phones, phone)
			}
			if err := d.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+t.ID, map[string]any{
				"branch": d.Branch, "name": t.ID, "agents": t.Agents, "territories": []string{area.ID},
				"items": []string{"badge", "authorisation_letter"}, "recording": true,
				"mode": "car", "start": area.Centre, "end": area.Centre,
			}, nil); err != nil {
				return err
			}
			if err := d.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+t.ID+"/shifts/"+d.Date,
				map[string]any{"branch": d.Branch, "from": "08:30", "to": "18:00",
					"breaks": []map[string]any{{"from": "12:00", "to": "14:00", "minutes": 45}}}, nil); err != nil {
				return err
			}
			d.Teams = append(d.Teams, t)
		}
	}
	return nil
}

// Plan asks for a round and waits until it is planned. If watch is not nil, Plan calls it with the progress.
func (d *Day) Plan(ctx context.Context, watch func(stage string, fraction float64)) error {
	body := map[string]any{"branch": d.Branch, "date": d.Date}
	if d.TimeLimitS > 0 {
		body["time_limit_s"] = d.TimeLimitS
	}
	if d.Seed > 0 {
		body["seed"] = d.Seed
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := d.Admin.Do(ctx, http.MethodPost, "/v1/rounds", body, &made); err != nil {
		return err
	}
	d.Round.ID = made.ID
	return d.await(ctx, "planned", watch)
}

// Publish publishes the round and waits until that is done. If watch is not nil, it is called with the progress.
func (d *Day) Publish(ctx context.Context, watch func(stage string, fraction float64)) error {
	if err := d.Admin.Do(ctx, http.MethodPost, "/v1/rounds/"+d.Round.ID+"/publish", nil, nil); err != nil {
		return err
	}
	return d.await(ctx, "published", watch)
}

// header reads the round's counts from the list of rounds.
func (d *Day) header(ctx context.Context) (Round, error) {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := d.Admin.Do(ctx, http.MethodGet, "/v1/rounds?branch="+d.Branch+"&date="+d.Date, nil, &list); err != nil {
		return Round{}, err
	}
	for _, text := range list.Items {
		var r struct {
			Round
			Routes  json.RawMessage `json:"routes"`
			LeftOut int             `json:"left_out"`
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return Round{}, err
		}
		if r.ID == d.Round.ID {
			r.Round.LeftOut = r.LeftOut
			return r.Round, nil
		}
	}
	return Round{}, errors.New("the round is not in the list of its date")
}

func (d *Day) await(ctx context.Context, status string, watch func(string, float64)) error {
	for {
		r, err := d.header(ctx)
		if err != nil {
			return err
		}
		if watch != nil && r.Progress != nil {
			watch(r.Progress.Stage, r.Progress.Fraction)
		}
		switch r.Status {
		case status:
			d.Round = r
			var whole struct {
				Routes     json.RawMessage `json:"routes"`
				Unassigned json.RawMessage `json:"unassigned"`
			}
			if err := d.Admin.Do(ctx, http.MethodGet, "/v1/rounds/"+r.ID, nil, &whole); err != nil {
				return err
			}
			return errors.Join(json.Unmarshal(whole.Routes, &d.Round.Routes),
				json.Unmarshal(whole.Unassigned, &d.Round.Unassigned))
		case "failed":
			return fmt.Errorf("the round failed: %s", r.Failure)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// PullAll lets every phone pull and returns the number of different assignments they hold.
func (d *Day) PullAll(ctx context.Context) (assignments int, err error) {
	seen := map[string]bool{}
	for _, p := range d.Phones {
		if _, err := p.Pull(ctx); err != nil {
			return 0, fmt.Errorf("pull: %w", err)
		}
		as, err := p.Assignments(d.Date)
		if err != nil {
			return 0, err
		}
		for _, a := range as {
			seen[a.ID] = true
		}
	}
	return len(seen), nil
}

// VisitAll lets the first phone of each team record a visit at each of its stops, without network.
func (d *Day) VisitAll(r *rand.Rand) (visits int, err error) {
	for i, p := range d.Phones {
		if i%2 == 1 {
			continue
		}
		as, err := p.Assignments(d.Date)
		if err != nil {
			return visits, err
		}
		for _, a := range as {
			if err := p.Visit(a, r); err != nil {
				return visits, err
			}
			visits++
		}
	}
	return visits, nil
}

// Export returns the auditor's export of all visits, as ndjson or csv.
func (d *Day) Export(ctx context.Context, format string) ([]byte, error) {
	var b bytes.Buffer
	err := d.Auditor.Send(ctx, http.MethodGet, "/v1/audit/visits?branch="+d.Branch+"&format="+format, "", nil, &b)
	return b.Bytes(), err
}

// Reasons counts the cases without a visit by code and rule, the most frequent first.
func (r Round) Reasons() []Reason {
	n := map[[2]string]int{}
	for _, u := range r.Unassigned {
		n[[2]string{u.Code, u.Rule}]++
	}
	var out []Reason
	for k, c := range n {
		out = append(out, Reason{k[0], k[1], c})
	}
	slices.SortFunc(out, func(a, b Reason) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Code+a.Rule, b.Code+b.Rule))
	})
	return out
}

// Reason is a reason why cases get no visit, and how many cases have it.
type Reason struct {
	Code, Rule string
	Count      int
}

// SignInAgain signs all users in again: a server whose clock has moved on refuses the tokens of the morning.
func (d *Day) SignInAgain(ctx context.Context) error {
	if err := d.Admin.SignIn(ctx, "admin", d.Password, ""); err != nil {
		return err
	}
	if err := d.Auditor.SignIn(ctx, "auditor", Password, ""); err != nil {
		return err
	}
	for _, p := range d.Phones {
		if err := p.SignIn(ctx, p.Agent, Password, p.Device); err != nil {
			return err
		}
	}
	return nil
}
