package table

import "tokenaudit/jobs/audit"

// The palette of workbooks. The fills of the severities differ in lightness too, so that
// a page printed in grey still tells them apart.
const (
	Ink   = "1F2933"
	Faded = "7B8794"
	Slate = "334E68"
	Rule  = "D9E2EC"
	White = "FFFFFF"
	Pale  = "F2F5F8"
	Blank = "FFFBE6" // cells to fill in
	Blue  = "1D5F9E"
)

const FontFamily = "Arial"

// Paint is that of a cell whose word colours it.
type Paint struct {
	Fill, Ink string
	Bold      bool
}

// SeverityPaint is the zero value for what has no colour.
func SeverityPaint(s audit.Severity) Paint {
	switch s {
	case audit.Critical:
		return Paint{"9B2C2C", White, true}
	case audit.High:
		return Paint{"EFA58B", Ink, true}
	case audit.Medium:
		return Paint{"FBE3A8", Ink, false}
	case audit.Low:
		return Paint{"E4EDF5", Ink, false}
	}
	return Paint{}
}
