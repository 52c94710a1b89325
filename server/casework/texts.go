package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Texting is what sends texts to debtors, and reads their replies.
type Texting struct {
	// Texts knows what lenders send by text; nil: none is sent.
	Texts Texts
	// Lint judges the words of a text before it is sent; nil: ladder.Judge.
	Lint ladder.Lint
	// Intent tells what a reply means; nil: every reply is for a person to read.
	Intent ladder.Intent
}

func (x Texting) filled() Texting {
	if x.Lint == nil {
		x.Lint = ladder.Judge
	}
	if x.Intent == nil {
		x.Intent = func(string, string) ladder.Answer { return ladder.Answer{Intent: record.IntentOther} }
	}
	return x
}

// Texts knows what lenders send by text. The errors are the store's. What it says belongs to the organisation, so that
// a decision does not rest on it: the template, its version and the policy stand in the message.
type Texts interface {
	// Ladder is the ladder of a lender's cases in a country.
	Ladder(ctx context.Context, lender, country string) (ladder.Definition, error)
	// Template is the text in force for a kind of message; ok is false for none.
	Template(ctx context.Context, lender, kind, language, country string, neutral bool) (t TextTemplate, ok bool,
		err error)
	// Sender is how a lender signs.
	Sender(ctx context.Context, lender string) (TextSender, error)
	// Texting lists the lenders that have a text in force.
	Texting(ctx context.Context) ([]string, error)
	// Overlays are a branch's own conduct profiles.
	Overlays(ctx context.Context, branch auth.BranchID) ([]string, error)
}

// TextTemplate is the text that a message is made of.
type TextTemplate struct {
	ID       string
	Version  int
	Language string
	Text     string
	// Released tells whether a second person has set a fault of the text aside.
	Released func(ladder.Fault) bool
}

// TextSender is how a lender signs its texts, and what it may say.
type TextSender struct {
	Name, ComplaintPhone string
	Links                map[string]string // by variable
	Products             []string
	Consequences         []ladder.Consequence
}

const smsChannel = "sms"

// The declared indexes of texts.
var (
	messagesByState = journal.Index{Type: "messages", Name: "state", Fields: []string{"state", "queued_at"}}
	messagesDue     = journal.Index{Type: "messages", Name: "due", Fields: []string{"state", "next_at"}}
	messagesByTime  = journal.Index{Type: "messages", Name: "at", Fields: []string{"queued_at"}}
	repliesByState  = journal.Index{Type: "replies", Name: "state", Fields: []string{"state", "at"}}
)

func textIndexes() []journal.Index {
	return []journal.Index{byCase("messages"), byCase("ladders"), byCase("replies"), messagesByState, messagesDue,
		messagesByTime, repliesByState, deskTexts}
}

func noSuchMessage() *refusal.Error {
	return refuse(refusal.NotFound, "message.not_found", "message", "there is no such message here")
}

// ladder reads how far a case has come with its texts; a new state if there is none.
func (t *turn) ladder(ctx context.Context, f *File) (*record.Ladder, error) {
	rec, there, err := t.r.Doc(ctx, "ladders", string(f.Case.ID))
	l := &record.Ladder{}
	if err == nil && there {
		err = decode(rec, l)
	}
	if err != nil {
		return nil, err
	}
	if !there || l.DueDate < f.Case.DueDate && l.Waiting == "" {
		by, state, reason := l.By, l.State, l.Reason
		*l = record.Ladder{Case: f.Case.ID, Debtor: f.Case.Debtor, Lender: f.Case.Lender, State: record.LadderActive,
			DueDate: f.Case.DueDate, At: t.At, MovedIn: l.MovedIn}
		if by != "" { // what a supervisor said holds for a new due date too
			l.By, l.State, l.Reason = by, state, reason
		}
	}
	return l, nil
}

// MessageQuery asks for messages.
type MessageQuery struct {
	Branch auth.BranchID
	Case   journal.CaseID // "" for all
	State  string         // "" for all
	Limit  int
	After  string
}

// Messages lists messages, newest first. With a case and a state a page may be short. Refusals: list.state,
// branch.not_found.
func (s *Service) Messages(ctx context.Context, a auth.Actor, q MessageQuery) (Page, error) {
	if q.State != "" {
		if bad := record.OneOf("list.state", "state", q.State, record.CodesOf("message_states")); bad != nil {
			return Page{}, bad
		}
	}
	find := journal.Query{Branch: q.Branch, Type: "messages", Index: messagesByTime.Name, Desc: true, Limit: q.Limit,
		After: q.After}
	switch {
	case q.Case != "":
		find.Index, find.Eq = byCase("messages").Name, []any{string(q.Case)}
	case q.State != "":
		find.Index, find.Eq = messagesByState.Name, []any{q.State}
	}
	p, err := s.ofHere(ctx, a, find)
	if err != nil || q.Case == "" || q.State == "" {
		return p, err
	}
	p.Items = slices.DeleteFunc(p.Items, func(item json.RawMessage) bool {
		var of struct{ State string }
		return json.Unmarshal(item, &of) != nil || of.State != q.State
	})
	return p, nil
}

// Replies lists the replies of a state, oldest first; "" for those that wait.
func (s *Service) Replies(ctx context.Context, a auth.Actor, branch auth.BranchID, state string, limit int,
	after string) (Page, error) {
	if state == "" {
		state = record.ReplyOpen
	}
	if bad := record.OneOf("list.state", "state", state, []string{record.ReplyOpen, record.ReplyHandled}); bad != nil {
		return Page{}, bad
	}
	return s.ofHere(ctx, a, journal.Query{Branch: branch, Type: "replies", Index: repliesByState.Name, Eq: []any{state},
		Limit: limit, After: after})
}

