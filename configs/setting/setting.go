// Package setting has the kinds of values that a configuration is made of, besides
// plain text and references to secrets: each reads and writes itself as text.
package setting

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's authorities: %w", err)
	}
	if err := p.addTo(pool); err != nil {
		return nil, err
	}
	return pool, nil
}

// CheckAuthorities says what is wrong with the file of Authorities.
func (p Path) CheckAuthorities() error { return p.addTo(x509.NewCertPool()) }

func (p Path) addTo(pool *x509.CertPool) error {
	if err := p.Check(); err != nil {
		return err
	}
	pem, err := os.ReadFile(string(p))
	if err != nil {
		return err
	}
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no PEM certificate: a block that begins with -----BEGIN CERTIFICATE-----", p)
	}
	return nil
}

// Check says what keeps this user from reading the file at p.
func (p Path) Check() error {
	info, err := os.Stat(string(p))
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder; give the path of a file", p)
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", p)
	case err == nil:
		var f *os.File
		if f, err = os.Open(string(p)); err == nil {
			return f.Close()
		}
	}
	return p.unreadable(err)
}

func (p Path) unreadable(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file %s; correct the path, or write the file", p)
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	return fmt.Errorf("this user cannot read %s: %w", p, err)
}

// CheckHome says that a path begins with ~, which only a shell replaces, and what to write.
func CheckHome(path string) error {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok {
		return nil
	}
	if home, err := os.UserHomeDir(); err == nil && (rest == "" || rest[0] == '/') {
		return fmt.Errorf("~ is not replaced by a home folder; write %s", filepath.Join(home, rest))
	}
	return errors.New("~ is not replaced by a home folder; write the absolute path")
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
