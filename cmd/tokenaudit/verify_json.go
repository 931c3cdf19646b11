package main

import (
	"time"

	"tokenaudit/jobs/audit"
	campaignfiles "tokenaudit/report/campaign"
	"tokenaudit/report/pack"
)

// verdictJSON is what verify found of one job, in its JSON. Texts of the packs are made
// visible: somebody may have forged them.
type verdictJSON struct {
	Job       string        `json:"job"`
	Campaign  string        `json:"campaign"`
	OK        bool          `json:"ok"`
	Packs     []packJSON    `json:"packs"`
	Problems  []problemJSON `json:"problems"`
	Notes     []string      `json:"notes"`
	Proven    []string      `json:"proven"`
	NotProven []string      `json:"not_proven"`
	Period    *periodJSON   `json:"period"`
}

// packJSON is a pack whose manifest could be read.
type packJSON struct {
	Run      string        `json:"run"`
	Slot     time.Time     `json:"slot"`
	Folder   string        `json:"folder"`
	Sequence int           `json:"sequence"`
	Coverage audit.Verdict `json:"coverage"`
	Accepted string        `json:"accepted"`
	Files    int           `json:"files"`
	Key      string        `json:"key"`
	Signer   string        `json:"signer"`
	Problems int           `json:"problems"`
}

type problemJSON struct {
	Pack string `json:"pack"`
	File string `json:"file"`
	Text string `json:"text"`
}

// periodJSON holds the reviews of a period against the schedule.
type periodJSON struct {
	Period      string      `json:"period"`
	From        *time.Time  `json:"from"`
	Why         string      `json:"why"`
	Open        bool        `json:"open"`
	Planned     int         `json:"planned"`
	Performed   int         `json:"performed"`
	ByHand      int         `json:"by_hand"`
	Missing     []time.Time `json:"missing"`
	Late        []string    `json:"late"`
	NotComplete []string    `json:"not_complete"`
}

func newVerdictJSON(r *pack.Result) verdictJSON {
	v := verdictJSON{
		Job: visible(r.Job), OK: r.OK(), Packs: []packJSON{}, Problems: []problemJSON{},
		Notes: visibleLines(r.Remarks), Proven: visibleLines(r.Proven), NotProven: visibleLines(r.NotProven),
	}
	for _, p := range r.Packs {
		if v.Job == "" { // a pack or the packs of one job
			v.Job = visible(p.Job)
		}
		in := packJSON{
			Run: visible(p.RunID), Slot: p.Slot, Folder: visible(p.Folder), Sequence: p.Sequence, Problems: p.Problems,
			Coverage: audit.Verdict(visible(string(p.Coverage.Verdict))), Accepted: visible(p.Coverage.Accepted), Files: len(p.Files) + 1,
		}
		if p.Signed {
			in.Key, in.Signer = visible(p.Key), visible(p.Signer)
		}
		v.Packs = append(v.Packs, in)
	}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, problemJSON{visible(p.Pack), visible(p.File), visible(p.Text)})
	}
	if r.Attendance != nil {
		v.Period = newPeriodJSON(*r.Attendance)
	}
	return v
}

// newCampaignVerdictJSON is that of a campaign, which has no packs.
func newCampaignVerdictJSON(r *campaignfiles.Result) verdictJSON {
	v := verdictJSON{
		Job: visible(r.Job), Campaign: visible(r.ID), OK: r.OK(), Packs: []packJSON{}, Problems: []problemJSON{},
		Notes: visibleLines(r.Remarks), Proven: visibleLines(r.Proven), NotProven: visibleLines(r.NotProven),
	}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, problemJSON{visible(p.Pack), visible(p.File), visible(p.Text)})
	}
	return v
}

func newPeriodJSON(a pack.Attendance) *periodJSON {
	p := &periodJSON{
		Period: a.Period, Why: visible(a.Why), Open: a.Open, Planned: a.Planned, Performed: a.Performed, ByHand: a.ByHand,
		Missing: append([]time.Time{}, a.Missing...), Late: []string{}, NotComplete: []string{},
	}
	if !a.From.IsZero() {
		p.From = &a.From
	}
	for _, late := range a.Late {
		p.Late = append(p.Late, visible(late.RunID))
	}
	for _, gaps := range a.NotComplete {
		p.NotComplete = append(p.NotComplete, visible(gaps.RunID))
	}
	return p
}

func visible(s string) string { return audit.Visible(s, false) }

func visibleLines(lines []string) []string {
	out := []string{}
	for _, l := range lines {
		out = append(out, visible(l))
	}
	return out
}
