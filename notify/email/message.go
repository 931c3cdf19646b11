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

	"github.com/wneessen/go-mail"

	"tokenaudit/notify"
)

// maxWorkbook keeps a mail below what most servers take, 25 MB or so; in a mail a
// file grows by more than a third.
const maxWorkbook = 12 << 20

// maxLines is how many lines the summary has in a mail, which has more room than a chat.
const maxLines = 30

//go:embed text.tmpl html.tmpl
var templates embed.FS

// body is what the templates fill in.
type body struct {
	notify.Content
	New  []notify.Token // the worst of those that newly need action
	Note string
}

// compose makes the mail. All that is in its header are our own words, the
// addresses, and the name of the job.
func (c Config) compose(m notify.Message, book []byte, note string) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(c.From); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if err := msg.To(c.To...); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	b := body{Content: notify.NewContent(m, maxLines), Note: note}
	for _, h := range m.Highlights.New {
		b.New = append(b.New, notify.NewToken(m, h))
	}
	msg.Subject(b.Title + " (" + b.Job + ")")
	// The same ID whenever the mail is sent, so that mail programs and servers know
	// the second one.
	sum := sha256.Sum256([]byte(m.ID()))
	sender, err := msg.GetSender(false) // <review@example.com>
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	msg.SetMessageIDWithValue("tokenaudit." + hex.EncodeToString(sum[:16]) + strings.TrimSuffix(sender[strings.LastIndex(sender, "@"):], ">"))
	msg.SetDateWithValue(m.Summary.Finished)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answer from those on holiday
	if book != nil {
		name := "tokenaudit-" + strings.ReplaceAll(notify.Show(m.Summary.ID, 120, "review"), "/", "-") + ".xlsx"
		if err := msg.AttachReader(name, bytes.NewReader(book), mail.WithFileContentType("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")); err != nil {
			return nil, err
		}
	}
	funcs := map[string]any{"unlinked": unlinked}
	text := template.Must(template.New("text.tmpl").Funcs(funcs).ParseFS(templates, "text.tmpl"))
	if err := msg.SetBodyTextTemplate(text, b); err != nil {
		return nil, err
	}
	page := html.Must(html.New("html.tmpl").Funcs(funcs).ParseFS(templates, "html.tmpl"))
	return msg, msg.AddAlternativeHTMLTemplate(page, b)
}

// unlinked breaks what mail programs make links of, in the way of those who share
// bad addresses: a name may be put there to be clicked. The place of the evidence
// comes from the configuration, and may be a link.
func unlinked(text string) string {
	return strings.NewReplacer("://", "[:]//", "www.", "www[.]", "WWW.", "WWW[.]", "mailto:", "mailto[:]").Replace(text)
}
