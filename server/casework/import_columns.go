package casework

import (
	"slices"

	"doorstep/server/casework/rows"
	"doorstep/server/conduct"
	"doorstep/server/record"
)

// Files whose lines can be imported.
const (
	CaseLines    = "cases"
	ContactLines = "contacts"
	PaymentLines = "payments"
)

// Column describes a column of a file that is imported: a field of each CSV record, or a
// member of each JSON line. It is what the parser takes; a test holds the two together.
type Column struct {
	Name string
	// Required says that a line without a value is refused.
	Required bool
	// InHeader says that the header of a CSV must name the column, if only for empty values.
	InHeader bool
	// Type is string, integer, number or boolean, as in JSON Schema. CSV and JSON lines may
	// write numbers and booleans as text as well.
	Type string
	// Format is date, date-time or "", as in JSON Schema. A date-time may lack its offset.
	Format string
	// Codes are the values taken; nil for a value that is not a code. Several says that a line
	// may name more than one, with semicolons between them, or as a list in JSON.
	Codes   []string
	Several bool
	// Least and Most bound a number; both are zero where nothing but the type does.
	Least, Most float64
	// MaxBytes bounds a text; 0 where something else does.
	MaxBytes int
	// About says what the value means, with its unit and what an empty value stands for.
	About string
	// Example is a value that is taken, as CSV has it.
	Example string
}

// ImportColumns describes the columns of one of the files, in the order that an example
// has; nil for another name. CSV and JSON lines may have them in any order.
func ImportColumns(file string) []Column {
	switch file {
	case CaseLines:
		return describeColumns(caseColumns, caseColumnsAre())
	case ContactLines:
		return describeColumns(contactColumns, contactColumnsAre())
	case PaymentLines:
		return describeColumns(paymentColumns, paymentColumnsAre())
	}
	return nil
}

// describeColumns gives the columns of a schema their descriptions, in its order. It panics if one has none.
func describeColumns(schema []rows.Column, are []Column) []Column {
	out := make([]Column, len(schema))
	for i, c := range schema {
		k := slices.IndexFunc(are, func(d Column) bool { return d.Name == c.Name })
		if k < 0 {
			panic("casework: the import column " + c.Name + " is not described")
		}
		out[i] = are[k]
		out[i].InHeader = !c.Optional
		if out[i].Type == "" {
			out[i].Type = "string"
		}
	}
	return out
}

const aboutLender = "The lender's id: 1 to 62 letters A to Z, digits, dashes and underscores."

func caseColumnsAre() []Column {
	return []Column{
		{Name: "case_ref", Required: true, Example: "1001",
			About: "The lender's own reference of the case: letters A to Z, digits, dots, dashes and underscores. With the " +
				"lender's id and a dot before it, it is the case's id of at most 64 characters."},
		{Name: "lender", Required: true, Example: "north", About: aboutLender},
		{Name: "product_type", Example: "personal_loan",
			About: "A code of the lender's of at most 64 letters, digits, dots, dashes and underscores. Empty: unknown."},
		{Name: "profile", Example: "house-visit",
			About: "The conduct profiles whose rules hold for the case, several joined by +. Empty: those of the country."},
		{Name: "debtor_ref", Required: true, Example: "d-77",
			About: "The lender's own reference of the debtor, of the characters of case_ref. Cases with the same one are one " +
				"person's."},
		{Name: "debtor_name", Required: true, MaxBytes: 200, Example: "Debtor 77",
			About: "How the debtor is called. Personal."},
		{Name: "language", Example: "pt", About: "BCP 47. Empty: unknown."},
		{Name: "phone", Example: "+351912345678",
			About: "E.164: with the country code, without spaces. Personal. Empty: unknown."},
		{Name: "phone_verified_on", Format: "date", Example: "2026-11-24",
			About: "The date on which the phone was last found to be the debtor's. Empty: never."},
		{Name: "address", Required: true, MaxBytes: 500, Example: "Rua Direita 1",
			About: "Street and number. Personal."},
		{Name: "postal_code", MaxBytes: 20, Example: "4700-001", About: "Personal. Empty: unknown."},
		{Name: "city", MaxBytes: 100, Example: "Braga", About: "City or place. Empty: unknown."},
		{Name: "country", Required: true, Example: "PT",
			About: "ISO 3166-1, or a part of a country by ISO 3166-2 such as US-MA, in capitals."},
		{Name: "lon", Type: "number", Least: -180, Most: 180, Example: "-8.4265",
			About: "Longitude of the home in degrees, in the datum. Empty, with lat: unknown, and no visit is planned."},
		{Name: "lat", Type: "number", Least: -90, Most: 90, Example: "41.5454",
			About: "Latitude of the home in degrees, in the datum. Empty together with lon."},
		{Name: "address_verified_on", Format: "date", Example: "2026-11-24",
			About: "The date on which the address was last found to be the debtor's. Empty: never."},
		{Name: "time_zone", Example: "Europe/Lisbon",
			About: "The debtor's zone of the IANA list. Empty: the country's, which is refused where a country has several."},
		{Name: "currency", Required: true, Example: "EUR", About: "ISO 4217 of all amounts of the line, in capitals."},
		{Name: "principal_minor", Type: "integer", Most: record.MaxMinor, Example: "518322",
			About: "The principal in minor units (cents). Empty: 0, unknown."},
		{Name: "amount_due_minor", Required: true, Type: "integer", Most: record.MaxMinor, Example: "172774",
			About: "What is due now in minor units (cents)."},
		{Name: "net", Type: "boolean", Example: "true",
			About: "true: amount_due_minor has payments taken off already, up to yesterday in the debtor's zone; false: it is " +
				"the amount before payments, and those known here are taken off. Empty: as the parameter net says; where " +
				"that says nothing either, a changed amount of a case with payments is refused."},
		{Name: "due_date", Required: true, Format: "date", Example: "2026-08-11",
			About: "The debtor's local date since which it is overdue."},
		{Name: "priority", Type: "integer", Most: 100, Example: "2",
			About: "How much a visit matters against others of its round: more is more. Empty: 1."},
		{Name: "service_min", Type: "integer", Least: 1, Most: 240, Example: "15",
			About: "Minutes that a visit takes at the door. Empty: 15."},
		{Name: "flags", Several: true, Codes: record.CodesOf("hold_kinds"), Example: "dispute",
			About: "Holds that the lender knows of, which keep the case out of rounds. Empty: none."},
		{Name: "datum", Codes: record.CodesOf("datums"), Example: "wgs84",
			About: "The datum of lon and lat: gcj02 is that of maps of mainland China. Empty: wgs84."},
	}
}

