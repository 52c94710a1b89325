package record

import (
	"doorstep/auth"
	"time"
)

// Appointment is a time agreed with the debtor. On its local date a round visits
// the case within it or not at all, and before anything else that may be left out.
type Appointment struct {
	ID string `json:"appointment_id"`
	// From and To are instants in UTC: the visit begins at From or later, and before To.
	From   time.Time   `json:"from"`
	To     time.Time   `json:"to"`
	By     auth.UserID `json:"by,omitempty"`
	At     time.Time   `json:"at"`
	Source string      `json:"source"` // supervisor, visit:<id>
	// Cancelled says why it was called off; nil while it stands.
	Cancelled *Release `json:"cancelled,omitempty"`
}

// Limits of an appointment.
const (
	MaxAppointmentSpan = 12 * time.Hour
	MaxAppointmentDays = 366
	MaxAppointments    = 20 // that still stand, of one case
)
