package record

// Policy is the state of a document of type "policy": the conduct policy that phones
// judge with offline. One document, the head, is signed and names the parts by their
// hashes; each part is a document of its own.
type Policy struct {
	Kind string `json:"kind" is:"server" see:"office,agent"` // head or part
	// Hash, Org, Dated, Semantics, HashFormula, Signed and Parts are the head's: the policy's hash, the number of the
	// organisation's entry that put it in force, the date from which its zone offsets hold for 60 days, the version
	// of what rules mean, how the hash is made, the signature of all this, and the names of the parts.
	Hash string `json:"policy_hash,omitempty" is:"server" see:"office,agent"`
	Org  uint64 `json:"org,omitempty" see:"office,agent"`
	// Dated is a Monday: every week a head with new offsets comes. Phones take no head that is older, by Org and then
	// by Dated, than the newest they ever verified.
	Dated string `json:"dated,omitempty" is:"date" see:"office,agent"`
	// Semantics is the version of what rules mean: a phone that knows another one cannot tell.
	Semantics int `json:"semantics,omitempty" see:"office,agent"`
	// HashFormula is sha256-packs: the hash is the SHA-256 of the packs that an administrator sees, one after another.
	HashFormula string       `json:"hash_formula,omitempty" is:"server" see:"office,agent"`
	Signed      string       `json:"signed,omitempty" is:"public" see:"office,agent"`
	Parts       []PolicyPart `json:"parts,omitempty" see:"office,agent"`
	// SHA256 and Text are a part's.
	SHA256 string `json:"sha256,omitempty" is:"server" see:"office,agent"`
	Text   string `json:"text,omitempty" is:"public" see:"office,agent"`
}

// PolicyPart names one part of a policy and the SHA-256 of its text.
type PolicyPart struct {
	Name   string `json:"name" is:"server"`
	SHA256 string `json:"sha256" is:"server"`
}
