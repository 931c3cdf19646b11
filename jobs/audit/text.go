package audit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
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

// Redacted stands where a text from outside had the value of a token.
const Redacted = "[redacted]"

var plainWord = regexp.MustCompile(`^[\w@%+=:,./~-]+$`)

// ShellQuoted is an argument for a POSIX shell, in quotes where it needs them.
func ShellQuoted(word string) string {
	if plainWord.MatchString(word) && word[0] != '~' {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// blank: nothing that a reader could see.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !hides(r) })
}

// Number writes 1234567 as 1,234,567.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural is "1 token" or "1,117 tokens".
func Plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Number(n) + " " + noun
}

// Names joins the first of some names from outside, made visible, and counts the rest.
func Names(all []string, most int) string {
	var out []string
	for _, name := range all[:min(len(all), most)] {
		if blank(name) {
			name = "unnamed"
		}
		out = append(out, Line(name, 60))
	}
	text := strings.Join(out, ", ")
	if more := len(all) - most; more > 0 {
		text += " and " + Number(more) + " more"
	}
	return text
}

// Difference is "+2, was 9", "-1, was 9" or "unchanged". It is empty where it is not known
// what was before: below zero.
func Difference(before, now int) string {
	switch {
	case before < 0:
		return ""
	case before == now:
		return "unchanged"
	case before < now:
		return "+" + Number(now-before) + ", was " + Number(before)
	}
	return Number(now-before) + ", was " + Number(before)
}

// SpanWords are a length of time: "90 days", "36 hours". No time is "never", as the limits
// of a policy have it.
func SpanWords(d time.Duration) string {
	if d == 0 {
		return "never"
	}
	for _, unit := range []struct {
		noun string
		is   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		if d%unit.is == 0 {
			return Plural(int(d/unit.is), unit.noun)
		}
	}
	return d.String()
}

// Headline is what a reader has to know first, and is the same in every output: how many
// tokens need action and whether that is better or worse. Unless all that was asked for
// was seen, it says so first.
func (s Summary) Headline() string {
	text := s.NeedsActionWords()
	if change := s.ChangeWords(); change != "" {
		text += " (" + change + ")"
	}
	switch s.Coverage.Verdict {
	case Complete:
		return text
	case Partial:
		return "INCOMPLETE: " + text + ", as far as the review could see"
	}
	if s.NeedsAction.Tokens+s.NeedsAction.Server == 0 {
		return "INCOMPLETE: Nothing could be read. This is not a pass"
	}
	return "INCOMPLETE: " + text + ", and nothing could be read in this review"
}

// NeedsActionWords are "27 tokens and 1 server finding need action".
func (s Summary) NeedsActionWords() string {
	a := s.NeedsAction
	switch n := a.Tokens + a.Server; {
	case !a.Known():
		return "Tokens that need action were not counted"
	case n == 0:
		return "No token needs action"
	}
	text, need := Plural(a.Tokens, "token"), " need action"
	switch {
	case a.Server > 0 && a.Tokens > 0:
		text += " and " + Plural(a.Server, "server finding")
	case a.Server > 0:
		text = Plural(a.Server, "server finding")
	}
	if a.Tokens+a.Server == 1 {
		need = " needs action"
	}
	return text + need
}

// ChangeWords say whether that is better or worse than at the last comparable review, and
// why: "worse: 8 new, 3 fixed". Empty where there is nothing to compare with.
func (s Summary) ChangeWords() string {
	a := s.NeedsAction
	if s.Previous == nil || !a.Known() {
		return ""
	}
	direction := "unchanged"
	switch change := a.New + a.ServerNew - a.Fixed - a.ServerFixed; { // an exception is no progress
	case change > 0:
		direction = "worse"
	case change < 0:
		direction = "better"
	}
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{a.New, "new"}, {a.Fixed, "fixed"}, {a.Excepted, "excepted"}, {a.First, "of targets reviewed for the first time"}} {
		if part.n > 0 {
			parts = append(parts, Number(part.n)+" "+part.what)
		}
	}
	if a.ServerNew > 0 {
		parts = append(parts, Plural(a.ServerNew, "new server finding"))
	}
	if a.ServerFixed > 0 {
		parts = append(parts, Plural(a.ServerFixed, "server finding")+" fixed")
	}
	if len(parts) > 0 {
		direction += ": " + strings.Join(parts, ", ")
	}
	return direction
}

// InventoryWords are "Active write tokens 1,117: 3 new, 1 gone". Empty if the check that
// finds them is off.
func (s Summary) InventoryWords() string {
	for _, c := range s.Policy.Checks {
		if c.Check == InventoryCheck && c.Severity == Off {
			return ""
		}
	}
	i := s.Inventory
	if s.Unread(i.ActiveWrite) {
		return "Active write tokens: not known"
	}
	text := "Active write tokens " + Number(i.ActiveWrite)
	if s.Previous == nil {
		return text
	}
	return text + fmt.Sprintf(": %s new, %s gone", s.Figure(i.New), s.Figure(i.Gone))
}

// Unread reports whether nothing could be read, so that n, a zero, would read as a result.
func (s Summary) Unread(n int) bool { return s.Coverage.Verdict == NotKnown && n == 0 }

// Figure is a number of the review as every output shows it: a question mark where it is
// not known.
func (s Summary) Figure(n int) string {
	if s.Unread(n) {
		return "?"
	}
	return Number(n)
}
