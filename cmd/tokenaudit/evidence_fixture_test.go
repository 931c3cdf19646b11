package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/evidence/evidencetest"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// place is somewhere that evidence is kept.
type place struct {
	address string
	lock    evidence.Lock
	objects func() []string // paths of what is there
}

// under is the place of a part of it.
func (p place) under(part string) string {
	path, options, found := strings.Cut(p.address, "?")
	if found {
		options = "?" + options
	}
	return path + "/" + part + options
}

// everyPlace runs a test on each kind of place.
func everyPlace(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("folder", func(t *testing.T) { test(t, folderPlace(t)) })
	t.Run("s3", func(t *testing.T) { test(t, newFakeS3(t).place()) })
	t.Run("s3 with Object Lock", func(t *testing.T) { test(t, lockedPlace(t)) })
}

// lockedPlace is a bucket of a real server. The lock outlasts the reviews of the tests,
// whose clock is their own.
func lockedPlace(t *testing.T) place {
	s3 := evidencetest.NewS3(t)
	return place{
		address: s3.Bucket(t, "evidence", true), lock: evidence.Lock{Mode: "compliance", For: setting.Duration(100 * 365 * setting.Day)},
		objects: func() (out []string) {
			for _, key := range s3.Objects(t, "evidence") {
				out = append(out, strings.TrimPrefix(key, "team/audit/"))
			}
			return out
		},
	}
}

func folderPlace(t *testing.T) place {
	dir := t.TempDir()
	return place{address: dir, objects: func() (out []string) {
		filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				rel, _ := filepath.Rel(dir, path)
				out = append(out, filepath.ToSlash(rel))
			}
			return err
		})
		return out
	}}
}

// fakeS3 is a server of the S3 API with one bucket, "evidence".
type fakeS3 struct {
	backend *s3mem.Backend
	http.Handler
	url string

	mu    sync.Mutex
	fault func(http.ResponseWriter, *http.Request) bool // one request at a time; true answers it
}

func newFakeS3(t *testing.T) *fakeS3 {
	t.Helper()
	evidencetest.Credentials(t, "id", "key")
	s := &fakeS3{backend: s3mem.New()}
	s.Handler = gofakes3.New(s.backend).Server()
	if err := s.backend.CreateBucket("evidence"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *fakeS3) place() place {
	address := "s3://evidence/team/audit?region=us-east-1&s3ForcePathStyle=true&endpoint=" + s.url
	return place{address: address, objects: func() (out []string) {
		list, err := s.backend.ListBucket("evidence", nil, gofakes3.ListBucketPage{})
		if err != nil {
			panic(err)
		}
		for _, o := range list.Contents {
			out = append(out, strings.TrimPrefix(o.Key, "team/audit/"))
		}
		return out
	}}
}

// refusing lets requests fail in a way that is not tried again.
func (s *fakeS3) refusing(refuse func(*http.Request) bool) {
	s.failing(func(w http.ResponseWriter, r *http.Request) bool {
		if !refuse(r) {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
		return true
	})
}

// garbling lets the content of objects with that suffix come back changed.
func (s *fakeS3) garbling(suffix string) {
	s.failing(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		answer := httptest.NewRecorder()
		s.Handler.ServeHTTP(answer, r)
		maps.Copy(w.Header(), answer.Header())
		body := answer.Body.Bytes()
		body[len(body)/2] ^= 1
		w.Write(body)
		return true
	})
}

func (s *fakeS3) well() { s.failing(nil) }

func (s *fakeS3) failing(fault func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *fakeS3) fails(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault != nil && s.fault(w, r)
}

func (s *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.fails(w, r) {
		s.Handler.ServeHTTP(w, r)
	}
}

// host is a process that reviews, with a ledger that it shares with others.
type host struct {
	runner    *runner.Runner
	job       runner.Job
	snapshots evidence.Archive
	retention *retention
}

// hosts are n processes on one ledger and one place of evidence.
func hosts(t *testing.T, p place, now *time.Time, n int) []host {
	t.Helper()
	ledger, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), secret.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.Close() })
	schedule, err := schedule.Parse("0 0 1 1 *", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	var out []host
	for i := range n {
		s, err := evidence.Open(p.address, p.lock)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
		e := reporter{
			file: &configs.File{}, snapshots: s, log: log, retention: &retention{why: map[string]string{}},
			job: configs.Job{Schedule: "0 0 1 1 *", Timezone: "UTC", Reports: []string{"csv"}, Keep: setting.Limit(15 * 24 * time.Hour)},
		}
		out = append(out, host{snapshots: s, retention: e.retention, runner: &runner.Runner{
			Ledger: ledger, Snapshots: s, Holder: fmt.Sprint("host ", i), Log: log,
			Now:   func(context.Context) (time.Time, error) { return *now, nil },
			Agree: func(ctx context.Context, job string) error { return runner.Agree(ctx, ledger, s, job) },
		}, job: runner.Job{
			Name: "weekly", Schedule: schedule, CatchUp: time.Hour, Deadline: time.Hour, DeliverWithin: time.Hour,
			Targets: []runner.Target{{Name: "prod", Source: threeOwners{}}, {Name: "plant", Source: threeOwners{}}},
			Report:  e.write, Sealed: e.sealed,
		}})
	}
	return out
}

func (h host) mustReview(t *testing.T) audit.Summary {
	t.Helper()
	s, err := h.runner.ReviewNow(t.Context(), h.job)
	if err != nil {
		t.Fatal(err)
	}
	if s.Coverage.Verdict != audit.Complete {
		t.Errorf("%s: coverage %s: %v", s.ID, s.Coverage.Verdict, s.Coverage.Reasons)
	}
	return *s
}

// mustVerify gives what verify prints of a place where nothing is wrong.
func mustVerify(t *testing.T, address string) string {
	t.Helper()
	out, err := verifyText(t, address)
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	return out
}

func verifyText(t *testing.T, address string) (string, error) {
	var out bytes.Buffer
	err := (&cli{stdout: &out, stderr: &out}).verifyPath(t.Context(), address, verifyFlags{})
	return out.String(), err
}
