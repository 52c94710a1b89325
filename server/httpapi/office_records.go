package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// OwnID is the caller's own id of a record.
type OwnID struct {
	ID string `json:"id,omitempty" pattern:"^[A-Za-z0-9_.-]{1,64}$" doc:"Your own id of it, minted when absent. The same id with the same body again is answered like an Idempotency-Key."`
}

func (a *API) officeRecordEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/notes", roles: supervisors, id: "recordNote",
		tag: "cases", summary: "Write a note on a case",
		about: "Agents who hold the case see it on their phones."}, a.recordNote)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/consents", roles: supervisors,
		id: "recordConsent", tag: "cases", summary: "Record a consent that was given, refused or withdrawn",
		about: "One that was given names its method, the hash of the text that was shown and the evidence that the method " +
			"leaves: recording_ref for verbal_recorded, signature_sha256 for on_screen_signature and paper_scan, message_ref " +
			"for sms_reply, otp and web. Written down later than 15 minutes after it was given, it lifts nothing that " +
			"happened before it was written down."}, a.recordConsent)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/complaints", roles: supervisors,
		id: "recordComplaint", tag: "cases", summary: "Take a complaint down",
		about: "It opens a hold of kind complaint, which ends by two people. The answer is due by the date that the case's " +
			"conduct profiles give; where none does, answer_due is required, and where one does, it may only be earlier."},
		a.recordComplaint)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/complaints/{complaint}/answer",
		roles: supervisors, id: "answerComplaint", tag: "cases", summary: "Note what a complaint was answered",
		about: "Once. The hold stays until it is released, and the complaint waits for another person to close it."},
		a.answerComplaint)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/complaints/{complaint}/close",
		roles: supervisors, id: "closeComplaint", tag: "cases", summary: "Close a complaint that was answered",
		about: "By another person than the one who answered it (complaint.own_answer). The reply is kept."},
		a.closeComplaint)
	register(a, endpoint{method: http.MethodGet, path: "/v1/complaints/counts", roles: supervisors,
		id: "countComplaints", tag: "cases", summary: "Count complaints by agent and team",
		about: "Of the debtors' local dates from and to, both included. An agent and a team are counted where the " +
			"complaint is about a visit."}, a.countComplaints)
	register(a, endpoint{method: http.MethodGet, path: "/v1/complaints", roles: supervisors, id: "listComplaints",
		tag: "cases", summary: "List complaints by the date on which the answer is due"}, a.listComplaints)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/letters", roles: supervisors,
		id: "recordLetter", tag: "cases", summary: "Note a letter that was sent",
		about: "It counts as a contact of channel letter_delivery, where the profile counts those. A visit_notice or " +
			"agency_notice is the notice that some laws want before a visit; contents are its codes."}, a.recordLetter)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/letters/{letter}/return", roles: supervisors,
		id: "returnLetter", tag: "cases", summary: "Note that a letter came back",
		about: "Its contact has failed then, and if it was the notice in force there is none any more."}, a.returnLetter)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/records/{type}/{record}/corrections",
		roles: supervisors, id: "correctRecord", tag: "cases", summary: "Correct a visit, note, consent or reported payment",
		about: "What was recorded stays as it is: a new record supersedes it, by the user who made the first, and says " +
			"under admitted who corrected which members and why. A correction never frees a cap by itself, and another " +
			"supervisor reviews it."}, a.correctRecord)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/records/{type}/{record}/review",
		roles: supervisors, id: "reviewCorrection", tag: "cases", summary: "What a supervisor makes of a correction",
		about: "Of a consent, note, signature, confirmation, plan or reported payment that supersedes another, or that the " +
			"office corrected when it accepted it; a visit has a review of its own. The record is never changed; a later " +
			"review takes the place of an earlier one. Whoever made or corrected it does not review it."}, a.reviewCorrection)
}

