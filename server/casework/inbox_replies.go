package casework

import (
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// openReplies reads the replies that wait for a person.
func openReplies(_ *Service, q *journal.Query, _ func(int) string) {
	q.Type, q.Index, q.Eq = "replies", repliesByState.Name, []any{record.ReplyOpen}
}

func (d *desk) vulnerableReply(row journal.Record) (*InboxItem, error) { return d.reply(row, true) }

func (d *desk) plainReply(row journal.Record) (*InboxItem, error) { return d.reply(row, false) }

// reply is a reply that waits: one that tells of an illness, a death, hunger or a lost job is to be dealt with on the
// day on which it came.
func (d *desk) reply(row journal.Record, vulnerable bool) (*InboxItem, error) {
	var r record.Reply
	if err := decode(row, &r); err != nil || r.Vulnerable != vulnerable {
		return nil, err
	}
	k, err := d.kase(r.Case)
	if err != nil || k == nil {
		return nil, err
	}
	item := &InboxItem{ID: row.ID, Case: k.ID, Since: r.At, Codes: append([]string{r.Intent}, r.Also...), Team: k.Team}
	if vulnerable {
		item.Until = d.s.zones.dayAt(r.At, k.TimeZone)
	}
	return item, nil
}
