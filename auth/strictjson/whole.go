package strictjson

import "strings"

// Whole writes a JSON number that is whole by its digits: 7, 7.0, 70e-1 and 0.7e1 are all 7, -0 is 0. It is exact
// however many digits there are. ok is false for a number with a fraction, for one of more than 40 digits that is
// written with an exponent, and for a text that is no JSON number.
func Whole(number string) (digits string, ok bool) {
	rest, negative := strings.CutPrefix(number, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(rest), "e")
	integer, fraction, _ := strings.Cut(mantissa, ".")
	shift, down := 0, strings.HasPrefix(exponent, "-")
	for _, c := range strings.TrimLeft(exponent, "+-") {
		if c < '0' || c > '9' || shift > 1000 {
			return "", false
		}
		shift = shift*10 + int(c-'0')
	}
	digits = integer + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	point := len(integer) + shift
	if down {
		point = len(integer) - shift
	}
	if strings.Trim(digits, "0") == "" {
		return "0", true
	}
	if exponent != "" && point > 40 {
		return "", false
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	if point <= 0 || strings.Trim(digits[point:], "0") != "" {
		return "", false
	}
	digits = strings.TrimLeft(digits[:point], "0")
	if negative {
		digits = "-" + digits
	}
	return digits, true
}
