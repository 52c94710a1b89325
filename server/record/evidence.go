package record

import (
	"slices"
	"strings"
)

// States of a piece of evidence.
const (
	EvidencePending = "pending" // its bytes have not come, or not whole
	EvidenceStored  = "stored"
)

// Named is a piece of evidence that a record names: bytes that are uploaded by themselves.
type Named struct {
	Kind string // photo, signature, recording or document
	// ID is the id of the attachment; "" where the record says the SHA-256 alone.
	ID string
	// SHA256 is in hexadecimal digits, lower-case; "" where the record says the id alone.
	SHA256 string
	Bytes  int64 // 0: the record does not say
}

// Key is what the evidence is known by in its case: its SHA-256, else its id.
func (n Named) Key() string {
	if n.SHA256 != "" {
		return n.SHA256
	}
	return n.ID
}

// Is tells whether a piece of evidence is meant: what both say, id and SHA-256, is the same, and both say one of them.
func (n Named) Is(id, sha256 string) bool {
	sha256 = strings.ToLower(sha256)
	switch {
	case n.SHA256 != "" && sha256 != "":
		return n.SHA256 == sha256
	case n.ID != "":
		return n.ID == id
	}
	return false
}

// EvidenceOf lists the evidence that a state names, each piece once; none for a state of a kind that names none.
func EvidenceOf(state any) []Named {
	var out []Named
	add := func(n Named) {
		n.SHA256 = strings.ToLower(n.SHA256)
		if n.Key() == "" {
			return
		}
		// A photo may stand among the attachments too, which say its id and length.
		i := slices.IndexFunc(out, func(o Named) bool { return o.Key() == n.Key() })
		if i < 0 {
			out = append(out, n)
			return
		}
		if out[i].ID == "" {
			out[i].ID = n.ID
		}
		if out[i].Bytes == 0 {
			out[i].Bytes = n.Bytes
		}
	}
	attachments := func(all []Attachment, kind string) {
		for _, a := range all {
			k := kind
			if slices.Contains(CodesOf("attachment_kinds"), a.Kind) {
				k = a.Kind
			}
			add(Named{Kind: k, ID: a.ID, SHA256: a.SHA256, Bytes: a.Bytes})
		}
	}
	switch v := state.(type) {
	case *Visit:
		for _, p := range v.Photos {
			add(Named{Kind: KindPhoto, SHA256: p.SHA256})
		}
		if v.Recording != nil {
			add(Named{Kind: KindRecording, SHA256: v.Recording.SHA256})
		}
		attachments(v.Attachments, KindDocument)
	case *Signature:
		add(Named{Kind: KindSignature, SHA256: v.SHA256})
		attachments(v.Attachments, KindSignature)
	case *PaymentReported:
		attachments(v.Attachments, KindDocument)
	}
	return out
}
