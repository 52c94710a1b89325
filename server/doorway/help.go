package doorway

import (
	_ "embed"
	"encoding/json"
	"strings"
)

// Help is where the person visited finds help: a name, an address and a phone number, which may be empty.
type Help struct {
	Name  string `json:"name"`
	URL   string `json:"url"`
	Phone string `json:"phone"`
}

// CountryHelp is the help of a country: free advice on debt, and who takes complaints beside the firm.
type CountryHelp struct {
	Advice  []Help `json:"advice"`
	Outside []Help `json:"outside"`
}

//go:embed help.json
var helpText []byte

var help = readHelp()

func readHelp() map[string]CountryHelp {
	var file struct {
		Countries map[string]CountryHelp `json:"countries"`
	}
	if err := json.Unmarshal(helpText, &file); err != nil {
		panic("doorway: help.json: " + err.Error())
	}
	return file.Countries
}

// HelpIn is the help of a country (ISO 3166-1 or 3166-2); empty for one that is not in help.json.
func HelpIn(country string) CountryHelp {
	country, _, _ = strings.Cut(country, "-")
	return help[country]
}
