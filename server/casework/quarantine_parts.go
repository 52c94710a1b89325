package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// A payload that is too large for one document is kept in parts. It is part of a push, so
// offline.MaxPushBytes bounds it: kept in base64 at worst, which seals add to, it still fits the
// page of the journal that one command may fill.
//
// mostPart is how many bytes of a payload one document keeps: sealed they are 4/3 of that.
const mostPart = 32 << 10

// keepPayload drafts the payload of an item, whole: in the item, or in parts beside it.
func (t *turn) keepPayload(ctx context.Context, d *draftBuilder, id string, q *record.Quarantined, text string) error {
	if len(text) <= mostPart {
		q.Fields = seal.NewText(text)
		return nil
	}
	texts := cutText(text, mostPart)
	q.Parts = len(texts)
	parts := make([]record.QuarantinePart, len(texts))
	for n := range texts {
		parts[n] = record.QuarantinePart{Item: id, Debtor: q.Debtor, Fields: seal.NewText(texts[n])}
		if _, _, err := t.r.Doc(ctx, "quarantine_parts", partID(id, n)); err != nil {
			return err
		}
	}
	d.putParts(id, parts)
	return nil
}

// putParts drafts parts, each in an entry of its own, since an export shows whole entries, and
// begins a further entry for what follows.
func (d *draftBuilder) putParts(id string, parts []record.QuarantinePart) {
	action := d.now().action
	for n := range parts {
		d.put("quarantine_parts", partID(id, n), parts[n].Debtor, &parts[n])
		d.next(action)
	}
}

// partID is the id of part n of an item.
func partID(item string, n int) string { return item + "." + strconv.Itoa(n) }

// cutText cuts a text of valid UTF-8 into parts of at most some bytes, none within a character.
func cutText(text string, most int) []string {
	var out []string
	for len(text) > most {
		at := most
		for !utf8.RuneStart(text[at]) {
			at--
		}
		out, text = append(out, text[:at]), text[at:]
	}
	return append(out, text)
}

// partRefs are the documents of an item's parts.
func partRefs(id string, q *record.Quarantined) []journal.DocRef {
	refs := make([]journal.DocRef, q.Parts)
	for n := range refs {
		refs[n] = journal.DocRef{Type: "quarantine_parts", ID: partID(id, n)}
	}
	return refs
}

// partsOf reads the parts of an item for a decision, opened.
func (t *turn) partsOf(ctx context.Context, id string, q *record.Quarantined) ([]record.QuarantinePart, error) {
	refs := partRefs(id, q)
	if len(refs) > 1 {
		if err := t.r.Prefetch(ctx, refs...); err != nil {
			return nil, err
		}
	}
	parts := make([]record.QuarantinePart, len(refs))
	for n, ref := range refs {
		rec, there, err := t.r.Doc(ctx, ref.Type, ref.ID)
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, fmt.Errorf("the item %s has no part %d", id, n)
		}
		if err := decode(rec, &parts[n]); err != nil {
			return nil, err
		}
		if err := t.open(ctx, ref.Type, ref.ID, q.Debtor, &parts[n]); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// payloadOf is the payload of an opened item, whole. erased tells whether its key is destroyed.
func payloadOf(q *record.Quarantined, parts []record.QuarantinePart) (text string, erased bool) {
	if q.Parts == 0 {
		return q.Fields.Plain(), q.Fields.IsErased()
	}
	var b strings.Builder
	for i := range parts {
		b.WriteString(parts[i].Fields.Plain())
		erased = erased || parts[i].Fields.IsErased()
	}
	return b.String(), erased
}

// QuarantineItem is an item of the quarantine with its payload whole. The refusals are
// branch.not_found and quarantine.not_found.
func (s *Service) QuarantineItem(ctx context.Context, a auth.Actor, branch auth.BranchID, id string) (json.RawMessage,
	error) {
	if err := inBranch(a, branch); err != nil {
		return nil, err
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "quarantine", ID: id}})
	if err != nil {
		return nil, fmt.Errorf("read the item: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return nil, refuse(refusal.NotFound, "quarantine.not_found", "id", "there is no such item here")
	}
	var q record.Quarantined
	if err := decode(recs[0], &q); err != nil {
		return nil, err
	}
	to := record.AudienceOf(a.Role)
	item, err := s.shownWithID(ctx, recs[0], to)
	if err != nil || q.Parts == 0 || q.IsPrivate() {
		return item, err
	}
	found, err := s.store.Records(ctx, branch, partRefs(id, &q))
	if err != nil {
		return nil, fmt.Errorf("read the parts: %w", err)
	}
	var whole strings.Builder
	for n, rec := range found {
		text, err := s.shown(ctx, rec, to)
		if err != nil {
			return nil, err
		}
		var part struct {
			Fields *string `json:"fields"`
			Erased bool    `json:"erased"`
		}
		if err := json.Unmarshal(text, &part); err != nil {
			return nil, fmt.Errorf("read part %d of %s: %w", n, id, err)
		}
		switch {
		case part.Erased:
			return erasedPayload(item)
		case part.Fields == nil:
			return item, nil // not for this reader
		}
		whole.WriteString(*part.Fields)
	}
	return withMembers(item, "fields", whole.String()), nil
}

// erasedPayload is an item whose payload cannot be read any more.
func erasedPayload(item json.RawMessage) (json.RawMessage, error) {
	var shown struct {
		Erased bool `json:"erased"`
	}
	if err := json.Unmarshal(item, &shown); err != nil {
		return nil, fmt.Errorf("read the item: %w", err)
	}
	item = withMembers(item, "fields", nil)
	if !shown.Erased {
		item = withMembers(item, "erased", true)
	}
	return item, nil
}
