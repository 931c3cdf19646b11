package influx

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner takes JSON apart that is written as servers write it, from the window
// that it was read into. It is unusual once something is not as expected or not all
// there, and what it gives then means nothing: encoding/json has to judge it.
type scanner struct {
	window    []byte
	at        int
	unusual   bool
	unescaped []byte // texts that do not stand in the window
}

func (s *scanner) fail() { s.unusual, s.at = true, len(s.window) }

// next goes past white space, to the byte that it gives: 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.window); s.at++ {
		if c := s.window[s.at]; c > ' ' || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

func (s *scanner) want(c byte) {
	if s.next() != c {
		s.fail()
		return
	}
	s.at++
}

// another reports whether an object or array goes on; it takes the comma, or the
// end.
func (s *scanner) another(first bool, end byte) bool {
	switch {
	case s.next() == end:
		s.at++
		return false
	case !first:
		s.want(',')
	}
	return !s.unusual
}

// key takes the name of a member.
func (s *scanner) key() []byte {
	raw, plain := s.literal()
	if !plain {
		s.fail()
		return nil
	}
	s.want(':')
	return raw[1 : len(raw)-1]
}

// text takes a string; it is valid until the window changes.
func (s *scanner) text() []byte {
	raw, plain := s.literal()
	switch {
	case s.unusual:
		return nil
	case plain:
		return raw[1 : len(raw)-1]
	}
	from := len(s.unescaped)
	s.unescape(raw[1 : len(raw)-1])
	return s.unescaped[from:]
}

// unescape appends what a valid literal stands for. Half a character is unusual, as
// is any that is escaped as two halves.
func (s *scanner) unescape(text []byte) {
	if !utf8.Valid(text) {
		s.fail()
		return
	}
	for {
		n := bytes.IndexByte(text, '\\')
		if n < 0 {
			s.unescaped = append(s.unescaped, text...)
			return
		}
		s.unescaped = append(s.unescaped, text[:n]...)
		c := text[n+1]
		if text = text[n+2:]; c != 'u' {
			s.unescaped = append(s.unescaped, "\"\\/\b\f\n\r\t"[strings.IndexByte(`"\/bfnrt`, c)])
			continue
		}
		r, err := strconv.ParseUint(string(text[:4]), 16, 16)
		if err != nil || utf16.IsSurrogate(rune(r)) {
			s.fail()
			return
		}
		s.unescaped = utf8.AppendRune(s.unescaped, rune(r))
		text = text[4:]
	}
}

// literal takes a string as it stands. It is plain if the text is, too.
func (s *scanner) literal() (raw []byte, plain bool) {
	s.want('"')
	from := s.at - 1
	s.at += plainBytes(s.window[s.at:])
	if s.at < len(s.window) && s.window[s.at] == '"' {
		s.at++
		return s.window[from:s.at], true
	}
	for ; s.at < len(s.window) && s.window[s.at] != '"'; s.at++ {
		if s.window[s.at] == '\\' {
			s.at++
		}
	}
	if s.at++; s.at > len(s.window) || !json.Valid(s.window[from:s.at]) {
		s.fail()
		return nil, false
	}
	return s.window[from:s.at], false
}

const (
	eachByte  = 0x0101010101010101
	highBits  = 0x80 * eachByte
	spaces    = ' ' * eachByte
	quoteds   = '"' * eachByte
	backslash = '\\' * eachByte
)

// plainBytes counts the bytes before the first that is a quote, a backslash, a
// control or no ASCII. It looks at eight at a time, and flags each of those in its
// high bit; a borrow can only flag wrongly above the first one.
func plainBytes(b []byte) int {
	n := 0
	for ; n+8 <= len(b); n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		q, s := x^quoteds, x^backslash
		if found := (x | (x - spaces) | (q-eachByte)&^q | (s-eachByte)&^s) & highBits; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for ; n < len(b) && b[n] >= ' ' && b[n] < 0x80 && b[n] != '"' && b[n] != '\\'; n++ {
	}
	return n
}
