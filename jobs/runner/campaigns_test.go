package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/runner"
)

// folders are the evidence of campaigns in memory: by ID, the files by name.
type folders struct {
	mu     sync.Mutex
	files  map[string]map[string][]byte
	listed int
	locked bool
	broken map[string]error // what reading a folder answers
	step   func(what string) error
}

func newFolders() *folders {
	return &folders{files: map[string]map[string][]byte{}, broken: map[string]error{}, step: func(string) error { return nil }}
}

func (f *folders) IDs(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed++
	return slices.Sorted(maps.Keys(f.files)), nil
}

func (f *folders) Folder(id string) campaign.Files { return memoryFolder{f, id} }

func (f *folders) Load(ctx context.Context, id string) (*campaign.Book, error) {
	return campaign.Load(ctx, f.Folder(id))
}

func (f *folders) Lock(context.Context) (func() error, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locked {
		return nil, errors.New("locked twice")
	}
	f.locked = true
	return func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.locked = false
		return nil
	}, nil
}

// Seal writes how many lines the report has, so that one which is behind is found.
func (f *folders) Seal(ctx context.Context, b *campaign.Book, _ time.Time) error {
	return f.Folder(b.ID()).Write(ctx, "report", fmt.Appendf(nil, "%d items, %d lines", len(b.Items), len(b.Remediation)))
}

func (f *folders) State(_ context.Context, id string) (out []campaign.FileDigest, err error) {
	for name, content := range f.files[id] {
		out = append(out, campaign.Digest(name, content))
	}
	return out, nil
}

type memoryFolder struct {
	*folders
	id string
}

