package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/influx/influxtest"
)

var november = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

var packFiles = []string{
	"SHA256SUMS", "authorizations.csv", "config.yaml", "findings.csv", "inputs.json", "manifest.json", "reperform.sh",
	"requests-plant.jsonl", "requests-prod.jsonl",
	"snapshot-plant.jsonl.gz", "snapshot-prod.jsonl.gz", "summary.json",
}

// TestHostsTakeTurns: each pack is whole, and the chain goes on whoever writes it.
func TestHostsTakeTurns(t *testing.T) {
	everyPlace(t, func(t *testing.T, p place) {
		now := november
		both := hosts(t, p, &now, 2)
		want := []string{"weekly/chain.json"}
		for week := range 4 {
			s := both[week%2].mustReview(t)
			if s.Authorizations.Total != 6 {
				t.Errorf("week %d: %d authorizations, want 6", week, s.Authorizations.Total)
			}
			for _, name := range packFiles {
				want = append(want, s.ID+"/"+name)
			}
			mustVerify(t, p.under(s.ID))
			now = now.AddDate(0, 0, 7)
		}
		got := p.objects()
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
		if out := mustVerify(t, p.under("weekly")); strings.Count(out, " ok") != 4 {
			t.Errorf("not four packs:\n%s", out)
		}
		if out := mustVerify(t, p.address); !strings.Contains(out, "Job weekly\n") {
			t.Errorf("not all jobs:\n%s", out)
		}
	})
}

// TestEveryRequestRefused lets each request to the bucket fail in turn. Nothing that
// looks whole may be left that is not, and another host finishes the run.
func TestEveryRequestRefused(t *testing.T) {
	times := map[string]int{} // how often a review makes a request
	second(t, func(request string) bool {
		times[request]++
		return false
	})
	if len(times) < 20 {
		t.Errorf("only %d requests: %v", len(times), times)
	}
	for request, n := range times {
		for i := range n {
			t.Run(fmt.Sprint(request, " ", i+1), func(t *testing.T) { refuseOne(t, request, i) })
		}
	}
}

// second makes the second of two reviews, with some requests refused.
func second(t *testing.T, refuse func(request string) bool) (p place, other host, id string, err error) {
	t.Helper()
	s3, now := newFakeS3(t), november
	p = s3.place()
	both := hosts(t, p, &now, 2)
	both[0].mustReview(t)
	now = now.AddDate(0, 0, 7)
	s3.refusing(func(r *http.Request) bool { return refuse(r.Method + " " + r.URL.Path) })
	_, err = both[0].runner.ReviewNow(t.Context(), both[0].job)
	s3.well()
	return p, both[1], audit.Run{Job: "weekly", Slot: now}.ID(), err
}

func refuseOne(t *testing.T, request string, n int) {
	refused := 0
	p, other, id, err := second(t, func(r string) bool {
		if r == request {
			refused++
		}
		return r == request && refused == n+1
	})
	if refused <= n {
		t.Fatal("was not made this time")
	}
	whole := slices.Contains(p.objects(), id+"/manifest.json")
	if strings.HasPrefix(request, http.MethodPut) && (err == nil || whole != strings.HasSuffix(request, "chain.json")) {
		t.Errorf("error %v, manifest %t", err, whole)
	}
	if whole {
		mustVerify(t, p.under(id))
	}
	if err != nil {
		s, err := other.runner.Tick(t.Context(), other.job)
		if err == nil && s == nil { // the run had not begun
			_, err = other.runner.ReviewNow(t.Context(), other.job)
		}
		if err != nil {
			t.Errorf("the other host: %v", err)
		}
	}
	if out := mustVerify(t, p.under("weekly")); strings.Count(out, " ok") != 2 {
		t.Errorf("not two packs:\n%s", out)
	}
}

