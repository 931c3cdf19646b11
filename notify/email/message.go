package email

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	html "html/template"
	"strings"
	"text/template"
	"time"

	"github.com/wneessen/go-mail"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// maxWorkbook keeps a mail below what most servers take, 25 MB or so; in a mail a
// file grows by more than a third.
const maxWorkbook = 12 << 20

// Limits of what a mail lists; the rest is in the evidence.
const (
	maxPeople    = 10
	maxUnclaimed = 30
)

//go:embed *.tmpl
var templates embed.FS

// body is what the templates fill in: of a summary, of the mail to one person, or of one
// about a campaign.
type body struct {
	Subject, Title string
	Job            string
	Facts          []string
	Evidence, Link string // Link is Evidence, if it can be opened
	Note           string // about the workbook
	Repeats        string

	// Of a summary.
	notify.Page
	New        []notify.Token // the worst of those that newly need action
	Writes     string         // new active write tokens
	Unclaimed  *unclaimed
	Server     []notify.ServerFinding
	MoreServer string // counts those that are left out; empty if none are

	// Of the mail to one person.
	Owner  notify.Owner
	More   string // counts the tokens that are left out
	Answer string

	// Of a mail about a campaign.
	Campaign notify.CampaignNote
}

// letter is one mail. All that is in its header are our own words and numbers, the
// addresses, and the name of the job or campaign.
type letter struct {
	id      string // the same whenever it is sent
	to      []string
	toMe    bool      // answers go to the first of Config.To, who decides
	date    time.Time // zero for now
	kind    string    // of the templates: summary, owner or campaign
	body    body
	funcs   map[string]any // that the templates use
	file    string         // name of the workbook, should it be attached
	refused string         // what to do if the server does not take a recipient
}

// unclaimed are the owners who get no mail of their own.
type unclaimed struct {
	Title, More, How string
	Owners           []notify.UnclaimedOwner
}

func newBody(c Config, m notify.Message, note string) (body, error) {
	content := notify.NewContent(m, 2)
	b := body{Job: content.Job, Facts: content.Facts, Evidence: content.Evidence, Link: content.Link, Note: note}
	if m.Repeats {
		b.Repeats = notify.MayRepeat
	}
	if m.Delivery == notify.SummaryDelivery {
		b.summary(c, m)
		return b, nil
	}
	o, ok := ownerOf(m)
	if !ok {
		return b, fmt.Errorf("the review has nothing for %s", notify.Show(m.Delivery, 120, "this delivery"))
	}
	b.Owner = notify.NewOwner(m, o)
	b.Title, b.More, b.Answer = "Your InfluxDB tokens: "+b.Owner.Need, b.Owner.More(len(o.Worst)), notify.HowToAnswer
	b.Subject = b.Title + ", " + b.Job
	return b, nil
}

func (b *body) summary(c Config, m notify.Message) {
	b.Page = notify.NewPage(m, maxPeople)
	b.Title, b.Subject = b.Page.Headline, b.Job+": "+b.Page.Headline
	if m.Summary.Trigger == audit.Sample {
		b.Title, b.Subject = "TEST: "+b.Title, "TEST of "+b.Subject // nothing was reviewed
	}
	b.New = notify.NewTokens(m, m.Highlights.New)
	b.Server, b.MoreServer = notify.NewServerFindings(m)
	if m.Summary.Previous != nil {
		var named []string
		for _, h := range m.Highlights.NewWrites {
			named = append(named, notify.TokenName(h.Record, 60)+" of "+notify.OwnerName(h.Record))
		}
		b.Writes = strings.Join(named, " · ")
	}
	if left := unreachable(m.Highlights); bool(c.Owners) && len(left)+m.Highlights.MoreOwners > 0 {
		u := notify.NewUnclaimed(m, left)
		shown := u.Owners[:min(len(u.Owners), maxUnclaimed)]
		b.Unclaimed = &unclaimed{
			Title: "Owners who get no mail, as no address is known: " + audit.Number(len(left)+m.Highlights.MoreOwners), Owners: shown, More: u.More(len(shown)), How: notify.HowToName,
		}
	}
}

