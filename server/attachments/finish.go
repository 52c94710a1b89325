package attachments

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// finish ends an upload whose bytes are all there: it checks them, writes a picture anew, and has the attachment
// recorded. It may be called again after a crash at any step. What can never be stored is discarded, and the phone may
// begin again. *Protocol with the status 460 for another SHA-256; upload.media_type, upload.picture, upload.unclean,
// debtor.erased, upload.busy, and the refusals of Records.
func (s *Service) finish(ctx context.Context, agent, attachment string) error {
	u, err := s.load(ctx, userID(agent), attachment)
	if err != nil {
		return err
	}
	return s.alone(u, func() error {
		// Read again: another request may have ended it a moment ago.
		if u, err = s.load(ctx, u.Agent, u.Attachment); err != nil || u.Stored {
			return err
		}
		err := s.end(ctx, u)
		switch {
		case errors.Is(err, journal.ErrRaced):
			return busy()
		case errors.Is(err, seal.ErrErased) || isFinal(err):
			return errors.Join(err, s.discard(ctx, u))
		}
		return err
	})
}

// isFinal tells whether an error says that the bytes can never be stored.
func isFinal(err error) bool {
	var p *Protocol
	if errors.As(err, &p) && p.Status == statusChecksum {
		return true
	}
	no, is := refusal.Of(err)
	if !is {
		return false
	}
	switch no.Code() {
	case "upload.media_type", "upload.picture", "upload.unclean", "upload.not_named", "debtor.erased", "case.not_found":
		return true
	}
	return false
}

func (s *Service) end(ctx context.Context, u *upload) error {
	if u.Ready == nil {
		if err := s.make(ctx, u); err != nil {
			return err
		}
	}
	a := *u.Ready
	a.Key, a.Filename = seal.NewText(u.Key.Plain()), seal.Text{}
	if name := u.Filename.Plain(); name != "" {
		a.Filename = seal.NewText(name)
	}
	r, err := s.opt.Records.StoreAttachment(ctx, a)
	if err != nil {
		if no, is := refusal.Of(err); is && no.Code() == "case.moved" {
			return busy() // it is on its way to another branch
		}
		return err
	}
	done := upload{Agent: u.Agent, Device: u.Device, Branch: u.Branch, Attachment: u.Attachment, RecordType: u.RecordType,
		Record: u.Record, SHA256: u.SHA256, Type: u.Type, Kind: u.Kind, Length: u.Length, At: s.now(), Stored: true}
	body, err := json.Marshal(&done)
	if err != nil {
		return err
	}
	if err := s.opt.Smalls.SwapSmall(ctx, storedKind, u.id(), 0, body); err != nil && !errors.Is(err, journal.ErrRaced) {
		return fmt.Errorf("end an upload: %w", err)
	}
	// What is not kept goes: the uploaded picture, or all of it where another node was first.
	for _, blob := range append([]string{u.Blob}, u.Making...) {
		if r.Blob == a.Blob && (blob == a.Blob || blob == a.ThumbnailBlob) {
			continue
		}
		if err := s.opt.Frames.DropFrames(ctx, blob); err != nil {
			return fmt.Errorf("end an upload: %w", err)
		}
	}
	err = s.opt.Smalls.DeleteSmall(ctx, openKind, u.id(), u.version)
	if errors.Is(err, journal.ErrNotFound) {
		err = nil
	}
	return err
}