// TestSealedIsAdopted: a run that was cut off between its pack and its end in the ledger
// ends with that very pack, and the chain with it.
func TestSealedIsAdopted(t *testing.T) {
	s3, now := newFakeS3(t), november
	p := s3.place()
	both := hosts(t, p, &now, 2)
	manifest := audit.Run{Job: "weekly", Slot: now}.ID() + "/manifest.json"
	s3.refusing(func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "chain.json")
	})
	if _, err := both[0].runner.ReviewNow(t.Context(), both[0].job); err == nil || !slices.Contains(p.objects(), manifest) {
		t.Fatalf("error %v, objects %v", err, p.objects())
	}
	ended := now
	now = now.Add(time.Second) // another review would end at another time
	s3.refusing(func(r *http.Request) bool {
		return r.Method == http.MethodPut && !strings.HasSuffix(r.URL.Path, "chain.json") || r.Method == http.MethodDelete
	})
	s, err := both[1].runner.Tick(t.Context(), both[1].job)
	if err != nil || s == nil || !s.Finished.Equal(ended) {
		t.Fatalf("%+v, %v", s, err)
	}
	mustVerify(t, p.under("weekly"))
	s3.well()
	now = now.AddDate(0, 0, 7)
	both[0].mustReview(t)
	if out := mustVerify(t, p.under("weekly")); strings.Count(out, " ok") != 2 {
		t.Errorf("not two packs:\n%s", out)
	}
}

// TestReadBack: a bucket that gives back something else has no pack.
func TestReadBack(t *testing.T) {
	for _, name := range packFiles {
		t.Run(name, func(t *testing.T) {
			s3, now := newFakeS3(t), november
			h := hosts(t, s3.place(), &now, 1)[0]
			s3.garbling("/" + name)
			_, err := h.runner.ReviewNow(t.Context(), h.job)
			if err == nil || !strings.Contains(err.Error(), name+" differs from what was written") {
				t.Errorf("error %v", err)
			}
			for _, key := range s3.place().objects() {
				if strings.HasSuffix(key, "manifest.json") || strings.HasSuffix(key, "chain.json") {
					t.Errorf("left %s", key)
				}
			}
			s3.well()
			if _, err := h.runner.Tick(t.Context(), h.job); err != nil {
				t.Fatal(err)
			}
			mustVerify(t, s3.place().under("weekly"))
		})
	}
}

// TestForgedObject: verify finds in a bucket what it finds in a folder.
func TestForgedObject(t *testing.T) {
	s3, now := newFakeS3(t), november
	s := hosts(t, s3.place(), &now, 1)[0].mustReview(t)
	s3.garbling("/findings.csv")
	if out, err := verifyText(t, s3.place().under("weekly")); exitCode(err) != exitFailed || !strings.Contains(out, "findings.csv: was changed") {
		t.Errorf("%v\n%s", err, out)
	}
	s3.well()
	content := strings.NewReader("x")
	if _, err := s3.backend.PutObject("evidence", "team/audit/"+s.ID+"/../../up", nil, content, 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := verifyText(t, s3.place().under("weekly")); err == nil || !strings.Contains(err.Error(), "cannot be a file on this machine") {
		t.Errorf("error %v", err)
	}
}

// halfBlind is threeOwners, of whom not all could be seen.
type halfBlind struct{ threeOwners }

func (h halfBlind) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	c, err := h.threeOwners.Collect(ctx, progress)
	c.Coverage.Gap(audit.ListWhole, audit.Partial, "a page is missing")
	return c, err
}

// TestRetention keeps the newest five, and the chain says what went.
func TestRetention(t *testing.T) {
	everyPlace(t, func(t *testing.T, p place) {
		now := november
		both := hosts(t, p, &now, 2)
		var runs []string
		for week := range 8 {
			runs = append(runs, both[week%2].mustReview(t).ID)
			now = now.AddDate(0, 0, 7)
		}
		var left []string
		for _, key := range p.objects() {
			if id, ok := strings.CutSuffix(key, "/manifest.json"); ok {
				left = append(left, id)
			} else if run := strings.Join(strings.SplitN(key, "/", 3)[:2], "/"); slices.Contains(runs[:3], run) && p.lock.Mode == "" {
				t.Errorf("left %s", key)
			}
		}
		slices.Sort(left)
		if p.lock.Mode != "" { // a lock is stronger
			if diff := cmp.Diff(runs, left); diff != "" || !strings.Contains(both[1].retention.of("weekly"), "is locked until") {
				t.Errorf("packs (-want +got):\n%s%s", diff, both[1].retention.of("weekly"))
			}
			return
		}
		if diff := cmp.Diff(runs[3:], left); diff != "" {
			t.Errorf("packs (-want +got):\n%s", diff)
		}
		both[0].job.Targets[0].Source = halfBlind{} // the newest complete review is newer than what goes
		if s, err := both[0].runner.ReviewNow(t.Context(), both[0].job); err != nil || s.Coverage.Verdict != audit.Partial {
			t.Fatalf("%+v, %v", s, err)
		}
		if out := mustVerify(t, p.under("weekly")); !strings.Contains(out, "retention removed the packs up to 4") {
			t.Errorf("verify:\n%s", out)
		}
	})
}

