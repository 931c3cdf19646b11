package remedy_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokenaudit/configs/remedy"
)

// TestRemediesFitTheCause: each cause has a remedy of its own, and a cause that is not
// known has none.
func TestRemediesFitTheCause(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	certificate := func(c x509.Certificate) *x509.Certificate { return &c }
	failed := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	past, future := time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2999, 3, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"refused", dial(syscall.ECONNREFUSED), "Nothing listens at db:8086: start InfluxDB"},
		{"no such name", dial(&net.DNSError{Name: "db", Err: "no such host", IsNotFound: true}), "No host has the name db: correct url"},
		{"no resolver", dial(&net.DNSError{Name: "db", Err: "server misbehaving", IsTemporary: true}), "The DNS of this machine does not answer"},
		{"no route", dial(syscall.EHOSTUNREACH), "There is no route to db:8086"},
		{"no network", dial(syscall.ENETUNREACH), "There is no route to db:8086"},
		{"silence", dial(context.DeadlineExceeded), "db:8086 did not answer in time"},
		{"cut", syscall.ECONNRESET, "The connection was cut"},
		{"ended", io.EOF, "The connection was cut"},
		{"proxy", &net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}, "HTTPS_PROXY"},
		{"no TLS", http.ErrSchemeMismatch, "There is no TLS at db:8086"},
		{"unknown authority", failed(x509.UnknownAuthorityError{Cert: certificate(x509.Certificate{Issuer: pkix.Name{CommonName: "plant CA"}})}), "Set ca_file to a PEM file of the authority that signed the certificate (CN=plant CA)"},
		{"expired", failed(x509.CertificateInvalidError{Reason: x509.Expired, Cert: certificate(x509.Certificate{NotAfter: past})}), "Renew the certificate of db:8086, which expired on 2020-03-01"},
		{"not yet valid", failed(x509.CertificateInvalidError{Reason: x509.Expired, Cert: certificate(x509.Certificate{NotBefore: future, NotAfter: future})}), "valid from 2999-03-01 on: set the clock"},
		{"another name", failed(x509.HostnameError{Host: "db", Certificate: certificate(x509.Certificate{DNSNames: []string{"influx.example.com"}})}), "is for influx.example.com"},
		{"many long names", failed(x509.HostnameError{Host: "db", Certificate: certificate(x509.Certificate{DNSNames: []string{strings.Repeat("x", 500)}})}), strings.Repeat("x", 99) + "…: use such a name under url, or give the server a certificate for db."},
		{"its own", &remedy.Error{Err: io.EOF, Fix: "turn it round"}, "turn it round"},
		{"unknown", errors.New("connection refused by text"), ""},
	}
	at := remedy.Place{What: "InfluxDB", Address: "db:8086", Key: "url", CAFile: "ca_file"}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("GET /api/v2/me: %w", test.err)
			got := cmp.Or(remedy.Of(err), at.Connection(err))
			if !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
