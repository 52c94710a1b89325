package attachments

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"

	tusd "github.com/tus/tusd/v2/pkg/handler"
)

// Records decides what may be uploaded, and keeps what is. casework.Service is one.
type Records interface {
	// EvidenceClaimed finds what a record says of an upload. Its refusals are the answer to who uploads.
	EvidenceClaimed(ctx context.Context, branch auth.BranchID, c casework.Claim) (casework.Claimed, error)
	// EvidenceOpen tells whether an agent may still bring bytes for its records of a case; branch is the agent's when
	// the upload began.
	EvidenceOpen(ctx context.Context, branch auth.BranchID, agent auth.UserID, of journal.CaseID) (bool, error)
	// StoreAttachment records that the bytes are stored. Again for the same attachment changes nothing.
	StoreAttachment(ctx context.Context, a record.StoredAttachment) (casework.AttachmentReceipt, error)
	// ErasedBlobs calls fn with the names of the blobs of debtors who were erased.
	ErasedBlobs(ctx context.Context, branch auth.BranchID, fn func(blob string) error) error
}

// Smalls keeps small documents, as journal.Store does.
type Smalls interface {
	Branches(ctx context.Context) ([]auth.BranchID, error)
	Small(ctx context.Context, kind, id string) (body []byte, version uint64, err error)
	SwapSmall(ctx context.Context, kind, id string, was uint64, body []byte) error
	DeleteSmall(ctx context.Context, kind, id string, was uint64) error
	Smalls(ctx context.Context, kind string, ids []string) ([]journal.SmallDoc, error)
	ListSmall(ctx context.Context, kind, prefix, after string, limit int) ([]string, error)
}

// Options of New. All but Log are needed.
type Options struct {
	Frames  Frames
	Smalls  Smalls
	Records Records
	Vault   *seal.Vault
	Clock   func() time.Time
	Limits  Limits
	Log     *slog.Logger
}

// Service takes in uploads. It is safe for concurrent use.
type Service struct {
	opt Options
	tus *tusd.Handler
	// pictures is full while a picture is decoded: each may take 200 MB for a moment.
	pictures chan struct{}

	mu     sync.Mutex
	ending map[string]bool // uploads whose end is under way on this node
}

// New makes a Service.
func New(opt Options) (*Service, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{opt: opt, pictures: make(chan struct{}, 1), ending: map[string]bool{}}
	var err error
	s.tus, err = newTus(s)
	return s, err
}

func (s *Service) now() time.Time { return s.opt.Clock().UTC().Truncate(time.Second) }

// create begins an upload, or finds the one that was begun before.
func (s *Service) create(ctx context.Context, who offline.Caller, meta map[string]string, length int64) (*upload,
	error) {
	u, bad := readUpload(who.Actor, who.Branch, meta, length)
	if bad != nil {
		return nil, bad
	}
	for range 3 {
		was, err := s.load(ctx, u.Agent, u.Attachment)
		switch no, refused := refusal.Of(err); {
		case err == nil && was.same(u):
			return was, s.stillOpen(ctx, was)
		case err == nil:
			return nil, refuse(refusal.Conflict, "upload.other", "attachment_id",
				"this attachment_id was used for other bytes, or for another record; take a new one")
		case refused && no.Code() == "upload.not_found":
		default:
			return nil, err
		}
		claimed, err := s.opt.Records.EvidenceClaimed(ctx, who.Branch, u.claim())
		if err != nil {
			return nil, err
		}
		if bad := s.opt.Limits.check(claimed.Kind, u.Type, u.Length); bad != nil {
			return nil, bad
		}
		u.Kind, u.Case, u.Debtor, u.At = claimed.Kind, claimed.Case, claimed.Debtor, s.now()
		if open, err := s.opt.Records.EvidenceOpen(ctx, u.Branch, u.Agent, u.Case); err != nil {
			return nil, err
		} else if !open {
			return nil, takenBack()
		}
		if err := s.count(ctx, u); err != nil {
			return nil, err
		}
		if u.Blob, err = newBlob(); err != nil {
			return nil, err
		}
		key, err := seal.NewBlobKey()
		if err != nil {
			return nil, err
		}
		u.Key = seal.NewText(key)
		if err := s.save(ctx, u); !errors.Is(err, journal.ErrRaced) {
			return u, err
		}
		u.version = 0
	}
	return nil, busy()
}

// takenBack refuses an upload of a case that was taken from the agent.
func takenBack() *refusal.Error {
	return refuse(refusal.Forbidden, "upload.taken_back", "attachment",
		"the case was taken back from you before you visited: nothing is uploaded for it, and the app drops it")
}

// stillOpen refuses a request for an upload that has begun and whose case was taken from the agent since, and discards
// the bytes that have come.
func (s *Service) stillOpen(ctx context.Context, u *upload) error {
	if u.Stored || u.Ready != nil {
		return nil
	}
	open, err := s.opt.Records.EvidenceOpen(ctx, u.Branch, u.Agent, u.Case)
	if err != nil || open {
		return err
	}
	return errors.Join(takenBack(), s.discard(ctx, u))
}

// busy asks the phone to come back: another node or request works at the same upload.
func busy() *refusal.Error {
	e := refuse(refusal.Unavailable, "upload.busy", "", "another request works at this upload; try again")
	e.RetryAfter = 5 * time.Second
	return e
}

// offset is how many bytes of an upload are durable.
func (s *Service) offset(ctx context.Context, u *upload) (int64, error) {
	if u.Stored || u.Ready != nil {
		return u.Length, nil
	}
	_, end, err := blobEnd(ctx, s.opt.Frames, u.Blob)
	return end, err
}

// mostFrames bounds into how many pieces an upload may be cut by requests that bring little each.
const mostFrames = 10_000

// write appends bytes to an upload and tells how many are durable.
func (s *Service) write(ctx context.Context, u *upload, offset int64, src io.Reader) (int64, error) {
	n, end, err := blobEnd(ctx, s.opt.Frames, u.Blob)
	if err != nil {
		return 0, err
	}
	switch {
	case end != offset || u.Stored:
		return 0, busy()
	case n >= mostFrames:
		return 0, refuse(refusal.TooLarge, "upload.pieces", "",
			"this upload came in too many pieces; delete it and send larger ones")
	}
	key, err := seal.OpenBlobKey(u.Key.Plain())
	if err != nil {
		return 0, err
	}
	written, err := writeBlob(ctx, s.opt.Frames, key, u.Blob, n, end, u.Length, src)
	if errors.Is(err, journal.ErrRaced) {
		err = busy()
	}
	if now := s.now(); written > 0 && now.Sub(u.At) > time.Hour {
		u.At = now
		if err := s.save(ctx, u); err != nil && !errors.Is(err, journal.ErrRaced) {
			return written, err
		}
	}
	return written, err
}

// alone runs fn unless the end of the upload is under way on this node already: upload.busy.
func (s *Service) alone(u *upload, fn func() error) error {
	s.mu.Lock()
	taken := s.ending[u.id()]
	s.ending[u.id()] = true
	s.mu.Unlock()
	if taken {
		return busy()
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ending, u.id())
	}()
	return fn()
}