// TestRetentionUnderPartialCoverage: packs stay until a complete one is newer, the reason is
// said once until it changes, and what is locked stays in any case.
func TestRetentionUnderPartialCoverage(t *testing.T) {
	s3, now := newFakeS3(t), november
	h := hosts(t, s3.place(), &now, 1)[0]
	seeing := h.job.Targets[0].Source
	review := func() {
		t.Helper()
		if _, err := h.runner.ReviewNow(t.Context(), h.job); err != nil {
			t.Fatal(err)
		}
		now = now.AddDate(0, 0, 7)
	}
	packs := func() (n int) {
		for _, key := range s3.place().objects() {
			if strings.HasSuffix(key, "/manifest.json") {
				n++
			}
		}
		return n
	}
	expect := func(left int, why string) {
		t.Helper()
		if got := h.retention.of("weekly"); packs() != left || got != why {
			t.Errorf("%d packs left, want %d; %q, want %q", packs(), left, got, why)
		}
	}
	review()
	h.job.Targets[0].Source = halfBlind{}
	for range 6 {
		review()
	}
	expect(7, "2 packs older than keep not removed: no complete review since weekly/2026-11-02T0900Z")
	if why := h.retention.of("weekly"); h.retention.note("weekly", why) || h.retention.note("weekly", "9"+why[1:]) || !h.retention.note("weekly", "1 pack: another reason") {
		t.Error("it is not said once")
	}
	h.job.Targets[0].Source = seeing
	review()
	expect(5, "")
	ends := time.Now().AddDate(0, 0, 30).UTC()
	s3.failing(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("X-Amz-Object-Lock-Retain-Until-Date", ends.Format(time.RFC3339))
		return false
	})
	review()
	expect(6, "1 pack older than keep not removed: the oldest is locked until "+ends.Format(time.DateOnly))
	s3.well()
	review()
	expect(5, "")
	mustVerify(t, s3.place().under("weekly"))
}

// TestChainOverAClockThatJumped: packs of a clock that was ahead, and those after it, are one
// chain that ledger and verify take.
func TestChainOverAClockThatJumped(t *testing.T) {
	everyPlace(t, func(t *testing.T, p place) {
		now := november
		h := hosts(t, p, &now, 1)[0]
		for _, at := range []time.Time{november, november.AddDate(1, 0, 0), november.AddDate(0, 0, 7), november.AddDate(0, 0, 14)} {
			now = at
			h.mustReview(t)
		}
		if out := mustVerify(t, p.under("weekly")); !strings.Contains(out, "the packs 1 to 4 follow") {
			t.Errorf("verify:\n%s", out)
		}
	})
}

// TestRetentionUnderAWrongClock: a review whose clock is a year ahead of that of its target
// takes no pack for old.
func TestRetentionUnderAWrongClock(t *testing.T) {
	now := november
	p := folderPlace(t)
	h := hosts(t, p, &now, 1)[0]
	for range 6 {
		h.mustReview(t)
		now = now.AddDate(0, 0, 2)
	}
	now = now.AddDate(1, 0, 0)
	h.job.Targets[0].Source = slow{}
	if _, err := h.runner.ReviewNow(t.Context(), h.job); err != nil {
		t.Fatal(err)
	}
	manifests := 0
	for _, key := range p.objects() {
		if strings.HasSuffix(key, "/manifest.json") {
			manifests++
		}
	}
	if why := h.retention.of("weekly"); manifests != 7 || why != "no pack removed: the clock of target prod is 365 days behind" {
		t.Errorf("%d packs left, %q", manifests, why)
	}
}

// slow is threeOwners with a clock that is a year behind.
type slow struct{ threeOwners }

