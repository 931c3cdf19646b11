package configs

import (
	"regexp"
	"strings"
)

const tabs = "the line has a tab where only spaces can be; use spaces, not tabs"

// syntax are the usual messages of the parser, by a part of each, and what they mean for
// somebody who writes a configuration. None repeats what the parser quotes: it may be a
// secret.
var syntax = []struct{ part, plain string }{
	{"cannot start any token", tabs}, {"tab character", tabs},
	{"end character of double-quoted", `a text that begins with " does not end: close it with "`},
	{"end character of single-quoted", "a text that begins with ' does not end: close it with '"},
	{"escape character", `a \ between double quotes begins a code such as \n; write \\, or put the text between single quotes`},
	{"reserved character", `a value that begins with @ or a back quote needs quotes, such as "@weekly"`},
	{"'}'", "a { here or above has no }"},
	{"find map value", "a { here or above has no }"},
	{"']'", "a [ here or above has no ]"},
	{"sequence end token", "a [ here or above has no ]"},
	{"block sequence entries", `an entry of a list ("- ") begins here in the middle of a line; write it on a line of its own`},
	{"expected sequence element", "two commas follow each other in a list; remove one"},
	{"map key-value is pre-defined", "something follows a value that is complete. Correct the indentation, or quote the whole value"},
	{"mapping value is not allowed", `there is a second colon, or the next line is indented too far. A value that contains ": " needs quotes`},
	{"value is not allowed", "the indentation differs from the lines above. Keys of one mapping begin in the same column"},
	{"non-map value", `this line has no key; write "key: value", with a space after the colon`},
	{"key name", `a colon has no key in front; write "key: value"`},
	{"header option", "only a number, + or - can follow | or >; write the text on the next line"},
	{"value for mapping key", `a key has no value; write "key: value"`},
}

// slips are what a line shows that the parser cannot read, whatever it says.
var slips = []struct {
	line  *regexp.Regexp
	plain string
}{
	{regexp.MustCompile(`^\s*-[A-Za-z_]+:`), "write a space after the dash: - key: value"},
	{regexp.MustCompile(`[[{].*[:,[] *#`), "a # begins a comment; a value that begins with # needs quotes"},
	{regexp.MustCompile(`: '[^']*'[^' ][^']*'`), "a ' between single quotes is written ''"},
}

// notYAML says in plain words what the parser cannot read in a line.
func notYAML(reason, line string) string {
	for _, s := range slips {
		if s.line.MatchString(line) {
			return "not valid YAML: " + s.plain
		}
	}
	for _, s := range syntax {
		if strings.Contains(reason, s.part) {
			return "not valid YAML: " + s.plain
		}
	}
	return `not valid YAML: compare this line with the output of "tokenaudit config example"`
}
