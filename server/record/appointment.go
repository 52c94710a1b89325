package record

import (
	"time"

	"doorstep/auth"
)

// Appointment is a time agreed with the debtor. On its local date a round visits
// the case within it or not at all, and before anything else that may be left out.
type Appointment struct {
	ID string `json:"appointment_id" is:"server"`
	// From and To are instants in UTC: the visit begins at From or later, and before To.
	From   time.Time   `json:"from"`
	To     time.Time   `json:"to"`
	By     auth.UserID `json:"by,omitempty" is:"server"`
	At     time.Time   `json:"at"`
	Source string      `json:"source" is:"server"` // supervisor, visit:<id>
	// Cancelled says why it was called off; nil while it stands.
	Cancelled *Release `json:"cancelled,omitempty"`
}

// Limits of an appointment.
const (
	MaxAppointmentSpan = 12 * time.Hour
	MaxAppointmentDays = 366
	MaxAppointments    = 20 // that still stand, of one case
)

// AppointmentsOn are the appointments that stand on a local date of the debtor, in the order they were made.
func (c *Case) AppointmentsOn(date string) []Appointment {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	var out []Appointment
	for _, a := range c.AllAppointments() {
		if a.Cancelled == nil && a.From.In(zone).Format(time.DateOnly) == date {
			out = append(out, a)
		}
	}
	return out
}

// AllAppointments are the appointments of the case, called off ones included. The
// case must have been opened: it panics else, as AllHolds does.
func (c *Case) AllAppointments() []Appointment {
	if !c.Appointments.IsZero() && !c.Appointments.IsOpen() && !c.Appointments.IsErased() {
		panic("record: the appointments of " + string(c.ID) + " are read before the case was opened")
	}
	return c.Appointments.Plain()
}

// SetAppointments replaces the appointments of the case.
func (c *Case) SetAppointments(all []Appointment) { c.Appointments = NewPersonal(all) }
