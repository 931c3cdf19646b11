package html

import (
	"cmp"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// Bounds of what the first page shows.
const (
	mostWho       = 10
	mostReasons   = 5
	mostCampaigns = 5
	mostNotes     = 5 // of one campaign and kind
	mostReplaced  = 10
)

// summaryView is the first page: what a manager has to know.
type summaryView struct {
	Headline, Alarm  string
	Scope, Compared  string
	Campaigns        []campaignView
	MoreCampaigns    int
	Tiles            []tile
	Decide           []decisionView
	Who              []whoView
	MoreWho          int
	Lines, MoreLines []lineView // of coverage
	Policy           string
	NewWrites        []writeView
	MoreWrites       int
	Replaced         string // which tokens others took the place of
}

// tile is a figure of the review, its name and its change; the link filters the tokens.
type tile struct {
	ID, Name string
	N        int
	About    string
	Worse    bool
	NotKnown bool
	Show     string // filter of the tokens
	State    string // of their findings
}

// campaignView is how a campaign stands, and what is overdue and proven of it.
type campaignView struct {
	Words string
	Late  bool
	Notes []audit.CampaignNote
}

type decisionView struct {
	audit.Decision
	Where, Oldest, Open, Due string
}

type whoView struct {
	Name, About, Oldest, Open string
	Exact, Target             string // filters
	Tokens, New, Overdue      int
}

type lineView struct {
	ID, Targets, Words, Remedy string
	Accepted                   bool
}

type writeView struct{ ID, Name, Owner, Target string }

func (p *Page) summary(h *audit.Highlights) summaryView {
	s := p.in.Summary
	v := summaryView{
		Headline: s.Headline(), Alarm: table.Alarm(s), Scope: scopeWords(s), Compared: comparedWords(s),
		Tiles: tiles(s), Policy: policyChangedWords(s),
	}
	campaigns, more := head(s.Campaigns, mostCampaigns)
	v.MoreCampaigns = more
	for _, c := range campaigns {
		v.Campaigns = append(v.Campaigns, campaignView{c.Words(table.DayOf), c.Revocations.Overdue > 0, c.Notes(mostNotes, table.DayOf)})
	}
	for _, d := range s.Decide() {
		v.Decide = append(v.Decide, decisionView{d, h.Where(d), table.DayOf(d.Oldest), openWords(d.Oldest, s.Started), table.DayOf(d.Due)})
	}
	owners, _ := head(h.Owners, mostWho)
	for _, o := range owners {
		w := whoView{Name: whoName(o), About: whoAbout(o, len(s.Coverage.Targets)), Oldest: table.DayOf(o.Oldest), Open: openWords(o.Oldest, s.Started), Tokens: o.Tokens, New: o.New, Overdue: o.Overdue}
		w.Exact, w.Target = whoFilter(o, h.Owners)
		v.Who = append(v.Who, w)
	}
	v.MoreWho = len(h.Owners) + h.MoreOwners - len(v.Who)
	for _, l := range s.Coverage.Lines() {
		line := lineView{ID: table.OneLine(l.ID), Targets: audit.Names(l.Targets, 3), Words: audit.Line(l.Words, 400), Remedy: long(l.Remedy), Accepted: l.Accepted != nil}
		if line.Accepted {
			line.Remedy = long(table.Capital(l.Accepted.Words()) + ".")
		}
		v.Lines = append(v.Lines, line)
	}
	v.Lines, v.MoreLines = v.Lines[:min(len(v.Lines), mostReasons)], v.Lines[min(len(v.Lines), mostReasons):min(len(v.Lines), mostQuestions)]
	for _, w := range h.NewWrites {
		v.NewWrites = append(v.NewWrites, writeView{
			ID: table.OneLine(w.Record.ID), Name: audit.Line(cmp.Or(w.Record.Description, w.Record.ID), exactRunes),
			Owner: audit.Line(cmp.Or(w.Record.Owner.Name, w.Record.User, w.Record.UserID), exactRunes), Target: w.Record.Target,
		})
	}
	v.MoreWrites = max(0, s.Inventory.New-len(v.NewWrites))
	v.Replaced = h.ReplacedWords(mostReplaced)
	return v
}

// whoFilter is what finds exactly the tokens of a person or user, among those that need action.
func whoFilter(o audit.OwnerHighlights, all []audit.OwnerHighlights) (exact, target string) {
	if o.Contact.Responsible != "" {
		return exactName(o.Contact.Responsible), ""
	}
	shared := func(other audit.OwnerHighlights) bool {
		return other.Key != o.Key && other.Target == o.Target && exactName(other.Owner.Name) == exactName(o.Owner.Name)
	}
	if o.Owner.Name == "" || slices.ContainsFunc(all, shared) {
		return exactName(o.Owner.ID), exactName(o.Target)
	}
	return exactName(o.Owner.Name), exactName(o.Target)
}

// tiles are the figures in the order in which they matter.
func tiles(s audit.Summary) []tile {
	a, before := s.NeedsAction, s.Previous
	out := []tile{{ID: "needs-action", Name: "Needs action", N: a.Tokens, Show: "action", About: "tokens"}}
	if before != nil {
		out[0].About, out[0].Worse = audit.Difference(a.Before(), a.Before()+a.Change()), a.Change() > 0
	}
	if before != nil {
		out = append(out,
			tile{ID: "new", Name: "New", N: a.New, Show: "new", About: "of them, since the previous review"},
			tile{ID: "fixed", Name: "Fixed", N: a.Fixed, Show: "fixed", About: "tokens, since the previous review"})
	}
	overdue := tile{ID: "overdue", Name: "Overdue", N: a.Overdue, Show: "overdue", About: "tokens past their due date"}
	exceptions := tile{ID: "exceptions", Name: "Exceptions", N: s.Exceptions, Show: "all", State: string(audit.Excepted), About: "in force"}
	gaps := tile{ID: "accepted-gaps", Name: "Accepted gaps", N: s.Coverage.AcceptedGaps, About: "in force"}
	if before != nil {
		exceptions.About, gaps.About = audit.Difference(before.Exceptions, exceptions.N), audit.Difference(before.AcceptedGaps, gaps.N)
		if before.NeedsAction.Known() && len(s.PolicyChanges) == 0 {
			overdue.About, overdue.Worse = audit.Difference(before.NeedsAction.Overdue, overdue.N), overdue.N > before.NeedsAction.Overdue
		}
	}
	for tile, configured := range map[*tile]int{&exceptions: len(s.Policy.Exceptions), &gaps: len(s.Policy.AcceptedGaps)} {
		tile.About = strings.Trim(table.OfConfigured(tile.N, configured)+", "+tile.About, ", ")
	}
	out = append(out, overdue)
	for i := range out {
		out[i].NotKnown = s.Unread(out[i].N)
	}
	return append(out, exceptions, gaps)
}

const mostQuestions = 200 // of one target; summary.json has them all

// targetView is the coverage of one target, as far as the page shows it.
type targetView struct {
	audit.Coverage
	MoreReasons, MoreAsked int
	Counted                string // by the server itself
	Words                  string // of the verdict
	Beyond                 string // the list
	Credentials            string
	Gaps                   []table.Gap
	MoreGaps               int
	Premises               []table.Premise
	Unused                 []string // decisions about gaps that there are not
}

func targetViews(all []audit.Coverage) []targetView {
	var out []targetView
	for _, t := range all {
		v := targetView{Coverage: t}
		v.Words, v.Beyond, v.Credentials = t.Words(), t.HiddenWords("token"), table.CredentialWords(t.Credentials)
		v.Gaps, v.MoreGaps = table.GapsOf(t.Gaps)
		v.Premises = table.PremisesOf(t)
		for _, unused := range t.AcceptedUnused {
			v.Unused = append(v.Unused, unused.UnusedWords())
		}
		v.Reasons, v.MoreReasons = head(t.Reasons, mostQuestions)
		if len(t.Gaps) > 0 { // which say more
			v.Reasons, v.MoreReasons = nil, 0
		}
		v.Counted = strings.Join(table.StoredWords(t.Stored), "")
		// What is left out is the tail of those that were answered in full.
		var bad, good []audit.Asked
		for _, q := range t.Asked {
			if q.Verdict == audit.Complete {
				good = append(good, q)
			} else {
				bad = append(bad, q)
			}
		}
		v.Asked, v.MoreAsked = head(append(bad, good...), mostQuestions)
		out = append(out, v)
	}
	return out
}

// head is the beginning of a list, and how much it leaves out.
func head[T any](all []T, most int) ([]T, int) {
	n := min(len(all), most)
	return all[:n], len(all) - n
}

// checkSection is a check that found something, and what to do about it.
type checkSection struct {
	audit.Check
	Severity audit.Severity // as the policy has it
	Count    int
	Fresh    int // new since the previous review
	Back     int // reopened
	Excepted int // not part of Count
	Controls []audit.Control
}

// checkSections are the checks with findings that stand, worst first.
func checkSections(fs table.FindingCounts, controls audit.Controls) []checkSection {
	var out []checkSection
	for _, g := range fs.Groups() {
		states := fs[g]
		n := states[audit.New] + states[audit.Open] + states[audit.Reopened] + states[audit.ByPolicy]
		if n+states[audit.Excepted] == 0 {
			continue
		}
		out = append(out, checkSection{
			Check: audit.CheckOf(g.Check), Severity: g.Severity, Count: n,
			Fresh: states[audit.New], Back: states[audit.Reopened], Excepted: states[audit.Excepted], Controls: controls[g.Check],
		})
	}
	return out
}

func controlName(c audit.Control) string {
	return strings.Join(strings.Fields(c.Framework+" "+c.Version+" "+c.ID), " ")
}

// unjudgedView is a check that could not be judged.
type unjudgedView struct {
	audit.Check
	NotJudged string // why
}

// quietChecks are those that found nothing, those that could not be judged, those that are
// off, and those that are for other products: nothing found is a result, not judged is none.
func quietChecks(s audit.Summary) (passed []audit.Check, unjudged []unjudgedView, off, elsewhere []audit.Check) {
	for _, c := range s.Policy.Checks {
		switch {
		case c.Severity == audit.Off:
			off = append(off, audit.CheckOf(c.Check))
		case !s.Applies(c.Check):
			elsewhere = append(elsewhere, audit.CheckOf(c.Check))
		case s.WhyNotJudged(c.Check) != "":
			unjudged = append(unjudged, unjudgedView{audit.CheckOf(c.Check), s.WhyNotJudged(c.Check)})
		case s.Findings.ByCheck[c.Check] == 0:
			passed = append(passed, audit.CheckOf(c.Check))
		}
	}
	return passed, unjudged, off, elsewhere
}
