package record

// Signature is the state of a document of type "signatures": a person signed on the
// phone; the strokes are an attachment. Written once.
type Signature struct {
	SignatureReport
	Taken
}

// SignatureReport is what the phone says of a signature.
type SignatureReport struct {
	About
	// OfType and Of name what was signed: a visit, plan or consent.
	OfType      string       `json:"of_type,omitempty" is:"signed_types" see:"office,agent"`
	Of          string       `json:"of,omitempty" is:"id" see:"office,agent"`
	Role        string       `json:"signer_role" is:"signer_roles" see:"office,agent" need:"say who signed"`
	SHA256      string       `json:"sha256" is:"id" see:"office,agent"`
	Attachments []Attachment `json:"attachments,omitempty" see:"office,agent"`
}
