package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/runner"
	"tokenaudit/notify"
)

// publicKey is one that nobody has the private key of.
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

// TestCampaignMessage: a reviewer hears of their own items, the worst first, and who it is
// escalated to of all of them, by reviewer.
func TestCampaignMessage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 1, 7, 0, 0, 0, time.UTC)
	item := func(id, reviewer string, s audit.Severity) campaign.Item {
		it := campaign.Item{ID: "plant/o/" + id, Target: "plant", Authorization: id, Description: "token " + id, User: "telegraf", Reviewer: reviewer, Severity: s, Fingerprint: id}
		if s != "" {
			it.Why = []string{string(s) + ": not-rotated", "low: no-description"}
		}
		return it
	}
	b := &campaign.Book{
		Campaign: campaign.Campaign{Name: "quarterly", Opened: at, Due: at.AddDate(0, 0, 14), Manifest: "abc"},
		Items: []campaign.Item{
			item("a", "ben@example.com", ""), item("b", "ben@example.com", audit.Critical), item("c", "ben@example.com", audit.High),
			item("d", "dora@example.com", audit.Medium), item("e", "", ""),
		},
		Imports:   []campaign.Import{{Import: 1}},
		Decisions: []campaign.Decision{{Import: 1, By: "ben@example.com", Signed: true, Item: "plant/o/c", Decision: campaign.Keep, Fingerprint: "c"}},
	}
	a := &app{file: &configs.File{Jobs: []configs.Job{{Name: "weekly", Timezone: "Europe/Berlin"}}}}
	message := func(kind campaign.NoticeKind, to string) notify.CampaignMessage {
		d := audit.CampaignDelivery{Job: "weekly", Kind: string(kind), Recipient: to}
		d.Name, d.State, d.Since = "quarterly/2026-10-01T0700Z/3d/"+to, audit.DeliveryUncertain, at
		return a.campaignMessage(runner.CampaignMessage{CampaignDelivery: d, Book: b, Left: []string{"dora@example.com"}})
	}
	got := message(campaign.NoticeReminder, "Ben@example.com")
	if got.Items != 3 || got.Undecided != 2 || got.Reviewer != "Ben@example.com" || !got.Again || got.Zone.String() != "Europe/Berlin" || got.ID() != "quarterly/2026-10-01T0700Z/3d/Ben@example.com/abc" {
		t.Errorf("%+v", got)
	}
	want := []notify.CampaignItem{
		{Target: "plant", Authorization: "b", Description: "token b", Owner: "telegraf", Severity: audit.Critical, Why: "critical: not-rotated"},
		{Target: "plant", Authorization: "a", Description: "token a", Owner: "telegraf"},
	}
	if diff := cmp.Diff(want, got.Worst); diff != "" {
		t.Errorf("worst (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[audit.Severity]int{audit.Critical: 1, "": 1}, got.BySeverity); diff != "" {
		t.Errorf("by severity (-want +got):\n%s", diff)
	}
	file, err := got.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got.File != "quarterly-2026-10-01T0700Z-ben@example.com.xlsx" {
		t.Errorf("the file is called %s", got.File)
	}
	up := message(campaign.NoticeEscalation, "C0123456789")
	if up.Items != 5 || up.Undecided != 4 || up.Reviewer != "" || up.Open != nil || len(up.Left) != 1 {
		t.Errorf("%+v", up)
	}
	if diff := cmp.Diff([]notify.ReviewerCount{{Reviewer: "ben@example.com", Items: 3, Undecided: 2}, {Reviewer: "", Items: 1, Undecided: 1}, {Reviewer: "dora@example.com", Items: 1, Undecided: 1}}, up.Reviewers); diff != "" {
		t.Errorf("reviewers (-want +got):\n%s", diff)
	}
}

// TestJudgeCampaigns: a review that could not read a campaign is not complete.
func TestJudgeCampaigns(t *testing.T) {
	t.Parallel()
	s := audit.Summary{Coverage: audit.TotalCoverage{Verdict: audit.Complete}, Campaigns: []audit.CampaignStatus{{Name: "quarterly"}}}
	if got := judge(s, ""); got != exitDone {
		t.Errorf("exit code %d", got)
	}
	s.Campaigns[0].Problem = "items.jsonl has 3 items"
	if got := judge(s, ""); got != exitIncomplete {
		t.Errorf("exit code %d of a campaign that cannot be read", got)
	}
}
