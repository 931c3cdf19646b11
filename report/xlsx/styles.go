package xlsx

import (
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// The palette. The fills of the severities differ in lightness too, so that a
// page printed in grey still tells them apart.
const (
	ink   = "1F2933"
	faded = "7B8794"
	slate = "334E68"
	rule  = "D9E2EC"
	white = "FFFFFF"
	pale  = "F2F5F8"
	blank = "FFFBE6" // cells to fill in
	blue  = "1D5F9E"
)

const fontFamily = "Arial"

type paint struct {
	fill, ink string
	bold      bool
}

// paints are those of the words that colour a cell.
var paints = map[string]paint{
	string(audit.Critical):         {"9B2C2C", white, true},
	string(audit.High):             {"EFA58B", ink, true},
	string(audit.Medium):           {"FBE3A8", ink, false},
	string(audit.Low):              {"E4EDF5", ink, false},
	string(audit.Complete):         {"DDEFE3", "1E5C3A", true},
	string(audit.Partial):          {"FBE3A8", ink, true},
	string(audit.NotKnown):         {"CBD2D9", ink, true},
	string(audit.Holds):            {"DDEFE3", "1E5C3A", false},
	string(audit.Fails):            {"FBE3A8", ink, true},
	table.Accepted:                 {"E4EDF5", slate, true},
	string(audit.ExceptionVoid):    {"EFA58B", ink, true},
	string(audit.ExceptionExpired): {"FBE3A8", ink, true},
	string(audit.ExceptionUnused):  {"FBE3A8", ink, false},
	agrees:                         {"DDEFE3", "1E5C3A", true},
	explained:                      {"E4EDF5", slate, true},
	differs:                        {"9B2C2C", white, true},
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
		f.Color, f.Bold = p.ink, p.bold || f.Bold
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
		a.Vertical = "top"
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
		colour = p.fill
	}
	if colour == "" {
		return excelize.Fill{}
	}
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}
