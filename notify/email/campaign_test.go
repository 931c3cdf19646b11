package email_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/email/mailtest"
	"tokenaudit/notify/notifytest"
)

func tell(t *testing.T, c email.Config, m notify.CampaignMessage) (string, error) {
	t.Helper()
	return email.New(c, slog.New(slog.DiscardHandler)).(notify.CampaignNotifier).SendCampaign(t.Context(), m)
}

// TestCampaignMail: the reviewer alone gets it, with the workbook; it is the same mail
// whenever it is sent, and not that of another installation.
func TestCampaignMail(t *testing.T) {
	server, config := mailServer(t)
	other := notifytest.Campaign(notify.CampaignReminder, 10)
	other.Manifest = "another installation"
	var ids []string
	for _, m := range []notify.CampaignMessage{notifytest.Campaign(notify.CampaignReminder, 10), notifytest.Campaign(notify.CampaignReminder, 10), other} {
		id, err := tell(t, config, m)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	mails := server.Mails()
	o := open(t, mails[0].Data)
	if !slices.Equal(mails[0].To, []string{"ben@example.com"}) || o.header.Get("Reply-To") != "<a@example.com>" || o.header.Get("Message-Id") != "<"+ids[0]+">" {
		t.Errorf("to %v, header %v", mails[0].To, o.header)
	}
	if got := o.header.Get("Subject"); got != "Campaign quarterly: reminder, 31 of 40 tokens undecided, due 26 Nov 2026" {
		t.Errorf("subject %q", got)
	}
	if _, attached := o.files["quarterly-2026-11-23-ben@example.com.xlsx"]; !attached || !strings.Contains(o.text, "The workbook is attached.") || strings.Contains(o.text, "campaign export") {
		t.Errorf("%d files:\n%s", len(o.files), o.text)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("IDs: %v", ids)
	}
	notifytest.Golden(t, "testdata/campaign-reminder.txt", o.text)
	notifytest.Golden(t, "testdata/campaign-reminder.html", o.html)
	escalation, err := email.CampaignPreview(config, notifytest.Campaign(notify.CampaignEscalation, 10))
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "testdata/campaign-escalation.txt", escalation.Text)
	notifytest.Golden(t, "testdata/campaign-escalation.html", escalation.HTML)
}

// TestCampaignMailWorkbook: without the workbook the mail says how to get it.
func TestCampaignMailWorkbook(t *testing.T) {
	full := &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "too large"}
	with := func(open func(context.Context) (io.ReadCloser, error)) notify.CampaignMessage {
		m := notifytest.Campaign(notify.CampaignOpen, 10)
		m.Open = open
		return m
	}
	for name, test := range map[string]struct {
		message notify.CampaignMessage
		attach  email.AttachMode
		failure []mailtest.Failure
		says    string
	}{
		"switched off":             {notifytest.Campaign(notify.CampaignOpen, 10), email.AttachOff, nil, ""},
		"there is none":            {with(nil), "", nil, ""},
		"not there any more":       {with(func(context.Context) (io.ReadCloser, error) { return nil, fs.ErrNotExist }), "", nil, ""},
		"unreadable":               {with(func(context.Context) (io.ReadCloser, error) { return nil, errors.New("disk on fire") }), "", nil, "could not be read"},
		"too large for a mail":     {notifytest.Campaign(notify.CampaignOpen, 13<<20), "", nil, "too large for a mail"},
		"too large for the server": {notifytest.Campaign(notify.CampaignOpen, 10), "", []mailtest.Failure{{At: mailtest.Data, Say: full}}, "too large for the mail server"},
	} {
		t.Run(name, func(t *testing.T) {
			server, config := mailServer(t)
			config.Attach = test.attach
			server.Fail(test.failure...)
			if _, err := tell(t, config, test.message); err != nil {
				t.Fatal(err)
			}
			o := open(t, server.Mails()[0].Data)
			if len(o.files) > 0 || len(server.Mails()) != 1 || !strings.Contains(o.text, "tokenaudit campaign export --reviewer ben@example.com") || !strings.Contains(o.text, test.says) {
				t.Errorf("%d files, %d mails:\n%s", len(o.files), len(server.Mails()), o.text)
			}
		})
	}
}

