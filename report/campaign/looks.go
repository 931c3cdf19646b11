package campaign

import (
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// role is what a cell is for.
type role int

const (
	entry role = iota // in the list
	header
	title
	subtitle
	section
	label
	paragraph
	mono
)

// look is everything that decides the style of a cell.
type look struct {
	role     role
	wrap     bool
	number   bool
	yours    bool // to be filled in
	severity audit.Severity
}

const (
	wholeFormat = 1  // 0: exported to CSV, it is a number still
	textFormat  = 49 // @: text stays text when somebody edits the cell
)

func (b *book) style(l look) (int, error) {
	if id, ok := b.looks[l]; ok {
		return id, nil
	}
	id, err := b.NewStyle(styleOf(l))
	b.looks[l] = id
	return id, err
}

func styleOf(l look) *excelize.Style {
	const entryLine, openLine = table.Rule, "D8CFA8"
	font := excelize.Font{Family: table.FontFamily, Size: 10, Color: table.Ink}
	align := excelize.Alignment{Vertical: "top", Horizontal: "left", Indent: 1, WrapText: l.wrap}
	fill := ""
	borders := []excelize.Border{{Type: "bottom", Color: entryLine, Style: 1}}
	switch l.role {
	case header:
		font.Bold, font.Color, fill, align.Vertical, borders = true, table.White, table.Slate, "center", nil
		if l.yours {
			fill = "8A5A00" // the columns to fill in stand out
		}
	case title:
		font.Size, font.Bold, font.Color, align.Indent, borders = 18, true, table.Slate, 0, nil
	case subtitle:
		font.Size, align.Indent, borders = 11, 0, nil
	case section:
		font.Size, font.Bold, font.Color, align.Indent = 12, true, table.Slate, 0
		borders = []excelize.Border{{Type: "bottom", Color: table.Slate, Style: 2}}
	case label:
		font.Bold, font.Color, align.Vertical = true, table.Slate, "center"
	case paragraph:
		align.Vertical = "center"
	case mono:
		font.Family, align.Vertical = "Courier New", "center"
	case entry:
		if l.yours {
			fill = table.Blank
			borders = []excelize.Border{{Type: "left", Color: openLine, Style: 1}, {Type: "right", Color: openLine, Style: 1}, {Type: "bottom", Color: openLine, Style: 1}}
		}
	}
	if p := table.SeverityPaint(l.severity); p.Fill != "" {
		fill, font.Color, font.Bold, align.Vertical = p.Fill, p.Ink, p.Bold, "center"
	}
	style := &excelize.Style{Font: &font, Alignment: &align, Border: borders, NumFmt: textFormat}
	if l.number {
		align.Horizontal, style.NumFmt = "right", wholeFormat
	}
	if fill != "" {
		style.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{fill}}
	}
	return style
}
