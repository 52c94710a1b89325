package drawing

// What the tests need; they read VROOM's JSON and so stand outside this package.

// SheetWidth is the width of the drawing.
const SheetWidth = sheetWidth

// Runs is runs.
var Runs = runs

// TextOfTimestamp formats a time of a problem in seconds since 1970.
func TextOfTimestamp(base int64, day string, v int) string {
	return clock{kind: clockUnix, base: base, day: day}.text(v)
}
