package report

import "tokenaudit/jobs/audit"

const mostQuestions = 200 // of one target; summary.json has them all

// targetView is the coverage of one target; its texts are safe to show.
type targetView struct {
	audit.Coverage
	MoreReasons, MoreAsked int
	Counted                string // by the server itself
}

func targetViews(all []audit.Coverage) []targetView {
	var out []targetView
	for _, t := range all {
		v := targetView{Coverage: t}
		v.Target, v.Source, v.Server = long(t.Target), long(t.Source), long(t.Server)
		v.Reasons, v.MoreReasons = head(linesOf(t.Reasons), mostQuestions)
		v.BlindSpots = linesOf(t.BlindSpots)
		v.Asked, v.MoreAsked = questions(t.Asked)
		for _, counted := range stored(t.Stored) {
			v.Counted = counted
		}
		out = append(out, v)
	}
	return out
}

// questions leaves out the tail of those that were answered in full: what went
// wrong is always among those shown, as far as it fits.
func questions(all []audit.Asked) ([]audit.Asked, int) {
	var bad, good []audit.Asked
	for _, q := range all {
		q.What, q.Request, q.Reason = long(q.What), long(q.Request), long(q.Reason)
		if q.Verdict == audit.Complete {
			good = append(good, q)
		} else {
			bad = append(bad, q)
		}
	}
	return head(append(bad, good...), mostQuestions)
}