// doOffice runs the command that records something about a case under an id, and answers with its receipt, a T.
// said is what was asked for, kind the type of the record. The caller's own id stands for an Idempotency-Key.
func doOffice[T any](ctx context.Context, a *API, c call, of, kind, own string, said any,
	cmd func(id string) casework.Cmd) (*body[receipt[T]], error) {
	b, err := a.caseBranch(ctx, c.actor, of)
	if err != nil {
		return nil, err
	}
	key, payload, id := c.key, c.payload, own
	switch {
	case id == "" && key == "":
		id = journal.NewID()
	case id == "":
		id = journal.DerivedID(kind, c.command())
	case key == "":
		key, payload = kind+":"+id, a.payload([]any{kind, of, said})
	}
	r, err := a.opt.Casework.One(ctx, c.actor, b, casework.Request{ID: journal.HTTPCommand(c.actor.User, key),
		Payload: payload, Cmd: cmd(id), Seen: casework.SeenCase{Case: journal.CaseID(of), Rev: c.seen}})
	if err != nil {
		return nil, a.whoChanged(ctx, c.actor, b, of, err)
	}
	text, err := receiptText(r)
	return respond(receipt[T]{text}), err
}

type recordNoteIn struct {
	CasePath
	Body struct {
		OwnID
		At         *time.Time `json:"at,omitempty" doc:"When what it tells of happened; now when absent."`
		Visit      string     `json:"visit,omitempty" maxLength:"64"`
		Supersedes string     `json:"supersedes,omitempty" maxLength:"64"`
		Kind       string     `json:"kind,omitempty"`
		Text       string     `json:"text" minLength:"1" maxLength:"4000"`
	}
}

func (a *API) recordNote(ctx context.Context, c call, in *recordNoteIn) (*body[receipt[casework.EvidenceReceipt]],
	error) {
	x := in.Body
	at := a.opt.Journal.Now()
	if x.At != nil {
		at = *x.At
	}
	return doOffice[casework.EvidenceReceipt](ctx, a, c, in.CasePath.ID, "visit_notes", x.ID, x,
		func(id string) casework.Cmd {
			return casework.RecordNote(id, record.NoteReport{About: record.About{Case: journal.CaseID(in.CasePath.ID),
				Visit: x.Visit, At: at, Supersedes: x.Supersedes}, Text: seal.NewText(x.Text), Kind: x.Kind})
		})
}

type recordConsentIn struct {
	CasePath
	Body struct {
		OwnID
		At            time.Time              `json:"at" doc:"When it was given, refused or withdrawn."`
		Visit         string                 `json:"visit,omitempty" maxLength:"64"`
		Supersedes    string                 `json:"supersedes,omitempty" maxLength:"64"`
		Principal     string                 `json:"principal,omitempty" maxLength:"32" doc:"Who consents: a code of relationships; the debtor when absent."`
		Scope         string                 `json:"scope" maxLength:"64" example:"visit_time"`
		Status        string                 `json:"status" enum:"requested,given,refused,withdrawn"`
		Method        string                 `json:"method,omitempty" maxLength:"32" doc:"A code of consent_methods."`
		Language      string                 `json:"language,omitempty" maxLength:"35"`
		NoticeVersion string                 `json:"notice_version,omitempty" maxLength:"128"`
		TextSHA256    string                 `json:"text_shown_sha256,omitempty" maxLength:"64"`
		ValidFrom     *time.Time             `json:"valid_from,omitempty"`
		ExpiresAt     *time.Time             `json:"expires_at,omitempty"`
		Withdraws     string                 `json:"withdraws,omitempty" maxLength:"64"`
		Via           string                 `json:"withdrawn_via,omitempty" maxLength:"64"`
		Limits        *record.ConsentLimits  `json:"limits,omitempty"`
		LegalBasis    string                 `json:"legal_basis,omitempty" maxLength:"64"`
		Evidence      *record.Evidence       `json:"evidence,omitempty"`
		Receipt       *record.ConsentReceipt `json:"receipt,omitempty"`
	}
}

func (a *API) recordConsent(ctx context.Context, c call,
	in *recordConsentIn) (*body[receipt[casework.EvidenceReceipt]], error) {
	x := in.Body
	k := record.ConsentReport{About: record.About{Case: journal.CaseID(in.CasePath.ID), Visit: x.Visit, At: x.At,
		Supersedes: x.Supersedes}, Principal: x.Principal, Scope: x.Scope, Status: x.Status, Method: x.Method,
		Language: x.Language, NoticeVersion: x.NoticeVersion, TextSHA256: x.TextSHA256, ValidFrom: timeOf(x.ValidFrom),
		ExpiresAt: timeOf(x.ExpiresAt), Withdraws: x.Withdraws, Via: x.Via, Limits: x.Limits, LegalBasis: x.LegalBasis,
		Evidence: x.Evidence, Receipt: x.Receipt}
	return doOffice[casework.EvidenceReceipt](ctx, a, c, in.CasePath.ID, "consents", x.ID, x,
		func(id string) casework.Cmd { return casework.RecordConsent(id, k) })
}