// letter is the mail for a delivery of a review.
func (c Config) letter(m notify.Message, note string) (letter, error) {
	b, err := newBody(c, m, note)
	l := letter{
		id: m.ID(), to: c.recipients(m), date: m.Summary.Finished, body: b, kind: "summary",
		file:    "tokenaudit-" + strings.ReplaceAll(notify.Show(m.Summary.ID, 120, "review"), "/", "-") + ".xlsx",
		funcs:   funcsOf(b, m),
		refused: "nobody gets the mail until the server takes all of to",
	}
	if m.Delivery != notify.SummaryDelivery {
		l.kind, l.toMe, l.refused = "owner", true, "the server does not take the address of this owner; correct it under owners"
	}
	return l, err
}

// compose makes the mail.
func (c Config) compose(l letter, book []byte) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(c.From); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if l.toMe {
		if err := msg.ReplyTo(c.To[0]); err != nil { // and not to a sender that nobody reads
			return nil, fmt.Errorf("to: %w", err)
		}
	}
	if err := msg.To(l.to...); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	msg.Subject(l.body.Subject)
	// The same ID whenever the mail is sent, so that mail programs and servers know
	// the second one.
	sum := sha256.Sum256([]byte(l.id))
	sender, err := msg.GetSender(false) // <review@example.com>
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	msg.SetMessageIDWithValue("tokenaudit." + hex.EncodeToString(sum[:16]) + strings.TrimSuffix(sender[strings.LastIndex(sender, "@"):], ">"))
	if !l.date.IsZero() {
		msg.SetDateWithValue(l.date)
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answer from those on holiday
	if book != nil {
		if err := msg.AttachReader(l.file, bytes.NewReader(book), mail.WithFileContentType("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")); err != nil {
			return nil, err
		}
	}
	text, page := l.templates()
	if err := msg.SetBodyTextTemplate(text, l.body); err != nil {
		return nil, err
	}
	return msg, msg.AddAlternativeHTMLTemplate(page, l.body)
}

// funcsOf are what the templates call, for a body about a review or none.
func funcsOf(b body, m notify.Message) map[string]any {
	return map[string]any{
		"unlinked": unlinked, "news": func() bool { return b.News }, "late": func() bool { return b.Late }, "number": audit.Number, "day": m.Day, "age": m.Age,
		"tokens": func(d notify.Decision) string {
			if d.Server {
				return audit.Plural(d.Tokens, "finding")
			}
			return audit.Plural(d.Tokens, "token")
		},
	}
}

// templates are those of the mail: as text and as HTML.
func (l letter) templates() (*template.Template, *html.Template) {
	text := template.Must(template.New(l.kind+".text.tmpl").Funcs(l.funcs).ParseFS(templates, l.kind+".text.tmpl", "parts.text.tmpl"))
	return text, html.Must(html.New(l.kind+".html.tmpl").Funcs(l.funcs).ParseFS(templates, l.kind+".html.tmpl", "parts.html.tmpl"))
}

// Mail is one mail as it would be sent.
type Mail struct {
	Delivery, Subject string
	To                []string
	Text, HTML        string
}

// Preview makes the mails of a message without sending them. It reads no file and no
// secret.
func Preview(c Config, m notify.Message) ([]Mail, error) {
	var out []Mail
	for _, m.Delivery = range c.deliveries(m.Highlights) {
		l, err := c.letter(m, "")
		if err != nil {
			return nil, err
		}
		mail, err := l.preview(m.Delivery)
		if err != nil {
			return nil, err
		}
		out = append(out, mail)
	}
	return out, nil
}

func (l letter) preview(delivery string) (Mail, error) {
	var text, page bytes.Buffer
	asText, asHTML := l.templates()
	if err := asText.Execute(&text, l.body); err != nil {
		return Mail{}, err
	}
	if err := asHTML.Execute(&page, l.body); err != nil {
		return Mail{}, err
	}
	return Mail{delivery, l.body.Subject, l.to, text.String(), page.String()}, nil
}

// unlinked breaks what mail programs make links of, in the way of those who share
// bad addresses: a name may be put there to be clicked. The place of the evidence
// comes from the configuration, and may be a link.
func unlinked(text string) string {
	return strings.NewReplacer("://", "[:]//", "www.", "www[.]", "WWW.", "WWW[.]", "mailto:", "mailto[:]").Replace(text)
}