func (f memoryFolder) Read(_ context.Context, name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken[f.id]; err != nil {
		return nil, err
	}
	text, ok := f.files[f.id][name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return text, nil
}

func (f memoryFolder) Write(_ context.Context, name string, content []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.locked {
		return errors.New("written without the lock")
	}
	if err := f.step("write " + name); err != nil && !errors.Is(err, errKilledAfter) {
		return err
	}
	if f.files[f.id] == nil {
		f.files[f.id] = map[string][]byte{}
	}
	f.files[f.id][name] = bytes.Clone(content)
	return nil
}

// decide signs decisions on the items of a campaign.
func (f *folders) decide(t *testing.T, id string, at time.Time, decisions map[string]campaign.Kind) {
	t.Helper()
	unlock, err := f.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	folder := f.Folder(id)
	b, err := campaign.Load(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	r := campaign.Received{Name: "file.csv", Content: fmt.Append(nil, decisions), Signature: []byte("sig"), Reviewer: reviewer, Key: "SHA256:key"}
	in := b.NewImport(r, ".csv", at)
	var o campaign.Outcome
	for _, it := range b.Items {
		if kind, ok := decisions[it.Authorization]; ok {
			o.Decisions = append(o.Decisions, campaign.Decision{Import: in.Import, At: at, By: reviewer, Signed: true, Item: it.ID, Decision: kind, Fingerprint: it.Fingerprint})
		}
	}
	if err := b.Take(t.Context(), folder, in, r, o); err != nil {
		t.Fatal(err)
	}
}

const (
	reviewer = "ben@example.com"
	boss     = "boss@example.com"
)

// reviewing is serving with a campaign on Mondays, half an hour after the review: due in
// four days, with a reminder after two and an escalation after five.
func reviewing(t *testing.T) (*world, *folders) {
	w, f := serving(t), newFolders()
	w.runner.Campaigns = f
	w.prod.tokens = tokens("a1", "b2")
	day := 24 * time.Hour
	w.job.Campaigns = []runner.Campaign{{Schedule: mustSchedule(t, "30 9 * * 1"), Terms: campaign.Terms{
		Name: "weekly-access", Job: "weekly", Zone: "UTC", Scope: campaign.ScopeAll, Due: 4 * day, Remind: []campaign.Span{{Words: "2d", Span: 2 * day}},
		Escalate: campaign.Escalation{After: day, To: boss}, DefaultWithin: 2 * day, Reviewer: reviewer, Manager: boss,
	}}}
	w.job.People = func(time.Time) campaign.People { return campaign.People{} }
	w.job.Notifiers = []runner.Notifier{{
		Name: "slack", Deliveries: func(audit.Summary, audit.Highlights) []string { return nil },
		Tells: func(to string) bool { return strings.Contains(to, "@") },
		SendCampaign: func(_ context.Context, m runner.CampaignMessage) (string, error) {
			w.tries++
			if w.refuse != nil {
				return "", w.refuse
			}
			w.sent = append(w.sent, time.Now().UTC().Format("Mon 15:04 ")+strings.TrimPrefix(m.Name, m.Book.ID()+"/"))
			return "ref", nil
		},
	}}
	return w, f
}

// serveFor serves so long.
func (w *world) serveFor(span time.Duration) {
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() {
		w.runner.Serve(ctx, nil, []runner.Job{w.job})
		close(ended)
	}()
	time.Sleep(span)
	stop()
	<-ended
}

// untilMonday sleeps until a Monday at midnight.
func untilMonday() time.Time {
	now := time.Now().UTC()
	monday := now.Truncate(24*time.Hour).AddDate(0, 0, (8-int(now.Weekday()))%7)
	time.Sleep(time.Until(monday))
	return monday
}

// TestCampaignOfAWeek: it opens when it is due, everybody is told what is due, once and at
// its time, and the folders are not listed at every heartbeat.
func TestCampaignOfAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := reviewing(t)
		untilMonday()
		w.serveFor(6*24*time.Hour + 12*time.Hour)
		want := []string{"Mon 09:30 open/" + reviewer, "Wed 09:30 2d/" + reviewer, "Fri 09:30 overdue/" + reviewer, "Sat 09:30 escalation/" + boss}
		if diff := cmp.Diff(want, w.sent); diff != "" || w.tries != len(want) {
			t.Errorf("%d tries; said (-want +got):\n%s", w.tries, diff)
		}
		if most := 7 * 24 * 13; f.listed > most {
			t.Errorf("the folders were listed %d times, want at most %d", f.listed, most)
		}
		if len(f.files) != 1 {
			t.Errorf("opened %v", slices.Collect(maps.Keys(f.files)))
		}
	})
}

// TestCampaignDecided: who has decided is not reminded, a message that could not be sent in
// time is not sent afterwards, and reviews prove what was revoked.
func TestCampaignDecided(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := reviewing(t)
		var summaries []audit.Summary
		w.job.Report = func(_ context.Context, _ string, e runner.Evidence) (audit.Link, audit.Highlights, error) {
			summaries = append(summaries, e.Summary)
			for _, c := range e.Campaigns {
				if !slices.ContainsFunc(c.Files, func(d campaign.FileDigest) bool { return d.Name == campaign.RemediationFile && d.Size > 0 }) {
					t.Errorf("the evidence has of %s only %+v", c.ID, c.Files)
				}
			}
			return audit.Link{}, audit.Highlights{}, nil
		}
		monday := untilMonday()
		w.refuse = errors.New("channel_not_found")
		w.serveFor(12 * time.Hour)
		id := campaign.ID("weekly-access", monday.Add(9*time.Hour+30*time.Minute))
		f.decide(t, id, time.Now(), map[string]campaign.Kind{"a1": campaign.Revoke, "b2": campaign.Keep})
		w.refuse = nil
		w.job.Campaigns[0].Schedule = nil // opened by people from now on
		w.serveFor(5 * 24 * time.Hour)
		if len(w.sent) > 0 {
			t.Errorf("said %q to who had decided", w.sent)
		}
		w.serveFor(2 * 24 * time.Hour) // the next Monday: a1 is still there
		w.prod.tokens = tokens("b2")
		w.serveFor(7 * 24 * time.Hour)
		w.prod.err = errors.New("refused")
		w.serveFor(7 * 24 * time.Hour)
		if len(summaries) != 4 || len(summaries[0].Campaigns) > 0 || len(summaries[1].Campaigns) != 1 || len(summaries[2].Campaigns) != 1 || len(summaries[3].Campaigns) != 1 {
			t.Fatalf("%d reviews: %+v", len(summaries), summaries)
		}
		late, done, after := summaries[1].Campaigns[0], summaries[2].Campaigns[0], summaries[3].Campaigns[0]
		if late.Undecided != 0 || late.Revocations.Overdue != 1 || len(late.Overdue) != 1 || late.Overdue[0].State != "still-there" || late.Overdue[0].DaysOverdue != 4 {
			t.Errorf("while it is there: %+v", late)
		}
		if done.Revocations.Done != 1 || len(done.Proven) != 1 || done.Proven[0].Reviewer != reviewer || done.Proven[0].Days != 13 {
			t.Errorf("when it is gone: %+v", done)
		}
		if after.Revocations.Done != 1 || len(after.Proven) != 0 {
			t.Errorf("when nothing is seen: %+v", after)
		}
	})
}

