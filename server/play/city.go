package play

import (
	"embed"
	"os"
	"path/filepath"
)

// city holds the data of the demo's city, which scripts/democity makes up.
//
//go:embed city/cases.csv city/contacts.ndjson city/territories.geojson
var city embed.FS

// City writes the data of the demo's city into a folder and returns a day on them.
func City(folder string) (*Day, error) {
	d := &Day{TeamsPerTerritory: 2}
	for name, path := range map[string]*string{"cases.csv": &d.Cases, "contacts.ndjson": &d.Contacts,
		"territories.geojson": &d.Territories} {
		text, err := city.ReadFile("city/" + name)
		if err != nil {
			return nil, err
		}
		*path = filepath.Join(folder, name)
		if err := os.WriteFile(*path, text, 0o600); err != nil {
			return nil, err
		}
	}
	return d, d.Read()
}
