package secret

import "regexp"

var (
	quoted     = regexp.MustCompile(`(?s)"(?:[^"\\]|\\.)*("|$)`)
	headerLine = regexp.MustCompile(`(?s)(malformed MIME header[^:]*: ).*`)
)

// WithoutQuotes takes out of a message of net/http what it quotes of an answer: bytes
// that may be anything, such as the values of tokens, which nobody could know.
func WithoutQuotes(text string) string {
	return headerLine.ReplaceAllString(quoted.ReplaceAllString(text, `"…"`), "${1}…")
}
