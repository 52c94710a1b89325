package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Claim names what an agent wants to upload: an attachment of a record of their own.
type Claim struct {
	Agent      auth.UserID
	RecordType string
	Record     string
	Attachment string // the id of the attachment
	SHA256     string // of its bytes, in hexadecimal digits
	Bytes      int64
}

// Claimed is what the record says of it.
type Claimed struct {
	Case   journal.CaseID
	Debtor journal.DebtorID
	Kind   string // photo, signature, recording or document
}

// Refusals of uploads that the records decide.
const (
	codeRecordFirst = "upload.record_first"
	codeNotNamed    = "upload.not_named"
	codeUploadBytes = "upload.bytes"
)

// EvidenceClaimed finds the record that an upload belongs to, in the agent's branch, in those the agent worked in
// before, or among what waits in quarantine about a case that is known, and what it says of the attachment. Refusals:
// upload.record_first where the agent has no such record (another agent's record is answered like none),
// upload.not_named where the record does not name the attachment, upload.bytes, debtor.erased.
func (s *Service) EvidenceClaimed(ctx context.Context, branch auth.BranchID, c Claim) (Claimed, error) {
	branches := []auth.BranchID{branch}
	if s.agents != nil {
		former, err := s.agents.Formerly(ctx, c.Agent)
		if err != nil {
			return Claimed{}, fmt.Errorf("find the branches of an agent: %w", err)
		}
		branches = append(branches, former...)
	}
	var none *refusal.Error
	for _, b := range branches {
		for _, find := range []func(context.Context, auth.BranchID, Claim) (Claimed, *refusal.Error, error){
			s.claimedByRecord, s.claimedByQuarantine} {
			found, no, err := find(ctx, b, c)
			switch {
			case err != nil:
				return Claimed{}, err
			case no == nil:
				if erased, err := s.vault.IsErased(ctx, found.Debtor); err != nil {
					return Claimed{}, err
				} else if erased {
					return Claimed{}, refuseErased("record_id")
				}
				return found, nil
			case none == nil || none.Code() == codeRecordFirst:
				none = no
			}
		}
	}
	return Claimed{}, none
}

// EvidenceOpen tells whether an agent may still bring the bytes that its records of a case name: while its phones hold
// the case, and after that if it visited, or its day was over. What was taken back before is not the agent's any more.
// branch is the agent's when it began; true where the case is in another branch now.
func (s *Service) EvidenceOpen(ctx context.Context, branch auth.BranchID, agent auth.UserID, of journal.CaseID) (bool,
	error) {
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(of)}})
	if err != nil {
		return false, fmt.Errorf("read the case of an upload: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return true, nil
	}
	k, err := scopeOf(recs[0])
	if err != nil || k.HasMoved() || slices.Contains(k.Agents, agent) {
		return err == nil, err
	}
	open := false
	q := journal.Query{Branch: branch, Type: "assignments", Index: AssignmentsByCase.Name, Eq: []any{string(of)}}
	err = s.each(ctx, q, func(rec journal.Record) error {
		var a record.Assignment
		if err := decode(rec, &a); err != nil {
			return err
		}
		open = open || slices.Contains(a.Agents, agent) && (a.Shown() || a.DayOver())
		return nil
	})
	return open, err
}

func recordFirst() *refusal.Error {
	return refuse(refusal.Invalid, codeRecordFirst, "record_id",
		"there is no such record of yours: push the record that names this attachment first, then upload it")
}

// claimedByRecord looks among the records of a branch.
func (s *Service) claimedByRecord(ctx context.Context, branch auth.BranchID, c Claim) (Claimed, *refusal.Error, error) {
	kind, known := record.KindOf(c.RecordType)
	if !known || kind.ReportMembers() == nil {
		return Claimed{}, recordFirst(), nil
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: c.RecordType, ID: c.Record}})
	if err != nil {
		return Claimed{}, nil, fmt.Errorf("read the record of an upload: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return Claimed{}, recordFirst(), nil
	}
	state := kind.New()
	if err := decode(recs[0], state); err != nil {
		return Claimed{}, nil, err
	}
	taken := record.TakenOf(state)
	if taken == nil || taken.By != c.Agent {
		return Claimed{}, recordFirst(), nil
	}
	var of owned
	if err := decode(recs[0], &of); err != nil {
		return Claimed{}, nil, err
	}
	named, no := c.namedIn(state)
	return Claimed{Case: of.Case, Debtor: taken.Debtor, Kind: named.Kind}, no, nil
}

