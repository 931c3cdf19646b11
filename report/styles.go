package report

import (
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

// The palette. The fills of the severities differ in lightness too, so that a
// page printed in grey still tells them apart.
const (
	ink   = "1F2933"
	faded = "7B8794"
	slate = "334E68"
	rule  = "D9E2EC"
	white = "FFFFFF"
)

type paint struct {
	fill, ink string
	bold      bool
}

func paintOf(word string) (paint, bool) {
	p, ok := map[string]paint{
		string(audit.Critical): {"9B2C2C", white, true},
		string(audit.High):     {"EFA58B", ink, true},
		string(audit.Medium):   {"FBE3A8", ink, false},
		string(audit.Low):      {"E4EDF5", ink, false},
		string(audit.Complete): {"DDEFE3", "1E5C3A", true},
		string(audit.Partial):  {"FBE3A8", ink, true},
		string(audit.NotKnown): {"CBD2D9", ink, true},
	}[word]
	return p, ok
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
)

// look is everything that decides the style of a cell.
type look struct {
	role role
	kind kind
	wrap bool
	past bool
	word string // a severity or verdict that colours the cell
}

// styles makes each look once; a workbook may hold 64,000 styles, not one a cell.
type styles struct {
	f    *excelize.File
	made map[look]int
}

func (s *styles) id(l look) (int, error) {
	if _, ok := paintOf(l.word); !ok {
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
	switch l.kind {
	case date:
		format := "yyyy-mm-dd hh:mm:ss"
		st.CustomNumFmt = &format
	case change:
		format := "+#,##0;-#,##0;0"
		st.CustomNumFmt = &format
	case integer:
		st.NumFmt = integerFormat
	default:
		st.NumFmt = textFormat
	}
	return st
}

func fontOf(l look) *excelize.Font {
	f := &excelize.Font{Family: "Arial", Size: 10, Color: ink}
	switch l.role {
	case title:
		f.Size, f.Bold, f.Color = 18, true, slate
	case subtitle:
		f.Color = faded
	case section:
		f.Size, f.Bold, f.Color = 12, true, slate
	case header:
		f.Bold, f.Color = true, white
	case label:
		f.Color = slate
	case band:
		f.Size = 11
	}
	if p, ok := paintOf(l.word); ok {
		f.Color, f.Bold = p.ink, p.bold
	}
	if l.past {
		f.Color = faded
	}
	return f
}

func alignmentOf(l look) *excelize.Alignment {
	a := &excelize.Alignment{Vertical: "center", Horizontal: "left", Indent: 1, WrapText: l.wrap}
	switch {
	case l.kind == integer || l.kind == change:
		a.Horizontal = "right"
	case l.role == title || l.role == subtitle || l.role == section:
		a.Indent = 0
	}
	if l.role == entry { // of many lines, the first is the one to see
		a.Vertical = "top"
	}
	return a
}

func borderOf(l look) []excelize.Border {
	switch l.role {
	case body, entry, label:
		return []excelize.Border{{Type: "bottom", Color: rule, Style: 1}}
	case band: // parts two of the same colour
		return []excelize.Border{{Type: "bottom", Color: white, Style: 5}}
	case section:
		return []excelize.Border{{Type: "bottom", Color: slate, Style: 2}}
	}
	return nil
}

func fillOf(l look) excelize.Fill {
	if p, ok := paintOf(l.word); ok {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{p.fill}}
	}
	if l.role == header {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{slate}}
	}
	return excelize.Fill{}
}
