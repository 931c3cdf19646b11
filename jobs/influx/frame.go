package influx

import (
	"bytes"
	"fmt"
	"io"
)

// frames cuts a JSON document into values while it is read, so that each can be
// decoded at once and in place. It finds where a value ends and does not judge it:
// whoever takes one does. A decoder that reads from a stream would have to go
// through each value twice.
type frames struct {
	r   io.Reader
	buf []byte // read and not taken, from at on
	at  int
}

func newFrames(r io.Reader) *frames { return &frames{r: r, buf: make([]byte, 0, listBuffer)} }

// peek gives the next byte that is no space, and leaves it. The end is io.EOF.
func (f *frames) peek() (byte, error) {
	for {
		for ; f.at < len(f.buf); f.at++ {
			if c := f.buf[f.at]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
				return c, nil
			}
		}
		if err := f.more(); err != nil {
			return 0, err
		}
	}
}

// more reads on. What was not taken moves to the front, and the room for it grows
// if it is all one value.
func (f *frames) more() error {
	if f.at > 0 {
		f.buf = f.buf[:copy(f.buf, f.buf[f.at:])]
		f.at = 0
	}
	if len(f.buf) == cap(f.buf) {
		f.buf = append(make([]byte, 0, 2*cap(f.buf)), f.buf...)
	}
	for range 100 { // as many as bufio
		n, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+n]
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

func (f *frames) expect(want byte) error {
	c, err := f.peek()
	if err != nil {
		return err
	}
	if c != want {
		return fmt.Errorf("expected %c and got something else", want)
	}
	f.at++
	return nil
}

// another reports whether an object or array goes on, and takes what stands
// between two values, or its end.
func (f *frames) another(first bool, end byte) (bool, error) {
	c, err := f.peek()
	switch {
	case err != nil:
		return false, err
	case c == end:
		f.at++
		return false, nil
	case first:
		return true, nil
	}
	return true, f.expect(',')
}

// The bytes that value stops at.
const (
	opens = 1 + iota
	closes
	quotes
)

func marks() (m [256]byte) {
	m['{'], m['['], m['}'], m[']'], m['"'] = opens, opens, closes, closes, quotes
	return m
}

// value takes the next value, which is valid until the next call.
func (f *frames) value() ([]byte, error) {
	c, err := f.peek()
	switch {
	case err != nil:
		return nil, err
	case c != '{' && c != '[' && c != '"':
		return f.literal()
	}
	depth, n := 0, 0 // n bytes belong to it so far
	mark := marks()
	for {
		rest := f.buf[f.at:]
		for n < len(rest) && mark[rest[n]] == 0 {
			n++
		}
		if n == len(rest) {
			if err := f.more(); err != nil {
				return nil, err
			}
			continue
		}
		switch mark[rest[n]] {
		case opens:
			depth++
		case closes:
			depth--
		default:
			if n, err = f.afterString(n); err != nil {
				return nil, err
			}
			n--
		}
		if n++; depth == 0 {
			return f.take(n), nil
		}
	}
}

func (f *frames) take(n int) []byte {
	f.at += n
	return f.buf[f.at-n : f.at]
}

// afterString is the place after the string that begins at n.
func (f *frames) afterString(n int) (int, error) {
	end := n + 1
	for {
		rest := f.buf[f.at:]
		quote := bytes.IndexByte(rest[end:], '"')
		if quote < 0 {
			end = len(rest)
			if err := f.more(); err != nil {
				return 0, err
			}
			continue
		}
		end += quote + 1
		if !escaped(rest[n+1 : end-1]) {
			return end, nil
		}
	}
}

// escaped: an odd number of backslashes stands before what follows text.
func escaped(text []byte) bool {
	n := len(text) - len(bytes.TrimRight(text, `\`))
	return n%2 == 1
}

// literal takes a number or a word.
func (f *frames) literal() ([]byte, error) {
	for n := 0; ; n++ {
		if n == len(f.buf)-f.at {
			if err := f.more(); err != nil {
				return nil, err
			}
		}
		if bytes.IndexByte([]byte(" \t\r\n,:{}[]\""), f.buf[f.at+n]) >= 0 {
			return f.take(n), nil
		}
	}
}
