// Package campaign is the domain of access reviews: people decide on tokens until a date,
// and the reviews that follow say what became of it.
//
// A campaign is opened on the records of one review, which makes its Items; they are
// frozen. Reviewers send files back, whose rows Import takes or refuses, each with a code.
// Compare holds what was decided against the records of later reviews. A Book is all that
// is known of one campaign; Load reads it from its evidence folder, and its other methods
// add to that. It imports only the standard library and package audit.
package campaign

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Format changes when a reader of the old one would misread the new one.
const Format = "tokenaudit-campaign/1"

// Scope says which tokens of the review are items.
type Scope string

const (
	ScopeAll        Scope = "all"
	ScopeFlagged    Scope = "flagged"    // with a finding that stands, other than info
	ScopePrivileged Scope = "privileged" // see Item.Privileged
	// ScopeChanged leaves out what an earlier campaign kept and that is as it was then,
	// unless it is privileged.
	ScopeChanged Scope = "changed"
)

// Scopes are all of them.
func Scopes() []string {
	return []string{string(ScopeAll), string(ScopeFlagged), string(ScopePrivileged), string(ScopeChanged)}
}

// Terms are what is configured of a campaign.
type Terms struct {
	Name, Job string
	Zone      string // IANA name, of the job
	Scope     Scope
	Basis     string
	Due       time.Duration // after the opening
	Remind    []Span        // before the due date
	Escalate  Escalation
	// RevokeWithin is how long after the decision a token may still be there, by severity;
	// DefaultWithin for those that are not named.
	RevokeWithin         map[audit.Severity]time.Duration
	DefaultWithin        time.Duration
	InactiveCountsAsDone bool
	TicketRequired       bool   // for revoke and modify
	Reviewer             string // who decides where nobody else is named
	Manager              string // signs the end
}

// Span is a span of time as it is written in the configuration: 3d.
type Span struct {
	Words string
	Span  time.Duration
}

// Escalation says who is told that items are overdue, and when.
type Escalation struct {
	After time.Duration // the due date
	To    string        // a Slack ID or an e-mail address; "" for nobody
}

// Campaign is campaign.json: what was fixed when it opened.
type Campaign struct {
	Format  string        `json:"format"`
	Name    string        `json:"name"`
	Opened  time.Time     `json:"opened"` // the slot, to the second
	Trigger audit.Trigger `json:"trigger"`
	Job     string        `json:"job"`
	Zone    string        `json:"zone"`
	// Run is the review that the items are of, and Manifest the SHA-256 of the manifest of
	// its evidence pack.
	Run       string     `json:"run"`
	Manifest  string     `json:"manifest_sha256"`
	Scope     Scope      `json:"scope"`
	Basis     string     `json:"basis,omitempty"`
	Due       time.Time  `json:"due"`
	Reminders []Reminder `json:"reminders"`
	Escalate  *Reminder  `json:"escalate,omitempty"` // Name is whom it goes to
	// RevokeWithin is in seconds, by severity or "default".
	RevokeWithin         map[string]int64 `json:"revoke_within_seconds"`
	InactiveCountsAsDone bool             `json:"inactive_counts_as_done"`
	TicketRequired       bool             `json:"ticket_required"`
	Reviewer             string           `json:"reviewer"`
	Manager              string           `json:"manager"`
	Reviewers            []string         `json:"reviewers"` // with items at the opening
	Items                int              `json:"items"`
	ItemsSHA256          string           `json:"items_sha256"`
	// Unseen counts items that the review could not see: they are as an earlier one saw them.
	Unseen int        `json:"unseen"`
	Tool   audit.Tool `json:"tool"`
}

// Reminder is a moment at which somebody is told.
type Reminder struct {
	Name string    `json:"name"` // how long before the due date: 3d
	At   time.Time `json:"at"`
}

// ID names a campaign: quarterly/2026-10-01T0900Z.
func (c Campaign) ID() string { return ID(c.Name, c.Opened) }

// ID names the campaign that was opened at a time.
func ID(name string, opened time.Time) string {
	return audit.Run{Job: name, Slot: opened}.ID()
}

// ParseID is the name and the time of an ID.
func ParseID(id string) (name string, opened time.Time, ok bool) {
	run, ok := audit.ParseRunID(id)
	return run.Job, run.Slot, ok
}

// within is how long after the decision a token of a severity may still be there.
func (c Campaign) within(s audit.Severity) time.Duration {
	seconds, ok := c.RevokeWithin[string(s)]
	if !ok {
		seconds = c.RevokeWithin[defaultWithin]
	}
	return time.Duration(seconds) * time.Second
}

const defaultWithin = "default"

// new is the campaign that the terms make at a time.
func (t Terms) new(opened time.Time, trigger audit.Trigger) Campaign {
	c := Campaign{
		Format: Format, Name: t.Name, Opened: opened.UTC(), Trigger: trigger, Job: t.Job, Zone: t.Zone, Scope: t.Scope, Basis: t.Basis,
		Due: opened.UTC().Add(t.Due), Reminders: []Reminder{}, RevokeWithin: map[string]int64{defaultWithin: int64(t.DefaultWithin / time.Second)},
		InactiveCountsAsDone: t.InactiveCountsAsDone, TicketRequired: t.TicketRequired, Reviewer: t.Reviewer, Manager: t.Manager,
	}
	for _, r := range t.Remind {
		if at := c.Due.Add(-r.Span); at.After(c.Opened) {
			c.Reminders = append(c.Reminders, Reminder{r.Words, at})
		}
	}
	slices.SortStableFunc(c.Reminders, func(a, b Reminder) int { return a.At.Compare(b.At) })
	if t.Escalate.To != "" {
		c.Escalate = &Reminder{t.Escalate.To, c.Due.Add(t.Escalate.After)}
	}
	for severity, within := range t.RevokeWithin {
		c.RevokeWithin[string(severity)] = int64(within / time.Second)
	}
	return c
}

// Same reports whether two names are of one person: e-mail addresses compare in either
// case.
func Same(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// validate refuses what no version writes.
func (c Campaign) validate() error {
	if c.Format != Format {
		return fmt.Errorf("the format is %.40q, this version reads %s", c.Format, Format)
	}
	if _, _, ok := ParseID(c.ID()); !ok || c.Due.Before(c.Opened) {
		return fmt.Errorf("the campaign %.100q has no proper name or dates", cmp.Or(c.Name, c.ID()))
	}
	return nil
}