// timeOf is a time that may be absent.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

type recordComplaintIn struct {
	CasePath
	Body struct {
		OwnID
		At        time.Time `json:"at" doc:"When the person complained."`
		Channel   string    `json:"channel" maxLength:"32" example:"call" doc:"How it came: a code of complaint_channels."`
		From      string    `json:"from,omitempty" maxLength:"32" doc:"Who complains: a code of relationships; the debtor when absent."`
		Visit     string    `json:"visit,omitempty" maxLength:"64" doc:"The visit it is about."`
		Subjects  []string  `json:"subjects" minItems:"1" maxItems:"10" doc:"What it is about: codes of complaint_subjects."`
		Text      string    `json:"text" minLength:"1" maxLength:"4000"`
		AnswerDue string    `json:"answer_due,omitempty" maxLength:"10" doc:"The debtor's local date by which the answer is due."`
	}
}

func (a *API) recordComplaint(ctx context.Context, c call,
	in *recordComplaintIn) (*body[receipt[casework.ComplaintReceipt]], error) {
	x := in.Body
	said := record.ComplaintSaid{Case: journal.CaseID(in.CasePath.ID), Visit: x.Visit, At: x.At, Channel: x.Channel,
		From: x.From, Subjects: x.Subjects, Text: seal.NewText(x.Text)}
	return doOffice[casework.ComplaintReceipt](ctx, a, c, in.CasePath.ID, "complaints", x.ID, x,
		func(id string) casework.Cmd {
			return casework.RecordComplaint{ID: id, Said: said, AnswerDue: x.AnswerDue}
		})
}

type answerComplaintIn struct {
	CasePath
	Complaint string `path:"complaint" maxLength:"64"`
	Body      struct {
		At      time.Time `json:"at" doc:"When it was answered."`
		Channel string    `json:"channel" maxLength:"32" example:"letter" doc:"How it was answered: a code of complaint_channels."`
		Outcome string    `json:"outcome"`
		Text    string    `json:"text" minLength:"1" maxLength:"4000"`
	}
}

func (a *API) answerComplaint(ctx context.Context, c call,
	in *answerComplaintIn) (*body[receipt[casework.ComplaintReceipt]], error) {
	x := in.Body
	return doOffice[casework.ComplaintReceipt](ctx, a, c, in.ID, "answer", "", x, func(string) casework.Cmd {
		return casework.AnswerComplaint{Case: journal.CaseID(in.ID), Complaint: in.Complaint,
			Answer: record.ComplaintAnswer{At: x.At, Channel: x.Channel, Outcome: x.Outcome, Text: seal.NewText(x.Text)}}
	})
}

type closeComplaintIn struct {
	CasePath
	Complaint string `path:"complaint" maxLength:"64"`
	Body      struct {
		Note string `json:"note,omitempty" maxLength:"2000" doc:"What was looked at."`
	}
}

func (a *API) closeComplaint(ctx context.Context, c call,
	in *closeComplaintIn) (*body[receipt[casework.ComplaintReceipt]], error) {
	return doCase[casework.ComplaintReceipt](ctx, a, c, in.ID, casework.CloseComplaint{Case: journal.CaseID(in.ID),
		Complaint: in.Complaint, Note: in.Body.Note})
}

type countComplaintsIn struct {
	Branch string `query:"branch" maxLength:"64"`
	From   string `query:"from" format:"date" doc:"Absent: from the first on."`
	To     string `query:"to" format:"date" doc:"Absent: to the last."`
}

func (a *API) countComplaints(ctx context.Context, c call, in *countComplaintsIn) (*body[casework.ComplaintCounts],
	error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	out, err := a.opt.Casework.CountComplaints(ctx, c.actor, b, in.From, in.To)
	return respond(out), err
}

type listComplaintsIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	State  string `query:"state" enum:"open,answered,closed" doc:"open when absent."`
}

