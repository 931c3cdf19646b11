package slack

import (
	"cmp"
	_ "embed"
	"regexp"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	wrap "github.com/jedib0t/go-pretty/v6/text"

	"tokenaudit/notify"
)

//go:embed preview.tmpl
var preview string

// Text draws all deliveries of a message for a terminal, in the order in which
// Slack shows them. The only escape sequences in it are its own, and those only
// with color.
func Text(c Config, m notify.Message, color bool) string {
	paint := func(style, text string) string {
		if !color {
			return text
		}
		return "\x1b[" + style + "m" + text + "\x1b[0m"
	}
	t := template.Must(template.New("preview").Funcs(template.FuncMap{
		"paint": paint, "table": drawTable,
		"unseenTitle": func() string { return notify.UnseenTitle }, "stepsTitle": func() string { return notify.StepsTitle },
	}).Parse(preview))
	var out strings.Builder
	for _, m.Delivery = range c.deliveries(m.Summary, m.Highlights) {
		name, data := "file", any(fileName(m, strings.TrimPrefix(m.Delivery, fileDelivery)))
		if o, ok := ownerOf(m); ok {
			to := c.recipient(m)
			where := notify.Show(cmp.Or(to.user, to.address, to.channel), 80, "")
			name, data = "owner", struct {
				reply
				Where string // in place of the thread
			}{newReply(m, o), where}
		} else if c.nothingChanged(m.Summary, m.Highlights) {
			name, data = "quiet", struct {
				notify.Content
				Unchanged string
			}{notify.NewContent(m, 0, notify.PlainTime), notify.Unchanged(m.Summary, notify.PlainTime)}
		} else if m.Delivery == notify.SummaryDelivery {
			name, data = "summary", notify.NewContent(m, roomFor(m), notify.PlainTime)
		}
		if err := t.ExecuteTemplate(&out, name, data); err != nil {
			panic(err) // the template is at fault
		}
	}
	return wrapped(out.String())
}

var (
	listMark  = regexp.MustCompile(`^  [•→] `)
	tableLine = regexp.MustCompile(`^.{10}[│┼]`) // after the column of severities
)

// wrapped breaks lines after 100 columns, but for those of the table, indents what
// follows as far as the mark before it, and leaves out the spaces at the ends.
func wrapped(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		mark := listMark.FindString(line)
		indent := utf8.RuneCountInString(mark)
		if !tableLine.MatchString(line) {
			line = mark + strings.ReplaceAll(wrap.WrapSoft(line[len(mark):], 100-indent), "\n", "\n"+strings.Repeat(" ", indent))
		}
		for part := range strings.SplitSeq(line, "\n") {
			out = append(out, strings.TrimRight(part, " "))
		}
	}
	return strings.Join(out, "\n")
}

// drawTable draws no frame, and a line between findings, as their cells wrap. With
// the spaces and lines between, it is 102 columns wide.
func drawTable(rows [][]string) string {
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
	return t.Render()
}
