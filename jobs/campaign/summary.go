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
		case !s.ToRemove():
		case s.Settled() && s.Seen.Run == run.ID():
			out.Proven = append(out.Proven, s.revocation(b.RevokeBy(&s), run.Started))
		case !s.Settled() && run.Started.After(b.RevokeBy(&s)):
			overdue = append(overdue, s)
		}
	}
	slices.SortStableFunc(overdue, func(x, y Status) int {
		return cmp.Or(rank(x.Item.Severity)-rank(y.Item.Severity), b.RevokeBy(&x).Compare(b.RevokeBy(&y)))
	})
	for _, s := range overdue[:min(len(overdue), audit.MaxCampaignTokens)] {
		r := s.revocation(b.RevokeBy(&s), run.Started)
		r.DaysOverdue = int(run.Started.Sub(r.Due) / (24 * time.Hour))
		out.Overdue = append(out.Overdue, r)
	}
	out.Proven = out.Proven[:min(len(out.Proven), audit.MaxCampaignTokens)]
	return out
}

func (s *Status) revocation(due, now time.Time) audit.Revocation {
	r := audit.Revocation{
		Target: s.Item.Target, Authorization: s.Item.Authorization, Description: s.Item.Description, User: s.Item.OwnerName(), Responsible: s.Item.Responsible,
		Reviewer: s.Decision.By, Decision: string(s.Decision.Decision), Decided: s.Decision.At, Due: due, State: string(Unproven), Days: int(now.Sub(s.Decision.At) / (24 * time.Hour)),
	}
	if s.Seen != nil && s.Seen.Decision != "" { // of a review since the decision
		r.State, r.Evidence = string(s.Seen.State), s.Seen.Evidence
	}
	return r
}
