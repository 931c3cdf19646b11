package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/wneessen/go-mail"

	"tokenaudit/jobs/audit"
)

// email sends mail through a server.
type email struct {
	config EmailConfig
	log    *slog.Logger
}

// NewEmail returns the notifier that sends mail: one to all recipients, or to none
// if the server refuses one of them. Where the line is cut before the server said
// that it has the mail, it is sent once more, with the same Message-ID; if that
// ends alike, it is let be.
func NewEmail(c EmailConfig, log *slog.Logger) Notifier { return email{c, log} }

// Parts is the summary.
func (email) Parts(audit.Summary, audit.News) []string { return []string{partSummary} }

// Send sends the mail and returns its Message-ID. A mail that is too large for the
// server goes out without the workbook: a summary that arrives beats a workbook
// that does not.
func (e email) Send(ctx context.Context, m Message) (string, error) {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	l, err := e.config.line(ctx)
	if err != nil {
		return "", failure{fmt.Errorf("%s: %w", e.where(), err), true}
	}
	book, note := e.workbook(ctx, m)
	id, err := e.send(ctx, l, m, book, note)
	if code(err) == 552 && book != nil { // RFC 5321: exceeded storage allocation
		e.log.WarnContext(ctx, "the mail server did not take the workbook; sending the mail without it", "run", m.Summary.ID, "error", l.clean(err.Error()))
		id, err = e.send(ctx, l, m, nil, "The workbook is too large for the mail server.")
	}
	if err == nil {
		return id, nil
	}
	return "", e.failed(ctx, l, m, err)
}

func (e email) send(ctx context.Context, l *line, m Message, book []byte, note string) (id string, err error) {
	msg, err := e.config.compose(m, book, note)
	if err != nil {
		return "", err
	}
	err = l.client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() { // whatever went wrong after that
		err = nil
	}
	return strings.Trim(msg.GetMessageID(), "<>"), err
}

func (e email) where() string { return "mail through " + e.config.Server }

// failed takes the words of an error only: it holds the mail, and what the server
// said, which may be what it was told.
func (e email) failed(ctx context.Context, l *line, m Message, err error) error {
	text := e.where() + ": " + l.clean(err.Error())
	if advice := mailAdvice(err); advice != "" {
		text += ": " + advice
	}
	doubt := inDoubt(err)
	if doubt {
		text += "; it may have arrived"
	}
	out := errors.New(text)
	if ctx.Err() != nil {
		out = fmt.Errorf("%s: %w", text, ctx.Err())
	}
	if doubt && m.Again {
		out = fmt.Errorf("%w: %w", out, ErrLetBe)
	}
	return failure{out, !doubt}
}

// inDoubt: all was sent, the line of one full stop too, and no answer came. Without
// that line a server must not take the mail (RFC 5321, 4.1.1.4).
func inDoubt(err error) bool {
	no, ok := errors.AsType[*mail.SendError](err)
	return ok && no.Reason == mail.ErrSMTPDataClose && no.ErrorCode() == 0
}

func code(err error) int {
	if no, ok := errors.AsType[*mail.SendError](err); ok {
		return no.ErrorCode()
	}
	return 0
}

func mailAdvice(err error) string {
	no, ok := errors.AsType[*mail.SendError](err)
	switch text := err.Error(); {
	case strings.Contains(text, "STARTTLS mode set to"):
		return "the server offers no TLS; use another port, or tls: opportunistic"
	case strings.Contains(text, "SMTP AUTH failed"):
		return "the server does not accept username and password"
	case strings.Contains(text, "certificate"):
		return "set ca_file to the authority that signed the server's certificate"
	case !ok:
		return ""
	case no.Reason == mail.ErrSMTPMailFrom:
		return "the server does not let this user send as the address under from"
	case no.Reason == mail.ErrSMTPRcptTo:
		return "nobody gets the mail until the server takes all of to"
	}
	return ""
}

// mailID is the same whenever a part is sent, so that mail programs and servers
// know the second one.
func mailID(from string, m Message) string {
	sum := sha256.Sum256([]byte(messageID(m)))
	return "tokenaudit." + hex.EncodeToString(sum[:16]) + from[strings.LastIndex(from, "@"):]
}
