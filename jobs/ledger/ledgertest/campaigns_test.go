//go:build unix

package ledgertest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// told is a message about a campaign that opened on monday.
func told(name, recipient string) audit.CampaignDelivery {
	d := audit.CampaignDelivery{Job: "weekly", Kind: "open", Recipient: recipient}
	d.Run = audit.Run{Job: "quarterly", Slot: monday, Started: monday.Add(1500 * time.Millisecond)}
	d.Notifier, d.Name, d.State = "slack", "quarterly/2026-11-23T0900Z/"+name+"/"+recipient, audit.DeliveryNew
	return d
}

// campaignMessages: each is noted once, stored only by who holds the job, and asked for
// until it is sent, expired or withdrawn.
func campaignMessages(t *testing.T, s store) {
	l := s.open(t)
	ben, carla, others := told("open", "ben@example.com"), told("open", "carla\x00@example.com"), told("open", "dora@example.com")
	others.Job = "daily"
	if err := l.Announce(t.Context(), []audit.CampaignDelivery{ben, carla, others}); err != nil {
		t.Fatal(err)
	}
	carla.Recipient, carla.Name = "carla@example.com", "quarterly/2026-11-23T0900Z/open/carla@example.com"
	if got, err := l.Unsaid(t.Context(), "weekly"); err != nil || cmp.Diff([]audit.CampaignDelivery{ben, carla}, got) != "" {
		t.Fatalf("Unsaid: %v, (-want +got):\n%s", err, cmp.Diff([]audit.CampaignDelivery{ben, carla}, got))
	}
	ben.State, ben.Since, ben.Ref, ben.Error = audit.DeliveryUncertain, monday.Add(time.Minute), "C1/1.2", "cut\xff"
	if err := l.SaveCampaignDelivery(t.Context(), "me", ben); err == nil {
		t.Error("a message was stored by a process that does not hold the job")
	}
	mustLease(t, l, "me")
	if err := l.SaveCampaignDelivery(t.Context(), "me", ben); err != nil {
		t.Fatal(err)
	}
	again := ben
	again.State, again.Run.Started = audit.DeliveryNew, monday.Add(time.Hour)
	if err := l.Announce(t.Context(), []audit.CampaignDelivery{again}); err != nil {
		t.Fatal(err)
	}
	ben.Error = "cut\uFFFD"
	if got, err := l.Unsaid(t.Context(), "weekly"); err != nil || cmp.Diff([]audit.CampaignDelivery{ben, carla}, got) != "" {
		t.Errorf("after it was noted again: %v, (-want +got):\n%s", err, cmp.Diff([]audit.CampaignDelivery{ben, carla}, got))
	}
	if status := mustStatus(t, l); status.Deliveries[audit.DeliveryUncertain] != 1 || status.Deliveries[audit.DeliveryNew] != 1 {
		t.Errorf("messages by state: %v", status.Deliveries)
	}
	for _, state := range []audit.DeliveryState{audit.DeliverySent, audit.DeliveryExpired, audit.DeliveryWithdrawn} {
		ben.State = state
		if err := l.SaveCampaignDelivery(t.Context(), "me", ben); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Unsaid(t.Context(), "weekly"); err != nil || len(got) != 1 {
			t.Errorf("%s: Unsaid = %+v, %v", state, got, err)
		}
	}
}

// newest: a campaign opens on the newest review that saw something and has a pack.
func newest(t *testing.T, s store) {
	l := s.open(t)
	if _, _, found, err := l.Newest(t.Context(), "weekly"); found || err != nil {
		t.Errorf("of no review: %t, %v", found, err)
	}
	mustBegin(t, l, weekly(0))
	mustFinish(t, l, weekly(0), 7)
	for weeks, change := range map[int]func(*audit.Run, *audit.Conclusion){
		1: func(_ *audit.Run, o *audit.Conclusion) { o.Summary.Coverage.Verdict = audit.NotKnown },
		2: func(_ *audit.Run, o *audit.Conclusion) { o.Pack = audit.Link{} },
		3: func(r *audit.Run, _ *audit.Conclusion) { r.Trigger = audit.DryRun },
		4: func(r *audit.Run, _ *audit.Conclusion) { r.Trigger = audit.Lost },
		5: func(r *audit.Run, _ *audit.Conclusion) { r.Job = "daily" },
	} {
		run := weekly(weeks)
		o := audit.Conclusion{Summary: audit.Summary{Coverage: audit.TotalCoverage{Verdict: audit.Complete}}, Pack: audit.Link{Sequence: weeks, Manifest: "other"}}
		change(&run, &o)
		o.Run = run
		mustBegin(t, l, run)
		if err := l.Finish(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	mustBegin(t, l, weekly(6)) // is under way
	got, pack, found, err := l.Newest(t.Context(), "weekly")
	if err != nil || !found || got.ID != weekly(0).ID() || pack != (audit.Link{Sequence: 3, Run: weekly(0).ID(), Manifest: "abc"}) {
		t.Errorf("%+v, %+v, %t, %v", got.ID, pack, found, err)
	}
}

// lockCampaigns: one at a time, beside an open ledger; others wait as long as they want to.
func lockCampaigns(t *testing.T, s store) {
	s.open(t)
	var group sync.WaitGroup
	var inside, entered atomic.Int32
	for range 4 {
		group.Go(func() {
			unlock, err := ledger.LockCampaigns(t.Context(), s.url, s.password)
			if err != nil {
				t.Error(err)
				return
			}
			if n := inside.Add(1); n != 1 {
				t.Errorf("%d have the lock", n)
			}
			time.Sleep(20 * time.Millisecond) // long enough for the others to ask
			inside.Add(-1)
			entered.Add(1)
			if err := unlock(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := entered.Load(); n != 4 {
		t.Errorf("%d had the lock", n)
	}
	unlock, err := ledger.LockCampaigns(t.Context(), s.url, s.password)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := ledger.LockCampaigns(ctx, s.url, s.password); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("somebody who does not wait: %v", err)
	}
}