func (s slow) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	c, err := s.threeOwners.Collect(ctx, progress)
	c.Coverage.ClockSkewSeconds = -365 * 24 * 3600
	return c, err
}

// TestRetentionTakenUp: packs of which retention could not take everything go the
// next time.
func TestRetentionTakenUp(t *testing.T) {
	s3, now := newFakeS3(t), november
	h := hosts(t, s3.place(), &now, 1)[0]
	for range 5 {
		h.mustReview(t)
		now = now.AddDate(0, 0, 7)
	}
	deletes := 0
	s3.refusing(func(r *http.Request) bool {
		if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "2026-11-02T0900Z") {
			deletes++
		}
		return deletes == len(packFiles)
	})
	h.mustReview(t)
	s3.well()
	if deletes != len(packFiles) {
		t.Fatalf("%d deletes, want %d", deletes, len(packFiles))
	}
	now = now.AddDate(0, 0, 7)
	h.mustReview(t)
	for _, key := range s3.place().objects() {
		if strings.HasPrefix(key, "weekly/2026-11-02T0900Z") {
			t.Errorf("left %s", key)
		}
	}
	mustVerify(t, s3.place().under("weekly"))
}

// TestBaselineOutOfReach: a review waits for a snapshot that cannot be had at the
// moment, and goes on without one that is no more.
func TestBaselineOutOfReach(t *testing.T) {
	s3, now := newFakeS3(t), november
	both := hosts(t, s3.place(), &now, 2)
	first := both[0].mustReview(t)
	now = now.AddDate(0, 0, 7)
	snapshot := "team/audit/" + first.ID + "/snapshot-prod.jsonl.gz"
	s3.refusing(func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, snapshot)
	})
	if s, err := both[1].runner.ReviewNow(t.Context(), both[1].job); err == nil || s != nil {
		t.Errorf("out of reach: error %v, summary %v", err, s)
	}
	s3.well()
	if _, err := s3.backend.DeleteObject("evidence", snapshot); err != nil {
		t.Fatal(err)
	}
	s, err := both[1].runner.Tick(t.Context(), both[1].job)
	if err != nil || s == nil || s.Coverage.Verdict != audit.Partial {
		t.Errorf("missing: error %v, summary %+v", err, s)
	}
}

// fourOwners is threeOwners and a token more.
type fourOwners struct{ threeOwners }

func (f fourOwners) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	c, err := f.threeOwners.Collect(ctx, progress)
	three := c.Authorizations
	c.Authorizations = func(yield func(audit.Authorization, error) bool) {
		three(yield)
		yield(audit.Authorization{ID: "a4", UserID: "4", User: "user 4", Status: audit.Active}, nil)
	}
	return c, err
}

// TestOtherHostWentOn: what a host could not upload is not what it compares with
// when another one made that snapshot since.
func TestOtherHostWentOn(t *testing.T) {
	s3, now := newFakeS3(t), november
	both := hosts(t, s3.place(), &now, 2)
	both[1].job.Targets[1].Source = fourOwners{}
	s3.refusing(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "snapshot-plant.jsonl.gz") })
	if _, err := both[0].runner.ReviewNow(t.Context(), both[0].job); err == nil {
		t.Fatal("no error")
	}
	s3.well()
	if _, err := both[1].runner.Tick(t.Context(), both[1].job); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(0, 0, 7)
	s, err := both[0].runner.ReviewNow(t.Context(), both[0].job)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for r, err := range both[0].runner.Rows(t.Context(), *s) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	if !slices.Contains(ids, "a4") {
		t.Errorf("a4 of the review before is not among %v", ids)
	}
}

