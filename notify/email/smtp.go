package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"tokenaudit/configs/remedy"
	"tokenaudit/notify"
)

// halfTimeout bounds each of the two halves of a delivery: to log in, and to hand
// over the mail. Servers look into attachments before they answer.
const halfTimeout = 3 * time.Minute

// server is the way to a mail server.
type server struct {
	client  *mail.Client
	name    string // host:port
	secrets notify.Secrets
}

// server reads the password; its errors do not repeat it. Its connections end with
// ctx: go-mail leaves some open.
func (c Config) server(ctx context.Context) (*server, error) {
	host, port, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	trust := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if trust.RootCAs, err = c.CAFile.Authorities(); err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	policy := mail.TLSMandatory
	switch c.tls() {
	case TLSOff, TLSImplicit: // there is none to start where it is there from the first byte
		policy = mail.NoTLS
	case TLSOpportunistic:
		policy = mail.TLSOpportunistic
	}
	options := []mail.Option{
		mail.WithPort(number), mail.WithTimeout(halfTimeout), mail.WithTLSPolicy(policy), mail.WithTLSConfig(trust),
		mail.WithDialContextFunc(dialer(ctx, c.tls() == TLSImplicit, trust)), mail.WithoutSMTPUTF8(),
	}
	s := &server{name: c.Server}
	if c.Username != "" {
		held, err := c.Password.Read(ctx)
		if err != nil {
			return nil, err
		}
		password, encode := held.Reveal(), base64.StdEncoding.EncodeToString
		options = append(options, mail.WithUsername(c.Username), mail.WithPassword(password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
		// The forms in which a server hears it.
		s.secrets = notify.Secrets{encode([]byte("\x00" + c.Username + "\x00" + password)), encode([]byte(password)), password}
	}
	s.client, err = mail.NewClient(host, options...)
	return s, err
}

// maxAnswers bounds what a server says while it takes a mail, in MiB. It is some ten
// lines.
const maxAnswers = 1

// boundedConn is a connection that reads no more than that.
type boundedConn struct {
	net.Conn
	answers io.Reader
}

func (c boundedConn) Read(p []byte) (int, error) { return c.answers.Read(p) }

// dialer makes connections that end with ctx: go-mail heeds it while it dials, and
// no longer.
func dialer(ctx context.Context, implicit bool, trust *tls.Config) mail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		conn = boundedConn{conn, notify.Bounded(conn, maxAnswers)}
		if !implicit {
			return conn, nil
		}
		secure := tls.Client(conn, trust)
		return secure, secure.HandshakeContext(dialing)
	}
}

// Check logs in to the mail server, and says how. It sends nothing.
func Check(ctx context.Context, c Config) (string, error) {
	ctx, hangUp := context.WithTimeout(ctx, 30*time.Second)
	defer hangUp()
	s, err := c.server(ctx)
	if err != nil {
		return "", err
	}
	client, err := s.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		at := remedy.Place{What: "the mail server", Address: c.Server, Key: "server", CAFile: "ca_file"}
		failed := errors.New("mail through " + s.name + ": " + s.secrets.Clean(err.Error()))
		return "", remedy.With(notify.NotPosted(failed), cmp.Or(at.Connection(err), advice(err, "")))
	}
	defer client.Quit() // it has said all that it was asked
	how := "without TLS"
	if state, err := client.GetTLSConnectionState(); err == nil {
		how = "with " + tls.VersionName(state.Version)
	}
	if c.Username != "" {
		how += ", as " + notify.Show(c.Username, 80, "")
	}
	return c.Server + " answers " + how + "; whether it takes a mail was not tried", nil
}
