package table

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FormulaSafe puts an apostrophe before text that a spreadsheet would take for a
// formula, the white space before it included (OWASP, CSV injection). Text that
// begins with an apostrophe gets one too, so that taking one away always gives
// the text back.
func FormulaSafe(s string) string {
	rest := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	first, _ := utf8.DecodeRuneInString(rest)
	if strings.ContainsRune("=+-@＝＋－＠", first) || strings.HasPrefix(s, "'") || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") {
		return "'" + s
	}
	return s
}

// FromFormulaSafe undoes FormulaSafe. Text that FormulaSafe did not write stays as it is.
func FromFormulaSafe(s string) string {
	if text, ok := strings.CutPrefix(s, "'"); ok && FormulaSafe(text) == s {
		return text
	}
	return s
}

// LinesIn estimates how many lines a text takes in a cell, at most as many.
func LinesIn(text string, width float64, most int) int {
	lines := 0
	for line := range strings.Lines(text) {
		for rest := line; rest != ""; rest = afterLine(rest, width-2) {
			if lines++; lines == most {
				return most
			}
		}
	}
	return max(lines, 1)
}

// afterLine is what is left of a text after the words that fit on one line.
func afterLine(text string, width float64) string {
	space, used, last := 0, 0.0, ' '
	for i, r := range text {
		if (last == '-' || last == '/') && !unicode.IsDigit(r) { // where programs break, but not before a digit
			space = i
		}
		if used += runeWidth(r); used > width && i > 0 {
			return text[cmp.Or(space, i):]
		}
		if last = r; r == ' ' {
			space = i + 1
		}
	}
	return ""
}

// runeWidth is how wide a character of Arial 10 is, in the unit of column widths,
// rather too wide than too narrow.
func runeWidth(r rune) float64 {
	switch {
	case r == '\n':
		return 0
	case strings.ContainsRune(" .,;:'|!iljtfrI()[]/-", r):
		return 0.5
	case r >= 0x2E80:
		return 1.8
	case strings.ContainsRune("mwMW@%", r):
		return 1.4
	case r >= 'A' && r <= 'Z':
		return 1.17
	}
	return 0.94
}
