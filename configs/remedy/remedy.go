// Package remedy says what to do about a connection that fails. It goes by the cause
// that an error holds and not by its text, and says nothing where the cause is not
// known: a guess would send people the wrong way. Errors of other packages know their
// own remedy, such as those of package secret.
package remedy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// Error is an error that knows its remedy.
type Error struct {
	Err error
	Fix string
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Remedy is what to do.
func (e *Error) Remedy() string { return e.Fix }

// Of is what to do about err, by the first error in its chain that knows (Remedy()
// string); "" if none does.
func Of(err error) string {
	var knows interface{ Remedy() string }
	if errors.As(err, &knows) {
		return knows.Remedy()
	}
	return ""
}

// With is err with advice on what to do, as a sentence; err itself without any.
func With(err error, advice string) error {
	if advice == "" {
		return err
	}
	first, size := utf8.DecodeRuneInString(advice)
	return &Error{err, string(unicode.ToUpper(first)) + strings.TrimSuffix(advice[size:], ".") + "."}
}

// Place is what is asked, in the words of the configuration.
type Place struct {
	What    string // "InfluxDB", "the mail server"
	Address string // host:port, where that is no secret
	Key     string // of the address: url, server
	CAFile  string // the key of the file of authorities, "" if there is none
}

// address is for the middle of a sentence.
func (p Place) address() string {
	if p.Address == "" {
		return "the address under " + p.Key
	}
	return p.Address
}

// Connection is what to do about a connection that was not made or broke off.
func (p Place) Connection(err error) string {
	if fix := p.certificate(err); fix != "" {
		return fix
	}
	name, isName := errors.AsType[*net.DNSError](err)
	dial, isDial := errors.AsType[*net.OpError](err)
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case isDial && dial.Op == "proxyconnect":
		return "The proxy in HTTPS_PROXY or HTTP_PROXY does not answer: correct the variable, or add the host to NO_PROXY."
	case isName && name.IsNotFound:
		return fmt.Sprintf("No host has the name %s: correct %s, or the DNS of this machine.", name.Name, p.Key)
	case isName:
		return "The DNS of this machine does not answer: check its resolver (/etc/resolv.conf), and try again."
	case errors.Is(err, syscall.ECONNREFUSED) && p.Address == "":
		return fmt.Sprintf("Nothing listens at the address under %s: start %s, or correct the address.", p.Key, p.What)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("Nothing listens at %s: start %s, or correct host and port under %s.", p.address(), p.What, p.Key)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("There is no route to %s: check the network, the VPN and the firewall, or correct %s.", p.address(), p.Key)
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, new(tls.RecordHeaderError)):
		return fmt.Sprintf("There is no TLS at %s: correct the port under %s. On this machine only, you can change the scheme instead.", p.address(), p.Key)
	case errors.Is(err, context.DeadlineExceeded), isTimeout && timeout.Timeout():
		return fmt.Sprintf("%s did not answer in time: check the firewall between the two, or correct %s.", p.address(), p.Key)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("The connection was cut: check the proxy or firewall in front of %s, and the log of %s.", p.address(), p.What)
	}
	return ""
}

// certificate is what to do about one that was not accepted.
func (p Place) certificate(err error) string {
	authority, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	host, other := errors.AsType[x509.HostnameError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case unknown && p.CAFile == "":
		return "Add the authority to the trusted ones of this machine that signed the certificate of " + p.address() + issuer(authority.Cert) + "."
	case unknown:
		return fmt.Sprintf("Set %s to a PEM file of the authority that signed the certificate%s.", p.CAFile, issuer(authority.Cert))
	case other:
		names := "other names"
		if host.Certificate != nil && len(host.Certificate.DNSNames) > 0 {
			names = printable(strings.Join(host.Certificate.DNSNames[:min(3, len(host.Certificate.DNSNames))], ", "))
		}
		return fmt.Sprintf("The certificate is for %s: use such a name under %s, or give the server a certificate for %s.", names, p.Key, host.Host)
	case isInvalid && invalid.Reason == x509.Expired && invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
		return fmt.Sprintf("The certificate is valid from %s on: set the clock of this machine, or wait.", invalid.Cert.NotBefore.UTC().Format(time.DateOnly))
	case isInvalid && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("Renew the certificate of %s, which expired on %s. If this date is in the future, set the clock of this machine.", p.address(), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	case isInvalid:
		return "Give " + p.What + " a valid certificate: this one is not valid."
	}
	return ""
}

func issuer(c *x509.Certificate) string {
	if c == nil || c.Issuer.String() == "" {
		return ""
	}
	return " (" + printable(c.Issuer.String()) + ")"
}

// printable leaves out what could act where a name from outside is shown, and what is more
// than 100 characters of it: what to do about it comes behind.
func printable(s string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s))
	if len(runes) > 100 {
		return string(runes[:99]) + "…"
	}
	return string(runes)
}
