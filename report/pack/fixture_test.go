package pack

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
)

// firstSlot is Monday 09:00 in Berlin.
var firstSlot = time.Date(2026, time.June, 29, 7, 0, 0, 0, time.UTC)

// newKey gives a private key in PEM and its public line.
func newKey(t testing.TB, kind string) (private []byte, public string) {
	t.Helper()
	source := rand.NewChaCha8([32]byte{1})
	var key crypto.Signer
	var err error
	switch kind {
	case "ed25519", "other":
		_, key, err = ed25519.GenerateKey(nil)
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), source)
	case "rsa":
		key, err = rsa.GenerateKey(source, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))
}

// weeks builds the packs of a weekly job, each from a small made-up folder.
type weeks struct {
	t    testing.TB
	dir  string
	key  []byte
	last *audit.Link
}

func newWeeks(t testing.TB, n int, key []byte) *weeks {
	w := &weeks{t: t, dir: filepath.Join(t.TempDir(), "weekly"), key: key}
	for i := range n {
		w.seal(audit.Run{Job: "weekly", Slot: firstSlot.AddDate(0, 0, 7*i), Trigger: audit.Scheduled}, audit.Complete)
	}
	return w
}

// copied are the same packs in a folder of their own, for a test that changes them.
func (w *weeks) copied(t testing.TB) *weeks {
	t.Helper()
	out := *w
	out.t, out.dir = t, filepath.Join(t.TempDir(), "weekly")
	must(t, os.CopyFS(out.dir, os.DirFS(w.dir)))
	return &out
}

func (w *weeks) seal(run audit.Run, verdict audit.Verdict) {
	w.t.Helper()
	run.Started = run.Slot.Add(time.Second)
	dir := filepath.Join(w.dir, run.SlotName())
	w.write(dir, run)
	sealed, err := Seal(w.t.Context(), dir, w.pack(run, verdict))
	if err != nil || len(sealed.Foreign) > 0 {
		w.t.Fatal(err, sealed.Foreign)
	}
	w.last = &sealed.Link
}

func (w *weeks) pack(run audit.Run, verdict audit.Verdict) Input {
	cov := audit.NewCoverage("plant")
	cov.Verdict, cov.Asked = verdict, []audit.Asked{{What: "authorizations", Request: "GET /api/v2/authorizations?orgID=00000000000000aa", Status: 200, Rows: 2, Verdict: audit.Complete}}
	s := audit.Summarize(run, []audit.Item{{Coverage: cov}}, run.Started.Add(time.Minute), audit.Tool{Name: "tokenaudit", Version: "1"}, audit.Policy{}, nil)
	p := Input{Summary: s, Files: runFiles(), Schedule: "0 9 * * 1", Zone: "Europe/Berlin", Previous: w.last, Config: "jobs: []", Addresses: map[string]string{"plant": "http://localhost:1"}, Key: w.key}
	return p
}

// runFiles are those that write makes.
func runFiles() []string {
	return []string{"snapshot-plant.jsonl.gz", "summary.json", "findings.csv", "authorizations.csv", "findings.ocsf.jsonl", "review.xlsx", "report.html"}
}

// write makes the files of a run; they differ from run to run.
func (w *weeks) write(dir string, run audit.Run) {
	w.t.Helper()
	files := map[string]string{
		"findings.csv":        "run,detail\r\n" + run.ID() + ",\"two\r\nlines\"\r\n",
		"authorizations.csv":  "run\r\n" + run.ID() + "\r\nb\r\n",
		"findings.ocsf.jsonl": `{"run":"` + run.ID() + `"}` + "\n", "review.xlsx": "PK " + run.ID(),
		"report.html": "<!doctype html>" + run.ID(), "summary.json": `{"run":"` + run.ID() + `"}`,
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	for name, text := range files {
		putFile(w.t, filepath.Join(dir, name), []byte(text))
	}
	snapshot(w.t, dir, "plant", []audit.Authorization{{ID: "000000000000a001", OrgID: "00000000000000aa"}, {ID: "000000000000a002", OrgID: "00000000000000aa"}})
}

func snapshot(t testing.TB, dir, target string, as []audit.Authorization) {
	t.Helper()
	var out strings.Builder
	zip := gzip.NewWriter(&out)
	enc := json.NewEncoder(zip)
	for _, a := range as {
		if err := enc.Encode(audit.Record{Target: target, Authorization: a, Presence: audit.Listed}); err != nil {
			t.Fatal(err)
		}
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	putFile(t, filepath.Join(dir, "snapshot-"+target+".jsonl.gz"), []byte(out.String()))
}

func putFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func getFile(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// folder is the folder of the pack with a number, counted from 1.
func (w *weeks) folder(n int) string {
	return filepath.Join(w.dir, audit.Run{Slot: firstSlot.AddDate(0, 0, 7*(n-1))}.SlotName())
}

func (w *weeks) verify(o Options) *Result {
	w.t.Helper()
	all, err := Verify(w.t.Context(), w.dir, o)
	if err != nil || len(all) != 1 {
		w.t.Fatal(err, len(all))
	}
	return all[0]
}

// mondays plans 09:00 in the zone on each Monday, whatever the schedule.
func mondays(_, zone string, from, to time.Time) ([]time.Time, error) {
	place, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	var out []time.Time
	for day := from.In(place); day.Before(to); day = day.AddDate(0, 0, 1) {
		slot := time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, place)
		if day.Weekday() == time.Monday && !slot.Before(from) && slot.Before(to) {
			out = append(out, slot)
		}
	}
	return out, nil
}

// filesBelow reads every file below a folder.
func filesBelow(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			out[name] = string(getFile(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// program runs an installed program; without it the test is skipped, or fails in CI.
func program(t *testing.T, dir string, stdin []byte, name string, args ...string) (string, error) {
	t.Helper()
	needsProgram(t, name)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(stdin))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func needsProgram(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
}

// hasProblem tells whether a problem names all the parts.
func hasProblem(ps []Problem, parts ...string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(p.String(), part) })
	})
}

func problems(ps []Problem) string {
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintf(&b, "\n  %s", p)
	}
	return b.String()
}
