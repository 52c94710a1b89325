package words

import (
	"strings"
	"unicode/utf8"
)

// The encodings of a text message.
const (
	GSM7 = "gsm7"
	UCS2 = "ucs2"
)

// The GSM 7-bit default alphabet of 3GPP TS 23.038, and its extension, whose characters take two septets.
const (
	gsmTable = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡" +
		"ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// Measure says how a text is sent: the encoding, how many units it has (septets, or UTF-16 units) and in how many
// parts it goes. A text of one part has up to 160 septets or 70 units, and each of several parts 153 or 67. A character
// of two units is not cut between parts.
func Measure(text string) (encoding string, units, segments int) {
	encoding, whole, part := GSM7, 160, 153
	for _, r := range text {
		if !strings.ContainsRune(gsmTable, r) && !strings.ContainsRune(gsmExtension, r) || r == utf8.RuneError {
			encoding, whole, part = UCS2, 70, 67
			break
		}
	}
	room := 0
	for _, r := range text {
		n := 1
		if encoding == GSM7 && strings.ContainsRune(gsmExtension, r) || encoding == UCS2 && r > 0xffff {
			n = 2
		}
		units += n
		if room < n {
			segments, room = segments+1, part
		}
		room -= n
	}
	if units <= whole {
		segments = min(units, 1)
	}
	return encoding, units, segments
}