// naming are the columns by which lines of contacts and payments name their case.
func naming() []Column {
	return []Column{
		{Name: "case_ref", Required: true, Example: "1001",
			About: "The lender's own reference of the case. Where lender is empty, the office may write the case's id " +
				"<lender>.<case_ref>, or the reference alone if only one lender uses it."},
		{Name: "lender", Example: "north", About: aboutLender + " Empty: a lender's system names its own cases; for the " +
			"office, see case_ref."},
	}
}

const aboutTime = "RFC 3339; a time without offset is local to the case's zone."

func contactColumnsAre() []Column {
	return append(naming(),
		Column{Name: "channel", Required: true, Codes: conduct.Channels(), Example: "call", About: "How it was tried."},
		Column{Name: "at", Required: true, Format: "date-time", Example: "2026-11-23T10:30:00",
			About: "When it was. " + aboutTime},
		Column{Name: "result", Required: true, Codes: conduct.Results(), Example: "no_answer", About: "What became of it."},
		Column{Name: "party", Codes: conduct.Parties(), Example: "debtor",
			About: "Who was contacted. Empty: the debtor."},
		Column{Name: "external_id", Example: "call-5001",
			About: "The lender's id of the contact, by which it is known again: 1 to 128 letters A to Z, digits and any of " +
				"_.:/@#+-. Empty: it is known by its instant, channel and party; lines of " +
				"a file that are equal in these are as many contacts."},
		Column{Name: "party_ref", Example: "employer-1",
			About: "Which person of the party, by an opaque id of at most 64 letters A to Z, digits, dots, dashes and " +
				"underscores, never by name. Empty: not told apart."},
		Column{Name: "number", Example: "+351912345678",
			About: "The number called or written to, E.164. Personal. Empty: unknown."},
		Column{Name: "excluded", Type: "boolean", Example: "false",
			About: "true: the contact does not count for the caps of the law. Empty: false."})
}

func paymentColumnsAre() []Column {
	return append(naming(),
		Column{Name: "payment_ref", Required: true, Example: "p-9001",
			About: "The lender's id of the payment, one of a kind in its case: 1 to 128 letters A to Z, digits and any of " +
				"_.:/@#+-."},
		Column{Name: "paid_at", Required: true, Format: "date-time", Example: "2026-11-24T09:00:00",
			About: "When the money arrived. " + aboutTime},
		Column{Name: "amount_minor", Required: true, Type: "integer", Least: 1, Most: record.MaxMinor, Example: "25000",
			About: "The amount in minor units (cents)."},
		Column{Name: "currency", Required: true, Example: "EUR", About: "ISO 4217, in capitals. The case's."},
		Column{Name: "method", Codes: record.CodesOf("payment_methods"), Example: "transfer",
			About: "How it was paid. Empty: unknown."},
		Column{Name: "reverses", Example: "p-8800",
			About: "The payment_ref of an earlier payment that this line takes back, wholly or in part: what is due goes up " +
				"again. Empty: money that came in."})
}
