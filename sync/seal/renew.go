package seal

// Renew takes the open parts of a document out of their seals, so that SealDoc seals them
// anew: under another place, with another salt. Parts that are not open, such as those of
// an erased debtor, stay as they are.
func Renew(doc any) {
	Each(doc, func(_ string, p Part) {
		if c := p.core(); c.open {
			*c = part{plain: c.plain, open: true}
		}
	})
}
