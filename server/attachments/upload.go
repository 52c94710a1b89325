package attachments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// The kinds of small documents: uploads that are under way, by agent and attachment id; those whose bytes are stored,
// which are known for a while so that a phone that missed the answer hears it; and what was begun on a day.
const (
	openKind   = "uploads"
	storedKind = "stored_uploads"
	dayKind    = "upload_days"
)

// upload is the header of an upload. Its personal parts are sealed under the debtor's key.
type upload struct {
	Agent      auth.UserID      `json:"agent"`
	Device     auth.DeviceID    `json:"device"`
	Branch     auth.BranchID    `json:"branch"` // the agent's when it began: the place its parts are sealed for
	Attachment string           `json:"attachment"`
	RecordType string           `json:"record_type"`
	Record     string           `json:"record"`
	SHA256     string           `json:"sha256"` // lower-case
	Type       string           `json:"media_type"`
	Kind       string           `json:"kind"`
	Case       journal.CaseID   `json:"case"`
	Debtor     journal.DebtorID `json:"debtor"`
	Length     int64            `json:"length"`
	Blob       string           `json:"blob"`
	Key        seal.Text        `json:"key,omitzero"`
	Filename   seal.Text        `json:"filename,omitzero"`
	At         time.Time        `json:"at"` // of the last byte, give or take an hour
	// Making are blobs that are written at the end, and Ready says that they are whole, with what is to be recorded.
	Making []string                 `json:"making,omitempty"`
	Ready  *record.StoredAttachment `json:"ready,omitempty"`
	Stored bool                     `json:"stored,omitempty"`

	version uint64
}

// id is the id of the header: attachment ids have no slash.
func (u *upload) id() string { return uploadID(u.Agent, u.Attachment) }

func uploadID(agent auth.UserID, attachment string) string { return string(agent) + "/" + attachment }

var (
	attachmentPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	sha256Pattern     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// IsID tells whether a text can be the id of an attachment.
func IsID(id string) bool { return attachmentPattern.MatchString(id) && id != "." && id != ".." }

// readUpload reads what a phone says of an upload it begins. Refusals: upload.metadata, naming the member.
func readUpload(agent auth.Actor, branch auth.BranchID, meta map[string]string, length int64) (*upload,
	*refusal.Error) {
	bad := func(member, about string) *refusal.Error {
		return refuse(refusal.Invalid, "upload.metadata", member, "Upload-Metadata: %s", about)
	}
	u := &upload{Agent: agent.User, Device: agent.Device, Branch: branch, Attachment: meta["attachment_id"],
		RecordType: meta["record_type"], Record: meta["record_id"], SHA256: strings.ToLower(meta["sha256"]),
		Type: meta["filetype"], Length: length}
	name := meta["filename"]
	switch {
	case !IsID(u.Attachment):
		return nil, bad("attachment_id", "attachment_id is 1 to 64 letters A to Z, digits and any of _.-")
	case !sha256Pattern.MatchString(u.SHA256):
		return nil, bad("sha256", "sha256 is the SHA-256 of all bytes in 64 hexadecimal digits")
	case !record.IsID(u.RecordType):
		return nil, bad("record_type", "record_type is the type of the record that names the attachment, such as visits")
	case !record.IsID(u.Record):
		return nil, bad("record_id", "record_id is the id of the record that names the attachment")
	case u.Type == "":
		return nil, bad("filetype", "filetype is the media type of the bytes, such as image/jpeg")
	case len(name) > 255 || !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return nil, bad("filename", "filename has at most 255 bytes of UTF-8; leave it out if in doubt")
	case length < 1:
		return nil, refuse(refusal.Invalid, "upload.metadata", "Upload-Length", "an attachment has at least one byte")
	}
	if name != "" {
		u.Filename = seal.NewText(name)
	}
	return u, nil
}

// meta is what the phone said of it with POST, but for the filename: HEAD tells it, so that a phone knows whether it is
// the upload that it means.
func (u *upload) meta() map[string]string {
	return map[string]string{"attachment_id": u.Attachment, "sha256": u.SHA256, "record_type": u.RecordType,
		"record_id": u.Record, "filetype": u.Type}
}

// same tells whether two uploads are of the same bytes for the same record.
func (u *upload) same(o *upload) bool {
	return u.RecordType == o.RecordType && u.Record == o.Record && u.SHA256 == o.SHA256 && u.Type == o.Type &&
		u.Length == o.Length
}

func (u *upload) claim() casework.Claim {
	return casework.Claim{Agent: u.Agent, RecordType: u.RecordType, Record: u.Record, Attachment: u.Attachment,
		SHA256: u.SHA256, Bytes: u.Length}
}

// load reads the header of an upload, opened. upload.not_found; seal.ErrErased with the header where the debtor was
// erased.
func (s *Service) load(ctx context.Context, agent auth.UserID, attachment string) (*upload, error) {
	for _, kind := range []string{openKind, storedKind} {
		body, version, err := s.opt.Smalls.Small(ctx, kind, uploadID(agent, attachment))
		if errors.Is(err, journal.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read an upload: %w", err)
		}
		return s.open(ctx, body, version)
	}
	return nil, refuse(refusal.NotFound, "upload.not_found", "attachment",
		"there is no such upload of yours: begin it with POST /files/")
}

func (s *Service) open(ctx context.Context, body []byte, version uint64) (*upload, error) {
	u := &upload{version: version}
	if err := json.Unmarshal(body, u); err != nil {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	if u.Stored {
		return u, nil
	}
	if err := s.opt.Vault.OpenDoc(ctx, u.Debtor, u.Branch, openKind, u.id(), u); err != nil {
		return nil, fmt.Errorf("open an upload: %w", err)
	}
	if seal.Erased(u) {
		return u, seal.ErrErased
	}
	return u, nil
}

// save writes the header if it is at the version that was read. journal.ErrRaced: another request or node changed it.
func (s *Service) save(ctx context.Context, u *upload) error {
	if err := s.opt.Vault.SealDoc(ctx, u.Debtor, u.Branch, openKind, u.id(), u); err != nil {
		return fmt.Errorf("seal an upload: %w", err)
	}
	body, err := seal.Marshal(u)
	if err != nil {
		return fmt.Errorf("keep an upload: %w", err)
	}
	if err := s.opt.Smalls.SwapSmall(ctx, openKind, u.id(), u.version, body); err != nil {
		return err
	}
	u.version++
	return nil
}

// discard forgets an upload with all its bytes.
func (s *Service) discard(ctx context.Context, u *upload) error {
	for _, blob := range append([]string{u.Blob}, u.Making...) {
		if err := s.opt.Frames.DropFrames(ctx, blob); err != nil {
			return fmt.Errorf("discard an upload: %w", err)
		}
	}
	err := s.opt.Smalls.DeleteSmall(ctx, openKind, u.id(), u.version)
	if errors.Is(err, journal.ErrNotFound) || errors.Is(err, journal.ErrRaced) {
		return nil // another node has forgotten it, or works on it and will find no bytes
	}
	return err
}
