// Package email mails what a run found: one mail with the summary as text and HTML,
// and the workbook, to all recipients, or to none if the server refuses one of
// them; and, if that is wanted, one mail to each person who has something to do (owner.go).
// message.go makes the mails, smtp.go is the way to the server.
package email

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/wneessen/go-mail"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// New returns the notifier that sends mail. Where the connection is cut before the
// server said that it has the mail, it is sent once more, with the same Message-ID;
// if that ends alike, it is given up.
func New(c Config, log *slog.Logger) notify.Notifier { return notifier{c, log} }

type notifier struct {
	config Config
	log    *slog.Logger
}

// Deliveries are the summary and the mails to owners.
func (n notifier) Deliveries(_ audit.Summary, h audit.Highlights) []string {
	return n.config.deliveries(h)
}

// Send sends the mail and returns its Message-ID. A mail that is too large for the
// server goes out without the workbook: a summary that arrives beats a workbook
// that does not.
func (n notifier) Send(ctx context.Context, m notify.Message) (string, error) {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	to, err := n.config.server(ctx)
	if err != nil {
		return "", notify.NotPosted(fmt.Errorf("mail through %s: %w", n.config.Server, err))
	}
	if _, known := ownerOf(m); m.Delivery != notify.SummaryDelivery && !known { // left by another version or configuration
		n.log.WarnContext(ctx, "no mails to owners: the review has no data about them", "run", m.Summary.ID, "delivery", m.Delivery)
		return "", nil
	}
	book, note := n.workbook(ctx, m)
	id, err := n.send(ctx, to, m, book, note)
	no, refused := errors.AsType[*mail.SendError](err)
	if book != nil && refused && no.ErrorCode() == 552 { // RFC 5321: exceeded storage allocation
		n.log.WarnContext(ctx, "the mail server did not take the workbook; sending the mail without it", "run", m.Summary.ID, "error", to.secrets.Clean(err.Error()))
		id, err = n.send(ctx, to, m, nil, "The workbook is too large for the mail server.")
	}
	if err != nil {
		return "", to.failed(ctx, err, m)
	}
	return id, nil
}

func (n notifier) send(ctx context.Context, to *server, m notify.Message, book []byte, note string) (id string, err error) {
	msg, err := n.config.compose(m, book, note)
	if err != nil {
		return "", err
	}
	err = to.client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() { // whatever went wrong after that
		err = nil
	}
	return strings.Trim(msg.GetMessageID(), "<>"), err
}

// workbook reads the workbook, nil with a note if there is none to attach.
func (n notifier) workbook(ctx context.Context, m notify.Message) (book []byte, note string) {
	if n.config.Attach == AttachOff || m.Open == nil || m.Delivery != notify.SummaryDelivery { // it lists the tokens of everybody
		return nil, ""
	}
	f, err := m.Open(ctx, notify.Workbook)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "" // the job writes none
	}
	if err == nil {
		defer f.Close()
		book, err = io.ReadAll(io.LimitReader(f, maxWorkbook+1))
	}
	switch {
	case err != nil:
		n.log.WarnContext(ctx, "the workbook cannot be attached", "run", m.Summary.ID, "error", err)
		return nil, "The workbook could not be read; it is in the evidence."
	case len(book) > maxWorkbook:
		return nil, "The workbook is too large for a mail; it is in the evidence."
	}
	return book, "The workbook is attached."
}

// failed takes the words of an error only: it holds the mail, and what the server
// said, which may be what it was told.
func (s *server) failed(ctx context.Context, err error, m notify.Message) error {
	text := "mail through " + s.name + ": " + s.secrets.Clean(err.Error())
	if advice := advice(err, m); advice != "" {
		text += ": " + advice
	}
	// In doubt: all was sent, the line of one full stop too, and no answer came.
	// Without that line a server must not take the mail (RFC 5321, 4.1.1.4).
	no, ok := errors.AsType[*mail.SendError](err)
	doubt := ok && no.Reason == mail.ErrSMTPDataClose && no.ErrorCode() == 0
	if doubt {
		text += "; it may have arrived"
	}
	out := errors.New(text)
	if ctx.Err() != nil {
		out = fmt.Errorf("%s: %w", text, ctx.Err())
	}
	switch {
	case !doubt:
		return notify.NotPosted(out)
	case m.Again:
		return fmt.Errorf("%w: %w", out, notify.ErrGiveUp)
	}
	return out
}

func advice(err error, m notify.Message) string {
	no, ok := errors.AsType[*mail.SendError](err)
	switch text := err.Error(); {
	case strings.Contains(text, "STARTTLS mode set to"):
		return "the server offers no TLS; use another port, or tls: opportunistic"
	case strings.Contains(text, "SMTP AUTH failed"):
		return "the server does not accept username and password; store the right password, or an app password if the server asks for one"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "set ca_file to the authority that signed the server's certificate"
	case !ok:
		return ""
	case no.Reason == mail.ErrSMTPMailFrom:
		return "the server does not let this user send as the address under from"
	case no.Reason == mail.ErrSMTPRcptTo && m.Delivery != notify.SummaryDelivery:
		return "the server does not take the address of this owner; correct it under owners"
	case no.Reason == mail.ErrSMTPRcptTo:
		return "nobody gets the mail until the server takes all of to"
	}
	return ""
}
