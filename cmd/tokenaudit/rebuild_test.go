package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// on lets a process work on another ledger from now on.
func (h *host) on(t *testing.T, store string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), store, secret.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	snapshots := h.snapshots
	h.runner.Ledger = l
	h.runner.Agree = func(ctx context.Context, job string) error { return runner.Agree(ctx, l, snapshots, job) }
	return l
}

// rebuilt makes a ledger from what is there, and gives what is said and the exit code.
func rebuilt(t *testing.T, p place, store string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	file := &configs.File{Store: store, Evidence: p.address}
	err := (&cli{stdout: &out, stderr: &out}).rebuildFrom(t.Context(), file, rebuildFlags{})
	code := exitCode(err)
	if code == exitFailed {
		t.Fatal(err)
	}
	return out.String(), code
}

// fewer shows no token any more, and cannot be asked for one: what is known of it
// comes from earlier reviews.
type fewer struct{}

func (fewer) Collect(context.Context, func()) (audit.Collection, error) {
	return audit.Collection{
		Coverage:       audit.Coverage{Verdict: audit.Complete, Reasons: []string{}},
		Authorizations: func(func(audit.Authorization, error) bool) {},
	}, nil
}

// TestLostLedgerAnywhere: wherever the evidence is, and though its packs name no source,
// as those of earlier versions, the next review goes on from them.
func TestLostLedgerAnywhere(t *testing.T) {
	everyPlace(t, func(t *testing.T, p place) {
		now := november
		h := hosts(t, p, &now, 1)[0]
		for range 7 { // the first two are taken away by retention
			h.mustReview(t)
			now = now.AddDate(0, 0, 7)
		}
		store := ledger.AtPath(filepath.Join(t.TempDir(), "ledger.db"))
		empty := h.on(t, store)
		before := p.objects()
		if _, err := h.runner.ReviewNow(t.Context(), h.job); !errors.As(err, new(*runner.DisagreementError)) {
			t.Errorf("with an empty ledger: %v", err)
		}
		if after := p.objects(); !slices.Equal(before, after) {
			t.Errorf("objects %v, before %v", after, before)
		}
		empty.Close()
		kept := "5 reviews"
		if !p.lock.IsZero() { // retention leaves what is locked
			kept = "7 reviews"
		}
		if out, code := rebuilt(t, p, store); code != exitDone || !strings.Contains(out, "weekly: "+kept+", the newest pack is number 7") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		h.on(t, store)
		h.job.Targets[0].Source = fewer{}
		s, err := h.runner.ReviewNow(t.Context(), h.job)
		if err != nil || s.Authorizations.Total != 6 || s.Authorizations.New != 0 || s.Coverage.Targets[0].Unseen != 3 {
			t.Errorf("%+v, %v", s, err)
		}
		if out := mustVerify(t, p.under("weekly")); !strings.Contains(out, "   8  ") {
			t.Errorf("verify:\n%s", out)
		}
	})
}

// TestRebuiltSlots: after a rebuild the slot that became due while the ledger was lost is
// reviewed, and none that was reviewed before.
func TestRebuiltSlots(t *testing.T) {
	t.Parallel()
	p, now := folderPlace(t), november
	h := hosts(t, p, &now, 1)[0]
	weekly, err := schedule.Parse("0 9 * * 1", "UTC")
	must(t, err)
	h.job.Schedule, h.job.CatchUp = weekly, 6*24*time.Hour
	reports := reporter{
		file: &configs.File{}, snapshots: h.snapshots, log: h.runner.Log,
		job: configs.Job{Schedule: "0 9 * * 1", Timezone: "UTC", Reports: []string{"csv"}},
	}
	h.job.Report = reports.write
	tick := func(want string) {
		t.Helper()
		s, err := h.runner.Tick(t.Context(), h.job)
		must(t, err)
		if got := s != nil; got != (want != "") || got && s.ID != want {
			t.Errorf("%s: reviewed %t, want %q", now, got, want)
		}
	}
	now = november.AddDate(0, 0, -1)
	tick("") // from now on its slots count
	now = november
	tick("weekly/2026-11-02T0900Z")
	now = november.AddDate(0, 0, 7).Add(24 * time.Hour)
	store := ledger.AtPath(filepath.Join(t.TempDir(), "ledger.db"))
	rebuilt(t, p, store)
	h.on(t, store)
	tick("weekly/2026-11-09T0900Z")
	tick("")
	mustVerify(t, p.under("weekly"))
}

