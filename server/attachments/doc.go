// Package attachments takes in the bytes of what records name: photos, signatures, recordings and documents. Phones
// upload them by tus 1.0.0 (tusd is at home here), in pieces, after the record that names them. The upload's key is
// (agent, attachment id): creating it again gives the same upload, and another agent's is out of reach, because the
// agent is taken from the token.
//
// Bytes are sealed in frames (seal.BlobKey) as they come, and a frame is durable before its bytes are acknowledged, so
// that a crash at any byte costs less than one frame. The key of the frames is sealed under the debtor's key: erasing
// the debtor makes the bytes unreadable at once, and Sweep removes them.
//
// When all bytes are there, their SHA-256 is compared with what the record says. A picture is then decoded and written
// anew, upright and without what was hidden in it; that a position was among that is noted. The uploaded picture is not
// kept: the record's SHA-256 proves what the phone had, and the SHA-256 of what is kept stands in the attachment's
// record. An MP4 is kept with its metadata overwritten (mp4.go). Documents and other recordings are kept as they came,
// and none is shown inline. The last step is one command of
// casework; until it is appended the evidence is pending.
//
// Several nodes may work at one upload. Two frames in one place cannot be, and each step of the end first raises the
// version of the upload's header, so that a node that was overtaken gives up before the command.
//
// It does not decide who may claim or read an attachment (casework), and it serves no HTTP but tus (httpapi).
package attachments
