package casework

import (
	"regexp"
	"strings"
	"time"

	"doorstep/geo"
	"doorstep/geo/country"
	"doorstep/server/record"
)

// zoneOfCountry names the time zone of each country (ISO 3166-1) where all clocks
// show the same time, and "" for the others. From the tz database's zone.tab; the
// several zones of CN, CY, DE, MY and UZ differ in the past only, or in custom and not in law.
func zoneOfCountry(country string) (zone string, known bool) {
	if len(country) > 2 {
		country = country[:2] // ISO 3166-2
	}
	zone, known = countryZones[country]
	return zone, known
}

var countryZones = map[string]string{
	"AD": "Europe/Andorra",
	"AE": "Asia/Dubai",
	"AF": "Asia/Kabul",
	"AG": "America/Antigua",
	"AI": "America/Anguilla",
	"AL": "Europe/Tirane",
	"AM": "Asia/Yerevan",
	"AO": "Africa/Luanda",
	"AQ": "",
	"AR": "",
	"AS": "Pacific/Pago_Pago",
	"AT": "Europe/Vienna",
	"AU": "",
	"AW": "America/Aruba",
	"AX": "Europe/Mariehamn",
	"AZ": "Asia/Baku",
	"BA": "Europe/Sarajevo",
	"BB": "America/Barbados",
	"BD": "Asia/Dhaka",
	"BE": "Europe/Brussels",
	"BF": "Africa/Ouagadougou",
	"BG": "Europe/Sofia",
	"BH": "Asia/Bahrain",
	"BI": "Africa/Bujumbura",
	"BJ": "Africa/Porto-Novo",
	"BL": "America/St_Barthelemy",
	"BM": "Atlantic/Bermuda",
	"BN": "Asia/Brunei",
	"BO": "America/La_Paz",
	"BQ": "America/Kralendijk",
	"BR": "",
	"BS": "America/Nassau",
	"BT": "Asia/Thimphu",
	"BV": "",
	"BW": "Africa/Gaborone",
	"BY": "Europe/Minsk",
	"BZ": "America/Belize",
	"CA": "",
	"CC": "Indian/Cocos",
	"CD": "",
	"CF": "Africa/Bangui",
	"CG": "Africa/Brazzaville",
	"CH": "Europe/Zurich",
	"CI": "Africa/Abidjan",
	"CK": "Pacific/Rarotonga",
	"CL": "",
	"CM": "Africa/Douala",
	"CN": "Asia/Shanghai",
	"CO": "America/Bogota",
	"CR": "America/Costa_Rica",
	"CU": "America/Havana",
	"CV": "Atlantic/Cape_Verde",
	"CW": "America/Curacao",
	"CX": "Indian/Christmas",
	"CY": "Asia/Nicosia",
	"CZ": "Europe/Prague",
	"DE": "Europe/Berlin",
	"DJ": "Africa/Djibouti",
	"DK": "Europe/Copenhagen",
	"DM": "America/Dominica",
	"DO": "America/Santo_Domingo",
	"DZ": "Africa/Algiers",
	"EC": "",
	"EE": "Europe/Tallinn",
	"EG": "Africa/Cairo",
	"EH": "Africa/El_Aaiun",
	"ER": "Africa/Asmara",
	"ES": "",
	"ET": "Africa/Addis_Ababa",
	"FI": "Europe/Helsinki",
	"FJ": "Pacific/Fiji",
	"FK": "Atlantic/Stanley",
	"FM": "",
	"FO": "Atlantic/Faroe",
	"FR": "Europe/Paris",
	"GA": "Africa/Libreville",
	"GB": "Europe/London",
	"GD": "America/Grenada",
	"GE": "Asia/Tbilisi",
	"GF": "America/Cayenne",
	"GG": "Europe/Guernsey",
	"GH": "Africa/Accra",
	"GI": "Europe/Gibraltar",
	"GL": "",
	"GM": "Africa/Banjul",
	"GN": "Africa/Conakry",
	"GP": "America/Guadeloupe",
	"GQ": "Africa/Malabo",
	"GR": "Europe/Athens",
	"GS": "Atlantic/South_Georgia",
	"GT": "America/Guatemala",
	"GU": "Pacific/Guam",
	"GW": "Africa/Bissau",
	"GY": "America/Guyana",
	"HK": "Asia/Hong_Kong",
	"HM": "",
	"HN": "America/Tegucigalpa",
	"HR": "Europe/Zagreb",
	"HT": "America/Port-au-Prince",
	"HU": "Europe/Budapest",
	"ID": "",
	"IE": "Europe/Dublin",
	"IL": "Asia/Jerusalem",
	"IM": "Europe/Isle_of_Man",
	"IN": "Asia/Kolkata",
	"IO": "Indian/Chagos",
	"IQ": "Asia/Baghdad",
	"IR": "Asia/Tehran",
	"IS": "Atlantic/Reykjavik",
	"IT": "Europe/Rome",
	"JE": "Europe/Jersey",
	"JM": "America/Jamaica",
	"JO": "Asia/Amman",
	"JP": "Asia/Tokyo",
	"KE": "Africa/Nairobi",
	"KG": "Asia/Bishkek",
	"KH": "Asia/Phnom_Penh",
	"KI": "",
	"KM": "Indian/Comoro",
	"KN": "America/St_Kitts",
	"KP": "Asia/Pyongyang",
	"KR": "Asia/Seoul",
	"KW": "Asia/Kuwait",
	"KY": "America/Cayman",
	"KZ": "",
	"LA": "Asia/Vientiane",
	"LB": "Asia/Beirut",
	"LC": "America/St_Lucia",
	"LI": "Europe/Vaduz",
	"LK": "Asia/Colombo",
	"LR": "Africa/Monrovia",
	"LS": "Africa/Maseru",
	"LT": "Europe/Vilnius",
	"LU": "Europe/Luxembourg",
	"LV": "Europe/Riga",
	"LY": "Africa/Tripoli",
	"MA": "Africa/Casablanca",
	"MC": "Europe/Monaco",
	"MD": "Europe/Chisinau",
	"ME": "Europe/Podgorica",
	"MF": "America/Marigot",
	"MG": "Indian/Antananarivo",
	"MH": "",
	"MK": "Europe/Skopje",
	"ML": "Africa/Bamako",
	"MM": "Asia/Yangon",
	"MN": "",
	"MO": "Asia/Macau",
	"MP": "Pacific/Saipan",
	"MQ": "America/Martinique",
	"MR": "Africa/Nouakchott",
	"MS": "America/Montserrat",
	"MT": "Europe/Malta",
	"MU": "Indian/Mauritius",
	"MV": "Indian/Maldives",
	"MW": "Africa/Blantyre",
	"MX": "",
	"MY": "Asia/Kuala_Lumpur",
	"MZ": "Africa/Maputo",
	"NA": "Africa/Windhoek",
	"NC": "Pacific/Noumea",
	"NE": "Africa/Niamey",
	"NF": "Pacific/Norfolk",
	"NG": "Africa/Lagos",
	"NI": "America/Managua",
	"NL": "Europe/Amsterdam",
	"NO": "Europe/Oslo",
	"NP": "Asia/Kathmandu",
	"NR": "Pacific/Nauru",
	"NU": "Pacific/Niue",
	"NZ": "",
	"OM": "Asia/Muscat",
	"PA": "America/Panama",
	"PE": "America/Lima",
	"PF": "",
	"PG": "",
	"PH": "Asia/Manila",
	"PK": "Asia/Karachi",
	"PL": "Europe/Warsaw",
	"PM": "America/Miquelon",
	"PN": "Pacific/Pitcairn",
	"PR": "America/Puerto_Rico",
	"PS": "",
	"PT": "",
	"PW": "Pacific/Palau",
	"PY": "America/Asuncion",
	"QA": "Asia/Qatar",
	"RE": "Indian/Reunion",
	"RO": "Europe/Bucharest",
	"RS": "Europe/Belgrade",
	"RU": "",
	"RW": "Africa/Kigali",
	"SA": "Asia/Riyadh",
	"SB": "Pacific/Guadalcanal",
	"SC": "Indian/Mahe",
	"SD": "Africa/Khartoum",
	"SE": "Europe/Stockholm",
	"SG": "Asia/Singapore",
	"SH": "Atlantic/St_Helena",
	"SI": "Europe/Ljubljana",
	"SJ": "Arctic/Longyearbyen",
	"SK": "Europe/Bratislava",
	"SL": "Africa/Freetown",
	"SM": "Europe/San_Marino",
	"SN": "Africa/Dakar",
	"SO": "Africa/Mogadishu",
	"SR": "America/Paramaribo",
	"SS": "Africa/Juba",
	"ST": "Africa/Sao_Tome",
	"SV": "America/El_Salvador",
	"SX": "America/Lower_Princes",
	"SY": "Asia/Damascus",
	"SZ": "Africa/Mbabane",
	"TC": "America/Grand_Turk",
	"TD": "Africa/Ndjamena",
	"TF": "Indian/Kerguelen",
	"TG": "Africa/Lome",
	"TH": "Asia/Bangkok",
	"TJ": "Asia/Dushanbe",
	"TK": "Pacific/Fakaofo",
	"TL": "Asia/Dili",
	"TM": "Asia/Ashgabat",
	"TN": "Africa/Tunis",
	"TO": "Pacific/Tongatapu",
	"TR": "Europe/Istanbul",
	"TT": "America/Port_of_Spain",
	"TV": "Pacific/Funafuti",
	"TW": "Asia/Taipei",
	"TZ": "Africa/Dar_es_Salaam",
	"UA": "",
	"UG": "Africa/Kampala",
	"UM": "",
	"US": "",
	"UY": "America/Montevideo",
	"UZ": "Asia/Tashkent",
	"VA": "Europe/Vatican",
	"VC": "America/St_Vincent",
	"VE": "America/Caracas",
	"VG": "America/Tortola",
	"VI": "America/St_Thomas",
	"VN": "Asia/Ho_Chi_Minh",
	"VU": "Pacific/Efate",
	"WF": "Pacific/Wallis",
	"WS": "Pacific/Apia",
	"YE": "Asia/Aden",
	"YT": "Indian/Mayotte",
	"ZA": "Africa/Johannesburg",
	"ZM": "Africa/Lusaka",
	"ZW": "Africa/Harare",
}

