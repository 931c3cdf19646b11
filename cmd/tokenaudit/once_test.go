package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

// threeOwners is a target with a token each of three users.
type threeOwners struct{}

func (threeOwners) Collect(context.Context, func()) (audit.Collection, error) {
	return audit.Collection{
		Coverage: audit.Coverage{Verdict: audit.Complete, Reasons: []string{}},
		Authorizations: func(yield func(audit.Authorization, error) bool) {
			for _, user := range []string{"1", "2", "3"} {
				if !yield(audit.Authorization{ID: "a" + user, UserID: user, User: "user " + user, Status: audit.Active}, nil) {
					return
				}
			}
		},
		Owner: func(_ context.Context, a audit.Authorization) audit.Owner {
			return audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerPresent}
		},
		Requests: func() []audit.Request {
			return []audit.Request{{Request: "GET /api/v2/authorizations", Status: 200, Rows: 3}}
		},
	}, nil
}

// forgetful is a ledger that fails to save a part once.
type forgetful struct {
	runner.Ledger
	left int // saves until it fails
}

func (f *forgetful) SaveDelivery(ctx context.Context, holder string, p audit.Delivery) error {
	if f.left--; f.left == 0 {
		return errors.New("disk full")
	}
	return f.Ledger.SaveDelivery(ctx, holder, p)
}

// TestEachPartExactlyOnce lets one request to Slack go wrong, whichever it is and
// however it goes wrong, and one save of the ledger fail, whichever it is.
func TestEachPartExactlyOnce(t *testing.T) {
	t.Parallel()
	failures := map[string][]notifytest.Failure{
		"none": nil, "cut off": {notifytest.CutOff()}, "500": {notifytest.Status(500)}, "429": {notifytest.RateLimited(30)},
		"rate limited": {notifytest.Refused("ratelimited")}, "refused": {notifytest.Refused("channel_not_found")}, "internal": {notifytest.Refused("internal_error")},
	}
	for name, failure := range failures {
		for request := range 4 {
			if failure == nil && request > 0 {
				continue
			}
			for save := range 9 { // 0 is none
				t.Run(fmt.Sprintf("%s at request %d, save %d fails", name, request, save), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { deliverThroughFailure(t, failure, request, save) })
				})
			}
		}
	}
}

// failingAt fails one request of a client, counted from 0.
type failingAt struct {
	http.RoundTripper
	slack   *notifytest.Slack
	request int
	failure []notifytest.Failure
}

func (f *failingAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.request == 0 {
		f.slack.Fail(f.failure...)
	}
	f.request--
	return f.RoundTripper.RoundTrip(r)
}

func deliverThroughFailure(t *testing.T, failure []notifytest.Failure, request, save int) {
	token := secret.Ref{File: filepath.Join(t.TempDir(), "token")}
	if err := os.WriteFile(token.File, []byte("xoxb-1"), 0o600); err != nil {
		t.Fatal(err)
	}
	fake := &notifytest.Slack{}
	client := &http.Client{Transport: &failingAt{fake.Client().Transport, fake, request, failure}}
	config := slack.Config{Channel: "C0123456789", Token: token}
	n := notify.Backoff(slack.New(config, client, slog.New(slog.DiscardHandler)))
	if left := reviewThrough(t, save, 4, time.Minute, "slack", n); len(left) > 0 {
		t.Errorf("after four heartbeats there is left: %+v", left)
	}
	got, root := map[string]int{}, ""
	for _, m := range fake.Messages() {
		got[partOf(m)]++
		if partOf(m) == "summary" {
			root = m.TS
		} else if m.Form["thread_ts"] != root {
			t.Errorf("%s is in thread %q, want %q", partOf(m), m.Form["thread_ts"], root)
		}
	}
	if diff := cmp.Diff(map[string]int{"summary": 1, "owner:1": 1, "owner:2": 1, "owner:3": 1}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// partOf is the part that a message in Slack is, by what it carries.
func partOf(m notifytest.Message) string {
	for range m.Files {
		return "file:review.xlsx"
	}
	var metadata struct {
		Payload struct{ Part string } `json:"event_payload"`
	}
	if err := json.Unmarshal(m.Metadata, &metadata); err != nil {
		return "unreadable: " + string(m.Metadata)
	}
	return metadata.Payload.Part
}
