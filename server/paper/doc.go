// Package paper writes a repayment plan as a PDF that a person can be handed: what was agreed, what is due when, how to
// withdraw, and what happens if it cannot be kept, in the person's language.
//
// The words are data: a file for each language in words, with the same keys; a language without a file is written in
// English. Languages whose script the font lacks have no file: Arabic, for one, would need letters to be joined, which
// the library does not do. To add a language, add its file and look at the pages (TestPages writes them with
// -pages DIR).
//
// Lines are broken here and not by the library, so that an amount, a date or a number stays whole on its line.
//
// The font is Noto Sans SC, reduced by scripts/paper-font to Latin and the characters of GB 2312, under the SIL Open
// Font License (font/OFL.txt). It is not drawn from anything on the server's machine. A name with characters that it
// lacks is left out: the reference names the case.
//
// gopdf writes the file: it puts only the characters that are used into it, and takes a font from memory.
package paper
