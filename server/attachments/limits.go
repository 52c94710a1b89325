package attachments

import (
	"bytes"
	"slices"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// Limit is what may be uploaded as attachments of one kind.
type Limit struct {
	// Bytes is how long one attachment may be.
	Bytes int64 `json:"bytes"`
	// Types are the media types.
	Types []string `json:"types"`
	// CaseDay is how many may be begun of one case on one day, in UTC, by all agents.
	CaseDay int `json:"a_case_and_day"`
}

// Limits bound what agents upload. Their JSON is what an organisation configures (ReadLimits), and what phones are
// told.
type Limits struct {
	// Kinds are the limits of photo, signature, recording and document.
	Kinds map[string]Limit `json:"kinds"`
	// Uploads is how many uploads one agent may begin on one day, in UTC.
	Uploads int `json:"uploads_a_day"`
	// Bytes is how many bytes one agent may begin to upload on one day, in UTC.
	Bytes int64 `json:"bytes_a_day"`
	// Pixels is how many pixels a picture may have.
	Pixels int `json:"pixels"`
	// Keep is how long an upload is kept that no byte comes for, and how long it is known that one was stored.
	Keep time.Duration `json:"-"`
}

// DefaultLimits are those of a server that sets no others.
func DefaultLimits() Limits {
	pictures := func(more ...string) []string { return append(more, "image/jpeg", "image/png", "image/webp") }
	return Limits{
		Kinds: map[string]Limit{
			record.KindPhoto:     {16 << 20, pictures(), 40},
			record.KindSignature: {2 << 20, pictures(), 20},
			record.KindDocument:  {20 << 20, pictures("application/pdf"), 40},
			record.KindRecording: {256 << 20, []string{"audio/mp4", "audio/mpeg", "audio/aac", "audio/ogg", "audio/webm",
				"audio/wav", "video/mp4", "video/webm"}, 20},
		},
		Uploads: 500, Bytes: 4 << 30, Pixels: 32 << 20, Keep: 30 * 24 * time.Hour,
	}
}

// most is the length of the longest attachment of any kind.
func (l Limits) most() int64 {
	var most int64
	for _, k := range l.Kinds {
		most = max(most, k.Bytes)
	}
	return most
}

// check refuses an upload of a kind that is too long or of another type.
func (l Limits) check(kind, mediaType string, length int64) *refusal.Error {
	k := l.Kinds[kind]
	if !slices.Contains(k.Types, mediaType) {
		return refuse(refusal.Invalid, "upload.media_type", "filetype",
			"attachments of the kind %s are of the types %v", kind, k.Types)
	}
	if length > k.Bytes {
		return refuse(refusal.TooLarge, "upload.too_large", "Upload-Length",
			"attachments of the kind %s have at most %d bytes", kind, k.Bytes)
	}
	return nil
}

// begins are how files of the media types begin: bytes at an offset.
var begins = map[string][]struct {
	at   int
	text string
}{
	"image/jpeg":      {{0, "\xff\xd8\xff"}},
	"image/png":       {{0, "\x89PNG\r\n\x1a\n"}},
	"image/webp":      {{8, "WEBP"}},
	"application/pdf": {{0, "%PDF-"}},
	"audio/mp4":       {{4, "ftyp"}},
	"video/mp4":       {{4, "ftyp"}},
	"audio/mpeg":      {{0, "ID3"}, {0, "\xff\xfb"}, {0, "\xff\xf3"}, {0, "\xff\xf2"}, {0, "\xff\xfa"}},
	"audio/aac":       {{0, "\xff\xf1"}, {0, "\xff\xf9"}},
	"audio/ogg":       {{0, "OggS"}},
	"audio/wav":       {{8, "WAVE"}},
	"audio/webm":      {{0, "\x1a\x45\xdf\xa3"}},
	"video/webm":      {{0, "\x1a\x45\xdf\xa3"}},
}

// looksLike tells whether bytes begin as a file of a media type does.
func looksLike(mediaType string, head []byte) bool {
	for _, b := range begins[mediaType] {
		if len(head) >= b.at && bytes.HasPrefix(head[b.at:], []byte(b.text)) {
			return true
		}
	}
	return false
}

// isPicture tells whether files of a media type are decoded and written anew.
func isPicture(mediaType string) bool {
	return mediaType == "image/jpeg" || mediaType == "image/png" || mediaType == "image/webp"
}

// isMP4 tells whether files of a media type are cleared of what their boxes tell beside picture and sound.
func isMP4(mediaType string) bool { return mediaType == "audio/mp4" || mediaType == "video/mp4" }

// Extension is the end of the file name under which a media type of ours is given out, with its dot.
func Extension(mediaType string) string {
	return map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf", "audio/mp4": ".m4a",
		"video/mp4": ".mp4", "audio/mpeg": ".mp3", "audio/aac": ".aac", "audio/ogg": ".ogg", "audio/wav": ".wav",
		"audio/webm": ".webm", "video/webm": ".webm"}[mediaType]
}

func refuse(kind refusal.Kind, code, place, format string, args ...any) *refusal.Error {
	return refusal.New(kind, code, place, format, args...)
}
