package basemap

import "doorstep/auth/refusal"

// Codes of the errors of this package. They are stable.
const (
	// CodeExtract is an extract that cannot be read or holds nothing to draw.
	CodeExtract = "basemap.extract"
	// CodeFile is a file of tiles that cannot be read, or that the style cannot draw.
	CodeFile = "basemap.file"
	// CodeWrite is a map that cannot be written, for instance because the disk is full.
	CodeWrite = "basemap.write"
	// CodeStyle is a theme or a language that Style does not know.
	CodeStyle = "basemap.style"
)

func fault(code string, cause error, format string, args ...any) *refusal.Error {
	e := refusal.New(refusal.Invalid, code, "", format, args...)
	if cause != nil {
		e = e.Because(cause)
	}
	return e
}