// countryCode is ISO 3166-1 alpha-2, or ISO 3166-2.
var countryCode = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

// isCountry tells whether a code is a country, or a part of one.
func isCountry(code string) bool {
	if !countryCode.MatchString(code) {
		return false
	}
	_, known := zoneOfCountry(code)
	return known
}

// wrongZone says why a zone cannot be the debtor's in a country; "" if it can.
func wrongZone(zones *zoneCache, code, zone string) string {
	has := country.Zones(code)
	such := "Europe/Lisbon"
	if len(has) > 0 {
		such = strings.Join(has[:min(len(has), 4)], ", ")
	}
	switch {
	case zones.find(zone) == nil:
		return "this is not a time zone of the IANA list; write one such as " + such
	case country.HasZone(code, zone):
		return ""
	case len(has) > 4:
		return "the country does not have this time zone; write one of its own such as " + such
	}
	return "the country does not have this time zone; write " + strings.Join(has, " or ")
}

// homeZone is the zone of a country in which a home lies, if from an instant on its clock will show another time than
// that of the debtor's zone; "" if not, or if nothing is known.
func homeZone(zones *zoneCache, code, zone string, home geo.Point, at time.Time) string {
	own := country.ZoneAt(code, home)
	a, b := zones.find(zone), zones.find(own)
	if a == nil || b == nil || sameClock(a, b, at) {
		return ""
	}
	return own
}

