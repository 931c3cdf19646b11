package campaign

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/table"
)

// view is what the page and the workbook show of a campaign.
type view struct {
	*campaign.Book
	Made    Made
	Figures campaign.Figures
	Rows    []row // every item, what is open first and the worst of it first
	closer  closingKey
	// justified counts signed decisions with a justification, by reviewer in lower case.
	justified map[string]int
}

// row is an item as it stands.
type row struct {
	campaign.Status
	book *campaign.Book
	at   time.Time
	// Moves are the assignments, oldest first.
	Moves []campaign.Assignment
}

func newView(b *campaign.Book, made Made, closer closingKey) *view {
	v := &view{Book: b, Made: made, Figures: b.Figures(made.At), closer: closer, justified: map[string]int{}}
	moves := map[string][]campaign.Assignment{}
	for _, a := range b.Assignments {
		moves[a.Item] = append(moves[a.Item], a)
	}
	for _, s := range b.Status() {
		v.Rows = append(v.Rows, row{s, b, made.At, moves[s.Item.ID]})
		if s.State == campaign.Signed && strings.TrimSpace(s.Decision.Justification) != "" {
			v.justified[strings.ToLower(strings.TrimSpace(s.Decision.By))]++
		}
	}
	slices.SortStableFunc(v.Rows, func(a, b row) int {
		return cmp.Or(a.part()-b.part(), rank(a.Item.Severity)-rank(b.Item.Severity), cmp.Compare(a.Item.Target, b.Item.Target),
			cmp.Compare(a.Item.OwnerName(), b.Item.OwnerName()), cmp.Compare(a.Item.ID, b.Item.ID))
	})
	return v
}

// part puts what somebody has to do something about before what is done.
func (r row) part() int {
	switch {
	case r.Overdue():
		return 0
	case r.State.Open():
		return 1
	case r.Goes() && !r.Settled():
		return 2
	case r.Goes():
		return 3
	case r.State == campaign.Signed:
		return 4
	}
	return 5
}

func rank(s audit.Severity) int {
	if at := slices.Index(audit.Severities(), s); at >= 0 {
		return at
	}
	return len(audit.Severities())
}

// followed: a review has looked at the token since its revocation was signed.
func (r row) followed() bool { return r.Seen != nil && r.Seen.Decision != "" }

// Goes: the token has to go, by a signed decision, and GoneBy is until when.
func (r row) Goes() bool { return r.ToRemove() }

func (r row) GoneBy() time.Time { return r.book.RevokeBy(&r.Status) }

// Overdue: the token should be gone by now, and no review proved it.
func (r row) Overdue() bool { return r.Goes() && !r.Settled() && r.at.After(r.GoneBy()) }

// DaysOver are the days since it should be gone.
func (r row) DaysOver() int { return int(r.at.Sub(r.GoneBy()) / (24 * time.Hour)) }

// Token names it for people.
func (r row) Token() string {
	if strings.TrimSpace(r.Item.Description) == "" {
		return "(no description)"
	}
	return audit.Line(r.Item.Description, 200)
}

// Answers is who answers for the token, for which team and what for.
func (r row) Answers() string {
	return joined(" · ", r.Item.Responsible, r.Item.Team, r.Item.Purpose)
}

// StateChip is the colour of the state.
func (r row) StateChip() string {
	switch {
	case r.State == campaign.Signed:
		return "complete"
	case r.State == campaign.InConflict || r.State.Open() && r.at.After(r.book.Due):
		return "high"
	case r.State.Open():
		return "partial"
	}
	return "plain"
}

// Late: the decision was signed after the due date.
func (r row) Late() bool { return r.Decision.At.After(r.book.Due) }

// Waits says what an open item waits for.
func (r row) Waits() string {
	switch {
	case r.State == campaign.InConflict:
		return "waits for an assignment: who decides?"
	case r.Reviewer == "":
		return "waits for a reviewer: nobody is assigned"
	case r.NotMine:
		return r.Reviewer + " says that somebody else has to decide"
	case r.State == campaign.Decided:
		return r.Reviewer + " has to sign"
	}
	return "waits for " + r.Reviewer
}

// Against are decisions that contradict the one that counts.
func (r row) Against() string {
	var all []string
	for _, d := range r.Others {
		all = append(all, string(d.Decision)+" by "+d.By+" on "+day(d.At))
	}
	return strings.Join(all, "; ")
}

// Moved says who gave it to whom, and why.
func (r row) Moved() string {
	var all []string
	for _, a := range r.Moves {
		all = append(all, fmt.Sprintf("%s, from %s to %s: %s", day(a.At), cmp.Or(a.From, "nobody"), a.To, a.Reason))
	}
	return strings.Join(all, "; ")
}

