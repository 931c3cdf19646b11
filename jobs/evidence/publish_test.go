package evidence

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence/evidencetest"
)

func mustOpen(t *testing.T, place string, lock Lock) Archive {
	t.Helper()
	a, err := Open(place, lock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// seal makes what a review has made when it publishes.
func seal(t *testing.T, a Archive, run audit.Run, content string) {
	t.Helper()
	folder := a.Folder(run)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(folder, "findings.csv"), filepath.Join(folder, manifestFile), filepath.Join(folder, "..", chainFile)} {
		if err := os.WriteFile(path, []byte(filepath.Base(path)+content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// now is a run that starts at this moment, as the lock of a server goes by its clock.
func now() audit.Run {
	at := time.Now().UTC().Truncate(time.Second)
	return audit.Run{Job: "weekly", Slot: at, Trigger: audit.Manual, Started: at}
}

func TestObjectLock(t *testing.T) {
	s3 := evidencetest.NewS3(t)
	place := s3.Bucket(t, "locked", true)
	for _, mode := range []string{"compliance", "governance"} {
		t.Run(mode, func(t *testing.T) {
			a, run := mustOpen(t, place, Lock{mode, setting.Duration(400 * setting.Day)}), now()
			run.Job = mode
			if err := a.Write(t.Context(), run, "prod", records(3)); err != nil {
				t.Fatal(err)
			}
			seal(t, a, run, "")
			if err := a.Publish(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			until := run.Started.Add(400 * setting.Day)
			for _, name := range []string{"snapshot-prod.jsonl.gz", "findings.csv", manifestFile} {
				key := "team/audit/" + run.ID() + "/" + name
				info, err := s3.StatObject(t.Context(), "locked", key, minio.StatObjectOptions{})
				if err != nil || !strings.EqualFold(info.Metadata.Get("X-Amz-Object-Lock-Mode"), mode) || info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date") != until.Format(time.RFC3339) {
					t.Errorf("%s: %v, %v", name, info.Metadata, err)
				}
				versions := s3.Versions(t, "locked", key)
				if len(versions) != 1 {
					t.Fatalf("%s: versions %v", name, versions)
				}
				if err := s3.RemoveObject(t.Context(), "locked", key, minio.RemoveObjectOptions{VersionID: versions[0]}); err == nil {
					t.Errorf("%s: removed in spite of its lock", name)
				}
			}
			if err := a.Try(t.Context()); err != nil {
				t.Errorf("Try: %v", err)
			}
		})
	}
	for _, key := range s3.Objects(t, "locked") {
		if strings.Contains(key, "doctor") {
			t.Errorf("left %s", key)
		}
	}
}

// TestAttemptAgain: what an attempt that ended before its manifest left is removed,
// never written over, and nothing of it is lost where versions are kept. A pack that is
// sealed stays as it is, whatever comes.
func TestAttemptAgain(t *testing.T) {
	s3 := evidencetest.NewS3(t)
	for name, locking := range map[string]bool{"plain": false, "locked": true} {
		t.Run(name, func(t *testing.T) {
			lock := Lock{}
			if locking {
				lock = Lock{"governance", setting.Duration(setting.Day)}
			}
			place, run := s3.Bucket(t, name, locking), now()
			first, second, third := mustOpen(t, place, lock), mustOpen(t, place, lock), mustOpen(t, place, lock)
			for i, a := range []Archive{first, second} {
				if err := a.Write(t.Context(), run, "prod", records(i+1)); err != nil {
					t.Fatal(err)
				}
				seal(t, a, run, strings.Repeat("x", i))
				if i == 0 { // it ends before its manifest
					if err := a.publishFiles(t.Context(), run, map[string]bool{}); err != nil {
						t.Fatal(err)
					}
					continue
				}
				for range 2 { // the second time, it is the same to the byte
					if err := a.Publish(t.Context(), run); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := s3.Objects(t, name)
			replaced := func(what string, err error) {
				if err == nil || !strings.Contains(err.Error(), "has a sealed pack, which is never replaced") {
					t.Errorf("%s: %v", what, err)
				}
			}
			replaced("a snapshot", third.Write(t.Context(), run, "prod", records(3)))
			replaced("a snapshot more", third.Write(t.Context(), run, "plant", records(3)))
			seal(t, third, run, "xyz")
			replaced("a pack", third.Publish(t.Context(), run))
			if diff := cmp.Diff(before, s3.Objects(t, name)); diff != "" {
				t.Errorf("objects (-before +after):\n%s", diff)
			}
			got, err := all(mustOpen(t, place, lock).Read(t.Context(), run, "prod"))
			if err != nil || len(got) != 2 {
				t.Errorf("%d records, %v; want the 2 of the second attempt", len(got), err)
			}
			if n := len(s3.Versions(t, name, "team/audit/"+run.ID()+"/findings.csv")); locking && n != 2 {
				t.Errorf("%d versions of what both attempts made, want 2", n)
			}
			if n := len(s3.Versions(t, name, "team/audit/"+run.ID()+"/"+manifestFile)); locking && n != 1 {
				t.Errorf("%d versions of the manifest, want 1", n)
			}
			if text, err := mustOpen(t, place, lock).ReadFile(t.Context(), run, manifestFile); string(text) != manifestFile+"x" {
				t.Errorf("manifest %q, %v", text, err)
			}
		})
	}
}

// TestSealedMeanwhile: a process that looked before another one sealed the pack takes
// nothing of it away.
func TestSealedMeanwhile(t *testing.T) {
	s3 := evidencetest.NewS3(t)
	place, run := s3.Bucket(t, "evidence", false), now()
	first, second := mustOpen(t, place, Lock{}), mustOpen(t, place, Lock{})
	seal(t, first, run, "")
	if err := first.Publish(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	before := s3.Objects(t, "evidence")
	seal(t, second, run, "another")
	for name, there := range map[string]map[string]bool{
		"the same files": {"findings.csv": true}, "not even those": {}, "more files": {"findings.csv": true, "more.csv": true},
	} {
		if err := second.publishFiles(t.Context(), run, there); !errors.Is(err, errOther) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(before, s3.Objects(t, "evidence")); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
	body, err := mustOpen(t, place, Lock{}).ReadFile(t.Context(), run, "findings.csv")
	if err != nil || string(body) != "findings.csv" {
		t.Errorf("%q, %v", body, err)
	}
}

// TestTwoPublish: of two processes that publish at a time one wins.
func TestTwoPublish(t *testing.T) {
	s3 := evidencetest.NewS3(t)
	place, run := s3.Bucket(t, "evidence", false), now()
	errs := make(chan error)
	for i := range 2 {
		a := mustOpen(t, place, Lock{})
		seal(t, a, run, strings.Repeat("x", i))
		os.Remove(filepath.Join(a.Folder(run), "findings.csv")) // each would take away what the other wrote
		go func() { errs <- a.Publish(t.Context(), run) }()
	}
	if one, other := <-errs, <-errs; (one == nil) == (other == nil) {
		t.Errorf("both: %v, %v", one, other)
	}
}

// TestLostAnswer: an object whose answer was lost is known as our own.
func TestLostAnswer(t *testing.T) {
	s3 := evidencetest.NewS3(t)
	var lost atomic.Int32
	place := s3.Through(t, s3.Bucket(t, "evidence", true), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".gz") && lost.Add(1) == 1 {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
	a, run := mustOpen(t, place, Lock{"compliance", setting.Duration(setting.Day)}), now()
	if err := a.Write(t.Context(), run, "prod", records(3)); err != nil {
		t.Fatal(err)
	}
	if n := len(s3.Versions(t, "evidence", "team/audit/"+run.ID()+"/snapshot-prod.jsonl.gz")); n != 1 || lost.Load() != 2 {
		t.Errorf("%d versions, want 1; written %d times", n, lost.Load())
	}
}

// TestNoObjectLock: a bucket that refuses or ignores the lock ends the run.
func TestNoObjectLock(t *testing.T) {
	real := evidencetest.NewS3(t)
	backend := s3mem.New()
	if err := backend.CreateBucket("evidence"); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(backend).Server()
	ignorant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("X-Amz-Object-Lock-Mode")
		r.Header.Del("X-Amz-Object-Lock-Retain-Until-Date")
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(ignorant.Close)
	for place, want := range map[string]string{
		real.Bucket(t, "plain", false):                                 "ObjectLock",
		"s3://evidence/team?region=us-east-1&endpoint=" + ignorant.URL: "is not locked as evidence_lock requires: the bucket shows no lock",
	} {
		a, run := mustOpen(t, place, Lock{"compliance", setting.Duration(setting.Day)}), now()
		err := a.Write(t.Context(), run, "prod", records(1))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", place, err)
		}
		if err := a.Try(t.Context()); err == nil || !strings.Contains(err.Error(), "has no Object Lock") {
			t.Errorf("%s: Try: %v", place, err)
		}
	}
}

// TestRedirect: no credential follows a server to another one.
func TestRedirect(t *testing.T) {
	evidencetest.Credentials(t, "id", "key")
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another server was asked %s with %d headers", r.URL, len(r.Header))
	}))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.RedirectHandler(other.URL+"/evidence/x", http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	a := mustOpen(t, "s3://evidence?region=us-east-1&endpoint="+server.URL, Lock{})
	if _, err := a.Open(t.Context(), weekly(0), "x"); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestNoRoomForACopy: a machine that cannot keep a copy says nothing of the object, so
// that nobody goes on as if it were damaged.
func TestNoRoomForACopy(t *testing.T) {
	s3 := evidencetest.NewS3(t)
	place := s3.Bucket(t, "evidence", false)
	a, run := mustOpen(t, place, Lock{}), now()
	if err := a.Write(t.Context(), run, "prod", records(1)); err != nil {
		t.Fatal(err)
	}
	other := mustOpen(t, place, Lock{})
	if err := os.RemoveAll(other.Root); err != nil {
		t.Fatal(err)
	}
	_, err := all(other.Read(t.Context(), run, "prod"))
	var unreachable interface{ Unreachable() }
	if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "copying to this machine") {
		t.Errorf("error %v", err)
	}
}

// TestWrongCredentials: the answer names the reason, and no error holds a credential.
func TestWrongCredentials(t *testing.T) {
	s3 := evidencetest.NewS3(t)
	place := s3.Bucket(t, "evidence", false)
	for name, key := range map[string][2]string{"secret": {"test", "canary-secret"}, "key": {"canary-id", "canary-secret"}} {
		evidencetest.Credentials(t, key[0], key[1])
		a := mustOpen(t, place, Lock{})
		err := errors.Join(a.Write(t.Context(), now(), "prod", records(1)), a.Try(t.Context()))
		var unreachable interface{ Unreachable() }
		if !errors.As(err, &unreachable) || strings.Contains(err.Error(), "canary") {
			t.Errorf("wrong %s: %v", name, err)
		}
	}
}
