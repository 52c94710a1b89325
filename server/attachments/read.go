package attachments

import (
	"context"
	"errors"
	"io"

	"doorstep/server/record"
	"doorstep/sync/seal"
)

// WriteTo writes the bytes of a stored attachment, or of its small picture, in the clear. a must be open. begin is
// called before the first byte. After an error what was written is not whole.
func (s *Service) WriteTo(ctx context.Context, w io.Writer, a *record.StoredAttachment, thumbnail bool,
	begin func()) error {
	key, err := seal.OpenBlobKey(a.Key.Plain())
	if err != nil {
		return err
	}
	blob, length := a.Blob, a.StoredBytes
	if thumbnail {
		blob, length = a.ThumbnailBlob, a.ThumbnailBytes
	}
	begun := false
	err = readBlob(ctx, s.opt.Frames, key, blob, length, func(p []byte) error {
		if !begun {
			begun = true
			begin()
		}
		_, err := w.Write(p)
		return err
	})
	if errors.Is(err, errShort) && !begun {
		return errors.Join(errors.New("the bytes of an attachment are missing"), err)
	}
	return err
}
