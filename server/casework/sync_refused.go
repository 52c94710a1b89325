package casework

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// refuse keeps a mutation that is not applied, and puts the record's current
// state back into the pusher's feed (M6), if the agent may hear of it.
func (c mutation) refuse(ctx context.Context, t *turn, status, code, detail string, of journal.CaseID) (*draftBuilder,
	string, error) {
	d := t.draft("mutation." + status)
	id, err := c.quarantine(ctx, t, d, status, code, of)
	if err != nil {
		return nil, "", err
	}
	hears, err := c.hears(ctx, t)
	if err != nil {
		return nil, "", err
	}
	if hears {
		d.tell(journal.AgentFeed(t.Actor.User), c.m.Type, c.m.ID)
	}
	d.reply = mutationReceipt{Status: status, Code: code, Detail: detail, Quarantine: id}
	return d, status, nil
}

// hears tells whether the agent hears in its feed how the record of a refused mutation stands. It does
// of a record that it made or may see, of a stop that was its own and was taken back, and that its own new record is
// not there. Of an id that is another agent's or free it hears nothing: the feed must not tell the two apart.
func (c mutation) hears(ctx context.Context, t *turn) (bool, error) {
	kind, _ := record.KindOf(c.m.Type)
	if !kind.Synced || c.m.ID == "" {
		return false, nil
	}
	rec, there, err := t.r.Doc(ctx, c.m.Type, c.m.ID)
	if err != nil {
		return false, err
	}
	if !there {
		return rec.Rev > 0 || c.m.Op == "put" && kind.Rules.Policy != offline.ServerOwned, nil
	}
	s, err := c.standing(ctx, t, rec)
	return s.inScope || s.mine || s.had, err
}

// quarantine drafts the payload as it was sent, sealed, with a task for a supervisor.
func (c mutation) quarantine(ctx context.Context, t *turn, d *draftBuilder, outcome, code string,
	of journal.CaseID) (string, error) {
	id := madeID("q", t.Request.ID)
	if _, _, err := t.r.Doc(ctx, "quarantine", id); err != nil {
		return "", err
	}
	q := &record.Quarantined{Agent: t.Actor.User, Device: c.push.caller.Device, Mid: c.m.Mid, Type: c.m.Type,
		Record: c.m.ID,
		Op:     c.m.Op, Outcome: outcome, Code: code, State: "open", At: t.At, SkewS: c.push.caller.SkewS,
		MonoMs: max(0, c.m.MonoMs), NotAfter: record.WholeUTC(c.push.notAfter[c.m])}
	switch {
	case code == record.CodeStep, q.IsPrivate():
		q.State = "dismissed" // two phones of a team tell the same stop, or it is a draft: nothing is to be done
	case outcome == offline.NotYet:
		q.State = quarantineWaiting
	}
	if record.InYears(c.m.ClientTS) {
		q.Written = record.WholeUTC(c.m.ClientTS)
	}
	if !record.IsID(q.Mid) {
		q.Mid = ""
	}
	// A name that is not ours may say anything: it is sealed.
	if _, known := record.KindOf(c.m.Type); !known {
		q.Type, q.TypeSaid = "", seal.NewText(c.m.Type)
	}
	// The debtor's key seals it. If the payload names no case that we have, the debtor is unknown, and the agent's key
	// seals it.
	q.Debtor = agentKey(t.Actor.User)
	about := of
	if about == "" {
		about = c.named()
	}
	erased := code == codeErased
	if about != "" {
		rec, there, err := t.r.Doc(ctx, "cases", string(about))
		if err != nil {
			return "", err
		}
		var k record.Case
		if there {
			if err := decode(rec, &k); err != nil {
				return "", err
			}
			// Without this look-up the case would be the phone's claim only, and stay sealed with the rest.
			q.Case, q.Debtor = of, k.Debtor
			if !erased {
				if erased, err = t.erased(ctx, about); err != nil {
					return "", err
				}
			}
		}
	}
	var text string
	switch {
	case erased: // only ids and codes are kept
		q.TypeSaid = seal.Text{}
	case c.m.Broken:
		// What it would have recorded cannot be told: it is kept to be read.
		if text = keptText(c.m.Raw); !q.IsPrivate() {
			q.Type = ""
		}
	case c.asSent != nil:
		text = compactJSON(c.asSent)
	case len(c.m.Fields) > 0:
		text = compactJSON(c.m.Fields)
	}
	if err := t.keepPayload(ctx, d, id, q, text); err != nil {
		return "", err
	}
	d.put("quarantine", id, q.Debtor, q)
	return id, nil
}

// keptText is a text as it was sent; one that is not UTF-8 in base64.
func keptText(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	return "base64:" + base64.StdEncoding.EncodeToString(raw)
}

// debtor is whose key seals what the mutation asked: of is the record's case, "" for
// none; the case that the payload names counts next, and then nobody's ("").
func (c mutation) debtor(ctx context.Context, t *turn, of journal.CaseID) (journal.DebtorID, error) {
	if of == "" {
		of = c.named()
	}
	if of == "" {
		return "", nil
	}
	rec, there, err := t.r.Doc(ctx, "cases", string(of))
	if err != nil || !there {
		return "", err
	}
	var k record.Case
	err = decode(rec, &k)
	return k.Debtor, err
}

// named is the case that a payload names by itself.
func (c mutation) named() journal.CaseID {
	var of struct {
		Case journal.CaseID `json:"case"`
	}
	if json.Unmarshal(c.m.Fields, &of) != nil {
		return ""
	}
	return of.Case
}

// mostUnderOneMid is how many different payloads under one mid are kept beside the first.
const mostUnderOneMid = 20

// keptID is the command under which a payload of a mutation is kept: try counts the payloads from 1.
func keptID(command string, try int) string { return madeID("q:", command, strconv.Itoa(try)) }

// keep stores in quarantine what could not be stored under its own command id. A mid
// that was used again has a command id of its own for each payload, by the order they came in.
func (p *push) keep(ctx context.Context, ms []offline.Mutation, out []offline.Result, which []int) error {
	for try := 1; len(which) > 0 && try <= mostUnderOneMid; try++ {
		reqs := make([]Request, len(which))
		for k, i := range which {
			reqs[k] = Request{ID: keptID(p.commandOf(&ms[i]), try), Payload: ms[i].Hash,
				Device: p.caller.Device, Cmd: keptMutation{mutation{push: p, m: &ms[i]}, out[i].Status, out[i].Code}}
			// A time that no entry can hold may be why the mutation was refused.
			if journal.InDomain(ms[i].ClientTS) {
				reqs[k].Claimed = ms[i].ClientTS
			}
		}
		receipts, err := p.svc.Do(ctx, p.caller.Actor, p.caller.Branch, reqs)
		if err != nil {
			return err
		}
		var again []int
		for k, r := range receipts {
			if errors.Is(r.Err, journal.ErrReused) {
				again = append(again, which[k])
			}
			if r.Err != nil {
				continue // a page does not hold it; the answer says so
			}
			var answer mutationReceipt
			if err := json.Unmarshal(r.Body, &answer); err != nil {
				return fmt.Errorf("read receipt of %s: %w", r.Command, err)
			}
			out[which[k]].Quarantine = answer.Quarantine
		}
		which = again
	}
	return nil
}

// keptMutation only quarantines.
type keptMutation struct {
	mutation
	status, code string
}

func (c keptMutation) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d, _, err := c.refuse(ctx, t, c.status, c.code, "", "")
	return d, err
}

// compactJSON is a JSON text without white space; what is not JSON stays as it is.
func compactJSON(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}
