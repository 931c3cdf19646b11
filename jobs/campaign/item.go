package campaign

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Item is a token to decide on, with the facts of the review that it is of.
type Item struct {
	ID            string       `json:"item"` // target/org ID/authorization ID; of a legacy one with ~ in front
	Target        string       `json:"target"`
	OrgID         string       `json:"org_id"`
	Org           string       `json:"org,omitempty"`
	Authorization string       `json:"authorization"`
	Legacy        bool         `json:"legacy,omitempty"`
	Description   string       `json:"description"`
	Status        audit.Status `json:"status"`
	// Product is that of a token of a product after v2, and Expires and Revoked its dates.
	Product audit.Product `json:"product,omitempty"`
	Expires time.Time     `json:"expires,omitzero"`
	Revoked time.Time     `json:"revoked,omitzero"`

	UserID      string           `json:"user_id"`
	User        string           `json:"user"`
	OwnerState  audit.OwnerState `json:"owner_state"`
	Responsible string           `json:"responsible,omitempty"`
	Team        string           `json:"team,omitempty"`
	Purpose     string           `json:"purpose,omitempty"`

	Class       string   `json:"class"`
	Writes      string   `json:"writes,omitempty"` // what it may write, in words
	Permissions []string `json:"permissions"`
	// Privileged tokens reach everything, or make other tokens. They are decided afresh.
	Privileged bool `json:"privileged,omitempty"`
	// OfReview: the reviews themselves ask with it.
	OfReview  bool           `json:"of_review,omitempty"`
	Severity  audit.Severity `json:"severity,omitempty"` // of the worst finding that stands
	Why       []string       `json:"why,omitempty"`      // the findings that stand, worst first
	Since     time.Time      `json:"since,omitzero"`     // when the oldest of them was found
	Created   time.Time      `json:"created,omitzero"`
	FirstSeen time.Time      `json:"first_seen"`
	Presence  audit.Presence `json:"presence"`
	// Fingerprint is that of permissions, owner and status, as "tokens show" prints it.
	Fingerprint string `json:"fingerprint"`

	Reviewer string `json:"reviewer"` // at the opening; "" if nobody may decide
	// Group is set for tokens that stand as one row and are decided together.
	Group string `json:"group,omitempty"`
	// Last is the decision of an earlier campaign, of the same token as it was then.
	Last *LastDecision `json:"last,omitempty"`
}

