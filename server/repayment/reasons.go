package repayment

// The reasons why a plan is refused, in the order in which they are checked. The first that applies is answered.
const (
	badRequest        = "bad_request"
	unknownCurrency   = "unknown_currency"
	amountOutOfRange  = "amount_out_of_range"
	startInPast       = "start_in_past"
	concessionLarge   = "concession_too_large"
	downTooLarge      = "down_payment_too_large"
	downPressure      = "down_payment_pressure"
	downLate          = "down_payment_late"
	tooFew            = "too_few_instalments"
	tooMany           = "too_many_instalments"
	notAToken         = "not_a_token"
	tooSmallToSplit   = "too_small_to_split"
	belowMinimum      = "below_minimum"
	extensionNotLater = "extension_not_later"
	extensionTooLong  = "extension_too_long"
	holidayTooLong    = "holiday_too_long"
	reviewBeforeEnd   = "review_before_end"
	startTooLate      = "start_too_late"
	termTooLong       = "term_too_long"
	noWorkingDay      = "no_working_day"
	newBorrowing      = "new_borrowing"
	deadlineTooShort  = "deadline_too_short"
	lumpSumPressure   = "lump_sum_pressure"
	aboveSurplus      = "above_surplus"
)

// Reasons returns the closed list of reasons, in the order in which they are judged.
func Reasons() []string {
	return []string{badRequest, unknownCurrency, amountOutOfRange, startInPast, concessionLarge, downTooLarge,
		downPressure, downLate, tooFew, tooMany, notAToken, tooSmallToSplit, belowMinimum, extensionNotLater,
		extensionTooLong, holidayTooLong, reviewBeforeEnd, startTooLate, termTooLong, noWorkingDay, newBorrowing,
		deadlineTooShort, lumpSumPressure, aboveSurplus}
}
