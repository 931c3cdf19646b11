package email_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/email/mailtest"
	"tokenaudit/notify/notifytest"
)

const mailPassword = "SECRETSECRET-pässword"

// mailServer starts a server with STARTTLS and a password.
func mailServer(t *testing.T) (*mailtest.Server, email.Config) {
	t.Helper()
	s := mailtest.Start(t, "me", mailPassword, mailtest.STARTTLS)
	t.Setenv("TEST_SMTP_PASSWORD", mailPassword)
	return s, email.Config{
		Server: s.Address, Username: "me", Password: secret.Ref{Env: "TEST_SMTP_PASSWORD"}, CAFile: setting.Path(s.CAFile),
		From: "Token review <review@example.com>", To: []string{"a@example.com", "Jürgen B <b@example.org>"},
	}
}

// withBook has a workbook of that size.
func withBook(m notify.Message, size int) notify.Message {
	m.Open = func(_ context.Context, name string) (io.ReadCloser, error) {
		if name != "review.xlsx" {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(strings.NewReader(strings.Repeat("x", size))), nil
	}
	return m
}

func sendMail(t *testing.T, c email.Config, m notify.Message) (string, error) {
	t.Helper()
	return email.New(c, slog.New(slog.DiscardHandler)).Send(t.Context(), m)
}

// opened is a mail taken apart.
type opened struct {
	header     mail.Header
	text, html string
	files      map[string]string
}

func open(t *testing.T, data []byte) opened {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	o := opened{header: m.Header, files: map[string]string{}}
	o.part(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	return o
}

func (o *opened) part(t *testing.T, kind, encoding, file string, body io.Reader) {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(media, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			o.part(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.FileName(), p)
		}
	}
	if encoding == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case file != "":
		o.files[file] = string(content)
	case media == "text/html":
		o.html = string(content)
	case media == "text/plain":
		o.text = strings.ReplaceAll(string(content), "\r\n", "\n")
	default:
		t.Errorf("a part of type %s", media)
	}
}

func TestEmailSends(t *testing.T) {
	server, config := mailServer(t)
	ref, err := sendMail(t, config, withBook(notifytest.Incomplete(notifytest.Typical()), 1000))
	if err != nil || !strings.HasSuffix(ref, "@example.com") {
		t.Fatalf("%q, %v", ref, err)
	}
	got := server.Mails()[0]
	if !got.TLS || got.User != "me" || got.From != "review@example.com" || !slices.Equal(got.To, []string{"a@example.com", "b@example.org"}) {
		t.Errorf("got %+v", got)
	}
	o := open(t, got.Data)
	for key, want := range map[string]string{
		"Subject": "weekly-review: INCOMPLETE: 3 tokens need action (better: 2 new, 3 fixed), as far as the review could see", "From": `"Token review" <review@example.com>`,
		"To": `<a@example.com>, =?utf-8?q?J=C3=BCrgen_B?= <b@example.org>`, "Message-Id": "<" + ref + ">", "Auto-Submitted": "auto-generated",
		"Date": "Mon, 23 Nov 2026 08:01:00 +0000", "Bcc": "", "User-Agent": "",
	} {
		if o.header.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, o.header.Get(key), want)
		}
	}
	if _, ok := o.files["tokenaudit-weekly-review-2026-11-23T0800Z.xlsx"]; !ok || len(o.files) != 1 {
		t.Errorf("files: %v", o.files)
	}
	notifytest.Golden(t, "testdata/email.txt", o.text)
	notifytest.Golden(t, "testdata/email.html", o.html)
	mails, err := email.Preview(config, notifytest.Campaigns(notifytest.Typical()))
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "testdata/campaigns.txt", mails[0].Text)
	notifytest.Golden(t, "testdata/campaigns.html", mails[0].HTML)
}

// TestEmailRepeats: a mail that is sent again is the same but for its boundaries.
func TestEmailRepeats(t *testing.T) {
	server, config := mailServer(t)
	n := email.New(config, slog.New(slog.DiscardHandler))
	other := notifytest.Typical()
	other.Summary.Started = other.Summary.Started.Add(time.Nanosecond)
	var ids []string
	for _, m := range []notify.Message{notifytest.Typical(), notifytest.Typical(), other} {
		ref, err := n.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, ref)
	}
	mails := server.Mails()
	first, second := open(t, mails[0].Data), open(t, mails[1].Data)
	if ids[0] != ids[1] || ids[0] == ids[2] || first.header.Get("Message-Id") != second.header.Get("Message-Id") || first.html != second.html {
		t.Errorf("IDs: %v", ids)
	}
}

