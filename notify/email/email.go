// Package email mails what a run found: one mail with the summary as text and HTML,
// and the workbook, to all recipients, or to none if the server refuses one of
// them; and, if that is wanted, one mail to each person who has something to do (owner.go).
// It also tells reviewers of campaigns (campaign.go).
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

// Send sends the mail and returns its Message-ID.
func (n notifier) Send(ctx context.Context, m notify.Message) (string, error) {
	if _, known := ownerOf(m); m.Delivery != notify.SummaryDelivery && !known { // left by another version or configuration
		n.log.WarnContext(ctx, "no mails to owners: the review has no data about them", "run", m.Summary.ID, "delivery", m.Delivery)
		return "", nil
	}
	var open func(context.Context) (io.ReadCloser, error)
	if m.Open != nil && m.Delivery == notify.SummaryDelivery { // it lists the tokens of everybody
		open = func(ctx context.Context) (io.ReadCloser, error) { return m.Open(ctx, notify.Workbook) }
	}
	return n.deliver(ctx, m.Again, open, "it is in the evidence", func(note string, _ bool) (letter, error) { return n.config.letter(m, note) })
}

// deliver sends a mail with a workbook, nil if it has none, and returns its Message-ID. A mail
// that is too large for the server goes out without the workbook: a mail that arrives beats a
// workbook that does not. The letter is written with a note about the workbook, and with
// whether it is attached; elsewhere says where it is if it is not.
func (n notifier) deliver(ctx context.Context, again bool, open func(context.Context) (io.ReadCloser, error), elsewhere string, write func(note string, attached bool) (letter, error)) (string, error) {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	to, err := n.config.server(ctx)
	if err != nil {
		return "", notify.NotPosted(fmt.Errorf("mail through %s: %w", n.config.Server, err))
	}
	book, note := n.workbook(ctx, open, elsewhere)
	l, err := write(note, book != nil)
	if err != nil {
		return "", to.failed(ctx, err, l.refused, again)
	}
	id, err := n.send(ctx, to, l, book)
	no, refused := errors.AsType[*mail.SendError](err)
	if book != nil && refused && no.ErrorCode() == 552 { // RFC 5321: exceeded storage allocation
		n.log.WarnContext(ctx, "the mail server did not take the workbook; sending the mail without it", "mail", l.body.Subject, "error", to.secrets.Clean(err.Error()))
		if l, err = write("The workbook is too large for the mail server; "+elsewhere+".", false); err == nil {
			id, err = n.send(ctx, to, l, nil)
		}
	}
	if err != nil {
		return "", to.failed(ctx, err, l.refused, again)
	}
	return id, nil
}

func (n notifier) send(ctx context.Context, to *server, l letter, book []byte) (id string, err error) {
	msg, err := n.config.compose(l, book)
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
func (n notifier) workbook(ctx context.Context, open func(context.Context) (io.ReadCloser, error), elsewhere string) (book []byte, note string) {
	if n.config.Attach == AttachOff || open == nil {
		return nil, ""
	}
	f, err := open(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "" // the job writes none
	}
	if err == nil {
		defer f.Close()
		book, err = io.ReadAll(io.LimitReader(f, maxWorkbook+1))
	}
	switch {
	case err != nil:
		n.log.WarnContext(ctx, "the workbook cannot be attached", "error", err)
		return nil, "The workbook could not be read; " + elsewhere + "."
	case len(book) > maxWorkbook:
		return nil, "The workbook is too large for a mail; " + elsewhere + "."
	}
	return book, "The workbook is attached."
}

// failed takes the words of an error only: it holds the mail, and what the server
// said, which may be what it was told.
func (s *server) failed(ctx context.Context, err error, refused string, again bool) error {
	text := "mail through " + s.name + ": " + s.secrets.Clean(err.Error())
	if advice := advice(err, refused); advice != "" {
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
	case again:
		return fmt.Errorf("%w: %w", out, notify.ErrGiveUp)
	}
	return out
}

// advice is what to do about an error; refused, about one that a recipient was refused with.
func advice(err error, refused string) string {
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
	case no.Reason == mail.ErrSMTPRcptTo:
		return refused
	}
	return ""
}