// TestCampaignRemoved: what was noted of a campaign is said, or given up in time, also after
// the last one of the job left the configuration.
func TestCampaignRemoved(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refuse error
		sent   int
	}{"it is sent": {nil, 1}, "it is given up": {errors.New("channel_not_found"), 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _ := reviewing(t)
				untilMonday()
				w.refuse = errors.New("channel_not_found")
				w.serveFor(12 * time.Hour)
				if left, err := w.runner.Ledger.Unsaid(t.Context(), w.job.Name); err != nil || len(left) != 1 {
					t.Fatalf("%+v, %v", left, err)
				}
				w.job.Campaigns, w.refuse = nil, test.refuse
				w.serveFor(24 * time.Hour)
				if left, err := w.runner.Ledger.Unsaid(t.Context(), w.job.Name); err != nil || len(left) > 0 || len(w.sent) != test.sent {
					t.Errorf("left %+v, %v; sent %q", left, err, w.sent)
				}
			})
		})
	}
}

// TestCampaignAfterReview: a campaign and a review of one slot open in this order, also if
// the job begins later by its jitter.
func TestCampaignAfterReview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := reviewing(t)
		w.job.Jitter, w.job.Campaigns[0].Schedule = time.Hour, w.job.Schedule
		monday := untilMonday()
		w.serveFor(12 * time.Hour)
		b, err := campaign.Load(t.Context(), f.Folder(campaign.ID("weekly-access", monday.Add(9*time.Hour))))
		if want := (audit.Run{Job: "weekly", Slot: monday.Add(9 * time.Hour)}).ID(); err != nil || b.Run != want {
			t.Errorf("opened on %+v, want %s; %v", b, want, err)
		}
		w.serveFor(7 * 24 * time.Hour)
		b, err = campaign.Load(t.Context(), f.Folder(campaign.ID("weekly-access", monday.AddDate(0, 0, 7).Add(9*time.Hour))))
		if want := (audit.Run{Job: "weekly", Slot: monday.AddDate(0, 0, 7).Add(9 * time.Hour)}).ID(); err != nil || b.Run != want {
			t.Errorf("the next one opened on %+v, want %s; %v", b, want, err)
		}
	})
}

