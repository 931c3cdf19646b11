package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
)

// TestDemoScreen: the demo fits a terminal of 24 lines and 80 columns, between the command
// and the next prompt, and the command that it shows verifies its evidence.
func TestDemoScreen(t *testing.T) {
	for _, columns := range []string{"80", "200"} {
		t.Run(columns+" columns", func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("COLUMNS", columns)
			var out, errs bytes.Buffer
			if code := run(t.Context(), []string{"demo"}, &out, &errs); code != 0 || errs.Len() > 0 {
				t.Fatalf("exit code %d: %s", code, errs.String())
			}
			screen := strings.ReplaceAll(out.String(), calledAs(), "go run ./cmd/tokenaudit")
			lines := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
			if len(lines) > 22 {
				t.Errorf("%d lines", len(lines))
			}
			for _, line := range lines {
				if utf8.RuneCountInString(line) > 80 {
					t.Errorf("longer than 80: %s", line)
				}
			}
			shown := regexp.MustCompile(`(?m)tokenaudit (verify .*\\\n.*)$`).FindStringSubmatch(screen)
			if shown == nil {
				t.Fatalf("no command to verify:\n%s", screen)
			}
			out.Reset()
			if code := run(t.Context(), strings.Fields(strings.Replace(shown[1], "\\\n", "", 1)), &out, &errs); code != 0 {
				t.Errorf("%s: exit code %d\n%s%s", shown[1], code, out.String(), errs.String())
			}
		})
	}
}

// TestDemoVerify: the command can be pasted whatever the name of the folder.
func TestDemoVerify(t *testing.T) {
	t.Parallel()
	got := demoVerify("./tokenaudit", "  ", "my demo")
	want := "  ./tokenaudit verify 'my demo' \\\n    --allowed-signers 'my demo/allowed_signers'"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestDemoEvidence holds the evidence of the demo to what auditors ask of access reviews:
// every decision has a reviewer who is not the owner, a reason and a date; each revocation is
// followed by what a review saw; service tokens have somebody who answers for them, and a
// purpose; and it says why the reviews are this frequent.
func TestDemoEvidence(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "demo")
	var said bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--out", out}, &said, &said); code != 0 {
		t.Fatal(said.String())
	}
	archive := evidence.Archive{Root: out}
	ids, err := archive.Campaigns(t.Context())
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	b, err := campaign.Load(t.Context(), archive.Campaign(ids[0]))
	if err != nil {
		t.Fatal(err)
	}
	states := map[campaign.Seen]int{}
	for _, s := range b.Status() {
		d := s.Decision
		if s.State != campaign.Signed || d.Justification == "" || d.At.IsZero() || campaign.Same(d.By, s.Item.User) || campaign.Same(d.By, s.Item.Responsible) {
			t.Errorf("%s is %s: %+v", s.Item.ID, s.State, d)
		}
		if s.ToRemove() {
			if s.Seen == nil || s.Seen.Evidence == "" || s.Seen.Run == "" {
				t.Fatalf("nothing was seen of %s", s.Item.ID)
			}
			states[s.Seen.State]++
		}
		if service := slices.Contains([]string{"telegraf-writer", "iot-gateway", "ci-deploy", "grafana", "security-auditor"}, s.Item.User); service && (s.Item.Team == "" || s.Item.Purpose == "") {
			t.Errorf("%s of %s: nobody answers for it, or nothing says what for", s.Item.ID, s.Item.User)
		}
	}
	if states[campaign.Done] != 4 || states[campaign.StillThere] != 1 {
		t.Errorf("of the tokens to revoke %v", states)
	}
	packs, _, err := archive.Newest(t.Context(), "weekly-review", 1)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := readSealed(t.Context(), archive, packs[0].Run)
	if err != nil || sealed.summary.Basis == "" || b.Basis == "" || len(sealed.manifest.Campaigns) != 1 {
		t.Errorf("the basis is %q and %q, the manifest knows %v (%v)", sealed.summary.Basis, b.Basis, sealed.manifest.Campaigns, err)
	}
}
