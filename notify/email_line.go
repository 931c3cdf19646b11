package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
)

// mailTimeout bounds each of the two halves of a delivery: to log in, and to hand
// over the mail. Servers look into attachments before they answer.
const mailTimeout = 3 * time.Minute

// line is the way to a mail server.
type line struct {
	client *mail.Client
	reporter
}

// line reads the password; its errors do not repeat it. Its connections end with
// ctx: go-mail leaves some open.
func (c EmailConfig) line(ctx context.Context) (*line, error) {
	host, port, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	trust, err := c.trust(host)
	if err != nil {
		return nil, err
	}
	l := &line{}
	options := []mail.Option{
		mail.WithPort(number), mail.WithTimeout(mailTimeout), mail.WithTLSPolicy(c.policy()), mail.WithTLSConfig(trust),
		mail.WithDialContextFunc(dialer(ctx, c.tls() == TLSImplicit, trust)), mail.WithoutSMTPUTF8(),
	}
	if c.Username != "" {
		password, err := c.Password.Read(ctx)
		if err != nil {
			return nil, err
		}
		options = append(options, mail.WithUsername(c.Username), mail.WithPassword(password.Reveal()),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
		l.hide = passwordForms(c.Username, password.Reveal())
	}
	l.client, err = mail.NewClient(host, options...)
	return l, err
}

// policy leaves STARTTLS out where TLS is there from the first byte.
func (c EmailConfig) policy() mail.TLSPolicy {
	switch c.tls() {
	case TLSOff, TLSImplicit:
		return mail.NoTLS
	case TLSOpportunistic:
		return mail.TLSOpportunistic
	}
	return mail.TLSMandatory
}

func (c EmailConfig) trust(host string) (*tls.Config, error) {
	out := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return out, nil
	}
	pem, err := os.ReadFile(string(c.CAFile))
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	if out.RootCAs, err = x509.SystemCertPool(); err != nil {
		return nil, fmt.Errorf("ca_file: reading the system's authorities: %w", err)
	}
	if !out.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: %s holds no PEM certificate", c.CAFile)
	}
	return out, nil
}

// dialer makes connections that end with ctx: go-mail heeds it while it dials, and
// no longer.
func dialer(ctx context.Context, implicit bool, trust *tls.Config) mail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		if !implicit {
			return conn, nil
		}
		secure := tls.Client(conn, trust)
		return secure, secure.HandshakeContext(dialing)
	}
}

// passwordForms are the forms in which a server hears a password.
func passwordForms(user, password string) []string {
	encode := base64.StdEncoding.EncodeToString
	return []string{encode([]byte("\x00" + user + "\x00" + password)), encode([]byte(password)), password}
}

// CheckEmail logs in to the mail server, and says how. It sends nothing.
func CheckEmail(ctx context.Context, c EmailConfig) (string, error) {
	ctx, hangUp := context.WithTimeout(ctx, 30*time.Second)
	defer hangUp()
	l, err := c.line(ctx)
	if err != nil {
		return "", err
	}
	server, err := l.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", email{config: c}.failed(ctx, l, Message{}, err)
	}
	defer server.Quit() // it has said all that it was asked
	how := "without TLS"
	if state, err := server.GetTLSConnectionState(); err == nil {
		how = "with " + tls.VersionName(state.Version)
	}
	if c.Username != "" {
		how += ", as " + shown(c.Username, 80, "")
	}
	return c.Server + " answers " + how, nil
}
