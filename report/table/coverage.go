package table

import (
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// MostGaps bounds the gaps of one target that are shown; summary.json has them all.
const MostGaps = 200

// Words of a gap that people accepted, where others have their verdict, and of premises.
const Accepted = "accepted"

// Gap is a gap as a report shows it.
type Gap struct {
	ID, Title string
	State     string // the verdict that it lowers its target to, or Accepted
	Reason    string
	Remedy    string // what to do, or who accepted it, why and until when
}

// GapsOf puts gaps into words: those that lower the verdict first, at most MostGaps, and
// how many there are more.
func GapsOf(gaps []audit.Gap) (out []Gap, more int) {
	gaps = slices.Clone(gaps)
	slices.SortStableFunc(gaps, func(a, b audit.Gap) int { return rankOfGap(a) - rankOfGap(b) })
	gaps, more = gaps[:min(len(gaps), MostGaps)], max(0, len(gaps)-MostGaps)
	for _, g := range gaps {
		premise, _ := audit.PremiseOf(g.ID)
		row := Gap{ID: g.ID, Title: premise.Title, State: string(g.Verdict), Reason: g.Words(), Remedy: g.Remedy()}
		switch {
		case g.Accepted != nil:
			row.State, row.Remedy = Accepted, Capital(g.Accepted.Words())
		case g.Acceptable():
			row.Remedy = strings.TrimSuffix(row.Remedy, ".") + ". Or two people accept it until a date: accepted_gaps, gap " + g.Premise() + "."
		}
		out = append(out, row)
	}
	return out, more
}

func rankOfGap(g audit.Gap) int {
	switch {
	case g.Accepted != nil:
		return 2
	case g.Verdict == audit.NotKnown:
		return 0
	}
	return 1
}

// Premise is a premise as a report shows it.
type Premise struct {
	ID, Title, State, Evidence string
}

// PremisesOf puts the premises of a target into words, in the order of audit.Premises.
func PremisesOf(c audit.Coverage) []Premise {
	const most = 6 // pieces of evidence
	known := audit.Premises()
	place := func(p audit.Premise) int {
		if at := slices.IndexFunc(known, func(k audit.KnownPremise) bool { return k.ID == p.ID }); at >= 0 {
			return at
		}
		return len(known) // of a later version
	}
	premises := slices.Clone(c.Premises)
	slices.SortStableFunc(premises, func(a, b audit.Premise) int { return place(a) - place(b) })
	var out []Premise
	for _, p := range premises {
		k, _ := audit.PremiseOf(p.ID)
		row := Premise{p.ID, k.Title, string(p.State), strings.Join(p.Evidence[:min(len(p.Evidence), most)], "; ")}
		if more := len(p.Evidence) - most; more > 0 {
			row.Evidence += "; and " + audit.Number(more) + " more"
		}
		open := func(g audit.Gap) bool { return g.Premise() == p.ID && g.Accepted == nil }
		if p.State == audit.Fails && !slices.ContainsFunc(c.Gaps, open) {
			row.State = Accepted
		}
		out = append(out, row)
	}
	return out
}

// PremiseWords count the premises by their states: 9 hold, 1 accepted, 4 not needed.
func PremiseWords(premises []Premise) string {
	var parts []string
	for _, state := range []string{string(audit.Holds), string(audit.Fails), Accepted, string(audit.NotNeeded)} {
		n := 0
		for _, p := range premises {
			if p.State == state {
				n++
			}
		}
		word := state
		switch {
		case state == string(audit.Holds) && n != 1:
			word = "hold"
		case state == string(audit.Fails) && n != 1:
			word = "do not hold"
		}
		if n > 0 {
			parts = append(parts, audit.Number(n)+" "+word)
		}
	}
	return strings.Join(parts, ", ")
}

// CredentialWords say of the credentials of a target which were accepted.
func CredentialWords(all []audit.Credential) string {
	var refused []string
	for _, c := range all {
		if !c.Accepted {
			refused = append(refused, strings.TrimSuffix(c.Of+" ("+c.Answer+")", " ()"))
		}
	}
	switch {
	case len(all) == 0:
		return ""
	case len(refused) == 0:
		return audit.Plural(len(all), "credential") + " used, accepted"
	}
	return audit.Plural(len(all), "credential") + " used; refused: " + strings.Join(refused, ", ")
}