// TestRebuildOfDamaged: what cannot be read, or is not what the chain holds, is said, and
// the next review goes on without covering it up.
func TestRebuildOfDamaged(t *testing.T) {
	t.Parallel()
	flip := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)/2] ^= 1
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string) // dir is the folder of the third pack of four
		newest bool                           // or of the fourth
		want   string
		verify string // what it says after the next review, "" if nothing is wrong
	}{
		"a manifest that is cut":             {func(t *testing.T, dir string) { must(t, os.Truncate(filepath.Join(dir, "manifest.json"), 100)) }, false, "pack 3 (run weekly/2026-11-16T0900Z): manifest.json was changed", "manifest.json"},
		"the newest manifest is cut":         {func(t *testing.T, dir string) { must(t, os.Truncate(filepath.Join(dir, "manifest.json"), 100)) }, true, "pack 4 (run weekly/2026-11-23T0900Z): manifest.json was changed", "manifest.json"},
		"a manifest that is empty":           {func(t *testing.T, dir string) { must(t, os.Truncate(filepath.Join(dir, "manifest.json"), 0)) }, true, "pack 4 (run weekly/2026-11-23T0900Z): manifest.json was changed", "manifest.json"},
		"a manifest with another byte":       {rewrite("manifest.json", `"trigger": "manual"`, `"trigger": "schedule"`), false, "it differs from the chain", "follows on"},
		"the newest one":                     {rewrite("manifest.json", `"trigger": "manual"`, `"trigger": "schedule"`), true, "it differs from the chain", "follows on"},
		"a summary that was changed":         {flip("summary.json"), true, "summary.json is not the file that the manifest names", "summary.json: was changed"},
		"a summary that is missing":          {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "summary.json"))) }, false, "summary.json", "summary.json"},
		"a snapshot that was changed":        {flip("snapshot-prod.jsonl.gz"), true, "snapshot-prod.jsonl.gz was changed; the next review of prod is compared with an earlier one", "snapshot-prod.jsonl.gz"},
		"an older snapshot that was changed": {flip("snapshot-prod.jsonl.gz"), false, "", "snapshot-prod.jsonl.gz"},
		"a pack that is missing":             {func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }, false, "pack 3 (run weekly/2026-11-16T0900Z): it is missing", "pack 3 is missing"},
		"the newest pack is missing":         {func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }, true, "pack 4 (run weekly/2026-11-23T0900Z): it is missing", "pack 4 is missing"},
		"no chain.json":                      {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "../chain.json"))) }, false, "there is no chain.json", ""},
		"a chain.json that is damaged": {func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "../chain.json"), []byte("{"), 0o600))
		}, false, "chain.json is damaged", ""},
		"a folder without a manifest": {func(t *testing.T, dir string) { must(t, os.Mkdir(filepath.Join(dir, "../2026-12-24T0900Z"), 0o700)) }, false, "", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, now := folderPlace(t), november
			h := hosts(t, p, &now, 1)[0]
			h.job.Targets[0].Source = threeOwners{}
			for range 4 {
				h.mustReview(t)
				now = now.AddDate(0, 0, 7)
			}
			dir := filepath.Join(p.address, "weekly", "2026-11-16T0900Z")
			if test.newest {
				dir = filepath.Join(p.address, "weekly", "2026-11-23T0900Z")
			}
			test.damage(t, dir)
			store := ledger.AtPath(filepath.Join(t.TempDir(), "ledger.db"))
			out, code := rebuilt(t, p, store)
			if !strings.Contains(out, test.want) || (code == exitIncomplete) != (test.want != "") {
				t.Errorf("exit code %d\n%s", code, out)
			}
			h.on(t, store)
			if err := h.runner.Agree(t.Context(), "weekly"); err != nil {
				t.Errorf("after the rebuild: %v", err)
			}
			s, err := h.runner.ReviewNow(t.Context(), h.job)
			if err != nil || s.Authorizations.New != 0 {
				t.Fatalf("%+v, %v", s, err)
			}
			if test.verify == "-" {
				return
			}
			if out, err := verifyText(t, p.under("weekly")); (err != nil) != (test.verify != "") || !strings.Contains(strings.Join(strings.Fields(out), " "), test.verify) {
				t.Errorf("verify: %v\n%s", err, out)
			}
		})
	}
}

// rewrite changes a text in a file.
func rewrite(name, from, to string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(from)) {
			t.Fatalf("no %s in %s: %v", from, text, err)
		}
		must(t, os.WriteFile(path, bytes.ReplaceAll(text, []byte(from), []byte(to)), 0o600))
	}
}

