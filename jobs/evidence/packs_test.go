package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence/evidencetest"
)

// sealWeekly makes a folder of a run as seal does, with a manifest that says number.
func sealWeekly(t *testing.T, a Archive, run audit.Run, number int) {
	t.Helper()
	seal(t, a, run, "")
	text := fmt.Sprintf(`{"run":%q,"job":%q,"slot":%q,"trigger":"schedule","missed":%d,"started":%q,"sequence":%d}`,
		run.ID(), run.Job, run.Slot.Format(time.RFC3339), run.Missed, run.Started.Format(time.RFC3339), number)
	chain := fmt.Sprintf(`{"head":{"sequence":%d,"run":%q,"manifest_sha256":"x"}}`, number, run.ID())
	for path, text := range map[string]string{manifestFile: text, "../" + chainFile: chain} {
		if err := os.WriteFile(filepath.Join(a.Folder(run), path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Publish(t.Context(), run); err != nil {
		t.Fatal(err)
	}
}

// TestNewest: the packs of a job, wherever the evidence is; what is no pack is none.
func TestNewest(t *testing.T) {
	t.Run("folder", func(t *testing.T) { newest(t, Archive{Root: t.TempDir()}) })
	s3 := evidencetest.NewS3(t)
	t.Run("bucket", func(t *testing.T) { newest(t, mustOpen(t, s3.Bucket(t, "packs", false), Lock{})) })
}

func newest(t *testing.T, a Archive) {
	ctx := t.Context()
	if jobs, err := a.Jobs(ctx); err != nil || len(jobs) > 0 {
		t.Errorf("jobs of an empty place: %v, %v", jobs, err)
	}
	if packs, head, err := a.Newest(ctx, "weekly", 3); err != nil || len(packs) > 0 || head != nil {
		t.Errorf("packs of an empty place: %v, %v, %v", packs, head, err)
	}
	for week := range 4 {
		sealWeekly(t, a, weekly(week), week+1)
	}
	second := weekly(3)
	second.Slot = second.Slot.Add(30 * time.Second) // its name sorts before that of the minute
	sealWeekly(t, a, second, 5)
	open := weekly(9) // a run that was cut off
	if err := a.Write(ctx, open, "prod", records(1)); err != nil {
		t.Fatal(err)
	}
	damaged := weekly(8)
	seal(t, a, damaged, "")
	if err := a.Publish(ctx, damaged); err != nil {
		t.Fatal(err)
	}
	dry := weekly(10) // of an earlier version
	dry.Trigger = audit.DryRun
	if err := a.Write(ctx, dry, "prod", records(1)); err != nil {
		t.Fatal(err)
	}
	if a.bucket != nil { // as another process sees it
		if err := a.Forget("weekly"); err != nil {
			t.Fatal(err)
		}
	}
	jobs, err := a.Jobs(ctx)
	if diff := cmp.Diff([]string{"weekly"}, jobs); diff != "" || err != nil {
		t.Errorf("jobs (-want +got):\n%s%v", diff, err)
	}
	packs, _, err := a.Newest(ctx, "weekly", 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range packs {
		got = append(got, fmt.Sprint(p.Run.SlotName(), " ", p.Link.Sequence, " ", p.Damaged != "", " ", len(p.Link.Manifest)))
	}
	want := []string{damaged.SlotName() + " 0 true 64", second.SlotName() + " 5 false 64", weekly(3).SlotName() + " 4 false 64"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packs (-want +got):\n%s", diff)
	}
	if packs[1].Run != second {
		t.Errorf("run %+v, want %+v", packs[1].Run, second)
	}
	for run, want := range map[audit.Run]bool{open: false, damaged: true, second: true, dry: false, weekly(77): false} {
		if sealed, err := a.Sealed(ctx, run); err != nil || sealed != want {
			t.Errorf("%s is sealed: %t, %v", run.ID(), sealed, err)
		}
	}
}
