package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
)

// dryRun makes a dry run by what the world's reviews left, as another process would.
func (w *world) dryRun(ctx context.Context) (*audit.Summary, error) {
	w.t.Helper()
	clock := func(context.Context) (time.Time, error) { return w.now, nil }
	r := &runner.Runner{Snapshots: evidence.Archive{Root: w.t.TempDir()}, Log: w.runner.Log}
	return r.DryRun(ctx, &runner.Assessor{Earlier: w.ledger, Snapshots: w.runner.Snapshots, Now: clock, Log: w.runner.Log}, w.job)
}

// files are what is in the folder of the evidence, which has the ledger, too.
func (w *world) files() (names []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// TestDryRunSaysWhatAReviewSays: a review made after a dry run has the same figures, and
// knows nothing of it.
func TestDryRunSaysWhatAReviewSays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		then func(w *world)
	}{
		{"the first review", func(*world) {}},
		{"nothing changed", func(w *world) { w.review() }},
		{"one gone, one new", func(w *world) { w.review(); w.prod.tokens = tokens("b2", "c3") }},
		{"a target is down", func(w *world) { w.review(); w.prod.err = errors.New("connection refused") }},
		{"a target was taken out", func(w *world) {
			w.job.Targets = append(w.job.Targets, runner.Target{Name: "other", Source: &source{tokens: tokens("d4")}})
			w.review()
			w.job.Targets = w.job.Targets[:1]
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.job.Basis = "a rule"
			tc.then(w)
			w.now = w.now.Add(time.Hour)
			before, sent := w.files(), len(w.sent)
			dry, err := w.dryRun(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, w.files()); diff != "" || len(w.sent) != sent {
				t.Errorf("it left something behind, or sent it: %v\n%s", w.sent, diff)
			}
			real := w.review()
			if diff := cmp.Diff(real, dry, cmpopts.IgnoreFields(audit.Summary{}, "ID", "Slot"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-review +dry run):\n%s", diff)
			}
		})
	}
}

func (w *world) review() *audit.Summary {
	w.t.Helper()
	s, err := w.runner.ReviewNow(w.t.Context(), w.job)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// TestDryRunBesideAnInterruptedReview: it neither waits for it nor finishes it.
func TestDryRunBesideAnInterruptedReview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review()
	w.now = w.now.Add(time.Hour)
	ctx, kill := context.WithCancel(t.Context())
	w.prod.collect = func(ctx context.Context) error { kill(); return ctx.Err() }
	if _, err := w.runner.ReviewNow(ctx, w.job); !errors.Is(err, context.Canceled) {
		t.Fatalf("not cut off: %v", err)
	}
	if leased, err := w.ledger.Acquire(t.Context(), w.job.Name, "another process", w.now, w.now.Add(time.Minute)); !leased || err != nil {
		t.Fatal(leased, err)
	}
	w.prod.collect = nil
	cut, _, err := w.ledger.Running(t.Context(), w.job.Name)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Second)
	if s, err := w.dryRun(t.Context()); err != nil || s.Authorizations.Total != 2 || s.Previous == nil {
		t.Errorf("%+v, %v", s, err)
	}
	still, found, err := w.ledger.Running(t.Context(), w.job.Name)
	if diff := cmp.Diff(cut, still); diff != "" || !found || err != nil {
		t.Errorf("the interrupted review: %t, %v\n%s", found, err, diff)
	}
	if err := w.ledger.Release(t.Context(), w.job.Name, "another process"); err != nil {
		t.Fatal(err)
	}
	if s := w.tick(); s == nil || s.ID != cut.ID() || len(w.sent) != 2 {
		t.Errorf("taken up: %+v, sent %v", s, w.sent)
	}
}

func TestDryRunIsCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	w.prod.collect = func(ctx context.Context) error { stop(why); return ctx.Err() }
	if s, err := w.dryRun(ctx); s != nil || !errors.Is(err, why) {
		t.Errorf("%+v, %v", s, err)
	}
}
