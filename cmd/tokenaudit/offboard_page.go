package main

import (
	"cmp"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// offboardPage is a plan for people.
func (c *cli) offboardPage(p offboarding) string {
	var out strings.Builder
	width := c.columns()
	tokens, writes, targets, users := 0, 0, 0, 0
	for _, t := range p.Targets {
		for _, m := range t.Tokens {
			tokens++
			if m.MayWrite != "" && m.Stops != "" {
				writes++
			}
		}
		if len(t.Tokens) > 0 {
			targets++
		}
		if t.UserID != "" {
			users++
		}
	}
	head := fmt.Sprintf("%s: %s in %s, %d of them work and may write", audit.Line(p.User, 60), audit.Plural(tokens, "token"), audit.Plural(targets, "target"), writes)
	if tokens == 0 {
		head = fmt.Sprintf("%s: no tokens, the user exists in %s", audit.Line(p.User, 60), audit.Plural(users, "target"))
	}
	if !p.Complete {
		head += "; some may be missing here"
	}
	fmt.Fprintln(&out, c.paint.bold(hanging("", head, width)))
	for _, t := range p.Targets {
		fmt.Fprintf(&out, "\n%s\n", c.paint.bold(hanging("", audit.Line(t.Target+": "+t.Source, 200), width)))
		for _, u := range t.Unknown {
			fmt.Fprintln(&out, hanging("", c.paint.bad("NOT KNOWN")+": "+audit.Line(u, 500), width))
		}
		switch {
		case t.UserID != "":
			fmt.Fprintln(&out, hanging("", fmt.Sprintf("User %s, ID %s, %s", audit.Line(cmp.Or(t.User, p.User), 80), audit.Line(t.UserID, longestID), t.UserState), width))
		case len(t.Tokens) == 0 && len(t.Unknown) == 0:
			fmt.Fprintln(&out, hanging("", "There is no such user here, and no token of one."+idNote(p.User), width))
			continue
		case t.UserState == "not_found":
			fmt.Fprintln(&out, "The user is deleted already.")
		}
		if len(t.Tokens) > 0 {
			fmt.Fprintf(&out, "\n%s\n", movingTable(t.Tokens, width))
			fmt.Fprintf(&out, "\n%s\n", hanging("", stopWords(t), width))
		} else if t.UserID != "" {
			fmt.Fprintln(&out, "No token of this user could be seen.")
		}
		printSteps(&out, t.Steps, t.heir, width)
	}
	return out.String()
}

// idNote says what an ID leaves out.
func idNote(user string) string {
	if target.IsID(user) {
		return " An ID is that of one server; give the name to look for a person everywhere."
	}
	return ""
}

// stopWords say what ends when the user is deleted.
func stopWords(t offboardTarget) string {
	var writes, reads []string
	for _, m := range t.Tokens {
		label := cmp.Or(m.Description, m.ID)
		switch {
		case m.Stops == "":
		case m.MayWrite != "":
			writes = append(writes, label)
		default:
			reads = append(reads, label)
		}
	}
	switch {
	case len(writes)+len(reads) == 0 && t.UserState == "not_found":
		return "None of the tokens works."
	case len(writes)+len(reads) == 0:
		return "None of the tokens works now: nothing stops when the user is deleted."
	}
	words := fmt.Sprintf("%s will stop working when the user is deleted.", audit.Plural(len(writes)+len(reads), "active token"))
	if len(writes) > 0 {
		words += " Writing ends: " + audit.Names(writes, 10) + "."
	}
	if len(reads) > 0 {
		words += " Reading ends: " + audit.Names(reads, 10) + "."
	}
	return words
}
