package email_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/email/mailtest"
	"tokenaudit/notify/notifytest"
)

// claimed is a review in which alice answers for a new token and for an old one, a name that
// is no address for another, and nobody for the last.
func claimed() notify.Message {
	m := notifytest.Typical()
	found := notifytest.NewFindings()
	m.Highlights.Owners = []audit.OwnerHighlights{
		{Key: "person/alice@example.com", Owner: found[0].Record.Owner, Target: "eu/acme", Contact: audit.Contact{Responsible: "alice@example.com"}, Users: 2, Tokens: 24, New: 1, Overdue: 1, Worst: []audit.Highlight{found[0], found[2]}},
		{Key: "person/the platform team", Owner: found[1].Record.Owner, Target: "us/acme", Contact: audit.Contact{Responsible: "the platform team"}, Users: 1, Tokens: 1, New: 1, Worst: found[1:2]},
		{Key: "us/acme/0a1b2c3d4e5f6073", Owner: found[2].Record.Owner, Target: "us/acme", Users: 1, Tokens: 1, Overdue: 1, Worst: found[2:]},
	}
	return m
}

// TestEmailOwners: each person with an address gets a mail of their own, with their tokens
// and without the workbook; who gets none is named in the summary. Off, nobody is told.
func TestEmailOwners(t *testing.T) {
	server, config := mailServer(t)
	m := withBook(claimed(), 100)
	if got := email.New(config, nil).Deliveries(m.Summary, m.Highlights); !slices.Equal(got, []string{"summary"}) {
		t.Errorf("switched off: %q", got)
	}
	if _, err := sendMail(t, config, m); err != nil {
		t.Fatal(err)
	}
	config.Owners = true
	for _, m.Delivery = range email.New(config, nil).Deliveries(m.Summary, m.Highlights) {
		if _, err := sendMail(t, config, m); err != nil {
			t.Fatal(err)
		}
	}
	mails := server.Mails()
	if len(mails) != 3 {
		t.Fatalf("%d mails, want the summary twice and one to alice", len(mails))
	}
	const none = "Owners who get no mail, as no address is known: 2"
	off, summary, owner := open(t, mails[0].Data), open(t, mails[1].Data), open(t, mails[2].Data)
	if strings.Contains(off.text+off.html, none) || !strings.Contains(summary.text, none) || !strings.Contains(summary.html, none) || !strings.Contains(summary.text, "\nops-root in us/acme: 1 token needs action") {
		t.Errorf("who gets no mail is not said:\n%s", summary.text)
	}
	if !slices.Equal(mails[2].To, []string{"alice@example.com"}) || len(owner.files) > 0 || owner.header.Get("Reply-To") != "<a@example.com>" {
		t.Errorf("to %v, %d files, header %v", mails[2].To, len(owner.files), owner.header)
	}
	if got := owner.header.Get("Subject"); got != "Your InfluxDB tokens: 24 tokens need action (1 new, 1 overdue), weekly-review" {
		t.Errorf("subject %q", got)
	}
	notifytest.Golden(t, "testdata/owner.txt", owner.text)
	notifytest.Golden(t, "testdata/owner.html", owner.html)
	for _, text := range []string{owner.text, owner.html} {
		if strings.Contains(text, "ops-root") || strings.Count(text, "influx auth inactive --id 0d3f1c0a9b8e7d03") != 1 || strings.Count(text, "curl -fsS -X DELETE -H @- ") != 1 || strings.Contains(text, "influx auth delete") {
			t.Errorf("not their tokens, new ones in full and older ones in a line:\n%s", text)
		}
	}
}

// TestEmailOwnersBounded: 500 owners, whatever their names are.
func TestEmailOwnersBounded(t *testing.T) {
	config := email.Config{Owners: true, To: []string{"a@example.com"}}
	for _, name := range append(notifytest.Hostile(), strings.Repeat("x", 500)) {
		owners := 4
		if len(name) == 500 {
			owners = 500
		}
		m := notifytest.Named(name)
		one := m.Highlights.Owners[0]
		m.Highlights.Owners = nil
		for i := range owners {
			one.Key, one.Contact.Responsible = fmt.Sprint("key", i), name
			if i%2 == 0 {
				one.Contact.Responsible = fmt.Sprintf("owner%d@example.com", i)
			}
			m.Highlights.Owners = append(m.Highlights.Owners, one)
		}
		mails, err := email.Preview(config, m)
		if err != nil || len(mails) != 1+owners/2 {
			t.Fatalf("%q: %d mails, %v", name, len(mails), err)
		}
		for _, mail := range mails {
			if len(mail.HTML) > 200_000 || len(mail.To) != 1 || strings.ContainsAny(mail.Text+mail.HTML+mail.Subject, "\x1b\u202e\u200b\u2066\x07\r") || strings.Contains(mail.Subject, "\n") {
				t.Fatalf("%q: %s: %d bytes to %v", name, mail.Delivery, len(mail.HTML), mail.To)
			}
		}
	}
}

// TestEmailOwnerUnknown: a mail that the review has nothing for ends, and holds up nothing.
func TestEmailOwnerUnknown(t *testing.T) {
	server, config := mailServer(t)
	m := claimed()
	m.Delivery = "owner:person/nobody@example.com"
	if _, err := sendMail(t, config, m); err != nil || len(server.Mails()) > 0 {
		t.Errorf("%d mails, %v", len(server.Mails()), err)
	}
}

// TestEmailOwnerRefused: what to do is about the owner, and no list of recipients.
func TestEmailOwnerRefused(t *testing.T) {
	server, config := mailServer(t)
	server.Fail(mailtest.Failure{At: mailtest.To, Say: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}})
	m := claimed()
	m.Delivery = "owner:person/alice@example.com"
	_, err := sendMail(t, config, m)
	notifytest.ExpectNotPosted(t, err, "correct it under owners")
}
