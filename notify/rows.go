package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// columns head the table of tokens with news.
func columns() []string {
	return []string{"Severity", "Token", "Owner", "Org", "New findings", "Age"}
}

// rows are the first tokens as cells, one for each of columns.
func rows(m Message, tokens int) [][]string {
	var out [][]string
	for _, h := range m.News.Worst[:tokens] {
		r := h.Record
		out = append(out, []string{
			shown(string(h.Findings[0].Severity), 10, "unrated"),
			token(r),
			owner(r),
			org(r, len(m.Summary.Coverage.Targets)),
			findings(h.Findings),
			age(m.Summary.Started, r.CreatedAt),
		})
	}
	return out
}

// maxTitles is how many findings of one token are named.
const maxTitles = 3

func findings(fs []audit.Finding) string {
	var titles []string
	for _, f := range fs[:min(len(fs), maxTitles)] {
		titles = append(titles, titleOf(f))
	}
	if more := len(fs) - maxTitles; more > 0 {
		titles = append(titles, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(titles, "; ")
}

func titleOf(f audit.Finding) string {
	title := shown(audit.CheckOf(f.Check).Title, 60, "unknown check")
	if f.State == audit.Reopened {
		title += " (reopened)"
	}
	return title
}

func age(now, created time.Time) string {
	if created.IsZero() {
		return "unknown"
	}
	return fmt.Sprintf("%d d", max(0, int(now.Sub(created).Hours()/24)))
}

func owner(r audit.Record) string {
	o := r.Owner
	o.Name, o.ID = cmp.Or(o.Name, r.User), cmp.Or(o.ID, r.UserID)
	return named(o)
}

// named is the name of an owner and why it cannot be one any more.
func named(o audit.Owner) string {
	name := shown(cmp.Or(o.Name, o.ID), 36, "unknown")
	switch o.State {
	case audit.OwnerDeleted:
		return name + " (deleted)"
	case audit.OwnerInactive:
		return name + " (inactive)"
	case audit.OwnerNotMember:
		return name + " (not in the org)"
	case audit.OwnerUnknown:
		return name + " (state unknown)"
	}
	return name
}

func token(r audit.Record) string {
	return shown(r.Description, 48, "(no description)") + ", id " + shown(r.ID, 20, "unknown")
}

// org names the target too where there are several: org names repeat between servers.
func org(r audit.Record, targets int) string {
	name := shown(cmp.Or(r.Org, r.OrgID), 32, "unknown")
	if targets > 1 {
		name += " (" + shown(r.Target, 24, "unnamed target") + ")"
	}
	return name
}
