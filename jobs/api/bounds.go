package api

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of what is held of an answer, whatever the server sends. An operator's
// authorization with its 44 permissions is 8 KiB.
const (
	LargestRow      = 8 << 20  // bytes of JSON, of one authorization
	MostPermissions = 100_000  // of one authorization
	LargestAnswer   = 16 << 20 // bytes of an answer that is no list of authorizations
)

// TooLarge is a value or an answer over its bound.
type TooLarge struct{ Bound string }

func (e *TooLarge) Error() string { return "larger than the limit of " + e.Bound }

// Bounded gives up reading once the bound is reached.
type Bounded struct {
	From        io.Reader
	bound, left int64 // bytes
}

// NewBounded bounds from to so many bytes.
func NewBounded(from io.Reader, bound int64) *Bounded { return &Bounded{from, bound, bound} }

// Renew begins to count anew.
func (b *Bounded) Renew() { b.left = b.bound }

func (b *Bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &TooLarge{fmt.Sprintf("%d MiB", b.bound>>20)}
	}
	n, err := b.From.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Decoding is how answers are read: bytes that are not UTF-8 become U+FFFD, and of
// members that are there twice the last one counts, both as with encoding/json.
func Decoding() json.Options {
	return json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// Begin takes the bracket that an object or array begins with.
func Begin(dec *jsontext.Decoder, bracket jsontext.Kind) error {
	token, err := dec.ReadToken()
	switch broken := new(jsontext.SyntacticError); {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case err == nil && token.Kind() != bracket, errors.As(err, &broken) && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("expected %s but found something else", string(bracket))
	}
	return Malformed(err)
}

// End is an error if more follows.
func End(dec *jsontext.Decoder) error {
	_, err := dec.ReadToken()
	switch broken := new(jsontext.SyntacticError); {
	case err == io.EOF:
		return nil
	case err == nil || errors.As(err, &broken):
		return errors.New("there is more data after the end of the document")
	}
	return err
}

// Malformed says what is wrong with an answer without any of its words, which may be
// secrets. The errors of reading it stay as they are.
func Malformed(err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case err == nil || errors.As(err, new(*CallbackError)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF:
		return io.ErrUnexpectedEOF
	case errors.As(err, new(*TooLarge)):
		return err
	case errors.As(err, &syntactic):
		return fmt.Errorf("no JSON after %d bytes", syntactic.ByteOffset)
	case errors.As(err, &semantic):
		return fmt.Errorf("an unexpected kind of value after %d bytes", semantic.ByteOffset)
	}
	return err
}

// CallbackError is an error of whoever was handed an authorization, not of the answer.
type CallbackError struct{ Err error }

func (e *CallbackError) Error() string { return e.Err.Error() }

func (e *CallbackError) Unwrap() error { return e.Err }
