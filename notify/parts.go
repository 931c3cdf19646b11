package notify

import (
	"strings"

	"tokenaudit/jobs/audit"
)

// The parts of a message: the summary first, and of some notifiers the only one.
const (
	partSummary = "summary"
	partOwner   = "owner:" // and the ID of the owner
	partFile    = "file:"  // and its name
)

// workbook is the file of the evidence that is sent where files are.
const workbook = "review.xlsx"

// parts are the messages of a thread: the summary, one for each owner with
// something to do, worst first, and the workbook.
func (c Config) parts(s audit.Summary, n audit.News) []string {
	parts := []string{partSummary}
	if !c.threaded() || c.oneLine(s, n) {
		return parts
	}
	if !c.SummaryOnly {
		for _, o := range n.Owners {
			parts = append(parts, partOwner+o.Owner.ID)
		}
	}
	if c.Upload {
		parts = append(parts, partFile+workbook)
	}
	return parts
}

func (c Config) threaded() bool { return c.Webhook.IsZero() }

// oneLine is whether there is nothing to say but that nothing changed.
func (c Config) oneLine(s audit.Summary, n audit.News) bool {
	return bool(c.Quiet) && s.Previous != nil && s.Missed == 0 && s.Coverage.Verdict == audit.Complete &&
		n.Findings == 0 && s.Findings.ByState[audit.Resolved] == 0
}

// owner is what the part of the message is about, if that is an owner.
func (m Message) owner() (audit.OwnerNews, bool) {
	id, ok := strings.CutPrefix(m.Part, partOwner)
	for _, o := range m.News.Owners {
		if ok && o.Owner.ID == id {
			return o, true
		}
	}
	return audit.OwnerNews{}, false
}
