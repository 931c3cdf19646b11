package campaign

import (
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// NoticeKind is why somebody is told of a campaign.
type NoticeKind string

const (
	NoticeOpen       NoticeKind = "open"
	NoticeReminder   NoticeKind = "reminder"
	NoticeOverdue    NoticeKind = "overdue"
	NoticeEscalation NoticeKind = "escalation"
)

// Notice is what somebody is told, once.
type Notice struct {
	Name      string // NAME/OPENED/3d/REVIEWER, the same whenever it is asked for
	Kind      NoticeKind
	Recipient string
}

// Notices are what has to be said by now, for the reviewers who still have something to
// decide: of each the newest, as one that is overdue needs no reminder of before.
func (b *Book) Notices(now time.Time) []Notice {
	if b.Closing != nil || now.Before(b.Opened) {
		return nil
	}
	kind, when := NoticeOpen, string(NoticeOpen)
	for _, r := range b.Reminders {
		if !now.Before(r.At) {
			kind, when = NoticeReminder, r.Name
		}
	}
	if now.After(b.Due) {
		kind, when = NoticeOverdue, string(NoticeOverdue)
	}
	var out []Notice
	open := false
	var told []string
	for _, s := range b.Status() {
		if !s.State.Open() {
			continue
		}
		open = true
		if s.Reviewer != "" && !slices.Contains(told, s.Reviewer) {
			told = append(told, s.Reviewer)
		}
	}
	slices.Sort(told)
	for _, who := range told {
		out = append(out, Notice{b.ID() + "/" + when + "/" + who, kind, who})
	}
	if b.Escalate != nil && open && !now.Before(b.Escalate.At) {
		out = append(out, Notice{b.ID() + "/" + string(NoticeEscalation) + "/" + b.Escalate.Name, NoticeEscalation, b.Escalate.Name})
	}
	return out
}

// NextNotice is when the next one becomes due, as far as it is known now; zero if none does.
func (b *Book) NextNotice(now time.Time) (next time.Time) {
	if b.Closing != nil {
		return next
	}
	consider := func(at time.Time) {
		if at.After(now) {
			next = audit.Earlier(next, at)
		}
	}
	for _, r := range b.Reminders {
		consider(r.At)
	}
	consider(b.Due.Add(1)) // overdue is after it
	if b.Escalate != nil {
		consider(b.Escalate.At)
	}
	return next
}

// Left are the reviewers of open items who have left, by name.
func (b *Book) Left(people People) []string {
	var out []string
	for _, s := range b.Status() {
		if s.State.Open() && s.Reviewer != "" && people.hasLeft(s.Reviewer) && !slices.Contains(out, s.Reviewer) {
			out = append(out, s.Reviewer)
		}
	}
	slices.Sort(out)
	return out
}
