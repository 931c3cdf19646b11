package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

var november = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

var packFiles = []string{
	"SHA256SUMS", "authorizations.csv", "findings.csv", "manifest.json", "reperform.sh",
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
	})
}

// TestEveryRequestRefused lets each request to the bucket fail in turn. Nothing that
// looks whole may be left that is not, and another host finishes the run.
func TestEveryRequestRefused(t *testing.T) {
	s3 := newFakeS3(t)
	for n := 0; ; n++ {
		var refused string
		if err := s3.backend.ForceDeleteBucket("evidence"); err != nil {
			t.Fatal(err)
		}
		if err := s3.backend.CreateBucket("evidence"); err != nil {
			t.Fatal(err)
		}
		p, now := s3.place(), november
		both := hosts(t, p, &now, 2)
		both[0].mustReview(t)
		now = now.AddDate(0, 0, 7)
		s3.refusing(func(i int, r *http.Request) bool {
			if i == n {
				refused = r.Method + " " + r.URL.Path
			}
			return i == n
		})
		s, err := both[0].runner.ReviewNow(t.Context(), both[0].job, audit.Manual)
		s3.refusing(nil)
		if refused == "" {
			if n < 20 {
				t.Errorf("only %d requests", n)
			}
			return
		}
		t.Run(fmt.Sprint(n, " ", refused), func(t *testing.T) {
			id := audit.Run{Job: "weekly", Slot: now}.ID()
			whole := slices.Contains(p.objects(), id+"/manifest.json")
			put := strings.HasPrefix(refused, http.MethodPut) && !strings.HasSuffix(refused, "chain.json")
			switch {
			case put && (err == nil || whole):
				t.Errorf("error %v, manifest %t", err, whole)
			case err == nil && s == nil:
				t.Error("no review and no error")
			}
			if whole {
				mustVerify(t, p.under(id))
			}
			if err != nil {
				if _, err := both[1].runner.Tick(t.Context(), both[1].job); err != nil {
					t.Errorf("the other host: %v", err)
				}
			}
			if out := mustVerify(t, p.under("weekly")); strings.Count(out, " ok") != 2 {
				t.Errorf("not two packs:\n%s", out)
			}
		})
	}
}

// TestReadBack: a bucket that gives back something else has no pack.
func TestReadBack(t *testing.T) {
	for _, name := range packFiles {
		t.Run(name, func(t *testing.T) {
			s3, now := newFakeS3(t), november
			h := hosts(t, s3.place(), &now, 1)[0]
			s3.garble = "/" + name
			_, err := h.runner.ReviewNow(t.Context(), h.job, audit.Manual)
			if err == nil || !strings.Contains(err.Error(), name+" is not what was written there") {
				t.Errorf("error %v", err)
			}
			for _, key := range s3.place().objects() {
				if strings.HasSuffix(key, "manifest.json") || strings.HasSuffix(key, "chain.json") {
					t.Errorf("left %s", key)
				}
			}
			s3.garble = ""
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
	s3.garble = "/findings.csv"
	if out, err := verifyText(t, s3.place().under("weekly")); exitCode(err) != exitFailed || !strings.Contains(out, "findings.csv: was changed") {
		t.Errorf("%v\n%s", err, out)
	}
	s3.garble = ""
	content := strings.NewReader("x")
	if _, err := s3.backend.PutObject("evidence", "team/audit/"+s.ID+"/../../up", nil, content, 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := verifyText(t, s3.place().under("weekly")); err == nil || !strings.Contains(err.Error(), "cannot be a file here") {
		t.Errorf("error %v", err)
	}
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
			} else if run := strings.Join(strings.SplitN(key, "/", 3)[:2], "/"); slices.Contains(runs[:3], run) {
				t.Errorf("left %s", key)
			}
		}
		slices.Sort(left)
		if diff := cmp.Diff(runs[3:], left); diff != "" {
			t.Errorf("packs (-want +got):\n%s", diff)
		}
		if out := mustVerify(t, p.under("weekly")); !strings.Contains(out, "retention took the packs up to 3") {
			t.Errorf("verify:\n%s", out)
		}
	})
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
	s3.refusing(func(_ int, r *http.Request) bool {
		if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "2026-11-02T0900Z") {
			deletes++
		}
		return deletes > 2
	})
	h.mustReview(t)
	s3.refusing(nil)
	if deletes < 2 {
		t.Fatalf("%d deletes", deletes)
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
	s3.refusing(func(_ int, r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, snapshot)
	})
	if s, err := both[1].runner.ReviewNow(t.Context(), both[1].job, audit.Manual); err == nil || s != nil {
		t.Errorf("out of reach: error %v, summary %v", err, s)
	}
	s3.refusing(nil)
	if _, err := s3.backend.DeleteObject("evidence", snapshot); err != nil {
		t.Fatal(err)
	}
	s, err := both[1].runner.Tick(t.Context(), both[1].job)
	if err != nil || s == nil || s.Coverage.Verdict != audit.Partial {
		t.Errorf("missing: error %v, summary %+v", err, s)
	}
}

// TestDryRunInBucket leaves no evidence, and its reports out of the way.
func TestDryRunInBucket(t *testing.T) {
	s3, now := newFakeS3(t), november.Add(time.Second)
	h := hosts(t, s3.place(), &now, 1)[0]
	s, err := h.runner.ReviewNow(t.Context(), h.job, audit.DryRun)
	if err != nil {
		t.Fatal(err)
	}
	keys := s3.place().objects()
	for _, key := range keys {
		if !strings.HasPrefix(key, ".dry-run/"+s.ID+"/") || strings.HasSuffix(key, "manifest.json") {
			t.Errorf("left %s", key)
		}
	}
	if !slices.Contains(keys, ".dry-run/"+s.ID+"/findings.csv") {
		t.Errorf("no reports: %v", keys)
	}
	if got, want := h.snapshots.Location(s.Run()), "s3://evidence/team/audit/.dry-run/"+s.ID; got != want {
		t.Errorf("location %q, want %q", got, want)
	}
}

func TestExamineBucket(t *testing.T) {
	s3 := newFakeS3(t)
	if d := examineEvidence(t.Context(), s3.place().address); !d.OK || len(s3.place().objects()) > 0 {
		t.Errorf("%+v, left %v", d, s3.place().objects())
	}
	for name, refuse := range map[string]string{"write": http.MethodPut, "read and list": http.MethodGet, "clear": http.MethodDelete} {
		s3.refusing(func(_ int, r *http.Request) bool { return r.Method == refuse })
		if d := examineEvidence(t.Context(), s3.place().address); d.OK || !strings.Contains(d.Result, "AccessDenied") {
			t.Errorf("cannot %s: %+v", name, d)
		}
	}
	s3.refusing(nil)
	if err := s3.backend.ForceDeleteBucket("evidence"); err != nil {
		t.Fatal(err)
	}
	if d := examineEvidence(t.Context(), s3.place().address); d.OK {
		t.Errorf("no bucket: %+v", d)
	}
	if _, err := verifyText(t, s3.place().address); err == nil || errors.As(err, new(quietError)) {
		t.Errorf("verify: %v", err)
	}
}
