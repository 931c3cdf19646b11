// Package setting has the kinds of values that a configuration is made of, besides
// plain text and references to secrets: each reads and writes itself as text.
package setting

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Path of a file or a folder. A relative one starts at the folder of the
// configuration file; loading makes it absolute.
type Path string

// Authorities are those of the system and of the PEM file at p. No path gives nil,
// which means those of the system.
func (p Path) Authorities() (*x509.CertPool, error) {
	if p == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(string(p))
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", p)
	}
	return pool, nil
}

// Count is a number from 1 to 1000.
type Count int

// UnmarshalText reads a number.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 1000 {
		return errors.New("needs a number from 1 to 1000")
	}
	*c = Count(n)
	return nil
}

// MarshalText writes the number.
func (c Count) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(c), 10), nil }

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
