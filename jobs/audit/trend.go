package audit

import "time"

// TrendPoint is one earlier run in a few figures.
type TrendPoint struct {
	Run            string           `json:"run"`
	Slot           time.Time        `json:"slot"`
	Verdict        Verdict          `json:"verdict"`
	Authorizations int              `json:"authorizations"`
	BySeverity     map[Severity]int `json:"by_severity"`
	New            int              `json:"new"`
	Resolved       int              `json:"resolved"`
}

// Point is s as a point of a trend.
func (s Summary) Point() TrendPoint {
	return TrendPoint{
		Run: s.ID, Slot: s.Slot, Verdict: s.Coverage.Verdict, Authorizations: s.Authorizations.Total,
		BySeverity: s.Findings.BySeverity, New: s.Findings.ByState[New], Resolved: s.Findings.ByState[Resolved],
	}
}
