package words

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"doorstep/auth/refusal"
)

// Bounds of questions.
const (
	MaxText         = 4000 // characters of a text or reply
	MaxValue        = 500  // characters of a value
	MaxProducts     = 200
	MaxConsequences = 100
)

var (
	languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}$`)
	countryTag  = regexp.MustCompile(`^[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?$`)
	idShape     = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)
)

func bad(place, format string, args ...any) error {
	return refusal.New(refusal.Invalid, "messages.question", place, format, args...)
}

func placeOf(err error) string {
	if no, is := refusal.Of(err); is {
		return no.Place
	}
	return ""
}

// Check says what in a request cannot be judged. messages.question, with the member at fault.
func (r Request) Check() error {
	switch {
	case !languageTag.MatchString(r.Language):
		return bad("language", "a language is a BCP 47 tag, such as en or zh-HK")
	case !countryTag.MatchString(r.Country):
		return bad("country", "a country is of ISO 3166: two letters, and a part of it if need be, such as US-NY")
	case !slices.Contains(Steps(), r.Step):
		return bad("step", "the step is one of %s", strings.Join(Steps(), ", "))
	case !slices.Contains(Recipients(), r.Recipient):
		return bad("recipient", "the recipient is one of %s", strings.Join(Recipients(), ", "))
	case r.VerifiedDays != nil && *r.VerifiedDays < 0:
		return bad("number_verified_days", "the number of days is 0 or more, or null")
	case utf8.RuneCountInString(r.Text) > MaxText:
		return bad("text", "a text has at most %d characters", MaxText)
	}
	for _, name := range slices.Sorted(keysOf(r.Vars)) {
		if utf8.RuneCountInString(r.Vars[name]) > MaxValue {
			return bad("vars", "a value has at most %d characters", MaxValue)
		}
	}
	if len(r.Products) > MaxProducts {
		return bad("context.products", "a lender has at most %d products", MaxProducts)
	}
	if len(r.Consequences) > MaxConsequences {
		return bad("context.consequences", "a lender has at most %d consequences", MaxConsequences)
	}
	return nil
}

// CheckConsequences says what is missing or wrong in a lender's consequences. Places begin with consequences.
// lender.consequence.
func CheckConsequences(list []Consequence) error {
	no := func(i int, member, format string, args ...any) error {
		return refusal.New(refusal.Invalid, "lender.consequence", "consequences["+strconv.Itoa(i)+"]"+member, format,
			args...)
	}
	seen := map[string]bool{}
	for i, c := range list {
		switch {
		case !idShape.MatchString(c.ID):
			return no(i, ".id", "an id has 1 to 40 small letters a to z, digits and underscores")
		case seen[c.ID]:
			return no(i, ".id", "two consequences have this id")
		case strings.TrimSpace(c.Source) == "" || utf8.RuneCountInString(c.Source) > 500:
			return no(i, ".source", "name the law or the clause it rests on, in at most 500 characters")
		case len(c.Countries) == 0:
			return no(i, ".countries", "name at least one country in which it is true")
		case len(c.Text) == 0:
			return no(i, ".text", "give the text in at least one language")
		}
		seen[c.ID] = true
		for n, country := range c.Countries {
			if !countryTag.MatchString(country) {
				return no(i, ".countries["+strconv.Itoa(n)+"]", "a country is of ISO 3166, such as GB or US-NY")
			}
		}
		for _, tag := range slices.Sorted(keysOf(c.Text)) {
			text := c.Text[tag]
			switch {
			case !languageTag.MatchString(tag):
				return no(i, ".text", "the texts go by language, BCP 47")
			case strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > MaxValue ||
				strings.ContainsAny(text, "{}"+lineBreaks):
				return no(i, ".text", "a text has 1 to %d characters, no braces and no line break", MaxValue)
			}
		}
	}
	return nil
}

// CheckReply says what in a question for the intent of a reply is wrong. messages.question.
func CheckReply(language, text string) error {
	switch {
	case !languageTag.MatchString(language):
		return bad("language", "a language is a BCP 47 tag, such as en or zh-HK")
	case utf8.RuneCountInString(text) > MaxText:
		return bad("text", "a reply has at most %d characters", MaxText)
	}
	return nil
}
