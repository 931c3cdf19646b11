package campaign

import (
	"cmp"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// Summary is how the campaign stands at the end of a review, whose lines the book has.
func (b *Book) Summary(run audit.Run) audit.CampaignStatus {
	out := audit.CampaignStatus{Name: b.Name, ID: b.ID(), Due: b.Due, Items: len(b.Items)}
	if b.Closing != nil {
		out.Closed = b.Closing.At
	}
	r := b.Figures(run.Started).Revocations
	out.Revocations = audit.RevocationCounts{Decided: r.Decided, Done: r.Done, Outstanding: r.Outstanding, Overdue: r.Overdue, Unproven: r.Unproven}
	var overdue []Status
	for _, s := range b.Status() {
		if s.State.Open() {
			out.Undecided++
		}
		switch {
		case s.State == InConflict:
			out.Conflicts++
		case !s.ToRemove() || s.Seen == nil || s.Seen.Decision == "":
		case s.Seen.Settled && s.Seen.Run == run.ID():
			out.Proven = append(out.Proven, s.revocation(s.Seen.Days))
		case !s.Seen.Settled && run.Started.After(s.Seen.Due):
			overdue = append(overdue, s)
		}
	}
	slices.SortStableFunc(overdue, func(x, y Status) int {
		return cmp.Or(rank(x.Item.Severity)-rank(y.Item.Severity), x.Seen.Due.Compare(y.Seen.Due))
	})
	for _, s := range overdue[:min(len(overdue), audit.MaxCampaignTokens)] {
		out.Overdue = append(out.Overdue, s.revocation(int(run.Started.Sub(s.Seen.Due)/(24*time.Hour))))
	}
	out.Proven = out.Proven[:min(len(out.Proven), audit.MaxCampaignTokens)]
	return out
}

func (s *Status) revocation(days int) audit.Revocation {
	return audit.Revocation{
		Target: s.Item.Target, Authorization: s.Item.Authorization, Description: s.Item.Description, User: s.Item.OwnerName(), Responsible: s.Item.Responsible,
		Reviewer: s.Decision.By, Decision: string(s.Decision.Decision), Decided: s.Decision.At, Due: s.Seen.Due,
		State: string(s.Seen.State), Days: days, Evidence: s.Seen.Evidence,
	}
}
