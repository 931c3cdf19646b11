package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/campaign"
	campaignfiles "tokenaudit/report/campaign"
)

// TestCommandsOfCampaignKilledAtEveryStep kills each command that changes a campaign after each of
// its steps, and calls it again: the folder is as if it had not been killed.
func TestCommandsOfCampaignKilledAtEveryStep(t *testing.T) {
	every := 25
	if runsWhole() {
		every = 1
	}
	t.Parallel()
	closed := newOffice(t)
	opened := closed.copied(t)
	opened.open()
	opened.write("ben.xlsx", opened.workbook("ben", func(f *excelize.File) error { return f.SetCellStr("Review", "A2", "revoke") }))
	opened.sign("ben", "ben.xlsx")
	rows := fill(opened.rows("carla"), "keep")
	rows[1][0] = "perhaps"
	opened.write("carla.csv", csvOf(rows))
	opened.sign("carla", "carla.csv")
	opened.write("secops.csv", csvOf(fill(opened.rows("secops"), "keep")))
	for name, tc := range map[string]struct {
		from  office
		args  []string
		again []string // what is called after the kill; the same, if nil
		codes []int    // of that
	}{
		"open":                            {closed, []string{"open"}, nil, []int{exitDone}},
		"import":                          {opened, []string{"import", "ben.xlsx", "carla.csv", "secops.csv"}, nil, []int{exitDone, exitRefused}},
		"import, then another":            {opened, []string{"import", "ben.xlsx"}, []string{"import", "secops.csv"}, []int{exitDone}},
		"assign":                          {opened, []string{"assign", "--from", "carla@example.com", "--to", "ben@example.com", "--reason", "left"}, nil, []int{exitDone, exitUsage}},
		"assign an item":                  {opened, []string{"assign", rows[1][18], "--to", "ben@example.com", "--reason", "left"}, nil, []int{exitDone}},
		"close":                           {opened, []string{"close", "--with-open", "plant is down"}, nil, []int{exitDone, exitFailed}},
		"import the signature of the end": {ended(opened), []string{"import", "closed.json.sig"}, nil, []int{exitDone}},
		"report":                          {unsealed(opened), []string{"report"}, nil, []int{exitDone}},
		"report after an import":          {imported(opened), []string{"report"}, nil, []int{exitDone}},
	} {
		t.Run(name, func(t *testing.T) {
			again := tc.again
			if again == nil {
				again = tc.args
			}
			whole := tc.from.copied(t)
			out, _ := whole.killed(0, tc.args)
			lines := strings.Fields(out)
			steps, err := strconv.Atoi(lines[len(lines)-1])
			if err != nil || steps < 5 {
				t.Fatalf("steps of what is not killed: %s", out)
			}
			wants := []map[string]string{whole.kept()}
			if tc.again != nil { // what is killed may be done, or not
				whole.campaign(again)
				only := tc.from.copied(t)
				only.campaign(again)
				wants = []map[string]string{whole.kept(), only.kept()}
			}
			whole.tidy()
			kills := 0
			for step := 1; step <= steps; step += every {
				o := tc.from.copied(t)
				if _, killed := o.killed(step, tc.args); killed {
					kills++
				}
				if code, out, errs := o.campaign([]string{"list", "--json"}); code != exitDone {
					t.Errorf("step %d: list: exit code %d\n%s%s", step, code, out, errs)
				}
				if code, out, errs := o.campaign(again); !slices.Contains(tc.codes, code) {
					t.Errorf("step %d: again: exit code %d\n%s%s", step, code, out, errs)
				}
				got := o.kept()
				if !slices.ContainsFunc(wants, func(want map[string]string) bool { return cmp.Equal(want, got) }) {
					t.Errorf("step %d (-want +got):\n%.3000s", step, cmp.Diff(wants[0], got))
				}
				o.tidy()
				o.must("verify", o.path("evidence"))
				if t.Failed() {
					t.Fatalf("at step %d of %d", step, steps)
				}
				must(t, os.RemoveAll(o.dir))
			}
			if kills < steps/every-2 { // their number varies a little
				t.Errorf("%d of %d were killed", kills, steps)
			}
		})
	}
}

// imported is an office whose campaign has an import.
func imported(from office) office {
	o := from.copied(from.T)
	o.campaign([]string{"import", "ben.xlsx"})
	return o
}

// unsealed is an office whose campaign has no sums, so that there is something to write: a
// report of the same second is the same.
func unsealed(from office) office {
	o := from.copied(from.T)
	must(o.T, os.Remove(filepath.Join(o.folder(), campaignfiles.SumsFile)))
	return o
}

// ended is an office whose campaign is closed, and the end of it signed.
func ended(from office) office {
	o := from.copied(from.T)
	o.must("campaign", "close", "--with-open", "plant is down")
	o.write(campaign.ClosedFile, o.files()[campaign.ClosedFile])
	o.sign("ciso", campaign.ClosedFile)
	return o
}

// campaign calls a command of campaign in this process, a minute later; files are those of
// the office.
func (o office) campaign(args []string) (code int, stdout, stderr string) {
	o.Helper()
	var out, errs bytes.Buffer
	c := newCLI(&out, &errs)
	c.clock = func(context.Context) (time.Time, error) { return time.Now().Add(time.Minute), nil }
	code = c.execute(o.Context(), slices.Concat([]string{"campaign"}, o.inside(args), []string{"-c", o.path("tokenaudit.yaml")}))
	return code, out.String(), errs.String()
}

func (o office) inside(args []string) (out []string) {
	for _, a := range args {
		if strings.HasSuffix(a, ".xlsx") || strings.HasSuffix(a, ".csv") || strings.HasSuffix(a, campaign.SignatureSuffix) {
			a = o.path(a)
		}
		out = append(out, a)
	}
	return out
}

// killed calls a command of campaign and kills it after a step.
func (o office) killed(step int, args []string) (out string, killed bool) {
	o.Helper()
	cmd := exec.Command("killed", slices.Concat([]string{fmt.Sprint(step), "campaign"}, o.inside(args), []string{"-c", o.path("tokenaudit.yaml")})...)
	cmd.Env = append(os.Environ(), "TMPDIR="+o.TempDir()) // what it could not clear away goes with the test
	text, _ := cmd.CombinedOutput()
	switch code := cmd.ProcessState.ExitCode(); {
	case code == 137:
		return string(text), true
	case code != exitDone && code != exitRefused:
		o.Fatalf("%q: exit code %d\n%s", args, code, text)
	}
	return string(text), false
}

// TestImportPipe: a pipe is refused, and not waited for.
func TestImportPipe(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.open()
	must(t, syscall.Mkfifo(o.path("pipe"), 0o600))
	if code, _, errs := o.campaign([]string{"import", o.path("pipe")}); code != exitFailed || !strings.Contains(errs, "pipe: it is no file") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