// make checks the bytes and makes what is kept of them.
func (s *Service) make(ctx context.Context, u *upload) error {
	key, err := seal.OpenBlobKey(u.Key.Plain())
	if err != nil {
		return err
	}
	if isPicture(u.Type) {
		select {
		case s.pictures <- struct{}{}:
			defer func() { <-s.pictures }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	scan := &mp4Scan{}
	whole, head, err := s.verify(ctx, u, key, scan)
	if err != nil {
		return err
	}
	if !looksLike(u.Type, head) {
		return refuse(refusal.Invalid, "upload.media_type", "filetype",
			"the bytes are not what filetype says; send them under their own type")
	}
	a := record.StoredAttachment{Case: u.Case, Debtor: u.Debtor, Attachment: u.Attachment, RecordType: u.RecordType,
		Record: u.Record, Kind: u.Kind, By: u.Agent, Device: u.Device, SHA256: u.SHA256, Bytes: u.Length, Type: u.Type,
		StoredSHA256: u.SHA256, StoredBytes: u.Length, StoredType: u.Type, Blob: u.Blob}
	var made [][]byte
	var edits []edit
	if isMP4(u.Type) {
		if edits, a.HadPosition, err = scan.end(); err != nil {
			return refuse(refusal.Invalid, "upload.unclean", "",
				"the recording cannot be read well enough to clear it of what else is in it, such as where it was made")
		}
	}
	if isPicture(u.Type) {
		p, err := rewrite(u.Type, whole, s.opt.Limits.Pixels)
		if errors.Is(err, errPicture) {
			return refuse(refusal.Invalid, "upload.picture", "",
				"the bytes are no picture that can be decoded, or one with more than %d pixels", s.opt.Limits.Pixels)
		}
		if err != nil {
			return err
		}
		sum := sha256.Sum256(p.bytes)
		a.Reencoded, a.HadPosition, a.Width, a.Height = true, p.hadPosition, p.width, p.height
		a.StoredSHA256, a.StoredBytes, a.StoredType = hex.EncodeToString(sum[:]), int64(len(p.bytes)), p.mediaType
		a.ThumbnailBytes = int64(len(p.thumbnail))
		made = [][]byte{p.bytes, p.thumbnail}
	}
	left := u.Making // of an earlier attempt
	u.Making = nil
	for range max(len(made), min(len(edits), 1)) {
		blob, err := newBlob()
		if err != nil {
			return err
		}
		u.Making = append(u.Making, blob)
	}
	// This raises the version of the header: another node that works at the upload fails at its next save.
	if err := s.save(ctx, u); err != nil {
		return err
	}
	for _, blob := range left {
		if err := s.opt.Frames.DropFrames(ctx, blob); err != nil {
			return err
		}
	}
	for i, text := range made {
		if _, err := writeBlob(ctx, s.opt.Frames, key, u.Making[i], 0, 0, int64(len(text)),
			bytes.NewReader(text)); err != nil {
			return err
		}
	}
	if made != nil {
		a.Blob, a.ThumbnailBlob = u.Making[0], u.Making[1]
	}
	if len(edits) > 0 {
		a.Reencoded, a.Blob = true, u.Making[0]
		if a.StoredSHA256, err = s.copyEdited(ctx, u, key, edits); err != nil {
			return err
		}
	}
	u.Ready = &a
	return s.save(ctx, u)
}

// copyEdited writes the bytes into the blob that is being made, with edits, and gives their SHA-256.
func (s *Service) copyEdited(ctx context.Context, u *upload, key *seal.BlobKey, edits []edit) (sum string, err error) {
	from, to := io.Pipe()
	read := make(chan struct{})
	go func() {
		defer close(read)
		at := int64(0)
		_ = to.CloseWithError(readBlob(ctx, s.opt.Frames, key, u.Blob, u.Length, func(p []byte) error {
			apply(edits, at, p)
			at += int64(len(p))
			_, err := to.Write(p)
			return err
		}))
	}()
	hash := sha256.New()
	n, err := writeBlob(ctx, s.opt.Frames, key, u.Making[0], 0, 0, u.Length, io.TeeReader(from, hash))
	_ = from.Close()
	<-read
	if err == nil && n != u.Length {
		err = errShort
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

// verify compares the bytes with their SHA-256. It gives how they begin, and all of them if they are a picture; those
// of an MP4 go through scan.
func (s *Service) verify(ctx context.Context, u *upload, key *seal.BlobKey, scan *mp4Scan) (whole, head []byte,
	err error) {
	hash := sha256.New()
	picture := isPicture(u.Type)
	err = readBlob(ctx, s.opt.Frames, key, u.Blob, u.Length, func(p []byte) error {
		hash.Write(p)
		if len(head) < 64 {
			head = append(head, p[:min(len(p), 64)]...)
		}
		if picture {
			whole = append(whole, p...)
		}
		if isMP4(u.Type) {
			_, _ = scan.Write(p)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read an upload: %w", err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != u.SHA256 {
		return nil, nil, &Protocol{Status: statusChecksum, Code: "upload.checksum", Msg: "the bytes have another SHA-256 " +
			"than the upload and the record say; they were discarded: begin the upload again"}
	}
	return whole, head, nil
}
