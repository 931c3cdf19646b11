package xlsx

import (
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// The palette is that of all workbooks.
const (
	ink   = table.Ink
	faded = table.Faded
	slate = table.Slate
	rule  = table.Rule
	white = table.White
	pale  = table.Pale
	blank = table.Blank
	blue  = table.Blue

	fontFamily = table.FontFamily
)

type paint = table.Paint

// paints are those of the words that colour a cell.
var paints = map[string]paint{
	string(audit.Critical):         table.SeverityPaint(audit.Critical),
	string(audit.High):             table.SeverityPaint(audit.High),
	string(audit.Medium):           table.SeverityPaint(audit.Medium),
	string(audit.Low):              table.SeverityPaint(audit.Low),
	string(audit.Complete):         {Fill: "DDEFE3", Ink: "1E5C3A", Bold: true},
	string(audit.Partial):          {Fill: "FBE3A8", Ink: ink, Bold: true},
	string(audit.NotKnown):         {Fill: "CBD2D9", Ink: ink, Bold: true},
	string(audit.Holds):            {Fill: "DDEFE3", Ink: "1E5C3A", Bold: false},
	string(audit.Fails):            {Fill: "FBE3A8", Ink: ink, Bold: true},
	table.Accepted:                 {Fill: "E4EDF5", Ink: slate, Bold: true},
	string(audit.ExceptionVoid):    {Fill: "EFA58B", Ink: ink, Bold: true},
	string(audit.ExceptionExpired): {Fill: "FBE3A8", Ink: ink, Bold: true},
	string(audit.ExceptionUnused):  {Fill: "FBE3A8", Ink: ink, Bold: false},
	agrees:                         {Fill: "DDEFE3", Ink: "1E5C3A", Bold: true},
	explained:                      {Fill: "E4EDF5", Ink: slate, Bold: true},
	differs:                        {Fill: "9B2C2C", Ink: white, Bold: true},
}

// role is what a cell is for.
type role int

const (
	body  role = iota
	entry      // in a list
	header
	title
	subtitle
	section
	label
	band
	headline
	figure  // a large number
	caption // above it
	note    // below it
	mono
)

// look is everything that decides the style of a cell.
type look struct {
	role role
	kind table.Kind
	wrap bool
	past bool
	open bool   // to be filled in, though its sheet is protected
	word string // a severity or verdict that colours the cell
}

// styles makes each look once; a workbook may hold 64,000 styles, not one a cell.
type styles struct {
	f    *excelize.File
	made map[look]int
}

func (s *styles) id(l look) (int, error) {
	if _, ok := paints[l.word]; !ok {
		l.word = ""
	}
	if id, ok := s.made[l]; ok {
		return id, nil
	}
	id, err := s.f.NewStyle(styleOf(l))
	s.made[l] = id
	return id, err
}

const (
	integerFormat = 3  // #,##0
	textFormat    = 49 // @: text stays text when somebody edits the cell
)

func styleOf(l look) *excelize.Style {
	st := &excelize.Style{Font: fontOf(l), Alignment: alignmentOf(l), Border: borderOf(l), Fill: fillOf(l)}
	if l.open {
		st.Protection = &excelize.Protection{Locked: false}
	}
	switch l.kind {
	case table.Date, table.EntryDate, table.Day:
		format := "yyyy-mm-dd hh:mm:ss"
		if l.kind != table.Date {
			format = "yyyy-mm-dd"
		}
		st.CustomNumFmt = &format
	case table.Integer:
		st.NumFmt = integerFormat
	default:
		st.NumFmt = textFormat
	}
	return st
}

// fonts are those of the roles that do not have the usual one.
var fonts = map[role]excelize.Font{
	title:    {Family: fontFamily, Size: 18, Bold: true, Color: slate},
	subtitle: {Family: fontFamily, Size: 10, Color: faded},
	section:  {Family: fontFamily, Size: 12, Bold: true, Color: slate},
	header:   {Family: fontFamily, Size: 10, Bold: true, Color: white},
	label:    {Family: fontFamily, Size: 10, Color: slate},
	band:     {Family: fontFamily, Size: 11, Color: ink},
	headline: {Family: fontFamily, Size: 16, Bold: true, Color: ink},
	figure:   {Family: fontFamily, Size: 20, Bold: true, Color: ink},
	caption:  {Family: fontFamily, Size: 9, Color: ink},
	note:     {Family: fontFamily, Size: 8, Color: ink},
	mono:     {Family: "Courier New", Size: 9, Color: ink},
}

func fontOf(l look) *excelize.Font {
	f, ok := fonts[l.role]
	if !ok {
		f = excelize.Font{Family: fontFamily, Size: 10, Color: ink}
	}
	if l.kind == table.Reference && l.role != header {
		f.Color, f.Underline = blue, "single"
	}
	if p, ok := paints[l.word]; ok {
		f.Color, f.Bold = p.Ink, p.Bold || f.Bold
	}
	if l.past {
		f.Color = faded
	}
	return &f
}

func alignmentOf(l look) *excelize.Alignment {
	a := &excelize.Alignment{Vertical: "center", Horizontal: "left", Indent: 1, WrapText: l.wrap}
	switch l.role {
	case title, subtitle, section, mono:
		a.Indent = 0
	case figure, caption, note:
		a.Horizontal, a.Indent = "center", 0
	case entry: // of many lines, the first is the one to see
		if l.word == "" {
			a.Vertical = "top"
		}
	}
	if l.kind == table.Integer && a.Horizontal == "left" {
		a.Horizontal = "right"
	}
	return a
}

func borderOf(l look) []excelize.Border {
	if l.open {
		const colour = "D8CFA8"
		return []excelize.Border{{Type: "left", Color: colour, Style: 1}, {Type: "right", Color: colour, Style: 1}, {Type: "bottom", Color: colour, Style: 1}}
	}
	switch l.role {
	case body, entry, label:
		return []excelize.Border{{Type: "bottom", Color: rule, Style: 1}}
	case band, headline: // parts two of the same colour
		return []excelize.Border{{Type: "bottom", Color: white, Style: 5}}
	case section:
		return []excelize.Border{{Type: "bottom", Color: slate, Style: 2}}
	case figure, caption, note:
		return []excelize.Border{{Type: "left", Color: white, Style: 5}, {Type: "right", Color: white, Style: 5}}
	}
	return nil
}

func fillOf(l look) excelize.Fill {
	colour := map[role]string{header: slate, figure: pale, caption: pale, note: pale}[l.role]
	if l.open {
		colour = blank
	}
	if p, ok := paints[l.word]; ok {
		colour = p.Fill
	}
	if colour == "" {
		return excelize.Fill{}
	}
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}
