package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/email/mailtest"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
)

// reviewThrough reviews the tokens of three users, of whom two are known. See reviewOwners.
func reviewThrough(t *testing.T, save, heartbeats int, wait time.Duration, name string, n notify.Notifier) []audit.Delivery {
	t.Helper()
	contacts := audit.Contacts{"user 1": {Slack: "U0000001"}, "user 2": {Responsible: "Dan"}}
	return reviewOwners(t, 3, contacts, save, heartbeats, wait, name, n)
}

// reviewOwners reviews, and delivers at that many heartbeats; one save of the ledger fails. It
// returns what is left to deliver.
func reviewOwners(t *testing.T, users int, contacts audit.Contacts, save, heartbeats int, wait time.Duration, name string, n notify.Notifier) []audit.Delivery {
	t.Helper()
	dir := t.TempDir()
	ledger, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(dir, "ledger.db"), secret.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	a := &app{file: &configs.File{}, ledger: ledger, runner: &runner.Runner{
		Ledger: &forgetful{ledger, save}, Snapshots: evidence.Archive{Root: dir}, Now: ledger.Now, Holder: "me", Log: slog.New(slog.DiscardHandler),
	}}
	schedule, err := schedule.Parse("0 9 * * 1", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	job := runner.Job{
		Name: "weekly", Schedule: schedule, Deadline: time.Hour, DeliverWithin: 24 * time.Hour,
		Targets: []runner.Target{{Name: "prod", Source: owners(users)}},
		Policy:  audit.Policy{Severity: map[string]audit.Severity{"active-write": audit.High}},
		Report: func(_ context.Context, _ string, e runner.Evidence) (audit.Link, audit.Highlights, error) {
			h, err := audit.HighlightsOf(e.Rows, e.Summary, contacts)
			return audit.Link{}, h, err
		},
		Notifiers: []runner.Notifier{a.notifier(name, n)},
	}
	a.runner.ReviewNow(t.Context(), job) // an error is what this is about
	for range heartbeats {
		time.Sleep(wait)
		a.runner.Tick(t.Context(), job)
	}
	left, err := ledger.Unsent(t.Context(), job.Name)
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestWebhookAtLeastOnce: whatever goes wrong, the message arrives, and every post
// of it has one ID, by which a receiver takes it once.
func TestWebhookAtLeastOnce(t *testing.T) {
	cut, limited := notifytest.CutOff(), notifytest.RateLimited(90)
	for name, script := range map[string][]notifytest.Failure{
		"none": nil, "cut": {cut}, "cut for long": {cut, cut, cut, cut, cut}, "429": {limited, limited},
		"500": {notifytest.Status(500), notifytest.Status(502)}, "refused": {notifytest.Status(403)}, "refused after a cut": {cut, notifytest.Status(404)},
	} {
		for save := range 4 { // 0 is none
			t.Run(fmt.Sprintf("%s, save %d fails", name, save), func(t *testing.T) {
				t.Setenv("TEST_HOOK_URL", "https://hooks.example.com/x")
				t.Setenv("TEST_HOOK_SECRET", strings.Repeat("k", 24))
				synctest.Test(t, func(t *testing.T) {
					receiver := &notifytest.Hook{}
					receiver.Fail(script...)
					config := webhook.Config{URL: secret.Ref{Env: "TEST_HOOK_URL"}, Secret: secret.Ref{Env: "TEST_HOOK_SECRET"}}
					left := reviewThrough(t, save, 20, 15*time.Second, "webhook", notify.Backoff(webhook.New(config, receiver.Client())))
					if len(left) > 0 {
						t.Errorf("not delivered: %+v", left)
					}
					ids := map[string]bool{}
					for _, p := range receiver.Posts() {
						ids[p.Header.Get("webhook-id")+string(p.Body)] = true
					}
					if len(ids) != 1 {
						t.Errorf("%d different posts", len(ids))
					}
				})
			})
		}
	}
}

// TestEmailAtLeastOnce: the mail arrives, twice at most, with one Message-ID.
func TestEmailAtLeastOnce(t *testing.T) {
	no := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
	for name, failure := range map[string][]mailtest.Failure{
		"none": nil, "refused": {{At: mailtest.From, Say: no}}, "cut before": {{At: mailtest.To}}, "cut in it": {{At: mailtest.Data}},
		"cut after": {{At: mailtest.Arrived}}, "refused between two cuts": {{At: mailtest.Arrived}, {At: mailtest.From, Say: no}, {At: mailtest.Arrived}},
		"cut after, for ever": {{At: mailtest.Arrived}, {At: mailtest.Arrived}, {At: mailtest.Arrived}, {At: mailtest.Arrived}},
	} {
		for save := range 4 {
			t.Run(fmt.Sprintf("%s, save %d fails", name, save), func(t *testing.T) {
				server := mailtest.Start(t, "", "", mailtest.STARTTLS)
				server.Fail(failure...)
				config := email.Config{Server: server.Address, CAFile: setting.Path(server.CAFile), From: "a@example.com", To: []string{"b@example.com"}}
				left := reviewThrough(t, save, 4, 0, "email", email.New(config, slog.New(slog.DiscardHandler)))
				mails := server.Mails()
				if len(left) > 0 || len(mails) < 1 || len(mails) > 3 || save == 0 && len(mails) > 2 {
					t.Errorf("%d mails, left: %+v", len(mails), left)
				}
				for _, m := range mails {
					if messageID(t, m) != messageID(t, mails[0]) {
						t.Error("another Message-ID")
					}
				}
			})
		}
	}
}

// TestEmailOwnersAtLeastOnce: every person whose address is known gets their mail, with one
// Message-ID, whatever goes wrong; once where nothing does.
func TestEmailOwnersAtLeastOnce(t *testing.T) {
	contacts := audit.Contacts{"user 1": {Responsible: "alice@example.com"}, "user 2": {Responsible: "bob@example.com"}, "user 3": {Responsible: "the platform team"}}
	no := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
	for name, failure := range map[string][]mailtest.Failure{
		"none": nil, "summary refused": {{At: mailtest.From, Say: no}}, "cut after the summary": {{At: mailtest.Arrived}}, "cut for long": slices.Repeat([]mailtest.Failure{{At: mailtest.To}}, 4),
	} {
		for save := range 7 {
			t.Run(fmt.Sprintf("%s, save %d fails", name, save), func(t *testing.T) {
				server := mailtest.Start(t, "", "", mailtest.STARTTLS)
				server.Fail(failure...)
				config := email.Config{Server: server.Address, CAFile: setting.Path(server.CAFile), From: "a@example.com", To: []string{"b@example.com"}, Owners: true}
				left := reviewOwners(t, 3, contacts, save, 8, 0, "email", email.New(config, slog.New(slog.DiscardHandler)))
				got := map[string]int{}
				for _, m := range server.Mails() {
					got[strings.Join(m.To, " ")+" "+messageID(t, m)]++
				}
				if len(left) > 0 || len(got) != 3 {
					t.Errorf("%d different mails: %v, left: %+v", len(got), got, left)
				}
				for mail, n := range got {
					if n > 1 && name == "none" && save == 0 || n > 3 {
						t.Errorf("%d times: %s", n, mail)
					}
				}
			})
		}
	}
}

func messageID(t *testing.T, m mailtest.Mail) string {
	t.Helper()
	for line := range strings.Lines(string(m.Data)) {
		if id, ok := strings.CutPrefix(line, "Message-ID: "); ok {
			return id
		}
	}
	t.Error("no Message-ID")
	return ""
}

// TestInDoubt: a delivery that may have arrived is not known to be missing only
// because a later attempt surely posted nothing.
func TestInDoubt(t *testing.T) {
	t.Parallel()
	a := &app{file: &configs.File{}, snapshots: evidence.Archive{Root: t.TempDir()}}
	for state, want := range map[audit.DeliveryState]bool{audit.DeliveryNew: false, audit.DeliverySending: true, audit.DeliveryUncertain: true} {
		send := a.notifier("slack", refusing{}).Send
		_, err := send(t.Context(), runner.Message{Delivery: audit.Delivery{Name: notify.SummaryDelivery, State: state}})
		if err == nil || errors.As(err, new(*runner.UncertainError)) != want {
			t.Errorf("%s: in doubt is not %t: %v", state, want, err)
		}
	}
}

type refusing struct{ notify.Notifier }

func (refusing) Send(context.Context, notify.Message) (string, error) {
	return "", notify.NotPosted(errors.New("HTTP 403"))
}

// TestNotifiers: each notifier that a job has is wired under its key.
func TestNotifiers(t *testing.T) {
	ref := secret.Ref{Env: "NAME"}
	dir := t.TempDir()
	f := &configs.File{
		Store: "sqlite:" + filepath.Join(dir, "ledger.db"), Evidence: dir, Parallel: 1, ParallelPerHost: 1,
		Jobs: []configs.Job{{
			Name: "weekly", Schedule: "@weekly", Timezone: "UTC", Slack: &slack.Config{Webhook: ref},
			Webhook: &webhook.Config{URL: ref, Secret: ref}, Email: &email.Config{Server: "localhost:25"},
		}},
	}
	a, err := wire(t.Context(), f, nil, slog.New(slog.DiscardHandler), secret.NewRedactor())
	if err != nil {
		t.Fatal(err)
	}
	a.ledger.Close()
	var names []string
	for _, o := range a.jobs[0].Notifiers {
		names = append(names, o.Name)
	}
	if got, want := strings.Join(names, " "), "slack webhook email"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