// LastDecision is a decision of an earlier campaign.
type LastDecision struct {
	Campaign string    `json:"campaign"`
	Decision Kind      `json:"decision"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Changed  bool      `json:"changed,omitempty"` // the token is not as it was then
}

// itemID is the ID of the item of an authorization in a target.
func itemID(target string, a *audit.Authorization) string {
	return target + "/" + a.OrgID + "/" + a.Key()
}

// tokenKey is what the items and the records of one token have in common. After InfluxDB 2,
// what stands in place of the org changes with the address and the release of a server, and
// tokens of several servers may have one key; see isOf.
func tokenKey(target string, a *audit.Authorization) string {
	if a.Product.V2() {
		return itemID(target, a)
	}
	return target + "\x00" + a.Key()
}

func (it Item) tokenKey() string {
	return tokenKey(it.Target, &audit.Authorization{ID: it.Authorization, OrgID: it.OrgID, Legacy: it.Legacy, Product: it.Product})
}

// isOf reports whether the item is of the token of a record that has its key. IDs of InfluxDB 3
// are counted on each server, and again on one that was restored; on 1.x they are names.
func (it Item) isOf(a *audit.Authorization) bool {
	switch {
	case it.Product.V3() && !it.Created.IsZero() && !a.CreatedAt.IsZero():
		return it.Created.Equal(a.CreatedAt)
	case it.Product.V3() || it.Product == audit.ProductV1:
		return it.OrgID == a.OrgID
	}
	return true
}

// newItem is the item of a record.
func newItem(r *audit.Record, contacts audit.Contacts) Item {
	acc := audit.AccessOf(r.Authorization)
	contact := contacts.Of(r)
	it := Item{
		ID: itemID(r.Target, &r.Authorization), Target: r.Target, OrgID: r.OrgID, Org: r.Org, Authorization: r.ID, Legacy: r.Legacy,
		Description: r.Description, Status: r.Status, Product: r.Product, Expires: r.ExpiresAt, Revoked: r.RevokedAt, UserID: r.UserID, User: cmp.Or(r.User, r.Owner.Name), OwnerState: r.Owner.State,
		Responsible: contact.Responsible, Team: contact.Team, Purpose: contact.Purpose,
		Class: acc.Class(), Writes: acc.WriteScope(), Permissions: []string{},
		Privileged: acc.EveryOrg || acc.AllAccess || acc.Mints || acc.AdministersUsers, OfReview: r.OfReview,
		Severity: r.Worst(), Created: r.CreatedAt, FirstSeen: r.FirstSeen, Presence: r.Presence, Fingerprint: r.Fingerprint(),
	}
	for i := range r.Permissions {
		it.Permissions = append(it.Permissions, r.Permissions[i].String())
	}
	slices.Sort(it.Permissions)
	for _, f := range r.Findings {
		if !f.Current() || !f.Severity.AtLeast(audit.Low) {
			continue
		}
		text := string(f.Severity) + ": " + f.Check
		if f.Detail != "" {
			text += " (" + f.Detail + ")"
		}
		if f.State == audit.Excepted {
			text += ", allowed by an exception"
		}
		it.Why, it.Since = append(it.Why, text), audit.Earlier(it.Since, f.Since)
	}
	return it
}

// isFlagged reports whether a finding stands that is more than inventory.
func (it Item) isFlagged() bool { return len(it.Why) > 0 }

// isLowRisk reports whether it may stand in one row with others.
func (it Item) isLowRisk() bool {
	return !it.Privileged && it.Writes == "" && !it.Severity.AtLeast(audit.Medium) && it.PermissionsReadable()
}

// PermissionsReadable reports whether all that the token may do is known.
func (it Item) PermissionsReadable() bool { return it.Class != "unknown" && it.Class != "legacy" }

// NeedsJustification reports whether keeping it needs a reason.
func (it Item) NeedsJustification() bool { return it.Severity.AtLeast(audit.High) }

// OwnerName is the user, or the ID where no name is known.
func (it Item) OwnerName() string { return cmp.Or(it.User, it.UserID) }

// OwnerWords are the name, and that the user is deleted.
func (it Item) OwnerWords() string {
	switch {
	case it.OwnerState == audit.OwnerDeleted:
		return it.OwnerName() + " (deleted)"
	case it.Product != "" && it.OwnerName() == "":
		return "none"
	}
	return it.OwnerName()
}

// StatusWords are the status as it was at a time, with the date by which it changes or did.
func (it Item) StatusWords(at time.Time) string {
	a := audit.Authorization{Status: it.Status, ExpiresAt: it.Expires, RevokedAt: it.Revoked}
	status := a.StatusAt(at)
	switch {
	case status == audit.Revoked:
		return string(status) + " " + it.Revoked.UTC().Format(time.DateOnly)
	case status == audit.Expired:
		return string(status) + " " + it.Expires.UTC().Format(time.DateOnly)
	case !it.Expires.IsZero() && status == audit.Active:
		return string(status) + ", expires " + it.Expires.UTC().Format(time.DateOnly)
	}
	return string(status)
}

// isSelf reports whether a reviewer would decide on a token of their own.
func (it Item) isSelf(reviewer string) bool {
	return Same(reviewer, it.User) || Same(reviewer, it.UserID) || Same(reviewer, it.Responsible)
}

// People are who may decide.
type People struct {
	// Contacts name the reviewer of a user or a token, and who answers for it.
	Contacts audit.Contacts
	// Targets name the reviewer of a target.
	Targets map[string]string
	// Left reports whether somebody has left the organization, as far as it is known.
	Left func(address string) bool
}

// reviewer is who decides on an item: the first of those that are named, and are neither
// the owner nor responsible and have not left, in lower case. It is "" if there is nobody.
func (p People) reviewer(c Campaign, it Item, r *audit.Record) string {
	for _, who := range []string{p.Contacts.Of(r).Reviewer, p.Targets[it.Target], c.Reviewer, c.Manager} {
		if who != "" && !it.isSelf(who) && !p.hasLeft(who) {
			return folded(who)
		}
	}
	return ""
}

func (p People) hasLeft(who string) bool { return p.Left != nil && p.Left(who) }

// Open makes a campaign and its items of the records of a review, and of what was decided
// earlier; nil if nothing was.
func Open(t Terms, opened time.Time, trigger audit.Trigger, of audit.Link, records iter.Seq2[audit.Record, error], people People, earlier Earlier) (Campaign, []Item, error) {
	c := t.new(opened, trigger)
	c.Run, c.Manifest, c.Reviewers = of.Run, of.Manifest, []string{}
	var items []Item
	for r, err := range records {
		if err != nil {
			return c, nil, err
		}
		if !r.Exists() {
			continue
		}
		it := newItem(&r, people.Contacts)
		it.Last = earlier.of(it, &r)
		if !c.includes(it) {
			continue
		}
		it.Reviewer = people.reviewer(c, it, &r)
		if it.Presence == audit.Unseen {
			c.Unseen++
		}
		if it.Reviewer != "" && !slices.Contains(c.Reviewers, it.Reviewer) {
			c.Reviewers = append(c.Reviewers, it.Reviewer)
		}
		items = append(items, it)
	}
	slices.Sort(c.Reviewers)
	group(items)
	c.Items = len(items)
	return c, items, nil
}

func (c Campaign) includes(it Item) bool {
	switch c.Scope {
	case ScopeFlagged:
		return it.isFlagged()
	case ScopePrivileged:
		return it.Privileged
	case ScopeChanged:
		return it.Privileged || it.Last == nil || it.Last.Changed || it.Last.Decision != Keep
	}
	return true
}

// mostInGroup bounds a row: a cell has to hold all of its members.
const mostInGroup = 50

// group lets tokens of one owner, one class and low risk stand as one row.
func group(items []Item) {
	open := map[string][]int{}
	for i := range items {
		it := &items[i]
		if !it.isLowRisk() || it.OfReview || it.UserID == "" || it.Last != nil && it.Last.Decision != Keep {
			continue
		}
		key := strings.Join([]string{it.Target, it.OrgID, it.UserID, it.Class, string(it.Status), it.Reviewer}, "\x00")
		if open[key] = append(open[key], i); len(open[key]) == mostInGroup {
			name(items, open[key])
			delete(open, key)
		}
	}
	for _, members := range open {
		if len(members) > 1 {
			name(items, members)
		}
	}
}

const groupPrefix = "group/"

// name gives members their group, which is called by the first of them.
func name(items []Item, members []int) {
	for _, i := range members {
		items[i].Group = groupPrefix + items[members[0]].ID
	}
}

// Line is a row of a reviewer's file: an item, or several that are decided together.
type Line struct {
	ID          string // of the item, or of the group
	Items       []Item
	Fingerprint string
	Facts       []Fact
	FactsSHA256 string
}

// Fact is what a row shows for the reviewer to judge by.
type Fact struct {
	Name   string // of the column
	Text   string
	Number bool
}

// Names of the columns whose cells are facts, in their order.
const (
	FactToken       = "Token"
	FactOwner       = "Owner"
	FactSeverity    = "Severity"
	FactWhy         = "Why"
	FactClass       = "Class"
	FactWrites      = "May write"
	FactStatus      = "Status"
	FactAge         = "Age (days)"
	FactWeeksOpen   = "Weeks open"
	FactLast        = "Last decision"
	FactResponsible = "Responsible"
	FactPurpose     = "Purpose"
	FactTarget      = "Target"
)

// Lines are the rows for items, which have one reviewer, worst first.
func (c Campaign) Lines(items []Item) []Line {
	groups := map[string][]Item{}
	var lines []Line
	for _, it := range items {
		if it.Group != "" {
			groups[it.Group] = append(groups[it.Group], it)
			continue
		}
		lines = append(lines, c.line(it.ID, []Item{it}))
	}
	for id, members := range groups {
		if len(members) == 1 { // the others went, or are with somebody else
			id = members[0].ID
		}
		lines = append(lines, c.line(id, members))
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(rank(a.Items[0].Severity)-rank(b.Items[0].Severity), cmp.Compare(a.Items[0].Target, b.Items[0].Target),
			cmp.Compare(a.Items[0].OwnerName(), b.Items[0].OwnerName()), cmp.Compare(a.ID, b.ID))
	})
	return lines
}

// rank orders severities, the worst first.
func rank(s audit.Severity) int {
	if at := slices.Index(audit.Severities(), s); at >= 0 {
		return at
	}
	return len(audit.Severities())
}

func (c Campaign) line(id string, items []Item) Line {
	l := Line{ID: id, Items: items, Fingerprint: items[0].Fingerprint, Facts: c.facts(items)}
	if len(items) > 1 {
		var all strings.Builder
		for _, it := range items {
			all.WriteString(it.ID + " " + it.Fingerprint + "\n")
		}
		l.Fingerprint = short([]byte(all.String()))
	}
	var text strings.Builder
	for _, f := range l.Facts {
		text.WriteString(f.Name + "\t" + f.Text + "\n")
	}
	l.FactsSHA256 = short([]byte(text.String()))
	return l
}

// longestFact bounds a fact: a description may have 200 kB, and a cell less than 32,767
// characters.
const longestFact = 8000

// facts are what a row shows. Members of a group have the same ones but for the token, the
// age and the weeks, of which the oldest stands.
func (c Campaign) facts(items []Item) []Fact {
	first := items[0]
	var tokens []string
	oldest, since := time.Time{}, time.Time{}
	last := first.Last
	for _, it := range items {
		tokens = append(tokens, token(it))
		oldest, since = audit.Earlier(oldest, cmp.Or(it.Created, it.FirstSeen)), audit.Earlier(since, it.Since)
	}
	token := tokens[0]
	if len(items) > 1 {
		token = strconv.Itoa(len(items)) + " tokens: " + strings.Join(tokens, "; ")
	}
	var decided string
	if last != nil {
		decided = string(last.Decision) + " by " + last.By + " on " + last.At.UTC().Format(time.DateOnly)
		if last.Changed {
			decided += ", changed since"
		}
	}
	status := first.StatusWords(c.Opened)
	if first.Presence != audit.Listed {
		status += ", " + string(first.Presence)
	}
	facts := []Fact{
		{Name: FactToken, Text: token}, {Name: FactOwner, Text: first.OwnerWords()}, {Name: FactSeverity, Text: string(first.Severity)},
		{Name: FactWhy, Text: strings.Join(first.Why, "; ")}, {Name: FactClass, Text: first.Class}, {Name: FactWrites, Text: first.Writes},
		{Name: FactStatus, Text: status},
		{Name: FactAge, Text: spans(c.Opened, oldest, 24*time.Hour), Number: true}, {Name: FactWeeksOpen, Text: spans(c.Opened, since, 7*24*time.Hour), Number: true},
		{Name: FactLast, Text: decided}, {Name: FactResponsible, Text: first.Responsible}, {Name: FactPurpose, Text: first.Purpose}, {Name: FactTarget, Text: first.Target},
	}
	for i := range facts {
		facts[i].Text = audit.Line(facts[i].Text, longestFact)
	}
	return facts
}

// token names a token for people: what it is for, its ID, and why it cannot be revoked.
func token(it Item) string {
	name := it.Authorization
	if it.Description != "" {
		name = audit.Line(it.Description, 100) + " (" + it.Authorization + ")"
	}
	if it.OfReview {
		name += ", the credential of the reviews"
	}
	if it.IsOperator() {
		name += ", the operator token, which cannot be deleted"
	}
	return name
}

// IsOperator reports whether it is the token of InfluxDB 3 that no command deletes.
func (it Item) IsOperator() bool {
	a := audit.Authorization{Product: it.Product, Description: it.Description}
	return a.IsOperator()
}

// spans is how many whole spans lie between two times; "" if one is not known.
func spans(now, since time.Time, span time.Duration) string {
	if since.IsZero() {
		return ""
	}
	return strconv.Itoa(max(0, int(now.Sub(since)/span)))
}

// short is a hash that fits a hidden column: 16 bytes of SHA-256, in hex.
func short(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
