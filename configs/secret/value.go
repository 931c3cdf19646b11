package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Value is a secret in memory. It prints, encodes and logs as [redacted], also
// within other values. Values cannot be compared with ==.
type Value struct {
	// A closure, because fmt prints a string in an unexported field of a
	// caller's struct without asking any method.
	reveal func() string
}

// Of wraps a secret that is already at hand, as it is.
func Of(value string) Value {
	return Value{reveal: func() string { return value }}
}

// Reveal returns the secret itself; empty for the zero Value. Hand it straight
// to the header or client that needs it.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// String returns [redacted].
func (v Value) String() string { return redacted }

// GoString returns [redacted].
func (v Value) GoString() string { return redacted }

// Format writes [redacted], whatever the verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// UnmarshalText takes the text as it is.
func (v *Value) UnmarshalText(text []byte) error {
	*v = Of(string(text))
	return nil
}

// MarshalText returns [redacted]; YAML and XML encoders use it.
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]", a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns [redacted] to log/slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }
