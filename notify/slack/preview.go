package slack

import (
	"cmp"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	wrap "github.com/jedib0t/go-pretty/v6/text"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// width of the text, in columns.
const width = 100

// Text draws all deliveries of a message for a terminal, in the order in which
// Slack shows them. The only escape sequences in it are its own, and those only
// with color.
func Text(c Config, m notify.Message, color bool) string {
	d := drawing{color: color}
	for _, m.Delivery = range c.deliveries(m.Summary, m.Highlights) {
		switch o, ok := ownerOf(m); {
		case ok:
			d.owner(newReply(m, o), c.recipient(m))
		case m.Delivery != notify.SummaryDelivery:
			d.line("\n↳ " + d.paint(strong, fileName(m, strings.TrimPrefix(m.Delivery, fileDelivery))))
		case c.nothingChanged(m.Summary, m.Highlights):
			content := notify.NewContent(m, 0, notify.PlainTime)
			d.line(content.Job + ": " + notify.Unchanged(m.Summary, notify.PlainTime) + ". Evidence: " + content.Evidence)
		default:
			d.summary(notify.NewContent(m, roomFor(m), notify.PlainTime))
		}
	}
	return d.out.String()
}

func (d *drawing) summary(c notify.Content) {
	d.line(d.paint(strong, c.Title))
	d.line(strings.Join(append([]string{c.Job}, c.Facts...), " · "))
	for _, alarm := range c.Alarms {
		d.line(d.paint(strong, alarm))
	}
	d.list(notify.UnseenTitle, alert, c.Unseen)
	d.line("\n" + c.Standing)
	var levels []string
	for _, l := range c.Levels {
		s := warning
		if l.Count == 0 {
			s = ""
		} else if l.Severity == audit.Critical {
			s = alert
		}
		levels = append(levels, strings.TrimSpace(d.paint(s, l.String())+" "+l.Change))
	}
	d.line("  " + strings.Join(levels, "   "))
	d.line(c.Changes)
	var steps []string
	for _, s := range c.Steps {
		steps = append(steps, s.Check+": "+s.Fix)
	}
	if c.MoreSteps != "" {
		steps = append(steps, c.MoreSteps)
	}
	d.list(notify.StepsTitle, strong, steps)
	d.line("\n" + d.paint(strong, "New findings: ") + c.New)
	if len(c.Rows) > 0 {
		d.table(c.Rows)
	}
	if c.MoreOwners != "" {
		d.line(c.MoreOwners)
	}
	if c.Evidence != "" {
		d.line("Evidence: " + c.Evidence)
	}
}

// owner draws a reply, with the place that it goes to if that is not the thread.
func (d *drawing) owner(r reply, to recipient) {
	title := "\n↳ " + d.paint(strong, r.name) + ": " + r.need
	if where := notify.Show(cmp.Or(to.user, to.address, to.channel), 80, ""); where != "" {
		title += " → " + where
	}
	d.line(title)
	for _, t := range r.tokens {
		d.item("  • ", t.severity+" "+t.text)
	}
	if more := r.more(len(r.tokens)); more != "" {
		d.item("  • ", more)
	}
	for _, s := range r.steps {
		d.item("  → ", s.Check+": "+s.Fix)
	}
}

// style is an ANSI SGR parameter.
type style string

const (
	strong  style = "1"
	alert   style = "1;31"
	warning style = "33"
)

type drawing struct {
	out   strings.Builder
	color bool
}

func (d *drawing) paint(s style, text string) string {
	if !d.color || s == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (d *drawing) line(text string) { d.write(wrap.WrapSoft(text, width)) }

// item indents what is wrapped as far as the mark before it.
func (d *drawing) item(mark, text string) {
	d.write(mark + strings.ReplaceAll(wrap.WrapSoft(text, width-4), "\n", "\n    "))
}

// write leaves out the spaces that wrapping leaves at the ends of lines.
func (d *drawing) write(lines string) {
	for line := range strings.SplitSeq(lines, "\n") {
		d.out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func (d *drawing) list(title string, s style, items []string) {
	if len(items) == 0 {
		return
	}
	d.line("\n" + d.paint(s, title))
	for _, item := range items {
		d.item("  • ", item)
	}
}

// table has no frame, and a line between findings, as their cells wrap. The columns
// add up to width, with the spaces and lines between.
func (d *drawing) table(rows [][]string) {
	t, s := table.NewWriter(), table.StyleLight
	s.Format, s.Options.DrawBorder, s.Options.SeparateRows = table.FormatOptions{}, false, true
	t.SetStyle(s)
	var columns []table.ColumnConfig
	for i, w := range []int{8, 23, 16, 10, 21, 7} {
		columns = append(columns, table.ColumnConfig{Number: i + 1, WidthMax: w, WidthMaxEnforcer: wrap.WrapSoft})
	}
	t.SetColumnConfigs(columns)
	for i, row := range append([][]string{notify.Columns()}, rows...) {
		var cells table.Row
		for _, cell := range row {
			cells = append(cells, cell)
		}
		if i == 0 {
			t.AppendHeader(cells)
		} else {
			t.AppendRow(cells)
		}
	}
	d.write(t.Render() + "\n")
}