// TestEmailFailures: what went wrong, what is left open, and how often it arrived.
func TestEmailFailures(t *testing.T) {
	no := func(code int) *smtp.SMTPError {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: "no \x1b[31m" + mailPassword}
	}
	tests := []struct {
		name    string
		failure mailtest.Failure
		says    string
		arrived int
		unsure  bool
	}{
		{"wrong password", mailtest.Failure{At: mailtest.Auth, Say: no(535)}, "does not accept username and password", 0, false},
		{"cut at the password", mailtest.Failure{At: mailtest.Auth}, "", 0, false},
		{"sender refused", mailtest.Failure{At: mailtest.From, Say: no(550)}, "the address under from", 0, false},
		{"cut at the sender", mailtest.Failure{At: mailtest.From}, "", 0, false},
		{"recipient refused", mailtest.Failure{At: mailtest.To, Say: no(550)}, "a@example.com", 0, false},
		{"recipient later", mailtest.Failure{At: mailtest.To, Say: no(451)}, "nobody gets the mail", 0, false},
		{"cut at the recipient", mailtest.Failure{At: mailtest.To}, "", 0, false},
		{"content refused", mailtest.Failure{At: mailtest.Data, Say: no(554)}, "554", 0, false},
		{"cut in the mail", mailtest.Failure{At: mailtest.Data}, "may have arrived", 0, true},
		{"cut after the mail", mailtest.Failure{At: mailtest.Arrived}, "may have arrived", 1, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, config := mailServer(t)
			var logged bytes.Buffer
			n := email.New(config, slog.New(slog.NewJSONHandler(&logged, nil)))
			m := notifytest.Typical()
			server.Fail(test.failure)
			_, err := n.Send(t.Context(), m)
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\x1b") {
				t.Fatalf("error: %v", err)
			}
			if errors.Is(err, notify.ErrNotPosted) == test.unsure || errors.Is(err, notify.ErrGiveUp) || len(server.Mails()) != test.arrived {
				t.Errorf("%d mails, %v", len(server.Mails()), err)
			}
			m.Again = test.unsure
			server.Fail(test.failure)
			_, again := n.Send(t.Context(), m)
			if errors.Is(again, notify.ErrGiveUp) != test.unsure {
				t.Errorf("again: %v", again)
			}
			for _, err := range []error{err, again} {
				notifytest.ExpectClean(t, test.name, passwords(), err, logged.String())
			}
			if _, err := n.Send(t.Context(), m); err != nil {
				t.Errorf("once all is well: %v", err)
			}
		})
	}
}

// passwords are the forms in which the password goes over the line.
func passwords() []string {
	return []string{mailPassword, "SECRETSECRET", "U0VDUkVUU0VDUkVU", "AG1lAFNFQ1JFVFNFQ1JF"}
}

// TestEmailEcho: a server that says back what it was told gives nothing away.
func TestEmailEcho(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	for _, form := range []string{mailPassword, encode([]byte(mailPassword)), encode([]byte("\x00me\x00" + mailPassword))} {
		server, config := mailServer(t)
		server.Fail(mailtest.Failure{At: mailtest.Auth, Say: &smtp.SMTPError{Code: 500, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "unknown: " + form}})
		_, err := sendMail(t, config, notifytest.Typical())
		notifytest.ExpectClean(t, form, passwords(), err, "")
	}
}