// SeenWords are what the newest review saw; "" if there is nothing to see.
func (r row) SeenWords() string {
	switch {
	case r.Goes() && r.followed():
		return seenWords(*r.Seen)
	case r.Goes():
		return "unproven: no review since the decision"
	case r.Seen != nil && r.Seen.State == campaign.TokenGone && r.State == campaign.Signed:
		return "gone on " + day(r.Seen.At) + ", though it was kept"
	case r.Seen != nil && r.Seen.State == campaign.TokenGone:
		return "gone before a decision"
	case r.Seen != nil && r.Seen.State == campaign.TokenChanged:
		return "changed on " + day(r.Seen.At)
	}
	return ""
}

func seenWords(m campaign.Remediation) string {
	words := map[campaign.Seen]string{
		campaign.Done: "done", campaign.Ended: "expired or revoked", campaign.Deactivated: "set inactive", campaign.StillThere: "still there", campaign.Hidden: "hidden, still exists",
		campaign.Unproven: "unproven", campaign.Undone: "active again", campaign.Replaced: "replaced by one that may do the same",
	}[m.State]
	switch {
	case m.Settled && m.Late:
		return words + ", late: " + daysWords(m.Days) + " after the decision"
	case m.Settled:
		if m.Days == 0 {
			return words + " on the day of the decision"
		}
		return words + " within " + daysWords(m.Days) + " of the decision"
	}
	return cmp.Or(words, string(m.State))
}

func (r row) SeenChip() string {
	switch {
	case r.Settled():
		return "complete"
	case r.Overdue():
		return "high"
	case r.Goes():
		return "partial"
	}
	return "plain"
}

// Percent is a part of what had to be decided, rounded down: 100 is all.
func (v *view) Percent(part int) string {
	if of := v.toDecide(); of > 0 {
		return fmt.Sprintf("%d %%", 100*part/of)
	}
	return "–"
}

// toDecide leaves out what went before anybody decided.
func (v *view) toDecide() int { return v.Figures.Items - v.Figures.Gone }

// Headline says in one sentence how things stand.
func (v *view) Headline() string {
	f, r := v.Figures, v.Figures.Revocations
	if f.Items == 0 {
		return "No token was in the scope of this campaign"
	}
	words := fmt.Sprintf("All %s decided and signed", audit.Plural(v.toDecide(), "item"))
	if v.toDecide() == 1 {
		words = "The item is decided and signed"
	}
	switch {
	case v.toDecide() == 0:
		words = "No item is left to decide: all tokens are gone"
	case f.Open > 0:
		words = fmt.Sprintf("%s of %s not decided", audit.Number(f.Open), audit.Plural(v.toDecide(), "item"))
		if v.Closing == nil && v.Made.At.After(v.Due) {
			words += ", overdue since " + day(v.Due)
		}
	}
	switch {
	case r.Overdue > 0:
		return words + "; " + audit.Plural(r.Overdue, "revocation") + " overdue"
	case r.Outstanding > 0:
		return words + "; " + audit.Plural(r.Outstanding, "revocation") + " not proven yet"
	case r.Decided > 0:
		return words + "; " + allOf(r.Decided, "revocation") + " proven"
	}
	return words
}

func allOf(n int, noun string) string {
	if n == 1 {
		return "the " + noun
	}
	return "all " + audit.Plural(n, noun)
}

// Alarm is the verdict or severity whose colour the headline has.
func (v *view) Alarm() string {
	f := v.Figures
	switch {
	case f.Revocations.Overdue > 0:
		return string(audit.Critical)
	case f.Open > 0 && v.Made.At.After(v.Due):
		return string(audit.High)
	case f.Open > 0 || f.Revocations.Outstanding > 0:
		return string(audit.Partial)
	}
	return string(audit.Complete)
}

