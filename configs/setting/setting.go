// Package setting has the kinds of values that several parts of the configuration
// use.
package setting

import "errors"

// Switch is on or off.
type Switch bool

// UnmarshalText reads on or off, and what YAML takes for them.
func (s *Switch) UnmarshalText(text []byte) error {
	switch string(text) {
	case "on", "true", "yes":
		*s = true
	case "off", "false", "no":
		*s = false
	default:
		return errors.New("needs on or off")
	}
	return nil
}

// MarshalText writes on or off.
func (s Switch) MarshalText() ([]byte, error) {
	if s {
		return []byte("on"), nil
	}
	return []byte("off"), nil
}