// TestEmailTLS: what is required is there, or nothing is sent.
func TestEmailTLS(t *testing.T) {
	t.Run("not offered", func(t *testing.T) {
		server := mailtest.Start(t, "", "", mailtest.NoTLS)
		config := email.Config{Server: server.Address, From: "a@example.com", To: []string{"b@example.com"}}
		_, err := sendMail(t, config, notifytest.Typical())
		notifytest.ExpectNotPosted(t, err, "the server offers no TLS")
		for _, mode := range []email.TLSMode{email.TLSOpportunistic, email.TLSOff} {
			config.TLS = mode
			if _, err := sendMail(t, config, notifytest.Typical()); err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		}
		if len(server.Mails()) != 2 {
			t.Errorf("%d mails", len(server.Mails()))
		}
	})
	t.Run("from the first byte", func(t *testing.T) {
		server := mailtest.Start(t, "me", mailPassword, mailtest.Implicit)
		_, config := mailServer(t)
		config.Server, config.CAFile, config.TLS = server.Address, setting.Path(server.CAFile), email.TLSImplicit
		if _, err := sendMail(t, config, notifytest.Typical()); err != nil || !server.Mails()[0].TLS {
			t.Error(err)
		}
	})
	t.Run("of a stranger", func(t *testing.T) {
		server, config := mailServer(t)
		config.CAFile = ""
		_, err := sendMail(t, config, notifytest.Typical())
		notifytest.ExpectNotPosted(t, err, "certificate", "set ca_file")
		if len(server.Mails()) > 0 {
			t.Error("sent")
		}
	})
	t.Run("no such authority", func(t *testing.T) {
		_, config := mailServer(t)
		config.CAFile = "missing.pem"
		_, err := sendMail(t, config, notifytest.Typical())
		notifytest.ExpectNotPosted(t, err, "ca_file", "missing.pem")
	})
}

// TestEmailDelivered: once the server has said yes, nothing can go wrong any more.
func TestEmailDelivered(t *testing.T) {
	server, config := mailServer(t)
	server.Fail(mailtest.Failure{At: mailtest.Over})
	if _, err := sendMail(t, config, notifytest.Typical()); err != nil || len(server.Mails()) != 1 {
		t.Errorf("%d mails, %v", len(server.Mails()), err)
	}
}

func TestEmailNobodyListens(t *testing.T) {
	_, config := mailServer(t)
	config.Server = "127.0.0.1:1"
	_, err := sendMail(t, config, notifytest.Typical())
	notifytest.ExpectNotPosted(t, err, "mail through 127.0.0.1:1", "connection refused")
}

// TestEmailHangs: a server that says nothing holds nobody up once the program ends.
func TestEmailHangs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if conn, err := listener.Accept(); err == nil {
			defer conn.Close()
			fmt.Fprint(conn, "220 mail.example.com\r\n")
			_, _ = conn.Read(make([]byte, 5)) // the EHLO
			cancel()
			_, _ = io.Copy(io.Discard, conn) // until the other side hangs up
		}
	}()
	config := email.Config{Server: listener.Addr().String(), From: "a@example.com", To: []string{"b@example.com"}}
	_, err = email.New(config, slog.New(slog.DiscardHandler)).Send(ctx, notifytest.Typical())
	if !errors.Is(err, context.Canceled) || !errors.Is(err, notify.ErrNotPosted) {
		t.Error(err)
	}
}

// TestEmailWorkbook: the mail goes out, with the workbook or with the reason why not.
func TestEmailWorkbook(t *testing.T) {
	full := &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "too large"}
	broken := notifytest.Typical()
	broken.Open = func(context.Context, string) (io.ReadCloser, error) { return nil, errors.New("disk on fire") }
	missing := notifytest.Typical()
	missing.Open = func(context.Context, string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("open: %w", fs.ErrNotExist)
	}
	tests := []struct {
		name    string
		message notify.Message
		attach  email.AttachMode
		failure []mailtest.Failure
		files   int
		says    string
	}{
		{"attached", withBook(notifytest.Typical(), 1<<20), "", nil, 1, "The workbook is attached."},
		{"switched off", withBook(notifytest.Typical(), 1000), email.AttachOff, nil, 0, ""},
		{"not written", missing, "on", nil, 0, ""},
		{"unreadable", broken, "on", nil, 0, "could not be read"},
		{"too large for a mail", withBook(notifytest.Typical(), 13<<20), "", nil, 0, "too large for a mail"},
		{"too large for the server", withBook(notifytest.Typical(), 1000), "", []mailtest.Failure{{At: mailtest.Data, Say: full}}, 0, "too large for the mail server"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, config := mailServer(t)
			config.Attach = test.attach
			server.Fail(test.failure...)
			if _, err := sendMail(t, config, test.message); err != nil {
				t.Fatal(err)
			}
			o := open(t, server.Mails()[0].Data)
			if len(o.files) != test.files || len(server.Mails()) != 1 {
				t.Errorf("%d files, %d mails", len(o.files), len(server.Mails()))
			}
			if !strings.Contains(o.text, test.says) || test.says == "" && strings.Contains(o.text, "workbook") {
				t.Error(o.text)
			}
		})
	}
}

