// Package mailtest is a small mail server for tests. It keeps what it gets, and
// fails where it is told to.
package mailtest

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// Mail is what somebody handed in.
type Mail struct {
	From string
	To   []string
	Data []byte
	TLS  bool
	User string // that logged in
}

// Step is a point of a delivery.
type Step string

const (
	Auth    Step = "auth"
	From    Step = "MAIL FROM"
	To      Step = "RCPT TO"
	Data    Step = "DATA"        // while the mail is sent
	Arrived Step = "end of DATA" // the mail is kept
	Over    Step = "over"        // and the server has said so
)

// Failure is what the server does at a step, in place of saying yes.
type Failure struct {
	At  Step
	Say *smtp.SMTPError // nil cuts the line
}

// Server listens on this machine.
type Server struct {
	Address string // host:port
	CAFile  string // of the authority that signed its certificate

	user, password string
	mu             sync.Mutex
	mails          []Mail
	script         []Failure
	sessions       int
}

// Start starts a server that wants the password, unless it is empty; with TLS, by
// STARTTLS or from the first byte, or without.
func Start(t *testing.T, user, password string, how func(*smtp.Server, net.Listener) net.Listener) *Server {
	t.Helper()
	web := httptest.NewUnstartedServer(nil) // for its certificate, which holds for 127.0.0.1
	web.StartTLS()
	defer web.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: listener.Addr().String(), CAFile: filepath.Join(t.TempDir(), "ca.pem"), user: user, password: password}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(s.CAFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(s.open))
	server.Domain, server.ErrorLog = "mail.example.com", log.New(io.Discard, "", 0)
	server.TLSConfig = &tls.Config{Certificates: web.TLS.Certificates}
	go server.Serve(how(server, listener))
	t.Cleanup(func() { server.Close() })
	return s
}

// STARTTLS offers it.
func STARTTLS(_ *smtp.Server, l net.Listener) net.Listener { return l }

// Implicit speaks TLS from the first byte.
func Implicit(s *smtp.Server, l net.Listener) net.Listener { return tls.NewListener(l, s.TLSConfig) }

// NoTLS offers none.
func NoTLS(s *smtp.Server, l net.Listener) net.Listener {
	s.TLSConfig = nil
	return l
}

// Fail makes the next deliveries fail, one each, in this order.
func (s *Server) Fail(script ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, script...)
}

// Mails returns what was handed in so far, oldest first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Sessions counts all connections that said hello.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

func (s *Server) open(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions++
	return &session{Server: s, conn: c, mail: Mail{TLS: secure}}, nil
}
