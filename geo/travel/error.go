package travel

import "doorstep/auth/refusal"

// Codes of the errors of this package. They are stable.
const (
	// CodeMode is a mode other than foot, bicycle, scooter and car, or one the source does not have.
	CodeMode = "travel.mode"
	// CodePoint is a point that is not on Earth.
	CodePoint = "travel.point"
	// CodeTooMany is more than MaxPoints.
	CodeTooMany = "travel.too_many"
	// CodeService is a routing server that did not answer as it should.
	CodeService = "travel.service"
	// CodeExtract is a map extract that cannot be read or holds no road.
	CodeExtract = "travel.extract"
	// CodeGraph is a prepared graph that cannot be read: prepare it again.
	CodeGraph = "travel.graph"
)

func fault(code string, cause error, format string, args ...any) *refusal.Error {
	e := refusal.New(refusal.Invalid, code, "", format, args...)
	if cause != nil {
		e = e.Because(cause)
	}
	return e
}