// TestEmailNames: no name from outside becomes a header, markup or a link.
func TestEmailNames(t *testing.T) {
	names := append(notifytest.Hostile(), "evil\r\nBcc: evil@example.com\r\n\r\nevil", "<img src=x onerror=evil()>", "{{evil}}", "https://evil.example www.evil.example mailto:evil@example.com", "\r\n.\r\nMAIL FROM:<evil@example.com>")
	server, config := mailServer(t)
	for i, name := range names {
		if _, err := sendMail(t, config, notifytest.Named(name)); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		mails := server.Mails()
		if len(mails) != i+1 || len(mails[i].To) != 2 {
			t.Fatalf("%q: %d mails, to %v", name, len(mails), mails[i].To)
		}
		o := open(t, mails[i].Data)
		allowed := []string{"Subject", "From", "To", "Message-Id", "Date", "Auto-Submitted", "Mime-Version", "Content-Type"}
		for key, values := range o.header {
			if !slices.Contains(allowed, key) || len(values) != 1 {
				t.Errorf("%q: header %s: %q", name, key, values)
			}
		}
		for _, markup := range []string{"<https", "<!channel", "<img", "https://evil", "www.evil", "mailto:evil"} {
			if strings.Contains(withoutEvidence(o.html), markup) || strings.HasPrefix(markup, "http") && strings.Contains(withoutEvidence(o.text), markup) {
				t.Errorf("%q: %s in\n%s", name, markup, o.html)
			}
		}
		if strings.ContainsAny(o.text+o.html, "\x1b\u202e\u200b\u2066\x07") {
			t.Errorf("%q: hidden characters in\n%s", name, o.text)
		}
	}
}

// withoutEvidence leaves out that line: where the evidence is comes from the
// configuration, and may be a link.
func withoutEvidence(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		before, _, _ := strings.Cut(line, "Evidence: ")
		b.WriteString(before)
	}
	return b.String()
}