// sameClock tells whether two zones show the same time on each day of the 400 from an instant on.
func sameClock(a, b *time.Location, at time.Time) bool {
	for day := range 400 {
		t := at.Add(time.Duration(day) * 24 * time.Hour)
		_, x := t.In(a).Zone()
		if _, y := t.In(b).Zone(); x != y {
			return false
		}
	}
	return true
}

// settleZones finds the zones of an open case anew.
func settleZones(zones *zoneCache, k *record.Case, at time.Time) {
	k.HomeTimeZone = ""
	if home, ok := homeOf(k); ok {
		k.HomeTimeZone = homeZone(zones, k.Country, k.TimeZone, home, at)
	}
}

// instantOf is the instant of a wall time in a zone: the first where the clock
// shows it twice; where it skips it, what the clock would have shown without the change.
func instantOf(wall time.Time, zone *time.Location) time.Time {
	naive := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, time.UTC)
	_, before := naive.Add(-14 * time.Hour).In(zone).Zone()
	_, after := naive.Add(14 * time.Hour).In(zone).Zone()
	first := naive.Add(-time.Duration(before) * time.Second)
	if _, off := first.In(zone).Zone(); off == before {
		return first
	}
	second := naive.Add(-time.Duration(after) * time.Second)
	if _, off := second.In(zone).Zone(); off == after {
		return second
	}
	return first
}
