package html

import (
	"cmp"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// The words of the page that its template does not have: those that depend on what was
// found.

// plain is a word of the model as people write it.
func plain(word string) string { return strings.ReplaceAll(word, "not_member", "not a member") }

const markNote = "The mark across a bar is the previous review."

func ownerNote(none bool) string {
	note := "Unknown is not the same as deleted: the owner could not be read."
	if none {
		note += " None: the product has no owners, or does not show whether they were deleted."
	}
	return note
}

// shownWords say how much of the tokens the page has.
func shownWords(shown table.Shown) string {
	if shown.Whole() {
		return ""
	}
	return shown.Words()
}

func cutWords(all int) string { return "… (cut, " + audit.Number(all) + " characters in all)" }

// comparedWords say with what the figures are compared.
func comparedWords(s audit.Summary) string {
	if s.Previous == nil {
		return "This is the first review of this job: there is nothing to compare with."
	}
	return "Compared with the previous review, of " + table.DayOf(s.Previous.Slot) + "."
}

const mostProducts = 10 // targets whose product the first page names; Coverage has all

// scopeWords say what was reviewed.
func scopeWords(s audit.Summary) string {
	words := audit.Plural(s.Authorizations.Total, "token") + " in " + audit.Plural(len(s.Reviewed()), "target") + "."
	if products := s.Coverage.ProductsWords(mostProducts); products != "" {
		words += " " + products + "."
	}
	return words
}

// policyChangedWords say whether the figures rest on the same policy as those before.
func policyChangedWords(s audit.Summary) string {
	switch {
	case s.Previous == nil:
		return ""
	case len(s.PolicyChanges) > 0:
		return table.PolicyWords(s)
	}
	return "Policy unchanged since the previous review."
}

// ageWords are "12 days", empty where the age is not known.
func ageWords(age any) string {
	if days, known := age.(int); known {
		return audit.Plural(days, "day")
	}
	return ""
}

// openWords say for how long something is open.
func openWords(since, now time.Time) string {
	days := int(now.Sub(since).Hours() / 24)
	switch {
	case since.IsZero():
		return ""
	case days < 1:
		return "today"
	case days < 14:
		return audit.Plural(days, "day")
	}
	return audit.Plural(days/7, "week")
}

// scopeOf says what a token may write.
func scopeOf(r *table.Row) string {
	switch {
	case r.IsServer():
		return ""
	case r.Scope == "" && r.Access.Unreadable:
		return "not known: its permissions could not be read"
	}
	return cmp.Or(r.Scope, "nothing")
}

// aboutToken is what the row of a token says below its ID.
func aboutToken(r *table.Row) string {
	if r.IsServer() {
		return "about the server, not one token"
	}
	words := []string{r.Access.Class()}
	if status := r.StatusAt(r.Now); status != audit.Active {
		words = append(words, table.OneLine(string(status)))
	}
	if r.Presence != audit.Listed {
		words = append(words, string(r.Presence))
	}
	return strings.Join(words, ", ")
}

// aboutOwner is what the row of a token says below the name of its owner: the state, and
// who answers for it.
func aboutOwner(r *table.Row) string {
	var words []string
	if r.Owner.State != audit.OwnerPresent && r.OwnerWords() != table.NoOwner {
		words = append(words, plain(table.OneLine(string(r.Owner.State))))
	}
	for _, text := range []string{r.Contact.Responsible, r.Contact.Team} {
		if text != "" && text != r.OwnerName() {
			words = append(words, audit.Line(text, ownerRunes))
		}
	}
	return strings.Join(words, " · ")
}

// approvalWords say who allowed a finding, why and until when.
func approvalWords(a *audit.Approval) string {
	if a == nil {
		return ""
	}
	words := a.Reason + ". Requested by " + a.Requested + ", approved by " + a.ApprovedBy
	if a.Ticket != "" {
		words += ", ticket " + a.Ticket
	}
	return long(words + ", until " + table.DayOf(a.LastDay()) + ".")
}

// whoName is the person, or else the user, who has to act.
func whoName(o audit.OwnerHighlights) string {
	return audit.Line(cmp.Or(o.Contact.Responsible, o.Owner.Name, o.Owner.ID, table.NoOwner), ownerRunes)
}

// whoAbout says which users of InfluxDB that is about.
func whoAbout(o audit.OwnerHighlights, targets int) string {
	var words []string
	switch {
	case o.Owner.IsNone():
	case o.Users > 1:
		words = append(words, audit.Plural(o.Users, "user"))
	case o.Contact.Responsible != "" && o.Contact.Responsible != o.Owner.Name:
		words = append(words, "for "+audit.Line(cmp.Or(o.Owner.Name, o.Owner.ID), exactRunes))
	}
	if o.Owner.State != audit.OwnerPresent && !o.Owner.IsNone() {
		words = append(words, plain(table.OneLine(string(o.Owner.State))))
	}
	if o.Contact.Team != "" {
		words = append(words, audit.Line(o.Contact.Team, exactRunes))
	}
	if targets > 1 && o.Users <= 1 {
		words = append(words, table.OneLine(o.Target))
	}
	return strings.Join(words, " · ")
}