func TestEmailConfigValidate(t *testing.T) {
	ref := secret.Ref{Env: "NAME"}
	good := email.Config{Server: "smtp.example.com:587", From: "a@example.com", To: []string{"b@example.com"}}
	with := func(change func(*email.Config)) email.Config {
		c := good
		change(&c)
		return c
	}
	tests := []struct {
		name   string
		config email.Config
		want   string // keys with problems
	}{
		{"good", good, ""},
		{"with a user", with(func(c *email.Config) { c.Username, c.Password = "me", ref }), ""},
		{"IPv6", with(func(c *email.Config) { c.Server = "[::1]:25" }), ""},
		{"names", with(func(c *email.Config) { c.From = "Jürgen <a@example.com>" }), ""},
		{"nothing", email.Config{}, "server from to"},
		{"no port", with(func(c *email.Config) { c.Server = "smtp.example.com" }), "server"},
		{"port of a name", with(func(c *email.Config) { c.Server = "smtp.example.com:smtp" }), "server"},
		{"port too high", with(func(c *email.Config) { c.Server = "smtp.example.com:65536" }), "server"},
		{"header in the server", with(func(c *email.Config) { c.Server = "a\r\nb:25" }), "server"},
		{"user without password", with(func(c *email.Config) { c.Username = "me" }), "password"},
		{"password without user", with(func(c *email.Config) { c.Password = ref }), "username"},
		{"password in clear on the line", with(func(c *email.Config) { c.Username, c.Password, c.TLS = "me", ref, "opportunistic" }), "tls"},
		{"line break in from", with(func(c *email.Config) { c.From = "a\r\nBcc: <b@example.com>" }), "from"},
		{"two in from", with(func(c *email.Config) { c.From = "a@example.com, b@example.com" }), "from"},
		{"not ASCII", with(func(c *email.Config) { c.To = []string{"ü@example.com"} }), "to[0]"},
		{"twice", with(func(c *email.Config) { c.To = []string{"a@example.com", "A <A@example.com>"} }), "to[1]"},
		{"modes", with(func(c *email.Config) { c.TLS, c.Attach = "no", "no" }), "tls attach"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var keys []string
			test.config.Validate(func(key, _ string) { keys = append(keys, key) })
			if got := strings.Join(keys, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestCheckEmail(t *testing.T) {
	server, config := mailServer(t)
	who, err := email.Check(t.Context(), config)
	if err != nil || !strings.Contains(who, "answers with TLS 1.3, as me") {
		t.Errorf("%q, %v", who, err)
	}
	t.Setenv("TEST_SMTP_PASSWORD", "SECRETSECRET-wrong")
	_, err = email.Check(t.Context(), config)
	notifytest.ExpectNotPosted(t, err, "SMTP AUTH failed")
	if got := remedy.Of(err); !strings.Contains(got, "The server does not accept username and password; store the right password") {
		t.Errorf("remedy %q", got)
	}
	notifytest.ExpectClean(t, "wrong", []string{"SECRETSECRET"}, err, "")
	if len(server.Mails()) > 0 {
		t.Error("sent something")
	}
}

// TestCheckEmailRemedies: what to do fits the cause.
func TestCheckEmailRemedies(t *testing.T) {
	tests := []struct {
		name   string
		change func(*email.Config)
		want   string
	}{
		{"password not set", func(c *email.Config) { c.Password = secret.Ref{Env: "TOKENAUDIT_TEST_NOT_SET"} }, "Set the environment variable TOKENAUDIT_TEST_NOT_SET"},
		{"refused", func(c *email.Config) { c.Server = "127.0.0.1:1" }, "Nothing listens at 127.0.0.1:1: start the mail server"},
		{"no such host", func(c *email.Config) { c.Server = "mail.invalid:587" }, "No host has the name mail.invalid: correct server"},
		{"unknown authority", func(c *email.Config) { c.CAFile = "" }, "Set ca_file to a PEM file of the authority"},
		{"TLS from the first byte where there is none", func(c *email.Config) { c.TLS = email.TLSImplicit }, "There is no TLS at 127.0.0.1:"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, config := mailServer(t)
			test.change(&config)
			_, err := email.Check(t.Context(), config)
			if got := remedy.Of(err); !strings.Contains(got, test.want) {
				t.Errorf("remedy %q of %v, want %q", got, err, test.want)
			}
		})
	}
}

// TestEmailLongAnswers: a server that does not stop talking fills no memory, in one
// line or in many, before TLS or within it.
func TestEmailLongAnswers(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	for name, chunk := range map[string]string{"one line": strings.Repeat("x", 1<<20), "many lines": strings.Repeat("250-more\r\n", 100_000)} {
		for _, mode := range []email.TLSMode{email.TLSOff, email.TLSImplicit} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				sent := make(chan int, 1)
				go func() {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					defer conn.Close()
					if mode == email.TLSImplicit {
						conn = tls.Server(conn, &tls.Config{Certificates: web.TLS.Certificates})
					}
					n := 0
					fmt.Fprint(conn, "220 mail.example.com\r\n")
					_, _ = conn.Read(make([]byte, 5)) // the EHLO
					fmt.Fprint(conn, "250-")
					for err == nil && n < 256 {
						_, err = io.WriteString(conn, chunk)
						n++
					}
					sent <- n
				}()
				defer listener.Close()
				ca := filepath.Join(t.TempDir(), "ca.pem")
				if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
					t.Fatal(err)
				}
				config := email.Config{Server: listener.Addr().String(), TLS: mode, CAFile: setting.Path(ca), From: "a@example.com", To: []string{"b@example.com"}}
				_, err = email.New(config, slog.New(slog.DiscardHandler)).Send(t.Context(), notifytest.Typical())
				notifytest.ExpectNotPosted(t, err, "longer than 1 MiB")
				if n := <-sent; n > 64 {
					t.Errorf("read on for %d MiB", n)
				}
			})
		}
	}
}

// TestEmailReplaced: both parts name the tokens that others took the place of, as text.
func TestEmailReplaced(t *testing.T) {
	server, config := mailServer(t)
	m := notifytest.Typical()
	m.Highlights.Replaced = []audit.Replacement{{Target: "eu/acme", Authorization: "0a1b2c3d4e5f6001", Description: "<b>line 7\u202e", User: "alice", Gone: true, By: "0a1b2c3d4e5f6002", ByUser: "telegraf"}}
	m.Highlights.MoreReplaced = 2
	if _, err := sendMail(t, config, m); err != nil {
		t.Fatal(err)
	}
	got := open(t, server.Mails()[0].Data)
	const rest = `line 7\u202e of alice (deleted) by 0a1b2c3d4e5f6002 of telegraf; and 2 more`
	if want := "3 tokens replaced: <b>" + rest; !strings.Contains(got.text, want) {
		t.Errorf("no %q in\n%s", want, got.text)
	}
	if want := "3 tokens replaced: &lt;b&gt;" + rest; !strings.Contains(got.html, want) {
		t.Errorf("no %q in\n%s", want, got.html)
	}
}
