//go:build linux && amd64

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/campaign"
)

// runsWhole reports whether tests that take minutes run whole: in CI, and where somebody asks.
func runsWhole() bool {
	return !testing.Short() && (os.Getenv("CI") == "true" || os.Getenv("TOKENAUDIT_SLOW") == "1")
}

// TestReplicas lets three processes serve one job of every minute, kills the one
// that reviews and the one that delivers, and takes the database away before a slot
// becomes due. No slot is lost, none is doubled, and each message is posted once. A
// campaign is due when the second one is killed: it opens once, and its reviewer is told
// once. The processes go by the clock of the database, which stands still until the test sets
// it; what it waits for are their heartbeats.
func TestReplicas(t *testing.T) {
	if !runsWhole() {
		t.Skip("takes a minute; TOKENAUDIT_SLOW=1 runs it")
	}
	t.Parallel()
	w := newReplicas(t)
	slot := func(n int) time.Time { return time.Date(2026, 11, 23, 9, n, 0, 0, time.UTC) }
	const leaseEnds = 50 * time.Second
	w.setClock(slot(0).Add(-time.Second))
	w.mustRun("doctor", "-c", w.config())
	w.mustRun("run", "-c", w.config(), "--quiet") // from now on its slots count

	w.setClock(slot(0))
	w.holds.Store(true)
	for range 3 {
		w.serve()
	}
	first := w.await("reviewing", func(saying) bool { return true })
	w.slackOne.Store(first.Run)
	w.kill(first.process)
	close(w.influx)
	w.setClock(slot(0).Add(leaseEnds))
	w.serve()
	taken := w.await("reviewed", func(s saying) bool { return s.Run == first.Run })
	w.eventually("the messages of "+first.Run+" are sent", func() bool { return w.sent(first.Run) })

	w.setClock(slot(1))
	second := w.await("reviewed", func(s saying) bool { return s.Run != first.Run })
	w.awaitPost(second.Run)
	w.kill(second.process)
	close(w.slackAll)

	w.postgres.Stop(t)
	w.await("", func(s saying) bool { return s.Error != "" })
	w.postgres.Start(t)
	w.setClock(slot(2))
	third := w.await("reviewed", func(s saying) bool { return s.Run != first.Run && s.Run != second.Run })
	w.eventually("the messages of "+third.Run+" are sent", func() bool { return w.sent(third.Run) })
	t.Logf("%s begun by process %d and taken up by %d; %s by %d; %s by %d after the restart",
		first.Run, first.process, taken.process, second.Run, second.process, third.Run, third.process)
	w.stop()
	w.mustRun("run", "-c", w.config(), "--quiet")
	w.expectEverySlotOnce(slot(0), slot(1), slot(2))
}

// expectEverySlotOnce: a reported run of each slot, and no other; a sound pack of each;
// each part in Slack once.
func (w *replicas) expectEverySlotOnce(slots ...time.Time) {
	w.t.Helper()
	var runs []historyRun
	if err := json.Unmarshal(w.mustRun("history", "list", "-c", w.config(), "--json"), &runs); err != nil || len(runs) != len(slots) {
		w.t.Fatalf("runs %+v, %v", runs, err)
	}
	slices.SortFunc(runs, func(a, b historyRun) int { return a.Slot.Compare(b.Slot) })
	want := map[string]int{}
	for i, e := range runs {
		if due := slots[i]; !e.Slot.Equal(due) || e.Missed != 0 || e.State != "finished" {
			w.t.Errorf("run %s: missed %d, %s; want the slot %s", e.Run, e.Missed, e.State, due)
		}
		for _, p := range w.parts(e.Run) {
			want[e.Run+" "+p.Name]++
		}
		if !w.sent(e.Run) {
			w.t.Errorf("run %s has messages that are not sent", e.Run)
		}
	}
	want[w.openedOnce()]++
	if diff := cmp.Diff(want, w.messages()); diff != "" || len(want) < len(runs) {
		w.t.Errorf("messages in Slack (-want +got):\n%s", diff)
	}
	w.mustRun("verify", filepath.Join(w.dir, "evidence", "minutely"))
	packs, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "minutely", "*", "manifest.json"))
	left, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "*", "*", ".*"))
	if len(packs) != len(runs) || len(left) > 0 {
		w.t.Errorf("%d packs of %d runs; left over %v", len(packs), len(runs), left)
	}
}

// openedOnce finds the one campaign, and the message to its reviewer as messages has it.
func (w *replicas) openedOnce() string {
	w.t.Helper()
	folders, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "campaigns", "access", "*"))
	if len(folders) != 1 {
		w.t.Fatalf("campaigns %v", folders)
	}
	w.expectSums(folders[0])
	var c campaign.Campaign
	text, err := os.ReadFile(filepath.Join(folders[0], campaign.CampaignFile))
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Manifest + " " + c.ID() + "/open/secops@example.com"
}
