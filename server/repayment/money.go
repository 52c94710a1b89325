package repayment

import (
	"cmp"
	"math/bits"
	"strconv"
	"strings"

	"github.com/bojanz/currency"
)

// MaxMinor is the largest amount of a request and of a plan, in minor units: the largest whole number up to which
// JavaScript has them all.
const MaxMinor = 1<<53 - 1

// plain writes an amount in the decimals of its currency, with a point and without grouping.
func plain(minor int64, code string) string {
	digits, _ := currency.GetDigits(code)
	text := strconv.FormatInt(minor, 10)
	if digits == 0 {
		return text
	}
	if short := int(digits) + 1 - len(text); short > 0 {
		text = strings.Repeat("0", short) + text
	}
	point := len(text) - int(digits)
	return text[:point] + "." + text[point:]
}

// compareProducts compares a·b with c·d, exactly. None may be below zero.
func compareProducts(a, b, c, d int64) int {
	leftHigh, leftLow := bits.Mul64(uint64(a), uint64(b))
	rightHigh, rightLow := bits.Mul64(uint64(c), uint64(d))
	return cmp.Or(cmp.Compare(leftHigh, rightHigh), cmp.Compare(leftLow, rightLow))
}

// share is what a weight of a sum gets of an amount, rounded down, and the remainder of that division. The weight is at
// most the sum, which is above zero.
func share(amount, weight, sum int64) (whole, remainder int64) {
	high, low := bits.Mul64(uint64(amount), uint64(weight))
	q, r := bits.Div64(high, low, uint64(sum))
	return int64(q), int64(r)
}
