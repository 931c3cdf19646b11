package audit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible makes text from outside safe to show: control, bidirectional and
// zero-width characters and invalid bytes become visible escapes such as \u202e,
// so that nothing is lost and nothing acts. Line breaks and tabs stay if keepLines.
func Visible(s string, keepLines bool) string {
	if printable(s) || !strings.ContainsFunc(s, hides) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case keepLines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == utf8.RuneError && isInvalid(s[i:]):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hides(r):
			b.WriteString(escape(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Line makes text from outside safe to show on one line of at most max runes; a
// cut is marked by an ellipsis.
func Line(s string, max int) string {
	if len(s) > 16*max { // escapes only make it longer
		s = s[:16*max]
	}
	runes := []rune(Visible(s, false))
	if len(runes) <= max {
		return string(runes)
	}
	return strings.TrimRight(string(runes[:max-1]), " ") + "…"
}

// printable: all of it is printable ASCII, as nearly all text is.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// hides: categories Cc and Cf, the line and paragraph separators, what Unicode
// leaves unassigned to private use and surrogates, and U+FFFD, which stands for
// an invalid byte when it was read from one.
func hides(r rune) bool {
	if r >= ' ' && r <= '~' { // nearly all text; the tables below are slow
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) ||
		r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF || r == '\u115f' || r == '\u1160' || r == '\u3164'
}

func isInvalid(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}

func escape(r rune) string {
	if r > 0xFFFF {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// blank: nothing that a reader could see.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !hides(r) })
}