func (a *API) listComplaints(ctx context.Context, c call, in *listComplaintsIn) (*body[page[shown[record.Complaint]]],
	error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Complaints(ctx, c.actor, b, in.State, in.Limit, in.Cursor)
	if err == nil {
		err = a.notedPage(ctx, c.actor, b, found, access.Read{What: access.ComplaintsList})
	}
	return pageAnswer[shown[record.Complaint]](found, err)
}

type recordLetterIn struct {
	CasePath
	Body struct {
		OwnID
		Kind      string    `json:"kind" maxLength:"32" example:"reminder" doc:"A code of letter_kinds."`
		SentAt    time.Time `json:"sent_at"`
		Party     string    `json:"party,omitempty" minLength:"1" maxLength:"32" doc:"Who it went to, as contacts have it; the debtor when absent."`
		Reference string    `json:"reference,omitempty" maxLength:"128" doc:"The sender's own id of it, such as the number of a registered letter."`
		Contents  []string  `json:"contents,omitempty" maxItems:"50"`
	}
}

func (a *API) recordLetter(ctx context.Context, c call, in *recordLetterIn) (*body[receipt[casework.LetterReceipt]],
	error) {
	x := in.Body
	said := record.LetterSaid{Case: journal.CaseID(in.CasePath.ID), Kind: x.Kind, SentAt: x.SentAt, Party: x.Party,
		Reference: x.Reference, Contents: x.Contents}
	return doOffice[casework.LetterReceipt](ctx, a, c, in.CasePath.ID, "letters", x.ID, x,
		func(id string) casework.Cmd { return casework.RecordLetter{ID: id, Said: said} })
}

type returnLetterIn struct {
	CasePath
	Letter string `path:"letter" maxLength:"64"`
	Body   struct {
		At     time.Time `json:"at" doc:"When it was back."`
		Reason string    `json:"reason"`
	}
}

func (a *API) returnLetter(ctx context.Context, c call, in *returnLetterIn) (*body[receipt[casework.LetterReceipt]],
	error) {
	return doCase[casework.LetterReceipt](ctx, a, c, in.ID, casework.ReturnLetter{Case: journal.CaseID(in.ID),
		Letter: in.Letter, At: in.Body.At, Reason: in.Body.Reason})
}

type correctRecordIn struct {
	CasePath
	Type   string `path:"type" maxLength:"32" doc:"visits, visit_notes, consents or payments_reported."`
	Record string `path:"record" maxLength:"64" doc:"The id of what is corrected."`
	Body   struct {
		OwnID
		Corrected reported `json:"corrected"`
		Reason    string   `json:"reason" minLength:"1" maxLength:"200" doc:"Why, in words."`
	}
}

func (a *API) correctRecord(ctx context.Context, c call,
	in *correctRecordIn) (*body[receipt[casework.EvidenceReceipt]], error) {
	x := in.Body
	return doOffice[casework.EvidenceReceipt](ctx, a, c, in.CasePath.ID, in.Type, x.ID,
		[]any{in.Record, x}, func(id string) casework.Cmd {
			return casework.CorrectRecord{Case: journal.CaseID(in.CasePath.ID), Kind: in.Type, Record: in.Record, ID: id,
				Corrected: x.Corrected.RawMessage, Reason: x.Reason}
		})
}

type reviewCorrectionIn struct {
	CasePath
	Type   string `path:"type" maxLength:"32" doc:"consents, payments_reported, plans, signatures, visit_confirmations or visit_notes."`
	Record string `path:"record" maxLength:"64" doc:"The id of the record that corrects."`
	Body   struct {
		State string `json:"state" enum:"accepted,questioned,invalid"`
		Notes string `json:"notes,omitempty" maxLength:"2000" doc:"Why; required unless accepted."`
	}
}

func (a *API) reviewCorrection(ctx context.Context, c call,
	in *reviewCorrectionIn) (*body[receipt[casework.CorrectionReceipt]], error) {
	return doCase[casework.CorrectionReceipt](ctx, a, c, in.CasePath.ID, casework.ReviewCorrection{
		Case: journal.CaseID(in.CasePath.ID), Kind: in.Type, Record: in.Record, State: in.Body.State,
		Notes: in.Body.Notes})
}