// TestCampaignWaits: without a review there is nothing to open it on, and one that is due
// too long is left out, which is said once.
func TestCampaignWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := reviewing(t)
		var log bytes.Buffer
		w.runner.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.job.Schedule = mustSchedule(t, "0 15 * * 3")
		untilMonday()
		w.serveFor(12 * time.Hour)
		if len(f.files) > 0 {
			t.Errorf("opened %v on no review", slices.Collect(maps.Keys(f.files)))
		}
		w.serveFor(3 * 24 * time.Hour) // the review is later than catch_up
		if n := strings.Count(log.String(), "not opened"); len(f.files) > 0 || n != 1 {
			t.Errorf("said %d times that it is not opened; opened %v", n, slices.Collect(maps.Keys(f.files)))
		}
		w.serveFor(4 * 24 * time.Hour)
		if len(f.files) != 1 {
			t.Errorf("opened %v in the second week", slices.Collect(maps.Keys(f.files)))
		}
	})
}

// TestCampaignDamaged: it does not keep a review from its report, which says so; a store
// that is away does, until it answers.
func TestCampaignDamaged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		reviews int
	}{"damaged": {errors.New("items.jsonl, line 3: unexpected end"), 2}, "away": {unreachableError{}, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, f := reviewing(t)
				var last audit.Summary
				reviews := 0
				w.job.Report = func(_ context.Context, _ string, e runner.Evidence) (audit.Link, audit.Highlights, error) {
					last = e.Summary
					reviews++
					return audit.Link{}, audit.Highlights{}, nil
				}
				monday := untilMonday()
				w.serveFor(12 * time.Hour)
				w.job.Campaigns[0].Schedule = nil
				f.broken[campaign.ID("weekly-access", monday.Add(9*time.Hour+30*time.Minute))] = test.err
				w.serveFor(7 * 24 * time.Hour)
				if reviews != test.reviews {
					t.Fatalf("%d reviews", reviews)
				}
				if test.reviews == 2 && (len(last.Campaigns) != 1 || !strings.Contains(last.Campaigns[0].Problem, "line 3")) {
					t.Errorf("campaigns %+v", last.Campaigns)
				}
				clear(f.broken)
				w.serveFor(time.Hour)
				if reviews != 2 {
					t.Errorf("%d reviews after it was mended", reviews)
				}
			})
		})
	}
}

type unreachableError struct{}

func (unreachableError) Error() string { return "the bucket does not answer" }

func (unreachableError) Unreachable() {}

// TestCampaignDryRun says what a review would say, and writes nothing.
func TestCampaignDryRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := reviewing(t)
		monday := untilMonday()
		w.serveFor(12 * time.Hour)
		id := campaign.ID("weekly-access", monday.Add(9*time.Hour+30*time.Minute))
		f.decide(t, id, time.Now(), map[string]campaign.Kind{"a1": campaign.Revoke})
		w.prod.tokens = tokens("b2")
		before := fmt.Sprint(f.files)
		s, err := w.runner.DryRun(t.Context(), &runner.Assessor{Earlier: w.runner.Ledger, Snapshots: w.runner.Snapshots, Log: w.runner.Log}, w.job)
		if err != nil || len(s.Campaigns) != 1 || s.Campaigns[0].Revocations.Done != 1 || s.Campaigns[0].Undecided != 1 {
			t.Errorf("%+v, %v", s.Campaigns, err)
		}
		if fmt.Sprint(f.files) != before {
			t.Error("a dry run wrote into the folder of a campaign")
		}
	})
}

var (
	errKilled      = errors.New("killed")
	errKilledAfter = errors.New("killed after it was done")
)

// fuse kills a process at a step: before it is done, or after that.
type fuse struct {
	left  int
	after bool
	dead  bool
	steps []string
}

func (f *fuse) step(what string) error {
	if f.dead {
		return errKilled
	}
	f.steps = append(f.steps, what)
	if f.left--; f.left != 0 {
		return nil
	}
	f.dead = true
	if f.after {
		return errKilledAfter
	}
	return errKilled
}

// mortalLedger dies at what a campaign writes into it. What is done is done even if the
// process is killed before it hears of that.
type mortalLedger struct {
	*memory
	fuse *fuse
}

func (l mortalLedger) do(what string, write func() error) error {
	err := l.fuse.step(what)
	if err == nil || errors.Is(err, errKilledAfter) {
		err = errors.Join(err, write())
	}
	return err
}