// OpenWords say what the open items are.
func (v *view) OpenWords() string {
	f, parts := v.Figures, []string{}
	for _, p := range []struct {
		n    int
		what string
	}{{f.Drafts, "in a draft"}, {f.Conflicts, "in conflict"}, {f.Unassigned, "without a reviewer"}} {
		if p.n > 0 {
			parts = append(parts, audit.Number(p.n)+" "+p.what)
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "due "+day(v.Due))
}

// DecisionWords count the signed decisions by what they say.
func (v *view) DecisionWords() string {
	var parts []string
	for _, kind := range []campaign.Kind{campaign.Keep, campaign.Revoke, campaign.Modify} {
		if n := v.Figures.ByDecision[kind]; n > 0 {
			parts = append(parts, audit.Number(n)+" "+string(kind))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none yet")
}

// SelfWords say what the number of self-reviews follows from.
func (v *view) SelfWords() string {
	words := fmt.Sprintf("of %s", audit.Plural(v.Figures.Signed, "signed decision"))
	if n := v.Figures.Refused[campaign.SelfReview]; n > 0 {
		words += "; " + audit.Plural(n, "attempt") + " refused"
	}
	return words
}

// refusedCode counts the rows that were refused for one reason.
type refusedCode struct {
	Code campaign.Code
	Rows int
}

func (v *view) RefusedCodes() (out []refusedCode) {
	for _, code := range slices.Sorted(maps.Keys(v.Figures.Refused)) {
		out = append(out, refusedCode{code, v.Figures.Refused[code]})
	}
	return out
}

// Overdue are the revocations that should be done by now.
func (v *view) Overdue() []row { return v.where(row.Overdue) }

func (v *view) Undecided() []row { return v.where(func(r row) bool { return r.State.Open() }) }

func (v *view) Revocations() []row { return v.where(row.Goes) }

func (v *view) where(is func(row) bool) (out []row) {
	for _, r := range v.Rows {
		if is(r) {
			out = append(out, r)
		}
	}
	return out
}

// fewDecisions are too few for rates to say anything of a reviewer.
const fewDecisions = 10

// Signs are what about a reviewer's decisions is a reason to ask.
func (v *view) Signs(f campaign.ReviewerFigure) (out []string) {
	const some, most, fast = 3, 95, 20 // decisions, percent, rows in a minute
	switch {
	case f.Signed >= some && f.KeepRate == 100 && v.justified[f.Reviewer] == 0:
		out = append(out, "all kept, none justified")
	case f.Signed >= fewDecisions && f.KeepRate >= most:
		out = append(out, fmt.Sprintf("keeps %d %%", f.KeepRate))
	}
	if f.Signed >= fewDecisions && f.SameReason >= most {
		out = append(out, fmt.Sprintf("one justification in %d %%", f.SameReason))
	}
	if f.Signed >= fewDecisions && f.RowsPerMinute >= fast {
		out = append(out, fmt.Sprintf("%d rows in a minute", f.RowsPerMinute))
	}
	if who := sharesKey(v.Book, v.closer, f.Reviewer); len(who) > 0 {
		out = append(out, "the same key as "+audit.Names(who, 3))
	}
	return out
}

// SameReasonWords are how often the most frequent justification stands.
func (v *view) SameReasonWords(f campaign.ReviewerFigure) string {
	switch {
	case f.Signed == 0:
		return table.Unknown
	case v.justified[f.Reviewer] == 0:
		return "none given"
	}
	return fmt.Sprintf("%d %%", f.SameReason)
}

// PaceWords are the rows a minute, where there are enough of them.
func PaceWords(f campaign.ReviewerFigure) string {
	switch {
	case f.Signed < fewDecisions || f.RowsPerMinute < 0:
		return table.Unknown
	case f.RowsPerMinute == 0:
		return "< 1"
	}
	return audit.Number(f.RowsPerMinute)
}

// WithinWords are how long a token may still be there after the decision, by severity.
func (v *view) WithinWords() string { return strings.TrimPrefix(within(v.Campaign), " within ") }

// ClosingWords say whether and how the campaign was closed.
func (v *view) ClosingWords() string {
	c := v.Closing
	if c == nil {
		return "The campaign is open."
	}
	words := "Closed on " + day(c.At) + " by " + c.By
	if len(c.Open) > 0 {
		words += " with " + audit.Plural(len(c.Open), "open item") + ": " + c.Reason
	}
	return words + "."
}

// SignatureWords say whether the manager signed the end.
func (v *view) SignatureWords() string {
	switch {
	case v.Closing == nil:
		return "Not yet: " + cmp.Or(v.Manager, "the manager") + " signs the closing statement."
	case v.closer.problem != "":
		return v.closer.problem
	case v.closer.fingerprint == "":
		return "Not signed. " + cmp.Or(v.Manager, "The manager") + " signs " + campaign.ClosedFile + " with: ssh-keygen -Y sign -n " + campaign.Namespace + " -f KEY " + campaign.ClosedFile
	}
	words := "Signed by " + cmp.Or(v.Closing.Manager, "the manager") + " (key " + v.closer.fingerprint + ")."
	if who := sharesKey(v.Book, v.closer, v.Closing.Manager); len(who) > 0 {
		words += " It is the same key as that of " + audit.Names(who, 3) + "."
	}
	return words + " tokenaudit verify checks whose key it is."
}

func daysWords(n int) string { return audit.Plural(n, "day") }

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// joined puts the texts that there are into one line.
func joined(between string, texts ...string) string {
	texts = slices.DeleteFunc(texts, func(s string) bool { return strings.TrimSpace(s) == "" })
	return audit.Line(strings.Join(texts, between), 300)
}
