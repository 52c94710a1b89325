package casework

import (
	"testing"
	"time"

	"doorstep/server/record"
)

func TestAppointmentsOfADay(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	all := []record.Appointment{
		{ID: "late on the 9th in UTC, the 10th there", From: at("2026-03-09T23:00:00Z"), To: at("2026-03-10T01:00:00Z")},
		{ID: "called off", From: at("2026-03-10T02:00:00Z"), To: at("2026-03-10T03:00:00Z"), Cancelled: &record.Release{}},
		{ID: "the day after", From: at("2026-03-10T17:00:00Z"), To: at("2026-03-10T18:00:00Z")},
	}
	k := record.Case{TimeZone: "Asia/Shanghai", Appointments: record.NewPersonal(all)}
	on := k.AppointmentsOn("2026-03-10")
	if len(on) != 1 || on[0].ID != all[0].ID {
		t.Errorf("on the 10th: %+v, want the first alone", on)
	}
}

func TestAnAppointmentMustBeASpanToCome(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		from, to time.Duration
		code     string
	}{
		{time.Hour, 2 * time.Hour, ""},
		{-time.Hour, time.Hour, ""}, // it has begun and is not over
		{time.Hour, time.Hour, "appointment.span"},
		{2 * time.Hour, time.Hour, "appointment.span"},
		{time.Hour, 14 * time.Hour, "appointment.span"},
		{-2 * time.Hour, 0, "appointment.past"},
		{400 * 24 * time.Hour, 400*24*time.Hour + time.Hour, "appointment.far"},
	} {
		code := ""
		if err := checkAppointment(now.Add(tt.from), now.Add(tt.to), now); err != nil {
			code = err.Code()
		}
		if code != tt.code {
			t.Errorf("from %s to %s: %q, want %q", tt.from, tt.to, code, tt.code)
		}
	}
}
