package record

// Confirmation is the state of a document of type "visit_confirmations": an agent named in
// a colleague's visit says from their own phone that they were there. Written once.
type Confirmation struct {
	ConfirmationReport
	Taken
}

// ConfirmationReport is what the phone says in a confirmation.
type ConfirmationReport struct {
	About `need:"visit: say which visit this confirms"`
}
