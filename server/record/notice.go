package record

import "time"

// ConductNotes are the notices the debtor was sent, as the conduct decision reads them.
type ConductNotes struct {
	Visit  *SentNotice `json:"visit,omitempty"`
	Agency *SentNotice `json:"agency,omitempty"`
}

// IsZero tells whether no notice was sent.
func (n ConductNotes) IsZero() bool { return n.Visit == nil && n.Agency == nil }

// SentNotice is one notice sent to the debtor.
type SentNotice struct {
	SentAt   time.Time `json:"sent_at"`
	Form     string    `json:"form"` // letter, sms, email
	Contents []string  `json:"contents,omitempty"`
}
