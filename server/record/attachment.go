package record

import (
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// StoredAttachment is the state of a document of type "attachments": the bytes of a photo, signature, recording or
// document that a record names are stored. Its id is the one the phone chose, unless another attachment of the branch
// has that. The bytes are sealed in frames under Key, which is sealed under the debtor's key like every personal
// part: erasing the debtor makes them unreadable.
type StoredAttachment struct {
	Case   journal.CaseID   `json:"case" is:"id" see:"office,agent"`
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"office,agent"`
	// Attachment is the id that the phone chose.
	Attachment string `json:"attachment_id" is:"id" see:"office,agent"`
	// RecordType is the type of the record that refers to it.
	RecordType string `json:"record_type" is:"id" see:"office,agent"`
	// Record is the id of the record that refers to it.
	Record string `json:"record" is:"id" see:"office,agent"`
	Kind   string `json:"kind" is:"attachment_kinds" see:"office,agent"`
	// At is when it was stored.
	At time.Time `json:"at" see:"office,agent"`
	// By is the agent who uploaded it.
	By auth.UserID `json:"by" is:"server" see:"office,agent"`
	// Device is the phone it came from.
	Device auth.DeviceID `json:"device,omitempty" is:"server" see:"office"`
	// SHA256 is of what the phone uploaded, in hexadecimal digits, as the record names it.
	SHA256 string `json:"sha256" is:"id" see:"office,agent"`
	// Bytes is how long the upload was.
	Bytes int64 `json:"bytes" see:"office,agent"`
	// Type is the media type of the upload.
	Type string `json:"media_type" is:"id" see:"office,agent"`
	// Reencoded says that the file was written anew without what was hidden in it, a picture from its pixels, an MP4
	// with its metadata overwritten; the uploaded bytes are not kept then.
	Reencoded bool `json:"reencoded,omitempty" see:"office,agent"`
	// StoredSHA256 is of the bytes that are kept: another one than SHA256 for what was written anew.
	StoredSHA256 string `json:"stored_sha256" is:"id" see:"office,agent"`
	// StoredBytes is how many bytes are kept.
	StoredBytes int64 `json:"stored_bytes" see:"office,agent"`
	// StoredType is the media type of the bytes that are kept.
	StoredType string `json:"stored_media_type" is:"id" see:"office,agent"`
	// HadPosition says that what was uploaded told where it was taken. The position is not kept.
	HadPosition bool `json:"had_position,omitempty" see:"office"`
	// Width of a picture as it is kept, in pixels; 0 for what is no picture.
	Width int `json:"width,omitempty" see:"office,agent"`
	// Height of a picture as it is kept, in pixels.
	Height int `json:"height,omitempty" see:"office,agent"`
	// ThumbnailBytes is how long the small picture is, a JPEG; 0 where there is none.
	ThumbnailBytes int64 `json:"thumbnail_bytes,omitempty" see:"office"`
	// Filename is the name of the file on the phone, as the phone said.
	Filename seal.Text `json:"filename,omitzero" most:"255" see:"office"`
	// Blob and ThumbnailBlob name the bytes among the blobs, and Key opens them.
	Blob          string    `json:"blob" is:"server" see:"none"`
	ThumbnailBlob string    `json:"thumbnail_blob,omitempty" is:"server" see:"none"`
	Key           seal.Text `json:"key,omitzero" most:"64" see:"none"`
	MovedIn
}

// Kinds of attachments.
const (
	KindPhoto     = "photo"
	KindSignature = "signature"
	KindRecording = "recording"
	KindDocument  = "document"
)
