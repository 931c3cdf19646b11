package campaign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
)

func (v *verifier) items() {
	if sum := campaign.Digest("", v.files[campaign.ItemsFile]).SHA256; sum != v.book.ItemsSHA256 {
		v.problem(campaign.ItemsFile, "is not what the campaign opened on: SHA-256 %s, %s says %s", sum, campaign.CampaignFile, v.book.ItemsSHA256)
	} else if len(v.book.Items) != v.book.Campaign.Items {
		v.problem(campaign.ItemsFile, "has %s, %s says %d", audit.Plural(len(v.book.Items), "item"), campaign.CampaignFile, v.book.Campaign.Items)
	}
}

// replay judges the rows of every imported file again, against the campaign as it was.
func (v *verifier) replay() {
	for i, in := range v.book.Imports {
		if in.Import != i+1 || campaign.Digest("", v.files[in.File]).SHA256 != in.SHA256 { // said before
			continue
		}
		rows, _, err := Read(v.files[in.File])
		if err != nil {
			v.problem(in.File, "cannot be read again: %v", err)
			continue
		}
		out := v.book.Before(in).Judge(in, rows)
		compareLines(v, campaign.DecisionsFile, 1, v.book.Decisions, out.Decisions, in, func(d campaign.Decision) int { return d.Import }, func(d campaign.Decision) string { return d.Item })
		compareLines(v, campaign.RefusedFile, 2, v.book.Refused, out.Refused, in, func(r campaign.Refusal) int { return r.Import }, func(r campaign.Refusal) string { return r.Item })
	}
}

// compareLines names the first line of an import that is not what its file gives; the lines
// of the file begin at first.
func compareLines[T any](v *verifier, file string, first int, all, want []T, in campaign.Import, of func(T) int, item func(T) string) {
	n := 0
	for i, has := range all {
		if of(has) != in.Import {
			continue
		}
		where := fmt.Sprintf("%s, line %d", file, i+first)
		switch {
		case n >= len(want):
			v.problem(where, "item %s does not follow from %s: the line was added", item(has), in.File)
			return
		case !equal(has, want[n]):
			v.problem(where, "item %s is not as %s gives it: the line, the file or what was known then was changed", item(has), in.File)
			return
		}
		n++
	}
	if n < len(want) {
		v.problem(file, "item %s of %s is missing", item(want[n]), in.File)
	}
}

// equal compares what is written, as times have more to them than that.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// assignments follows the reviewers of the items.
func (v *verifier) assignments() {
	then := *v.book
	then.Assignments = nil
	items := map[string]campaign.Status{}
	for _, s := range then.Status() {
		items[s.Item.ID] = s
	}
	for i, a := range v.book.Assignments {
		s, known := items[a.Item]
		again, err := s.Assign(a.To, a.Reason, a.By, a.At)
		s.Reviewer = again.To
		items[a.Item] = s
		switch where := fmt.Sprintf("%s, line %d", campaign.AssignmentsFile, i+1); {
		case !known:
			v.problem(where, "the campaign has no item %s", a.Item)
		case err != nil:
			v.problem(where, "item %s cannot be assigned so: %v", a.Item, err)
		case again.From != a.From || again.To != a.To:
			v.problem(where, "item %s was with %s then, not with %s", a.Item, again.From, a.From)
		}
	}
}

// remediation checks what the lines say by themselves: item, decision, days and order.
func (v *verifier) remediation() {
	signed := map[string][]campaign.Decision{}
	for _, d := range v.book.Decisions {
		if d.Signed {
			signed[d.Item] = append(signed[d.Item], d)
		}
	}
	known := map[string]bool{}
	for _, it := range v.book.Items {
		known[it.ID] = true
	}
	var last time.Time
	wasOverdue := map[string]bool{}
	for i, m := range v.book.Remediation {
		where := fmt.Sprintf("%s, line %d", campaign.RemediationFile, i+1)
		decided := slices.ContainsFunc(signed[m.Item], func(d campaign.Decision) bool {
			return d.Decision == m.Decision && int(m.At.Sub(d.At)/(24*time.Hour)) == m.Days
		})
		done := m.State == campaign.Done || m.State == campaign.Ended || m.State == campaign.Deactivated && v.book.InactiveCountsAsDone
		switch {
		case !known[m.Item]:
			v.problem(where, "the campaign has no item %s", m.Item)
		case m.At.Before(last):
			v.problem(where, "item %s: the review %s began before the one of the line above", m.Item, m.Run)
		case m.Decision != "" && !decided:
			v.problem(where, "item %s: no signed decision says %s %s before the review", m.Item, m.Decision, daysWords(m.Days))
		case m.Decision != "" && m.Decision != campaign.Keep && (m.Settled != done || m.Overdue != (!done && m.At.After(m.Due)) || m.Late != (done && wasOverdue[m.Item])):
			v.problem(where, "item %s: %s, settled, overdue and late contradict each other", m.Item, m.State)
		}
		last, wasOverdue[m.Item] = m.At, wasOverdue[m.Item] || m.Overdue
	}
}
