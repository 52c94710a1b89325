package travel

import (
	"strconv"
	"strings"
)

// mostFerrySeconds is the longest crossing that is believed: a week.
const mostFerrySeconds = 7 * 24 * 3600

// ferrySeconds reads how long a ferry takes: "hh:mm", "hh:mm:ss", minutes, ISO 8601 (PT1H30M), or figures with units
// ("20 min", "1 h 30", "1.5 hours"). Of a list or a range ("15-20 min") the longest holds. It returns 0 if the text
// does not say.
func ferrySeconds(text string) float64 {
	text = strings.NewReplacer("–", "-", "’", "'", "′", "'").Replace(strings.ToLower(strings.TrimSpace(text)))
	if strings.HasPrefix(text, "-") {
		return 0
	}
	longest, unit := 0.0, ""
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '-' || r == '|' || r == '/' })
	// The unit of a range stands after its end: read backwards, so that "15-20 min" gives it to both.
	for i := len(parts) - 1; i >= 0; i-- {
		seconds, last, ok := ferryTime(parts[i], unit)
		if !ok {
			return 0
		}
		longest, unit = max(longest, seconds), last
	}
	if longest > mostFerrySeconds {
		return 0
	}
	return longest
}

// ferryTime reads one duration. A figure without a unit is in the unit given, or minutes. It also returns the last
// unit that was written, or else the one given.
func ferryTime(text, unit string) (seconds float64, last string, ok bool) {
	text = strings.Trim(text, " ~<>+.")
	for _, about := range [...]string{"ca", "approx", "about"} {
		text = strings.TrimLeft(strings.TrimPrefix(text, about), " .")
	}
	if iso, is := strings.CutPrefix(text, "p"); is {
		text = strings.Replace(iso, "t", "", 1)
	}
	if text == "" {
		return 0, unit, false
	}
	if strings.Contains(text, ":") {
		text, _, _ = strings.Cut(text, " ") // "1:30 h"
		seconds, ok = clockSeconds(strings.TrimRight(text, "h"))
		return seconds, unit, ok
	}
	last = unit
	for text != "" {
		end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != ',' })
		if end < 0 {
			end = len(text)
		}
		n, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimRight(text[:end], ".,"), ",", "."), 64)
		if err != nil {
			return 0, unit, false
		}
		text = strings.TrimLeft(text[end:], " ")
		end = strings.IndexFunc(text, func(r rune) bool { return r >= '0' && r <= '9' })
		if end < 0 {
			end = len(text)
		}
		word := strings.Trim(text[:end], " .,")
		word = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(word, " and"), " und"))
		if text = text[end:]; word == "" {
			if word = unit; last == "hour" {
				word = "minute" // the 30 of "1 h 30"
			}
		}
		name, each := ferryUnit(word)
		if each == 0 {
			return 0, unit, false
		}
		seconds, last = seconds+n*each, name
	}
	return seconds, last, true
}

// ferryUnit returns a unit's name and its seconds; 0 for a word that is none.
func ferryUnit(word string) (name string, seconds float64) {
	switch word {
	case "", "m", "mn", "min", "mins", "minute", "minutes", "minuten", "'":
		return "minute", 60
	case "h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden":
		return "hour", 3600
	case "s", "sec", "secs", "second", "seconds", "\"", "''":
		return "second", 1
	case "d", "day", "days":
		return "day", 24 * 3600
	}
	return "", 0
}

// clockSeconds reads hh:mm or hh:mm:ss.
func clockSeconds(text string) (float64, bool) {
	parts := strings.Split(text, ":")
	if len(parts) > 3 {
		return 0, false
	}
	unit, total := 3600.0, 0.0
	for _, part := range parts {
		n, err := strconv.ParseUint(strings.TrimSpace(part), 10, 16)
		if err != nil {
			return 0, false
		}
		total += float64(n) * unit
		unit /= 60
	}
	return total, true
}