// TestRebuildWithDroppedTarget: a target that the newest review had no more is compared
// with the review that had it, when it is configured again.
func TestRebuildWithDroppedTarget(t *testing.T) {
	t.Parallel()
	p, now := folderPlace(t), november
	h := hosts(t, p, &now, 1)[0]
	h.mustReview(t)
	targets := h.job.Targets
	for range 2 {
		now = now.AddDate(0, 0, 7)
		h.job.Targets = targets[:1]
		if s, err := h.runner.ReviewNow(t.Context(), h.job); err != nil || len(s.Coverage.Targets) != 2 {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	store := ledger.AtPath(filepath.Join(t.TempDir(), "ledger.db"))
	if out, code := rebuilt(t, p, store); code != exitDone {
		t.Errorf("exit code %d\n%s", code, out)
	}
	h.on(t, store)
	now, h.job.Targets = now.AddDate(0, 0, 7), targets
	if s := h.mustReview(t); s.Authorizations.New != 0 || s.Authorizations.Total != 6 {
		t.Errorf("%+v", s.Authorizations)
	}
}

// TestChainIsMended: a run that was cut off between its manifest and chain.json leaves
// no false alarm.
func TestChainIsMended(t *testing.T) {
	t.Parallel()
	for _, packs := range []int{1, 3} {
		p, now := folderPlace(t), november
		h := hosts(t, p, &now, 1)[0]
		chain, before := filepath.Join(p.address, "weekly", "chain.json"), []byte(nil)
		for range packs {
			before, _ = os.ReadFile(chain)
			h.mustReview(t)
			now = now.AddDate(0, 0, 7)
		}
		if must(t, os.Remove(chain)); before != nil {
			must(t, os.WriteFile(chain, before, 0o600))
		}
		store := ledger.AtPath(filepath.Join(t.TempDir(), "ledger.db"))
		if out, code := rebuilt(t, p, store); code != exitDone {
			t.Errorf("exit code %d\n%s", code, out)
		}
		h.on(t, store)
		if out := mustVerify(t, p.under("weekly")); strings.Contains(out, "chain.json") {
			t.Errorf("verify:\n%s", out)
		}
		h.mustReview(t)
		mustVerify(t, p.under("weekly"))
	}
}

// TestReached: up to where slots are dealt with, by what the packs tell.
func TestReached(t *testing.T) {
	t.Parallel()
	at := func(day int) time.Time { return time.Date(2026, 11, day, 9, 0, 0, 0, time.UTC) }
	const weekly, daily = "0 9 * * 1 UTC", "0 9 * * * UTC"
	found := func(day int, trigger audit.Trigger, schedule string) foundPack {
		return foundPack{run: audit.Run{Job: "j", Slot: at(day), Trigger: trigger, Started: at(day)}, schedule: schedule}
	}
	lost := func(p foundPack) foundPack {
		p.lose("gone")
		p.schedule = ""
		return p
	}
	behind := found(9, audit.CatchUp, weekly)
	behind.run.Started = at(12)
	for _, tc := range []struct {
		name  string
		packs []foundPack
		want  time.Time
	}{
		{"scheduled", []foundPack{found(2, audit.Scheduled, weekly), found(9, audit.Scheduled, weekly)}, at(9)},
		{"by hand after it", []foundPack{found(9, audit.Scheduled, weekly), found(11, audit.Manual, weekly)}, at(9)},
		{"caught up after one by hand", []foundPack{found(2, audit.Scheduled, weekly), found(11, audit.Manual, weekly), behind}, at(9)},
		{"by hand only: since the first", []foundPack{found(3, audit.Manual, weekly), found(11, audit.Manual, weekly)}, at(3)},
		{"another schedule: since then", []foundPack{found(9, audit.Scheduled, weekly), found(11, audit.Manual, daily)}, at(11)},
		{"another schedule, and its first slot", []foundPack{found(9, audit.Scheduled, weekly), found(12, audit.Scheduled, daily)}, at(12)},
		{"the newest is lost", []foundPack{found(2, audit.Scheduled, weekly), lost(found(9, audit.Scheduled, weekly))}, at(9)},
		{"one by hand is lost", []foundPack{found(2, audit.Scheduled, weekly), lost(found(10, audit.Manual, weekly))}, at(2)},
		{"all are lost", []foundPack{lost(found(2, audit.Scheduled, weekly))}, time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := jobPacks{name: "j", packs: tc.packs}
			if j.findReached(); !j.reached.Equal(tc.want) {
				t.Errorf("reached %s, want %s", j.reached, tc.want)
			}
		})
	}
}

// TestRebuildOfUnreachable: a pack that cannot be fetched at the moment is not lost.
func TestRebuildOfUnreachable(t *testing.T) {
	s3, now := newFakeS3(t), november
	h := hosts(t, s3.place(), &now, 1)[0]
	h.mustReview(t)
	for _, name := range []string{"manifest.json", "summary.json", "chain.json"} {
		t.Run(name, func(t *testing.T) {
			s3.fault = func(w http.ResponseWriter, r *http.Request) bool {
				refused := r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, name)
				if refused {
					w.WriteHeader(http.StatusForbidden)
				}
				return refused
			}
			file := &configs.File{Store: ledger.AtPath(filepath.Join(t.TempDir(), "ledger.db")), Evidence: s3.place().address}
			err := (&cli{stdout: t.Output(), stderr: t.Output()}).rebuildFrom(t.Context(), file, rebuildFlags{})
			if !unreachable(err) {
				t.Errorf("made of it what could be had: %v", err)
			}
		})
	}
}
