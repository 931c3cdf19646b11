package notify

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	wrap "github.com/jedib0t/go-pretty/v6/text"

	"tokenaudit/jobs/audit"
)

// width of the text, in columns.
const width = 100

// Text draws all parts of a message for a terminal, in the order in which Slack
// shows them. The only escape sequences in it are its own, and those only with color.
func Text(c Config, m Message, color bool) string {
	d := drawing{color: color}
	for _, m.Part = range c.parts(m.Summary, m.News) {
		switch o, ok := m.owner(); {
		case ok:
			d.owner(newOwnerPage(m, o, c.claim(m), len(o.Worst)))
		case m.Part != partSummary:
			d.line("\n↳ " + d.paint(strong, fileName(m, strings.TrimPrefix(m.Part, partFile))))
		case c.oneLine(m.Summary, m.News):
			p := newPage(m, 0, plainTime)
			d.line(p.job + ": " + unchanged(m.Summary, plainTime) + ". Evidence: " + p.evidence)
		default:
			d.summary(newPage(m, fit(m), plainTime))
		}
	}
	return d.out.String()
}

func (d *drawing) summary(p page) {
	d.line(d.paint(strong, p.title))
	d.line(strings.Join(append([]string{p.job}, p.facts...), " · "))
	for _, alarm := range p.alarms {
		d.line(d.paint(strong, alarm))
	}
	d.list(unseenTitle, alert, p.unseen)
	d.levels(p)
	d.list(stepsTitle, strong, stepLines(p.steps, p.moreSteps))
	d.line("\n" + d.paint(strong, "New findings: ") + p.fresh)
	d.table(p)
	for _, last := range []string{p.moreOwners, prefixed("Evidence: ", p.evidence)} {
		if last != "" {
			d.line(last)
		}
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// owner draws a reply, with the place that it goes to if that is not the thread.
func (d *drawing) owner(p ownerPage) {
	title := "\n↳ " + d.paint(strong, p.name) + ": " + p.need
	if to := p.to.text(); to != "" {
		title += " → " + to
	}
	d.line(title)
	for _, t := range p.tokens {
		d.hanging("  • ", t.severity+" "+t.text)
	}
	if p.more != "" {
		d.hanging("  • ", p.more)
	}
	for _, line := range stepLines(p.steps, "") {
		d.hanging("  → ", line)
	}
}

func stepLines(steps []step, more string) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.check+": "+s.fix)
	}
	if more != "" {
		out = append(out, more)
	}
	return out
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

func (d *drawing) line(text string) { d.add(wrap.WrapSoft(text, width)) }

// add writes lines without the spaces that wrapping leaves at their ends.
func (d *drawing) add(lines string) {
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
		d.hanging("  • ", item)
	}
}

// hanging indents what is wrapped as far as the mark before it.
func (d *drawing) hanging(mark, item string) {
	lines := wrap.WrapSoft(item, width-4)
	d.add(mark + strings.ReplaceAll(lines, "\n", "\n    "))
}

func (d *drawing) levels(p page) {
	d.line("\n" + p.standing)
	var words []string
	for _, l := range p.levels {
		text := d.paint(styleOf(l), fmt.Sprintf("%s %d", capital(l.severity), l.count)) + " " + l.change
		words = append(words, strings.TrimSpace(text))
	}
	d.line("  " + strings.Join(words, "   "))
	d.line(p.changes)
}

func styleOf(l level) style {
	switch {
	case l.count == 0:
		return ""
	case l.severity == audit.Critical:
		return alert
	}
	return warning
}

func (d *drawing) table(p page) {
	if len(p.rows) == 0 {
		return
	}
	t := table.NewWriter()
	t.SetStyle(plainTable())
	t.SetColumnConfigs(columnWidths())
	t.AppendHeader(tableRow(columns()))
	for _, row := range p.rows {
		t.AppendRow(tableRow(row))
	}
	d.add(t.Render() + "\n")
}

// plainTable: no frame, a line between findings, as their cells wrap.
func plainTable() table.Style {
	s := table.StyleLight
	s.Format = table.FormatOptions{}
	s.Options.DrawBorder = false
	s.Options.SeparateRows = true
	return s
}

// columnWidths add up to width, with the spaces and lines between.
func columnWidths() []table.ColumnConfig {
	var out []table.ColumnConfig
	for i, w := range []int{8, 23, 16, 10, 21, 7} {
		out = append(out, table.ColumnConfig{Number: i + 1, WidthMax: w, WidthMaxEnforcer: wrap.WrapSoft})
	}
	return out
}

func tableRow(cells []string) table.Row {
	var out table.Row
	for _, c := range cells {
		out = append(out, c)
	}
	return out
}
