package secret

import (
	"regexp"
	"strings"
)

var (
	plainWord = regexp.MustCompile(`^([a-z]{0,15}|[A-Z]{0,15}|[A-Z][a-z]{0,14})[0-9]{0,6}$`)
	vowel     = regexp.MustCompile(`(?i)[aeiouy]`)
	envName   = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*_[A-Z0-9_]*$`)
)

// plain: it reads like a name that somebody made up, of words and small numbers, and
// not like something random.
func plain(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == ' ' })
	for _, word := range words {
		letters := strings.TrimRight(word, "0123456789")
		if !plainWord.MatchString(word) || len(letters) > 5 && !vowel.MatchString(letters) {
			return false
		}
	}
	return len(text) <= 64
}

// plainName: it is a name of a variable as people make them up, such as AUDIT_TOKEN.
func plainName(text string) bool { return envName.MatchString(text) && plain(text) }

// plainPath: it is a path with a folder in it, all of plain names.
func plainPath(path string) bool {
	parts := strings.FieldsFunc(path, isSeparator)
	for _, part := range parts {
		if !plain(part) && !plain(strings.TrimPrefix(part, ".")) {
			return false
		}
	}
	return strings.ContainsFunc(path, isSeparator) && len(parts) > 0
}