// TestCampaignMailRecipients: a Slack ID is nothing for mail, and sends none.
func TestCampaignMailRecipients(t *testing.T) {
	server, config := mailServer(t)
	n := email.New(config, slog.New(slog.DiscardHandler)).(notify.CampaignNotifier)
	for recipient, want := range map[string]bool{"ben@example.com": true, "C0123456789": false, "U0123456789": false, "ben": false, "ben@example.com\r\nBcc: eve@example.com": false} {
		if n.Tells(recipient) != want {
			t.Errorf("%q is not %t", recipient, want)
		}
		m := notifytest.Campaign(notify.CampaignEscalation, 10)
		if m.Recipient = recipient; want {
			continue
		}
		if ref, err := n.SendCampaign(t.Context(), m); ref != "" || err != nil {
			t.Errorf("%q: %q, %v", recipient, ref, err)
		}
	}
	if len(server.Mails()) > 0 {
		t.Errorf("%d mails", len(server.Mails()))
	}
}

// TestCampaignMailFailures: what to do, what is left open, and no password.
func TestCampaignMailFailures(t *testing.T) {
	server, config := mailServer(t)
	m := notifytest.Campaign(notify.CampaignOverdue, 10)
	server.Fail(mailtest.Failure{At: mailtest.To, Say: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user " + mailPassword}})
	_, err := tell(t, config, m)
	notifytest.ExpectNotPosted(t, err, "the address of this reviewer", "campaign assign")
	notifytest.ExpectClean(t, "refused", passwords(), err, "")
	for _, again := range []bool{false, true} {
		server.Fail(mailtest.Failure{At: mailtest.Arrived})
		m.Again = again
		if _, err := tell(t, config, m); err == nil || errors.Is(err, notify.ErrNotPosted) || errors.Is(err, notify.ErrGiveUp) != again {
			t.Errorf("again %t: %v", again, err)
		}
	}
}

// TestCampaignMailNames: of 500 items and hostile names, no name becomes a header, markup or a
// link, and the mail is small.
func TestCampaignMailNames(t *testing.T) {
	server, config := mailServer(t)
	names := append(notifytest.Hostile(), "evil\r\nBcc: evil@example.com\r\n\r\nevil", "<img src=x onerror=evil()>", "{{evil}}", "https://evil.example www.evil.example mailto:evil@example.com", strings.Repeat("x", 30_000))
	for i, name := range names {
		kind := []string{notify.CampaignOpen, notify.CampaignEscalation}[i%2]
		m := notifytest.CampaignNamed(kind, name)
		if _, err := tell(t, config, m); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		mails := server.Mails()
		if len(mails) != i+1 || len(mails[i].To) != 1 || len(mails[i].Data) > 100_000 {
			t.Fatalf("%.20q: %d mails, to %v, %d bytes", name, len(mails), mails[i].To, len(mails[i].Data))
		}
		o := open(t, mails[i].Data)
		for key, values := range o.header {
			if !slices.Contains([]string{"Subject", "From", "To", "Reply-To", "Message-Id", "Date", "Auto-Submitted", "Mime-Version", "Content-Type"}, key) || len(values) != 1 {
				t.Errorf("%q: header %s: %q", name, key, values)
			}
		}
		for _, markup := range []string{"<https", "<!channel", "<img", "https://evil", "www.evil", "mailto:evil"} {
			if strings.Contains(o.html, markup) || strings.HasPrefix(markup, "http") && strings.Contains(o.text, markup) {
				t.Errorf("%q: %s in\n%s", name, markup, o.html)
			}
		}
		if strings.ContainsAny(o.text+o.html, "\x1b\u202e\u200b\u2066\x07") || !strings.Contains(o.text, "more token") {
			t.Errorf("%q: hidden characters, or what is left out is not counted:\n%s", name, o.text)
		}
	}
}
