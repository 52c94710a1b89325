package record

import (
	"time"

	"doorstep/auth"
)

// PageLink is a link to the page of the person visited. Its token is kept nowhere: it is made of the id with the
// deployment's key, and the blind view has a keyed hash of it.
type PageLink struct {
	ID string      `json:"link_id" is:"server"`
	At time.Time   `json:"at"`
	By auth.UserID `json:"by,omitempty" is:"server"` // who issued it
	// Expires is when it ends.
	Expires time.Time `json:"expires_at"`
	// Message is the text that it went out in, Number the number that the text went to; "" for one of the office.
	Message string `json:"message_id,omitempty" is:"server"`
	Number  string `json:"number,omitempty" is:"text"`
	// Wrong is how often somebody has answered the check wrongly since a right answer. MostWrong end the link.
	Wrong int `json:"wrong,omitempty"`
	// Checked is when somebody last passed the check.
	Checked time.Time `json:"checked_at,omitzero"`
	// Code is the message with the code that was asked for last, and CodeAt when; "" once the code was used.
	Code   string    `json:"code_message,omitempty" is:"server"`
	CodeAt time.Time `json:"code_at,omitzero"`
	// Ended is of a link that was revoked, or that ended by itself before its time.
	Ended *Release `json:"ended,omitempty"`
}

// Limits of links to the page. All values are our own.
const (
	// MostPageLinks is how many links of a case may be in force; the oldest ends when another is issued.
	MostPageLinks = 20
	// MostWrong is how many wrong answers to the check end a link.
	MostWrong = 10
	// PageLinkDays is how long a link is in force unless whoever issues it says otherwise, MostPageLinkDays at most.
	PageLinkDays, MostPageLinkDays = 30, 90
	// PageCodeLife is how long a code is taken.
	PageCodeLife = 15 * time.Minute
)

// InForce tells whether the link opens the page at an instant.
func (l *PageLink) InForce(at time.Time) bool { return l.Ended == nil && at.Before(l.Expires) }

// PageLinkOf is the case's link of an id; nil if it has none. The case must be open.
func (c *Case) PageLinkOf(id string) *PageLink {
	for _, l := range c.PageLinks.Plain() {
		if l.ID == id {
			return &l
		}
	}
	return nil
}
