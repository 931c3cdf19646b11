package evidence

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"time"
	"unicode/utf8"
)

// lineReader takes a line apart. It is unusual once something is not as expected,
// and what it gives then means nothing.
type lineReader struct {
	rest    []byte
	unusual bool
}

// has takes what is expected if it comes next.
func (l *lineReader) has(what string) bool {
	if len(l.rest) < len(what) || string(l.rest[:len(what)]) != what {
		return false
	}
	l.rest = l.rest[len(what):]
	return true
}

func (l *lineReader) want(what string) {
	if !l.has(what) {
		l.unusual, l.rest = true, nil
	}
}

// another reports whether a list goes on; it takes the comma, or the end.
func (l *lineReader) another(first bool) bool {
	if l.unusual || l.has("]") {
		return false
	}
	if !first {
		l.want(",")
	}
	return !l.unusual
}

// optional is for a member that is left out when it is empty.
func (l *lineReader) optional(key string) []byte {
	if len(l.rest) < len(key) || string(l.rest[:len(key)]) != key {
		return nil
	}
	return l.text(key)
}

// text takes a member that is a string. It is valid as long as the line.
func (l *lineReader) text(key string) []byte {
	l.want(key)
	l.want(`"`)
	i := special(l.rest)
	switch {
	case i < len(l.rest) && l.rest[i] == '"':
		text := l.rest[:i]
		l.rest = l.rest[i+1:]
		return text
	case i < len(l.rest) && l.rest[i] == '\\':
		return l.escapedText(i)
	}
	l.unusual, l.rest = true, nil
	return nil
}

// ones has a 1 in each of eight bytes.
const ones = 0x0101010101010101

// special is where the first quote, backslash or control character is, or the
// length. It goes eight bytes at a time, as every text is searched.
func special(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if found := specialOf(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\'; i++ {
	}
	return i
}

// specialOf sets the high bit of the lowest special byte of x, and of none below it:
// a byte below n borrows when n is taken from it, and so may mislead those above.
func specialOf(x uint64) uint64 {
	quote, backslash := x^'"'*ones, x^'\\'*ones
	return ((x-' '*ones)&^x | (quote-ones)&^quote | (backslash-ones)&^backslash) & (0x80 * ones)
}

// plain: b is ASCII that stands in JSON as it is.
func plain(b []byte) bool {
	var found uint64
	for rest := b; len(rest) >= 8; rest = rest[8:] {
		x := binary.LittleEndian.Uint64(rest)
		found |= specialOf(x) | x
	}
	if len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b[len(b)-8:])
		return (found|specialOf(x)|x)&(0x80*ones) == 0
	}
	for _, c := range b {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// escapedText takes a string whose first escape is at i.
func (l *lineReader) escapedText(i int) []byte {
	for ; i < len(l.rest) && l.rest[i] != '"'; i++ {
		if l.rest[i] == '\\' {
			i++
		}
	}
	if i >= len(l.rest) {
		l.unusual, l.rest = true, nil
		return nil
	}
	quoted := append(append([]byte{'"'}, l.rest[:i]...), '"')
	l.rest = l.rest[i+1:]
	var s string
	l.unusual = json.Unmarshal(quoted, &s) != nil || l.unusual
	return []byte(s)
}

func (l *lineReader) optionalTime(key string, newest *newestTime) time.Time {
	if len(l.rest) < len(key) || string(l.rest[:len(key)]) != key {
		return time.Time{}
	}
	return l.time(key, newest)
}

func (l *lineReader) time(key string, newest *newestTime) time.Time {
	l.want(key)
	if bytes.HasPrefix(l.rest, newest.text) && len(newest.text) > 0 {
		l.rest = l.rest[len(newest.text):]
		return newest.time
	}
	before := l.rest
	text := l.text("")
	quoted := before[:len(before)-len(l.rest)]
	var t time.Time
	if l.unusual || len(quoted) != len(text)+2 || t.UnmarshalText(text) != nil {
		l.unusual, l.rest = true, nil
		return time.Time{}
	}
	newest.text, newest.time = append(newest.text[:0], quoted...), t
	return t
}

// any is for what is rare.
func (l *lineReader) any(v any) {
	dec := json.NewDecoder(bytes.NewReader(l.rest))
	if dec.Decode(v) != nil {
		l.unusual, l.rest = true, nil
		return
	}
	l.rest = l.rest[dec.InputOffset():]
}
