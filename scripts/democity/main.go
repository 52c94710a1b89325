// Democity makes the data of the demo's small city again: go run ./scripts/democity.
// Streets, debtors and debts are made up.
package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

const (
	folder   = "server/play/city"
	branch   = "RIBEIRA"
	zone     = "Europe/Lisbon"
	west     = -8.4600
	east     = -8.4000
	south    = 41.5300
	north    = 41.5700
	middle   = -8.4300
	cases    = 150
	asOf     = "2026-11-24"
	template = "2006-01-02T15:04:05"
)

func main() {
	if err := draw(); err != nil {
		fmt.Fprintln(os.Stderr, "democity:", err)
		os.Exit(1)
	}
}

func draw() error {
	r := rand.New(rand.NewPCG(7, 11))
	now, err := time.Parse(time.DateOnly, asOf)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(folder, "cases.csv"))
	if err != nil {
		return err
	}
	contacts, err := os.Create(filepath.Join(folder, "contacts.ndjson"))
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"case_ref", "lender", "product_type", "profile", "debtor_ref", "debtor_name", "language",
		"phone", "phone_verified_on", "address", "postal_code",
		"city", "country", "lon", "lat", "address_verified_on", "time_zone", "currency", "principal_minor",
		"amount_due_minor", "due_date", "priority", "service_min", "flags"}}
	streets := []string{"Rua do Moinho", "Rua da Ponte", "Avenida Nova", "Travessa do Forno", "Rua das Hortas",
		"Largo da Feira", "Rua do Poço", "Rua da Fonte", "Rua dos Teares", "Rua do Cais"}
	out := json.NewEncoder(contacts)
	for i := range cases {
		id := fmt.Sprintf("RIB-%04d", i+1)
		lon, lat := west+.001+r.Float64()*(east-west-.002), south+.001+r.Float64()*(north-south-.002)
		if i%40 == 39 { // a few live beyond the map
			lon = east + .01
		}
		principal := 50_000 + r.IntN(900_000)
		due := principal / (2 + r.IntN(6))
		flag := ""
		switch i {
		case 12, 77:
			flag = "disputed"
		case 33:
			flag = "deceased"
		case 58:
			flag = "represented"
		case 90:
			flag = "vulnerable"
		case 121:
			flag = "cease_visit"
		}
		lender := []string{"LND-A", "LND-B", "LND-C"}[r.IntN(3)]
		rows = append(rows, []string{id, lender,
			[]string{"personal_loan", "card", "instalment"}[r.IntN(3)], "house-visit",
			fmt.Sprintf("RIB-D%04d", i+1), fmt.Sprintf("Demo Debtor %04d", i+1), "pt",
			fmt.Sprintf("+3519120%05d", 10000+i), asOf,
			fmt.Sprintf("%s %d", streets[r.IntN(len(streets))], 1+r.IntN(200)), "0000-000", "Ribeira", "PT",
			fmt.Sprintf("%.6f", lon), fmt.Sprintf("%.6f", lat), asOf, zone, "EUR",
			fmt.Sprint(principal), fmt.Sprint(due), now.AddDate(0, 0, -20-r.IntN(120)).Format(time.DateOnly),
			fmt.Sprint(1 + r.IntN(4)), fmt.Sprint(10 + 5*r.IntN(3)), flag})
		for k := range 1 + r.IntN(4) {
			at := now.AddDate(0, 0, -3-7*k).Add(time.Duration(10+r.IntN(8))*time.Hour +
				time.Duration(r.IntN(60))*time.Minute)
			channel, result := "sms", []string{"delivered", "delivered", "failed"}[r.IntN(3)]
			if r.IntN(3) == 0 {
				channel, result = "call", []string{"no_answer", "answered"}[r.IntN(2)]
			}
			if err := out.Encode(map[string]any{"case_ref": id, "lender": lender, "channel": channel, "at": at.Format(template),
				"result": result, "party": "debtor", "external_id": fmt.Sprintf("%s-%d", id, k)}); err != nil {
				return err
			}
		}
		if i%15 == 7 { // was visited some days ago
			at := now.AddDate(0, 0, -2).Add(15 * time.Hour)
			if err := out.Encode(map[string]any{"case_ref": id, "lender": lender, "channel": "visit", "at": at.Format(template),
				"result": "contact", "party": "debtor", "external_id": id + "-visit"}); err != nil {
				return err
			}
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	area := func(id, name string, a, b float64) map[string]any {
		return map[string]any{"type": "Feature", "id": id, "properties": map[string]any{"name": name, "branch": branch},
			"geometry": map[string]any{"type": "Polygon",
				"coordinates": [][][2]float64{{{a, south}, {b, south}, {b, north}, {a, north}, {a, south}}}}}
	}
	text, err := json.MarshalIndent(map[string]any{"type": "FeatureCollection",
		"features": []any{area("RIB-WEST", "West of the river", west, middle),
			area("RIB-EAST", "East of the river", middle, east)}}, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "territories.geojson"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := contacts.Close(); err != nil {
		return err
	}
	return f.Close()
}
