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
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

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

// owners is a target with an active write token each of that many users: "user 1", "user 2"
// and so on.
type owners int

func (n owners) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	c, err := threeOwners{}.Collect(ctx, progress)
	write := []audit.Permission{{Action: "write", Resource: audit.Resource{Type: "buckets", OrgID: "1"}}}
	c.Authorizations = func(yield func(audit.Authorization, error) bool) {
		for i := range int(n) {
			user := fmt.Sprint(i + 1)
			if !yield(audit.Authorization{ID: fmt.Sprintf("a%05d", i), UserID: user, User: "user " + user, Status: audit.Active, Permissions: write}, nil) {
				return
			}
		}
	}
	return c, err
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
	if diff := cmp.Diff(map[string]int{"summary": 1, "owner:prod/1": 1, "owner:person/dan": 1, "unclaimed": 1}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// limited is a Slack that takes a post a second, and a few more in a burst.
type limited struct {
	http.RoundTripper
	pace    *rate.Limiter
	refused int
}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/chat.postMessage") && !l.pace.Allow() {
		l.refused++
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"2"}}, Body: http.NoBody, Request: r}, nil
	}
	return l.RoundTripper.RoundTrip(r)
}

// TestManyOwnersOnce: of hundreds of owners each is told once, within Slack's rate limit, in as
// many passes as that takes; also when the process is another one in each pass.
func TestManyOwnersOnce(t *testing.T) {
	t.Parallel()
	const people = 400
	token := secret.Ref{File: filepath.Join(t.TempDir(), "token")}
	if err := os.WriteFile(token.File, []byte("xoxb-1"), 0o600); err != nil {
		t.Fatal(err)
	}
	contacts := audit.Contacts{}
	want := map[string]int{"summary": 1}
	for i := range people {
		user := fmt.Sprint(i + 1)
		contacts["user "+user] = audit.Contact{Slack: "U0000001"}
		want["owner:prod/"+user]++
	}
	for name, restarts := range map[string]bool{"one process": false, "a process for each pass": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &notifytest.Slack{}
				slow := &limited{fake.Client().Transport, rate.NewLimiter(rate.Every(time.Second), 15), 0}
				process := func() notify.Notifier {
					return notify.Backoff(slack.New(slack.Config{Channel: "C0123456789", Token: token}, &http.Client{Transport: slow}, slog.New(slog.DiscardHandler)))
				}
				n := &replaced{process(), process, restarts}
				if left := reviewOwners(t, people, contacts, 0, 4, 2*time.Minute, "slack", n); len(left) > 0 {
					t.Errorf("%d are left, the first: %+v", len(left), left[0])
				}
				got := map[string]int{}
				for _, m := range fake.Messages() {
					got[partOf(m)]++
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("messages (-want +got):\n%s", diff)
				}
				if slow.refused > 0 && !restarts {
					t.Errorf("Slack was asked too often %d times", slow.refused)
				}
			})
		})
	}
}

// replaced is a notifier of a process that ends after its first failure, and of the next one.
type replaced struct {
	notify.Notifier
	next func() notify.Notifier
	ends bool
}

func (r *replaced) Send(ctx context.Context, m notify.Message) (string, error) {
	ref, err := r.Notifier.Send(ctx, m)
	if err != nil && r.ends {
		r.Notifier = r.next()
	}
	return ref, err
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
