package notify

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"io/fs"
	"strings"
	"text/template"

	"github.com/wneessen/go-mail"
)

// maxWorkbook keeps a mail below what most servers take, 25 MB or so; in a mail a
// file grows by more than a third.
const maxWorkbook = 12 << 20

//go:embed email.txt.tmpl
var emailText string

//go:embed email.html.tmpl
var emailHTML string

// letter is what the templates fill in.
type letter struct {
	Title, Job, Standing, Changes, MoreSteps, Fresh, Evidence, Note string
	UnseenTitle, StepsTitle                                         string
	Facts, Alarms, Unseen, Levels, Columns                          []string
	Steps                                                           [][2]string
	Rows                                                            [][]string
}

// compose makes the mail. All that is in its header are our own words, the
// addresses, and the name of the job.
func (c EmailConfig) compose(m Message, book []byte, note string) (*mail.Msg, error) {
	from, err := address(c.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	for _, text := range c.To {
		to, err := address(text)
		if err != nil {
			return nil, fmt.Errorf("to: %w", err)
		}
		if err := msg.AddTo(to.String()); err != nil {
			return nil, fmt.Errorf("to: %w", err)
		}
	}
	msg.Subject(title(m.Summary) + " (" + shown(m.Summary.Job, 80, "job without a name") + ")")
	msg.SetMessageIDWithValue(mailID(from.Address, m))
	msg.SetDateWithValue(m.Summary.Finished)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answer from those on holiday
	if book != nil {
		if err := msg.AttachReader(bookName(m), bytes.NewReader(book), mail.WithFileContentType("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")); err != nil {
			return nil, err
		}
	}
	return msg, write(msg, letterOf(m, note))
}

func write(msg *mail.Msg, l letter) error {
	text, err := template.New("text").Parse(emailText)
	if err != nil {
		return err
	}
	page, err := html.New("HTML").Parse(emailHTML)
	if err != nil {
		return err
	}
	if err := msg.SetBodyTextTemplate(text, l); err != nil {
		return err
	}
	return msg.AddAlternativeHTMLTemplate(page, l)
}

// letterOf makes names lead nowhere. The place of the evidence comes from the
// configuration, and may be a link.
func letterOf(m Message, note string) letter {
	p := newPage(m, len(m.News.Worst), plainTime)
	l := letter{
		Title: p.title, Job: unlinked(p.job), Standing: p.standing, Changes: p.changes, MoreSteps: p.moreSteps, Fresh: p.fresh, Evidence: p.evidence, Note: note,
		UnseenTitle: unseenTitle, StepsTitle: stepsTitle, Facts: p.facts, Alarms: p.alarms, Columns: columns(),
	}
	for _, reason := range p.unseen {
		l.Unseen = append(l.Unseen, unlinked(reason))
	}
	for _, v := range p.levels {
		l.Levels = append(l.Levels, strings.TrimSpace(fmt.Sprintf("%s %d %s", capital(v.severity), v.count, v.change)))
	}
	for _, s := range p.steps {
		l.Steps = append(l.Steps, [2]string{s.check, s.fix})
	}
	for _, row := range p.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = unlinked(cell)
		}
		l.Rows = append(l.Rows, cells)
	}
	return l
}

// unlinked breaks what mail programs make links of, in the way of those who share
// bad addresses: a name may be put there to be clicked.
func unlinked(text string) string {
	return strings.NewReplacer("://", "[:]//", "www.", "www[.]", "WWW.", "WWW[.]", "mailto:", "mailto[:]").Replace(text)
}

// bookName tells the workbooks of several reviews apart.
func bookName(m Message) string {
	return "tokenaudit-" + strings.ReplaceAll(shown(m.Summary.ID, 120, "review"), "/", "-") + ".xlsx"
}

// workbook reads the workbook, nil with a note if there is none to attach.
func (e email) workbook(ctx context.Context, m Message) (book []byte, note string) {
	if e.config.Attach == AttachOff || m.Open == nil {
		return nil, ""
	}
	f, err := m.Open(ctx, workbook)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "" // the job writes none
	}
	if err == nil {
		defer f.Close()
		book, err = io.ReadAll(io.LimitReader(f, maxWorkbook+1))
	}
	switch {
	case err != nil:
		e.log.WarnContext(ctx, "the workbook cannot be attached", "run", m.Summary.ID, "error", err)
		return nil, "The workbook could not be read; it is in the evidence."
	case len(book) > maxWorkbook:
		return nil, "The workbook is too large for a mail; it is in the evidence."
	}
	return book, "The workbook is attached."
}
