package campaign

import (
	"slices"
	"strings"
	"time"
)

// Figures are what a campaign came to, or stands at.
type Figures struct {
	Items      int          `json:"items"`
	Signed     int          `json:"signed"`
	OnTime     int          `json:"on_time"` // of Signed
	Drafts     int          `json:"drafts"`
	Gone       int          `json:"gone"`
	Open       int          `json:"open"` // neither signed nor gone
	Conflicts  int          `json:"conflicts"`
	Unassigned int          `json:"unassigned"`
	ByDecision map[Kind]int `json:"by_decision"` // of Signed
	Reassigned int          `json:"reassigned"`
	// SelfReviews counts signed decisions on tokens of the reviewer's own, which are refused.
	SelfReviews int `json:"self_reviews"`
	// Refused rows count until the reviewer sends a row of the same item again, which counts
	// instead: a draft that is corrected leaves none.
	Refused   map[Code]int     `json:"refused"`
	Reviewers []ReviewerFigure `json:"reviewers"`

	Revocations Revocations `json:"revocations"`
}

// Revocations count the tokens that have to go, by signed decisions.
type Revocations struct {
	Decided     int          `json:"decided"`
	Done        int          `json:"done"` // settled
	Late        int          `json:"late"` // of Done: a review saw them overdue before
	Outstanding int          `json:"outstanding"`
	Overdue     int          `json:"overdue"`
	Unproven    int          `json:"unproven"` // of Outstanding: the newest review could not see it, or none was made
	ByState     map[Seen]int `json:"by_state"`
	// DaysMedian and DaysWorst are from the decision to the proof, of Done.
	DaysMedian int `json:"days_median"`
	DaysWorst  int `json:"days_worst"`
}

// ReviewerFigure is what one reviewer did. High rates are signs that nobody looked.
type ReviewerFigure struct {
	Reviewer string    `json:"reviewer"`
	Items    int       `json:"items"` // assigned now
	Open     int       `json:"open"`
	Signed   int       `json:"signed"` // by them
	LastAt   time.Time `json:"last_at,omitzero"`
	// KeepRate and SameReason are in percent of Signed: kept ones, and those that have the
	// most frequent justification, if it stands more than once.
	KeepRate   int `json:"keep_rate"`
	SameReason int `json:"same_reason"`
	// RowsPerMinute is the fastest of their files: its rows by the time since their export;
	// -1 where no export is known.
	RowsPerMinute int `json:"rows_per_minute"`
}

// Figures adds up the book at a time.
func (b *Book) Figures(now time.Time) Figures {
	f := Figures{Items: len(b.Items), ByDecision: map[Kind]int{}, Refused: map[Code]int{}, Reviewers: []ReviewerFigure{}, Revocations: Revocations{ByState: map[Seen]int{}}}
	people := map[string]*ReviewerFigure{}
	reasons := map[string]map[string]int{}
	person := func(who string) *ReviewerFigure {
		key := folded(who)
		if people[key] == nil {
			people[key], reasons[key] = &ReviewerFigure{Reviewer: key, RowsPerMinute: -1}, map[string]int{}
		}
		return people[key]
	}
	var days []int
	for _, s := range b.Status() {
		f.addState(&s)
		if s.Reviewer != "" {
			p := person(s.Reviewer)
			p.Items++
			if s.State.Open() {
				p.Open++
			}
		} else if s.State.Open() {
			f.Unassigned++
		}
		if s.State != Signed {
			continue
		}
		d, p := s.Decision, person(s.Decision.By)
		f.ByDecision[d.Decision]++
		if !d.At.After(b.Due) {
			f.OnTime++
		}
		if s.Item.isSelf(d.By) {
			f.SelfReviews++
		}
		p.Signed++
		if d.At.After(p.LastAt) {
			p.LastAt = d.At
		}
		if d.Decision == Keep {
			p.KeepRate++
		}
		if d.Justification != "" {
			reasons[folded(d.By)][d.Justification]++
		}
		if s.ToRemove() {
			f.Revocations.add(&s, now.After(b.RevokeBy(&s)))
			if s.Settled() {
				days = append(days, s.Seen.Days)
			}
		}
	}
	f.Reassigned = len(b.Assignments)
	for _, r := range b.standing() {
		f.Refused[r.Code]++
	}
	b.addPeople(&f, people, reasons)
	if len(days) > 0 {
		slices.Sort(days)
		f.Revocations.DaysMedian, f.Revocations.DaysWorst = days[len(days)/2], days[len(days)-1]
	}
	return f
}

// RefusedRows are those of all codes.
func (f Figures) RefusedRows() (sum int) {
	for _, n := range f.Refused {
		sum += n
	}
	return sum
}

// standing are the refused rows that the reviewer sent no later row for.
func (b *Book) standing() (out []Refusal) {
	reviewers := map[int]string{} // by import
	for _, in := range b.Imports {
		reviewers[in.Import] = folded(in.Reviewer)
	}
	newest := map[string]int{} // import, by reviewer and item
	key := func(of int, item string) string {
		return reviewers[of] + "\x00" + strings.TrimPrefix(item, groupPrefix)
	}
	for _, d := range b.Decisions {
		newest[key(d.Import, d.Item)] = d.Import
	}
	for _, r := range b.Refused {
		newest[key(r.Import, r.Item)] = max(newest[key(r.Import, r.Item)], r.Import)
	}
	for _, r := range b.Refused {
		if newest[key(r.Import, r.Item)] == r.Import {
			out = append(out, r)
		}
	}
	return out
}

func (f *Figures) addState(s *Status) {
	switch s.State {
	case Signed:
		f.Signed++
	case Gone:
		f.Gone++
	case Decided:
		f.Drafts++
	case InConflict:
		f.Conflicts++
	}
	if s.State.Open() {
		f.Open++
	}
}

// add counts a token; late is whether it had to be gone by now.
func (r *Revocations) add(s *Status, late bool) {
	r.Decided++
	seen := s.Seen
	if seen == nil || seen.Decision == "" { // no review since the decision
		seen = &Remediation{State: Unproven}
	}
	r.ByState[seen.State]++
	if seen.Settled {
		r.Done++
		if seen.Late {
			r.Late++
		}
		return
	}
	r.Outstanding++
	if seen.State == Unproven {
		r.Unproven++
	}
	if late {
		r.Overdue++
	}
}

// addPeople makes rates of counts, by name.
func (b *Book) addPeople(f *Figures, people map[string]*ReviewerFigure, reasons map[string]map[string]int) {
	for who, p := range people {
		most := 0
		for _, n := range reasons[who] {
			most = max(most, n)
		}
		if p.Signed > 0 {
			p.KeepRate = 100 * p.KeepRate / p.Signed
			if most > 1 {
				p.SameReason = 100 * most / p.Signed
			}
		}
		for _, in := range b.Imports {
			if !Same(in.Reviewer, who) || in.Rows == 0 {
				continue
			}
			for _, e := range slices.Backward(b.Exports) {
				if Same(e.Reviewer, who) && !e.At.After(in.At) {
					minutes := max(1, int(in.At.Sub(e.At)/time.Minute))
					p.RowsPerMinute = max(p.RowsPerMinute, in.Rows/minutes)
					break
				}
			}
		}
		f.Reviewers = append(f.Reviewers, *p)
	}
	slices.SortFunc(f.Reviewers, func(x, y ReviewerFigure) int { return strings.Compare(x.Reviewer, y.Reviewer) })
}