// textPage is how many messages, or cases, are worked on before the caller looks again.
const textPage = 50

// DueTexts lists the messages of a branch that are to be sent by now, at most 50, those first that have waited longest.
// It leaves out those for which skip says so, and looks at the next ones instead, so that messages that cannot be
// judged keep no others back; nil skips none.
func (s *Service) DueTexts(ctx context.Context, branch auth.BranchID, now time.Time,
	skip func(id string) bool) ([]string, error) {
	type due struct {
		id string
		at time.Time
	}
	var all []due
	for _, state := range []string{record.MessageQueued, record.MessageRefused} {
		q := journal.Query{Branch: branch, Type: "messages", Index: messagesDue.Name, Eq: []any{state},
			To: second(now.Add(time.Second)), Limit: textPage}
		for n := 0; n < textPage; {
			found, err := s.store.Find(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("find messages: %w", err)
			}
			for _, rec := range found.Records {
				var m struct {
					Next time.Time `json:"next_at"`
				}
				if skip != nil && skip(rec.ID) {
					continue
				}
				if err := decodeSome(rec, &m, "next_at"); err != nil {
					return nil, err
				}
				all, n = append(all, due{rec.ID, m.Next}), n+1
			}
			if found.Next == "" {
				break
			}
			q.After = found.Next
		}
	}
	slices.SortStableFunc(all, func(a, b due) int { return a.at.Compare(b.at) })
	var out []string
	for _, d := range all[:min(len(all), textPage)] {
		out = append(out, d.id)
	}
	return out, nil
}

// StuckTexts lists the messages of a branch at sending. Where no call is under way, a crash has left them so.
func (s *Service) StuckTexts(ctx context.Context, branch auth.BranchID) ([]string, error) {
	var out []string
	err := s.each(ctx, journal.Query{Branch: branch, Type: "messages", Index: messagesByState.Name,
		Eq: []any{record.MessageSending}}, func(rec journal.Record) error {
		out = append(out, rec.ID)
		return nil
	})
	return out, err
}

// Outgoing is a text that a provider is to be asked to carry.
type Outgoing struct {
	ID, Number, Text string
	Attempts         int
}

// StartText judges a message at the moment of sending. ok says that it is at sending now, durably, and that the caller
// is to ask the provider, once, and to settle it (SettleText).
func (s *Service) StartText(ctx context.Context, branch auth.BranchID, id string) (out Outgoing, ok bool, err error) {
	r, err := s.One(ctx, auth.System(), branch, Request{ID: "text:" + journal.NewID(), Cmd: SendText{ID: id}})
	if err != nil {
		return out, false, err
	}
	var answer MessageReceipt
	if err := json.Unmarshal(r.Body, &answer); err != nil {
		return out, false, fmt.Errorf("read receipt of a message: %w", err)
	}
	if !answer.Started {
		return out, false, nil
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "messages", ID: id}})
	if err != nil {
		return out, false, fmt.Errorf("read message: %w", err)
	}
	var m record.Message
	if err := decode(recs[0], &m); err != nil {
		return out, false, err
	}
	if err := s.vault.OpenDoc(ctx, m.Debtor, branch, "messages", id, &m); err != nil {
		return out, false, fmt.Errorf("open message: %w", err)
	}
	text := strings.ReplaceAll(m.Text.Plain(), linkToken, s.PageToken(linkOfText(id)))
	if m.Kind == ladder.PageCode {
		text = strings.ReplaceAll(text, codeToken, pageCode(s.vault, id))
	}
	return Outgoing{ID: id, Number: m.Number.Plain(), Text: text, Attempts: m.Attempts}, true, nil
}

// StepLadders takes the steps that are due in the ladders of a branch's cases, of at most 50 cases; more says that
// others wait. Only lenders that have a text in force have ladders.
func (s *Service) StepLadders(ctx context.Context, branch auth.BranchID, now time.Time) (more bool, err error) {
	if s.texting.Texts == nil {
		return false, nil
	}
	lenders, err := s.texting.Texts.Texting(ctx)
	if err != nil || len(lenders) == 0 {
		return false, err
	}
	if err := s.views.CatchUp(ctx, branch, deskView); err != nil {
		return false, err
	}
	for _, lender := range lenders {
		found, err := s.store.Find(ctx, journal.Query{Branch: branch, Type: deskView, Index: deskTexts.Name,
			Eq: []any{lender}, To: second(now.Add(time.Second)), Limit: textPage})
		if err != nil {
			return false, fmt.Errorf("find ladders: %w", err)
		}
		more = more || found.Next != ""
		var reqs []Request
		for _, row := range found.Records {
			var of deskCase
			if err := decode(row, &of); err != nil {
				return false, err
			}
			reqs = append(reqs, Request{ID: "step:" + journal.NewID(), Cmd: TakeStep{Case: of.Case}})
		}
		if len(reqs) == 0 {
			continue
		}
		receipts, err := s.Do(ctx, auth.System(), branch, reqs)
		if err != nil {
			return false, err
		}
		for _, r := range receipts {
			if r.Err != nil {
				s.log.Warn("a ladder cannot be looked at", "branch", branch, "err", r.Err)
			}
		}
	}
	return more, nil
}

// HasMessage tells whether a branch has a message of an id.
func (s *Service) HasMessage(ctx context.Context, branch auth.BranchID, id string) (bool, error) {
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "messages", ID: id}})
	if err != nil {
		return false, fmt.Errorf("read message: %w", err)
	}
	return recs[0].Type != "" && !recs[0].Deleted, nil
}