func TestExamineBucket(t *testing.T) {
	s3 := newFakeS3(t)
	if d := examineEvidence(t.Context(), s3.place().address, evidence.Lock{}); !d.OK || len(s3.place().objects()) > 0 {
		t.Errorf("%+v, left %v", d, s3.place().objects())
	}
	for right, refuse := range map[string]string{"s3:PutObject": http.MethodPut, "s3:GetObject": http.MethodGet, "s3:DeleteObject": http.MethodDelete} {
		s3.refusing(func(r *http.Request) bool { return r.Method == refuse })
		if d := examineEvidence(t.Context(), s3.place().address, evidence.Lock{}); d.OK || !strings.Contains(d.Result, "AccessDenied") || !strings.Contains(d.Fix, "Allow these credentials "+right+" on the bucket evidence") {
			t.Errorf("without %s: %+v", right, d)
		}
	}
	s3.well()
	if err := s3.backend.ForceDeleteBucket("evidence"); err != nil {
		t.Fatal(err)
	}
	if d := examineEvidence(t.Context(), s3.place().address, evidence.Lock{}); d.OK || !strings.Contains(d.Fix, "Create the bucket evidence") {
		t.Errorf("no bucket: %+v", d)
	}
	if _, err := verifyText(t, s3.place().address); err == nil || errors.As(err, new(quietError)) {
		t.Errorf("verify: %v", err)
	}
}

// TestCommandsInBucket: what works on a folder works on a bucket.
func TestCommandsInBucket(t *testing.T) {
	t.Run("s3", func(t *testing.T) { commandsIn(t, newFakeS3(t).place(), "") })
	t.Run("s3 with Object Lock", func(t *testing.T) {
		p := lockedPlace(t)
		commandsIn(t, p, "evidence_lock: {mode: compliance, for: 400d}")
		p.lock.For = setting.Duration(setting.Day)
		before := p.objects()
		if d := examineEvidence(t.Context(), p.address, p.lock); !d.OK || !strings.Contains(d.Result, "locked") {
			t.Errorf("doctor: %+v", d)
		}
		if diff := cmp.Diff(before, p.objects()); diff != "" {
			t.Errorf("what the doctor changed (-before +after):\n%s", diff)
		}
	})
}

func commandsIn(t *testing.T, p place, lock string) {
	db := influxtest.NewDemo(time.Now())
	influx := httptest.NewServer(db.Server)
	t.Cleanup(influx.Close)
	t.Setenv("INFLUX_AUDIT_TOKEN", db.Token)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	path := filepath.Join(t.TempDir(), "tokenaudit.yaml")
	config := fmt.Sprintf(`evidence: %s
%s
targets: [{name: prod, url: %q, org: %s, token: {env: INFLUX_AUDIT_TOKEN}}]
jobs: [{name: weekly, schedule: "0 0 1 1 *"}]
`, p.address, lock, influx.URL, db.Org)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		root := newRoot(&out, &out)
		root.SetArgs(args)
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out.String())
		}
		return out.String()
	}
	var entries []historyRun
	command("run", "-c", path, "--now", "--quiet")
	command("run", "-c", path, "--now", "--quiet")
	if err := json.Unmarshal([]byte(command("history", "list", "-c", path, "--json")), &entries); err != nil || len(entries) != 2 {
		t.Fatalf("%d runs, %v", len(entries), err)
	}
	first, second := entries[1].Run, entries[0].Run
	if out := command("history", "show", "-c", path, first); !strings.Contains(out, "s3://evidence/team/audit/"+first) {
		t.Errorf("show:\n%s", out)
	}
	command("history", "replay", "-c", path, first)
	if out := command("history", "diff", "-c", path, first, second); !strings.Contains(out, "no change") {
		t.Errorf("diff:\n%s", out)
	}
	if out := command("verify", p.under("weekly")); !strings.Contains(out, "Verified: no errors") {
		t.Errorf("verify:\n%s", out)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestForeignFiles: a review vouches for what it made, however much else lies there.
func TestForeignFiles(t *testing.T) {
	p, now := folderPlace(t), november
	h := hosts(t, p, &now, 1)[0]
	run := audit.Run{Job: "weekly", Slot: now}
	folder := filepath.Join(p.address, run.ID())
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, "notes.txt"), []byte("x"), 0o600), os.Symlink("/dev/null", filepath.Join(folder, "more.csv"))); err != nil {
		t.Fatal(err)
	}
	if s := h.mustReview(t); s.ID != run.ID() {
		t.Fatalf("the run is %s, not %s", s.ID, run.ID())
	}
	out, err := verifyText(t, folder)
	for _, name := range []string{"notes.txt", "more.csv"} {
		if err == nil || !strings.Contains(out, name+": does not belong to the pack") {
			t.Errorf("%v: %s is not named:\n%s", err, name, out)
		}
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	mustVerify(t, folder)
}
