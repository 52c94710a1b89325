package repayment

// Date is a day of the Gregorian calendar, without a zone: the number of days since 1970-01-01.
type Date int

// ParseDate reads a date of the years 2000 to 2199 that is written as 2006-01-02. Those of a plan may be later.
func ParseDate(text string) (Date, bool) {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	number := func(digits string) int {
		n := 0
		for _, c := range []byte(digits) {
			if c < '0' || c > '9' {
				return -1
			}
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := number(text[:4]), number(text[5:7]), number(text[8:])
	if year < 2000 || year > 2199 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return dateOf(year, month, day), true
}

// String writes the date as 2006-01-02.
func (d Date) String() string {
	text, _ := d.MarshalText()
	return string(text)
}

// MarshalText writes the date as 2006-01-02.
func (d Date) MarshalText() ([]byte, error) {
	year, month, day := d.civil()
	digit := func(n int) byte { return byte('0' + n%10) }
	return []byte{digit(year / 1000), digit(year / 100), digit(year / 10), digit(year), '-', digit(month / 10),
		digit(month), '-', digit(day / 10), digit(day)}, nil
}

// The calendar repeats itself every 400 years. Years begin in March here, so that a leap day is the last of its year.
const daysOf400Years = 146097

// dateOf is the date of a day that exists.
func dateOf(year, month, day int) Date {
	if month < 3 {
		year, month = year-1, month+12
	}
	return Date(365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468)
}

// civil is the inverse of dateOf, for dates after the year 0.
func (d Date) civil() (year, month, day int) {
	n := int(d) + 719468
	cycle := n / daysOf400Years
	n -= cycle * daysOf400Years
	y := (n - n/1460 + n/36524 - n/146096) / 365
	n -= 365*y + y/4 - y/100
	m := (5*n + 2) / 153
	year, month, day = 400*cycle+y, m+3, n-(153*m+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

func daysIn(year, month int) int {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// weekdays are the words of a request for days of the week, from Sunday.
var weekdays = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// weekday is the index in weekdays; 1970-01-01 was a Thursday. It is for dates after that.
func (d Date) weekday() int { return (int(d) + 4) % 7 }

// addMonths is the same day so many months later, or the last day of that month where it is shorter. With last, it is
// the last day of that month if d is the last day of its own.
func (d Date) addMonths(n int, last bool) Date {
	year, month, day := d.civil()
	toEnd := last && day == daysIn(year, month)
	months := 12*year + month - 1 + n
	year, month = months/12, months%12+1
	if end := daysIn(year, month); toEnd || day > end {
		day = end
	}
	return dateOf(year, month, day)
}