// claimedByQuarantine looks among what phones sent of a record and was not applied.
func (s *Service) claimedByQuarantine(ctx context.Context, branch auth.BranchID, c Claim) (out Claimed,
	no *refusal.Error, err error) {
	no = recordFirst()
	kind, known := record.KindOf(c.RecordType)
	if !known || kind.ReportMembers() == nil {
		return out, no, nil
	}
	q := journal.Query{Branch: branch, Type: "quarantine", Index: quarantineByRecord.Name, Eq: []any{c.Record}}
	err = s.each(ctx, q, func(rec journal.Record) error {
		var item record.Quarantined
		if err := decode(rec, &item); err != nil {
			return err
		}
		if no == nil || item.Agent != c.Agent || item.Type != c.RecordType || item.Case == "" ||
			item.Debtor == "" || item.Debtor == agentKey(item.Agent) {
			return nil
		}
		text, err := s.payload(ctx, branch, rec.ID, &item)
		if err != nil || text == "" {
			return err
		}
		state, bad := kind.Read(json.RawMessage(text), s.journal.Now())
		if bad != nil {
			return nil // it waits because it cannot be read
		}
		var named record.Named
		named, no = c.namedIn(state)
		out = Claimed{Case: item.Case, Debtor: item.Debtor, Kind: named.Kind}
		return nil
	})
	return out, no, err
}

// payload is what a phone sent, whole; "" when the debtor is erased.
func (s *Service) payload(ctx context.Context, branch auth.BranchID, id string, q *record.Quarantined) (string, error) {
	if err := s.vault.OpenDoc(ctx, q.Debtor, branch, "quarantine", id, q); err != nil {
		return "", fmt.Errorf("open the item: %w", err)
	}
	refs := partRefs(id, q)
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return "", fmt.Errorf("read the parts: %w", err)
	}
	parts := make([]record.QuarantinePart, len(recs))
	for i, rec := range recs {
		if err := decode(rec, &parts[i]); err != nil {
			return "", err
		}
		if err := s.vault.OpenDoc(ctx, q.Debtor, branch, rec.Type, rec.ID, &parts[i]); err != nil {
			return "", fmt.Errorf("open the parts: %w", err)
		}
	}
	text, _ := payloadOf(q, parts)
	return text, nil
}

// namedIn finds the attachment in what a record says.
func (c Claim) namedIn(state any) (record.Named, *refusal.Error) {
	for _, n := range record.EvidenceOf(state) {
		if !n.Is(c.Attachment, c.SHA256) {
			continue
		}
		if n.Bytes != 0 && n.Bytes != c.Bytes {
			return n, refuse(refusal.Invalid, codeUploadBytes, "Upload-Length",
				"the record says another number of bytes for this attachment")
		}
		return n, nil
	}
	return record.Named{}, refuse(refusal.Invalid, codeNotNamed, "attachment_id",
		"the record names no attachment with this id and SHA-256; record another one that does, and that supersedes it")
}

// storeAttachment records that the bytes of an attachment are stored.
type storeAttachment struct{ state record.StoredAttachment }

// AttachmentReceipt answers StoreAttachment.
type AttachmentReceipt struct {
	ID string `json:"attachment"`
	// Blob is the name of the bytes that are kept: another one than was given if the attachment was stored before.
	Blob string `json:"blob"`
}

