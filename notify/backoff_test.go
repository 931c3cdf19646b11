package notify_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
)

// failing fails each delivery with the next of its errors, then with the last one.
type failing struct {
	notify.Notifier
	errs []error
	sent map[string][]time.Duration // when, by delivery
}

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble

func (f *failing) Send(_ context.Context, m notify.Message) (string, error) {
	if f.sent == nil {
		f.sent = map[string][]time.Duration{}
	}
	f.sent[m.Delivery] = append(f.sent[m.Delivery], time.Since(start))
	err := f.errs[0]
	f.errs = f.errs[min(1, len(f.errs)-1):]
	return "", err
}

func delivery(name string) notify.Message {
	m := notifytest.Quiet()
	m.Delivery = name
	return m
}

// TestBackoff: a delivery that fails is tried less and less often, up to once an
// hour, and holds up no other one.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{errs: []error{notify.NotPosted(errors.New("HTTP 403"))}}
		n := notify.Backoff(f)
		for range 4 * 60 * 24 { // a day of heartbeats
			if _, err := n.Send(t.Context(), delivery("summary")); !errors.Is(err, notify.ErrNotPosted) || !strings.Contains(err.Error(), "403") {
				t.Fatal(err)
			}
			time.Sleep(15 * time.Second)
		}
		if got := len(f.sent["summary"]); got != 29 { // after 0, 1, 3, 7, 15, 31, 63 and 123 minutes, then hourly
			t.Errorf("%d attempts in a day: %v", got, f.sent["summary"])
		}
		if n.Send(t.Context(), delivery("other")); len(f.sent["other"]) != 1 {
			t.Error("another delivery waits")
		}
	})
}

// TestBackoffWaits: a receiver that asks to wait is not asked for any delivery
// until then.
func TestBackoffWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{errs: []error{notify.NotPosted(&notify.WaitError{Until: start.Add(24 * time.Hour)}), nil}}
		n := notify.Backoff(f)
		n.Send(t.Context(), delivery("a"))
		for range 4 * 60 * 24 {
			time.Sleep(15 * time.Second)
			n.Send(t.Context(), delivery("a"))
			if _, err := n.Send(t.Context(), delivery("b")); err != nil && !errors.Is(err, notify.ErrNotPosted) {
				t.Fatal(err)
			}
		}
		for name, times := range map[string][]time.Duration{"a": f.sent["a"], "b": append([]time.Duration{0}, f.sent["b"]...)} {
			if len(times) != 2 || times[1] != 24*time.Hour {
				t.Errorf("%s was tried after %v", name, times)
			}
		}
	})
}

// tellingFails is one that tells of campaigns, as failing sends.
type tellingFails struct{ *failing }

func (tellingFails) Tells(recipient string) bool { return recipient == "ben@example.com" }

func (f tellingFails) SendCampaign(ctx context.Context, m notify.CampaignMessage) (string, error) {
	return f.Send(ctx, delivery(m.Delivery))
}

// TestBackoffOfCampaigns: messages about campaigns are tried as rarely, and whoever does not
// tell of campaigns does not by that.
func TestBackoffOfCampaigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{errs: []error{notify.NotPosted(errors.New("HTTP 403"))}}
		if _, can := notify.Backoff(f).(notify.CampaignNotifier); can {
			t.Error("one that does not know campaigns tells of them")
		}
		n, can := notify.Backoff(tellingFails{f}).(notify.CampaignNotifier)
		if !can || !n.Tells("ben@example.com") || n.Tells("C0123456789") {
			t.Fatalf("tells of campaigns: %t", can)
		}
		for range 4 * 60 {
			if _, err := n.SendCampaign(t.Context(), notify.CampaignMessage{Delivery: "quarterly/2026-10-01T0900Z/open/ben"}); !errors.Is(err, notify.ErrNotPosted) {
				t.Fatal(err)
			}
			time.Sleep(15 * time.Second)
		}
		if got := len(f.sent["quarterly/2026-10-01T0900Z/open/ben"]); got != 6 { // after 0, 1, 3, 7, 15 and 31 minutes
			t.Errorf("%d attempts in an hour", got)
		}
	})
}
