package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

func campaignDay(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

func TestCampaignWords(t *testing.T) {
	t.Parallel()
	due, closed := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), time.Date(2026, 10, 14, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		status audit.CampaignStatus
		want   string
	}{
		"just opened":              {audit.CampaignStatus{Items: 243, Undecided: 243}, "243 of 243 undecided, due 30 Nov 2026"},
		"revocations overdue":      {audit.CampaignStatus{Items: 243, Undecided: 31, Revocations: audit.RevocationCounts{Decided: 7, Done: 3, Outstanding: 4, Overdue: 2, Unproven: 1}}, "31 of 243 undecided, due 30 Nov 2026; 2 revocations overdue"},
		"revocations on time":      {audit.CampaignStatus{Items: 1243, Undecided: 31, Revocations: audit.RevocationCounts{Decided: 7, Done: 3, Outstanding: 4}}, "31 of 1,243 undecided, due 30 Nov 2026; 3 of 7 revocations done"},
		"reviewers disagree":       {audit.CampaignStatus{Items: 5, Undecided: 3, Conflicts: 2}, "3 of 5 undecided (2 in conflict), due 30 Nov 2026"},
		"all decided":              {audit.CampaignStatus{Items: 243, Revocations: audit.RevocationCounts{Decided: 7, Done: 3, Outstanding: 4, Unproven: 1}}, "all 243 decided; 3 of 7 revocations done, 1 unproven"},
		"all decided and done":     {audit.CampaignStatus{Items: 243, Revocations: audit.RevocationCounts{Decided: 1, Done: 1}}, "all 243 decided; 1 revocation done"},
		"all decided, all kept":    {audit.CampaignStatus{Items: 243}, "all 243 decided; nothing to revoke"},
		"nothing in scope":         {audit.CampaignStatus{}, "nothing to decide, due 30 Nov 2026"},
		"closed":                   {audit.CampaignStatus{Closed: closed, Items: 243, Revocations: audit.RevocationCounts{Decided: 7, Done: 5, Outstanding: 2, Overdue: 2}}, "closed on 14 Oct 2026; 5 of 7 revocations done, 2 overdue"},
		"closed with an open item": {audit.CampaignStatus{Closed: closed, Items: 243, Undecided: 1}, "closed on 14 Oct 2026 with 1 of 243 undecided; nothing to revoke"},
		"cannot be read":           {audit.CampaignStatus{Problem: "items.jsonl, line 3:\nunexpected end"}, `its evidence cannot be read: items.jsonl, line 3:\nunexpected end`},
		"closed without decisions": {audit.CampaignStatus{Closed: closed}, "closed on 14 Oct 2026; nothing to revoke"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.status.Name, test.status.Due = "quarterly", due
			if got := test.status.Words(campaignDay); got != "Campaign quarterly: "+test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestRevocationWords: names from outside are on one line, whatever they hold.
func TestRevocationWords(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 10, 28, 9, 0, 0, 0, time.UTC)
	overdue := audit.Revocation{Target: "prod", Authorization: "0a1b", Description: "tele\ngraf", User: "telegraf-writer", Responsible: "anna@example.com", Reviewer: "ben@example.com", Decision: "revoke", Due: due, State: "still-there", Days: 9, DaysOverdue: 3}
	own, proven, same := overdue, overdue, overdue
	own.Responsible, own.User, own.DaysOverdue, own.Description = "Anna@example.com", "anna@example.com", 1, "\u200b"
	proven.State, proven.Days, proven.Evidence = "done", 5, "404 authorization not found"
	same.State, same.Days = "deactivated", 0
	today := overdue
	today.DaysOverdue = 0
	for name, test := range map[string]struct{ got, want string }{
		"token":           {overdue.Token(), `tele\ngraf (prod, 0a1b)`},
		"no description":  {own.Token(), "(no description) (prod, 0a1b)"},
		"overdue":         {overdue.OverdueWords(campaignDay), "revoke, overdue since 28 Oct 2026 (3 days), still there; decided by ben@example.com, owner telegraf-writer (anna@example.com)"},
		"of one's own":    {own.OverdueWords(campaignDay), "revoke, overdue since 28 Oct 2026 (1 day), still there; decided by ben@example.com, owner anna@example.com"},
		"since today":     {today.OverdueWords(campaignDay), "revoke, overdue since 28 Oct 2026, still there; decided by ben@example.com, owner telegraf-writer (anna@example.com)"},
		"proven":          {proven.ProvenWords(), "deleted within 5 days after ben@example.com decided to revoke it; proven by: 404 authorization not found"},
		"on the same day": {same.ProvenWords(), "set inactive on the day on which ben@example.com decided to revoke it"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", name, test.got, test.want)
		}
	}
}

// TestCampaignNotes: so many of each kind are named, and the others counted.
func TestCampaignNotes(t *testing.T) {
	t.Parallel()
	c := audit.CampaignStatus{Revocations: audit.RevocationCounts{Decided: 30, Done: 3, Outstanding: 27, Overdue: 25}}
	for i := range 4 {
		c.Overdue = append(c.Overdue, audit.Revocation{Description: "late", Target: "prod", Authorization: string(rune('a' + i)), Days: 9 - i})
	}
	c.Proven = c.Overdue[:3]
	var got []string
	for _, n := range c.Notes(2, campaignDay) {
		token, rest, _ := strings.Cut(n.Text, ": ")
		_, more, _ := strings.Cut(rest, "; and ")
		if got = append(got, n.Label+" "+token+" "+more); n.Alarm != (n.Label == "Overdue") {
			t.Errorf("%s is an alarm: %t", n.Label, n.Alarm)
		}
	}
	want := []string{"Overdue late (prod, a) ", "Overdue late (prod, b) 23 more, see the evidence of the campaign", "Proven late (prod, a) ", "Proven late (prod, b) 1 more, see the evidence of the campaign"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if notes := (audit.CampaignStatus{Revocations: audit.RevocationCounts{Overdue: 1}}).Notes(2, campaignDay); len(notes) > 0 {
		t.Errorf("a summary that names none: %v", notes)
	}
}

func TestCampaignQuiet(t *testing.T) {
	t.Parallel()
	closed := time.Date(2026, 10, 14, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		status audit.CampaignStatus
		want   bool
	}{
		"all decided and done":     {audit.CampaignStatus{Items: 9, Revocations: audit.RevocationCounts{Decided: 1, Done: 1}}, true},
		"something to decide":      {audit.CampaignStatus{Items: 9, Undecided: 1}, false},
		"closed with an open item": {audit.CampaignStatus{Items: 9, Undecided: 1, Closed: closed}, true},
		"outstanding":              {audit.CampaignStatus{Closed: closed, Revocations: audit.RevocationCounts{Decided: 1, Outstanding: 1}}, false},
		"cannot be read":           {audit.CampaignStatus{Problem: "items.jsonl is damaged"}, false},
		"proven now":               {audit.CampaignStatus{Closed: closed, Proven: []audit.Revocation{{}}}, false},
	} {
		if got := test.status.Quiet(); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}