func (l mortalLedger) Pass(ctx context.Context, job string, slot time.Time) error {
	return l.do("pass", func() error { return l.memory.Pass(ctx, job, slot) })
}

func (l mortalLedger) Announce(ctx context.Context, all []audit.CampaignDelivery) error {
	if len(all) == 0 {
		return nil
	}
	return l.do("announce", func() error { return l.memory.Announce(ctx, all) })
}

func (l mortalLedger) SaveCampaignDelivery(ctx context.Context, holder string, d audit.CampaignDelivery) error {
	return l.do("save "+string(d.State), func() error { return l.memory.SaveCampaignDelivery(ctx, holder, d) })
}

func (l mortalLedger) Finish(ctx context.Context, o audit.Conclusion) error {
	return l.do("finish", func() error { return l.memory.Finish(ctx, o) })
}

// TestCampaignKilledAtEveryStep plays three weeks of a campaign and kills the process once,
// at each step of what it writes. Nothing is lost, and nothing is doubled.
func TestCampaignKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	play := func(t *testing.T, f *fuse) (files map[string]map[string][]byte, said map[string]int) {
		synctest.Test(t, func(t *testing.T) {
			w, folders := reviewing(t)
			m := w.runner.Ledger.(*memory)
			w.runner.Ledger, folders.step, said = mortalLedger{m, f}, f.step, map[string]int{}
			w.job.Notifiers[0].SendCampaign = func(_ context.Context, msg runner.CampaignMessage) (string, error) {
				err := f.step("send")
				if f.dead && !errors.Is(err, errKilledAfter) {
					return "", err
				}
				if !msg.Again() || said[msg.Name] == 0 { // it asks whether an earlier attempt arrived
					said[msg.Name]++
				}
				return "ref", err
			}
			revive := func() { // as a new process, which finds no lock
				if f.dead {
					f.dead, folders.locked = false, false
					w.runner.Holder += "'"
				}
			}
			monday := untilMonday()
			for now := range 3 * 8 { // in each week, when something becomes due and afterwards
				day, clock := []int{0, 0, 0, 1, 2, 4, 5, 6}[now%8], []int{8, 9, 10, 12, 10, 10, 10, 10}[now%8]
				time.Sleep(time.Until(monday.AddDate(0, 0, now/8*7+day).Add(time.Duration(clock) * time.Hour)))
				for range 3 { // what a killed one left is taken up
					w.runner.Tick(t.Context(), w.job)
					revive()
					time.Sleep(time.Minute)
				}
				if now == 3 { // by another process
					folders.step = func(string) error { return nil }
					folders.decide(t, campaign.ID("weekly-access", monday.Add(9*time.Hour+30*time.Minute)), time.Now(), map[string]campaign.Kind{"a1": campaign.Revoke})
					folders.step = f.step
				}
			}
			files = folders.files
			if len(m.leases) > 1 {
				t.Errorf("leases %v", m.leases)
			}
		})
		return files, said
	}
	whole := &fuse{}
	files, said := play(t, whole)
	if len(whole.steps) < 40 || len(files) != 3 || len(said) < 9 {
		t.Fatalf("%d steps, %d campaigns, said %v", len(whole.steps), len(files), said)
	}
	every := 1
	if testing.Short() {
		every = 5
	}
	for _, after := range []bool{false, true} {
		for step := 1; step <= len(whole.steps); step += every {
			f := &fuse{left: step, after: after}
			gotFiles, gotSaid := play(t, f)
			name := fmt.Sprintf("killed at step %d, %s, done %t", step, whole.steps[step-1], after)
			if diff := cmp.Diff(said, gotSaid); diff != "" {
				t.Errorf("%s: said (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(files, gotFiles); diff != "" {
				t.Errorf("%s: files (-want +got):\n%s", name, diff)
			}
		}
	}
}
