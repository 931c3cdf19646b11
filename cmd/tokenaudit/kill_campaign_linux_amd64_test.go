package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/campaign"
)

// newOverdue is a mortal whose review is done, and whose campaign is due since long ago:
// a reviewer is told that it is overdue, and the manager, too.
func newOverdue(t *testing.T) *mortal {
	t.Helper()
	w := newMortal(t, false)
	w.slack.Members = map[string]string{"secops@example.com": "U0000011", "ciso@example.com": "U0000012"}
	w.mustRun("run", "-c", w.config(), "--quiet")
	config, err := os.ReadFile(w.config())
	if err != nil {
		t.Fatal(err)
	}
	w.write("reviewers", "secops@example.com,ciso@example.com "+publicKey+"\n")
	w.write("tokenaudit.yaml", string(config)+`campaigns:
  - name: access
    job: yearly
    schedule: "0 1 1 1 *"
    reviewer: secops@example.com
    manager: ciso@example.com
    signers: reviewers
    escalate: {to: ciso@example.com}
`)
	w.mustRun("run", "-c", w.config(), "--quiet") // from now on its openings count
	w.update(`UPDATE job SET reached = $1 WHERE name = 'campaign access'`, time.Now().AddDate(-1, 0, 0).Unix())
	return w
}

// expectCampaign: one campaign, whose folder is sealed; each line of what reviews saw once;
// each message in Slack once, and sent by the ledger.
func (w *mortal) expectCampaign(reviews int) {
	w.t.Helper()
	w.mustRun("run", "-c", w.config(), "--quiet")
	requests := w.requests.Load()
	w.mustRun("run", "-c", w.config(), "--quiet")
	if w.requests.Load() != requests {
		w.t.Error("somebody who was told is told again")
	}
	folders, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "campaigns", "access", "*"))
	if len(folders) != 1 {
		w.t.Fatalf("campaigns %v", folders)
	}
	w.expectSums(folders[0])
	seen := map[string]int{}
	lines, _ := os.ReadFile(filepath.Join(folders[0], campaign.RemediationFile))
	for line := range strings.Lines(string(lines)) {
		var m campaign.Remediation
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			w.t.Fatal(err)
		}
		seen[m.Run+" "+m.Item]++
	}
	if (len(seen) > 0) != (reviews > 1) || slices.ContainsFunc(values(seen), func(n int) bool { return n != 1 }) {
		w.t.Errorf("reviews saw %v", seen)
	}
	id := "access/" + filepath.Base(folders[0])
	want := map[string]int{id + "/overdue/secops@example.com": 1, id + "/escalation/ciso@example.com": 1}
	got := map[string]int{}
	for _, m := range w.slack.Messages() {
		if part := partOf(m); strings.HasPrefix(part, "access/") {
			got[part]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("messages in Slack (-want +got):\n%s", diff)
	}
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "tokenaudit.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var sent, all int
	if err := db.QueryRow(`SELECT COUNT(*) FILTER (WHERE state = 'sent'), COUNT(*) FROM campaign_message`).Scan(&sent, &all); err != nil || sent != 2 || all != 2 {
		w.t.Errorf("%d of %d messages are sent, %v", sent, all, err)
	}
	packs, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "yearly", "*", "manifest.json"))
	if len(packs) != reviews {
		w.t.Errorf("packs %v", packs)
	}
	if last, err := os.ReadFile(packs[len(packs)-1]); err != nil || strings.Contains(string(last), `"campaign": "`+id+`"`) != (reviews > 1) {
		w.t.Errorf("the manifest of the newest pack, after %d reviews, %v:\n%s", reviews, err, last)
	}
	w.mustRun("verify", filepath.Join(w.dir, "evidence", "yearly"))
	w.mustRun("verify", folders[0])
}

func values(of map[string]int) (out []int) {
	for _, n := range of {
		out = append(out, n)
	}
	return out
}

// expectSums: SHA256SUMS lists every file of a folder, as it is.
func (w *mortal) expectSums(folder string) {
	w.t.Helper()
	sums, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	if err != nil {
		w.t.Fatal(err)
	}
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "SHA256SUMS") {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		sum := sha256.Sum256(content)
		if line := hex.EncodeToString(sum[:]) + "  " + name + "\n"; !strings.Contains(string(sums), line) {
			w.t.Errorf("SHA256SUMS does not have %s", line)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

// TestLostLedgerOfCampaign: after a rebuild it is not opened again, and nobody is told twice.
func TestLostLedgerOfCampaign(t *testing.T) {
	t.Parallel()
	w := newOverdue(t)
	w.mustRun("run", "-c", w.config(), "--quiet")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(filepath.Join(w.dir, "tokenaudit.db"+suffix))
	}
	w.mustRun("history", "rebuild", "-c", w.config())
	w.expectCampaign(1)
	folders, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "campaigns", "access", "*", campaign.CampaignFile))
	for _, file := range folders { // as if it had been cut off while it was opened
		os.Remove(file)
	}
	w.mustRun("history", "rebuild", "-c", w.config())
	w.mustRun("run", "-c", w.config(), "--quiet")
	if again, _ := filepath.Glob(folders[0]); len(again) != 1 {
		t.Error("one that was cut off while it was opened is not opened after the rebuild")
	}
}

// TestCampaignKilledAtEveryStep kills the program after each of its writes while it opens a
// campaign and tells of it, and while a review is compared with one, and then lets it go on.
func TestCampaignKilledAtEveryStep(t *testing.T) {
	every := 25
	if runsWhole() {
		every = 1
	}
	t.Parallel()
	for name, test := range map[string]struct {
		begin   func(*testing.T) *mortal
		command []string
		reviews int
	}{
		"opening": {newOverdue, []string{"run"}, 1},
		"comparing": {func(t *testing.T) *mortal {
			w := newOverdue(t)
			w.mustRun("run", "-c", w.config(), "--quiet")
			w.influx.NextWeek(time.Now())
			return w
		}, []string{"run", "--now"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := test.begin(t)
			out, _ := whole.killedAt(0, test.command...)
			steps, err := strconv.Atoi(strings.TrimSpace(string(out)))
			if err != nil || steps < 20 {
				t.Fatalf("steps of a run that is not killed: %s", out)
			}
			whole.expectCampaign(test.reviews)
			for step := 1; step <= steps; step += every {
				t.Run(fmt.Sprintf("step %d", step), func(t *testing.T) {
					t.Parallel()
					w := test.begin(t)
					w.killedAt(step, test.command...)
					w.mustRun("run", "-c", w.config(), "--quiet")
					if packs, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "yearly", "*", "manifest.json")); len(packs) < test.reviews {
						w.mustRun(append(test.command, "-c", w.config(), "--quiet")...) // it was killed before the review began
					}
					w.expectCampaign(test.reviews)
				})
			}
		})
	}
}