func (c storeAttachment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	a := c.state
	f, err := t.file(ctx, a.Case, 0)
	if err != nil {
		return nil, err
	}
	if f.Case.Debtor != a.Debtor {
		return nil, refuse(refusal.Conflict, codeNotNamed, "record_id", "the record is about another debtor")
	}
	id := a.Attachment
	for range 2 {
		rec, there, err := t.r.Doc(ctx, "attachments", id)
		if err != nil {
			return nil, err
		}
		if !there {
			break
		}
		var was record.StoredAttachment
		if err := decode(rec, &was); err != nil {
			return nil, err
		}
		if was.By == a.By && was.Attachment == a.Attachment && was.Case == a.Case {
			return t.answer(AttachmentReceipt{id, was.Blob}), nil
		}
		id = madeID("at", string(a.By), a.Attachment) // another agent's attachment has the id
	}
	a.At = t.At
	d := t.draft("attachment.stored")
	d.putChild(f, "attachments", id, &a)
	d.tell(journal.AgentFeed(a.By), "attachments", id)
	d.reply = AttachmentReceipt{id, a.Blob}
	return d, nil
}

// StoreAttachment records that the bytes of an attachment are stored, in the branch that its case is in now. At is
// filled in, and Key and Filename must be open. Calling it again for the same agent and attachment changes nothing.
// Refusals: case.moved while the case is on its way to another branch, debtor.erased, case.not_found.
func (s *Service) StoreAttachment(ctx context.Context, a record.StoredAttachment) (AttachmentReceipt, error) {
	branch, err := s.BranchOf(ctx, a.Case)
	if err != nil {
		return AttachmentReceipt{}, err
	}
	by := auth.Actor{User: a.By, Role: auth.RoleAgent, Device: a.Device, Branches: []auth.BranchID{branch}}
	r, err := s.One(ctx, by, branch, Request{ID: "attachment:" + madeID("at", string(a.By), a.Attachment, a.Blob),
		Device: a.Device, Cmd: storeAttachment{a}})
	if err != nil {
		return AttachmentReceipt{}, err
	}
	var out AttachmentReceipt
	return out, json.Unmarshal(r.Body, &out)
}

// Attachment reads a stored attachment of a case, opened, for the office and for auditors of the level regulator;
// branch is the one the case is in. Refusals: attachment.not_found; seal.ErrErased.
func (s *Service) Attachment(ctx context.Context, a auth.Actor, branch auth.BranchID, of journal.CaseID,
	id string) (record.StoredAttachment, error) {
	none := refuse(refusal.NotFound, "attachment.not_found", "attachment", "there is no such attachment of this case")
	office := record.AudienceOf(a.Role) == record.Office
	if !a.InBranch(branch) || !office && !(a.Role == auth.RoleAuditor && a.Regulator) {
		return record.StoredAttachment{}, none
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "attachments", ID: id}})
	if err != nil {
		return record.StoredAttachment{}, fmt.Errorf("read an attachment: %w", err)
	}
	var out record.StoredAttachment
	if recs[0].Type == "" || recs[0].Deleted {
		return out, none
	}
	if err := decode(recs[0], &out); err != nil {
		return out, err
	}
	if out.Case != of {
		return record.StoredAttachment{}, none
	}
	if err := s.vault.OpenDoc(ctx, out.Debtor, branch, "attachments", id, &out); err != nil {
		return out, fmt.Errorf("open an attachment: %w", err)
	}
	if seal.Erased(&out) {
		return record.StoredAttachment{}, seal.ErrErased
	}
	return out, nil
}

// ErasedBlobs calls fn with the names of the blobs of debtors whose erasure is done in a branch.
func (s *Service) ErasedBlobs(ctx context.Context, branch auth.BranchID, fn func(blob string) error) error {
	erased, err := s.erasuresOf(ctx, journal.Query{Branch: branch, Type: "erasures", Index: erasuresByState.Name,
		Eq: []any{record.ErasureErased}})
	if err != nil {
		return err
	}
	for _, e := range erased {
		for _, id := range e.State.Cases {
			q := journal.Query{Branch: branch, Type: "attachments", Index: AttachmentsByCase.Name, Eq: []any{string(id)}}
			if err := s.each(ctx, q, func(rec journal.Record) error {
				var a record.StoredAttachment
				if err := decode(rec, &a); err != nil {
					return err
				}
				for _, blob := range []string{a.Blob, a.ThumbnailBlob} {
					if blob == "" {
						continue
					}
					if err := fn(blob); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
