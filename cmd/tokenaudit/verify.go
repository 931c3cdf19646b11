package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/schedule"
	campaignfiles "tokenaudit/report/campaign"
	"tokenaudit/report/pack"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	period, signers string
	quick, json     bool
}

func (c *cli) verify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "Check evidence packs, and whether a period was reviewed",
		Long: `verify checks the evidence pack of one run, all packs of a job, or those of every job in
the folder of the evidence. With the last come the campaigns; PATH may also be the folder
of all campaigns, or of one. It checks:

  - that no file was changed, removed or added
  - who signed
  - that no pack is missing or was exchanged
  - that the reports follow from the snapshots
  - for a period, that every planned review took place
  - of campaigns, that decisions and reports follow from the signed files

It reports what is wrong, what is proven and what is not. It needs no configuration and
no ledger. PATH may be the URL of a bucket; the credentials come from the environment.

A period is a year, a quarter or a month, in the time zone of the job. The file of
allowed signers has the format of ssh-keygen(1); the namespace is tokenaudit for packs,
and tokenaudit-review for the decisions of people.

Exit code 0: no error was found. 1: an error was found, or a planned review is missing.`,
		Example: `  tokenaudit verify data/evidence
  tokenaudit verify data/evidence/weekly-review
  tokenaudit verify data/evidence/weekly-review --period 2026Q3 \
    --allowed-signers signers
  tokenaudit verify data/evidence/weekly-review/2026-11-23T0800Z
  tokenaudit verify "s3://BUCKET/PREFIX/weekly-review?region=eu-central-1"`,
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error { return c.verifyPath(cmd.Context(), args[0], f) },
	}
	cmd.Flags().StringVar(&f.period, "period", "", "only the reviews that were due in this period, with a check for missing ones: 2026, 2026Q3 or 2026-11")
	cmd.Flags().StringVar(&f.signers, "allowed-signers", "", "file of allowed keys; every pack must be signed with one of them")
	cmd.Flags().BoolVar(&f.quick, "quick", false, "check only files, signatures and chain; do not make the reports again")
	jsonFlag(cmd, &f.json)
	return cmd
}

func onePath(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s needs one path, the folder of a run, of a job or of all jobs; see %[1]s --help", cmd.CommandPath())
	}
	return nil
}

func (c *cli) verifyPath(ctx context.Context, path string, f verifyFlags) error {
	o := pack.Options{Planned: plannedSlots, Now: time.Now(), Rederive: rederive}
	if f.quick {
		o.Rederive = nil
	}
	if f.period != "" {
		p, err := pack.ParsePeriod(f.period)
		if err != nil {
			return usagef("--%w", err)
		}
		o.Period = &p
	}
	if f.signers != "" {
		var err error
		if o.Signers, err = os.ReadFile(f.signers); err != nil {
			return usagef("--allowed-signers: %w", cmp.Or(setting.Path(f.signers).Check(), err))
		}
	}
	if evidence.IsBucket(path) { // copy what lies under it into a folder of the same name
		if err := evidence.Check(path); err != nil {
			return usagef("the URL %w", err)
		}
		s, err := evidence.Open(path, evidence.Lock{})
		if err != nil {
			return err
		}
		defer s.Close()
		if path, err = s.Download(ctx); err != nil {
			return err
		}
	}
	if err := checkFolder(path); err != nil {
		return err
	}
	folders, alone := campaignsBelow(path)
	var jobs []*pack.Result
	if !alone {
		var err error
		jobs, err = pack.Verify(ctx, path, o)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // nothing could be checked
			return usageError{forOwnerOf([]string{path}, nil, err)}
		}
	}
	campaigns, err := verifyCampaigns(ctx, folders, alone, jobs, o.Signers)
	if err != nil {
		return err
	}
	if f.json {
		verdicts := []verdictJSON{}
		for _, v := range jobs {
			verdicts = append(verdicts, newVerdictJSON(v))
		}
		for _, v := range campaigns {
			verdicts = append(verdicts, newCampaignVerdictJSON(v))
		}
		if err := c.encode(verdicts); err != nil {
			return err
		}
	} else if err := printVerdicts(c.stdout, jobs, campaigns, c.columns(), c.paint); err != nil {
		return err
	}
	if slices.ContainsFunc(jobs, func(v *pack.Result) bool { return !v.OK() }) || slices.ContainsFunc(campaigns, func(v *campaignfiles.Result) bool { return !v.OK() }) {
		return quietError{exitFailed}
	}
	return nil
}

// campaignsBelow are the folders of campaigns in a folder. They are alone where that is
// one of them, or has nothing else in it.
func campaignsBelow(path string) (folders []string, alone bool) {
	has := func(folder, name string) bool {
		_, err := os.Lstat(filepath.Join(folder, name))
		return err == nil
	}
	for _, below := range []string{".", "*", "*/*", "campaigns/*/*"} {
		found, _ := fs.Glob(os.DirFS(path), below) // the patterns are good
		for _, name := range found {
			folder := filepath.Join(path, filepath.FromSlash(name))
			if has(folder, "campaign.json") || has(folder, "items.jsonl") && has(folder, campaignfiles.SumsFile) {
				folders, alone = append(folders, folder), below != "campaigns/*/*"
			}
		}
	}
	return folders, alone
}

// verifyCampaigns checks folders of campaigns with the packs of all jobs. One that stands
// alone may have been copied from anywhere, and is of whatever campaign it says.
func verifyCampaigns(ctx context.Context, folders []string, alone bool, jobs []*pack.Result, signers []byte) (results []*campaignfiles.Result, err error) {
	o := campaignfiles.Options{Signers: signers, Tool: tool()}
	for _, v := range jobs {
		o.Packs = append(o.Packs, v.Packs...)
	}
	for _, folder := range folders {
		id := filepath.Base(filepath.Dir(folder)) + "/" + filepath.Base(folder)
		if alone {
			id = ""
		}
		result, err := campaignfiles.Verify(ctx, id, evidence.CampaignAt(folder), o)
		if err != nil {
			return nil, fmt.Errorf("the campaign in %s: %w", folder, err)
		}
		results = append(results, result)
	}
	if len(jobs) > 0 && jobs[0].Job != "" { // all of the evidence, which has the campaigns too
		results = append(results, campaignfiles.Missing(o.Packs, results)...)
	}
	return results, nil
}

// checkFolder says what to name where there is no folder.
func checkFolder(path string) error {
	const name = "name the folder of a run, of a job or of all jobs"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("there is no folder %s; %s", path, name)
	case err == nil && !info.IsDir():
		return usagef("%s is a file; %s", path, name)
	}
	return nil // Verify says what else keeps it from being read
}

// plannedSlots are the slots of a schedule in [from, to).
func plannedSlots(spec, zone string, from, to time.Time) ([]time.Time, error) {
	s, err := schedule.Parse(spec, zone)
	if err != nil {
		return nil, err
	}
	var out []time.Time
	for t := s.Next(from.Add(-1)); !t.IsZero() && t.Before(to); t = s.Next(t) {
		out = append(out, t)
	}
	return out, nil
}

// printVerdicts shows what came of each job. What is not proven of any of them is said
// once, at the end. What is in the packs goes through audit.Line: somebody may have forged
// them.
func printVerdicts(w io.Writer, jobs []*pack.Result, campaigns []*campaignfiles.Result, terminal int, paint paint) error {
	var b strings.Builder
	columns := min(cmp.Or(terminal, 80), 100) // longer lines are hard to read
	var everywhere []string
	if len(jobs) > 1 {
		everywhere = jobs[0].NotProven
	}
	for _, v := range jobs[min(1, len(jobs)):] {
		everywhere = slices.DeleteFunc(slices.Clone(everywhere), func(s string) bool { return !slices.Contains(v.NotProven, s) })
	}
	wrong, problems, absent, packs := []string{}, 0, 0, 0
	for _, v := range jobs {
		if v.Job != "" {
			fmt.Fprintf(&b, "Job %s\n\n", line(v.Job))
		}
		printPacks(&b, terminal, v, paint)
		printLists(&b, columns, v.Problems, v.Remarks, v.Proven, slices.DeleteFunc(slices.Clone(v.NotProven), func(s string) bool { return slices.Contains(everywhere, s) }))
		b.WriteString("\n")
		if !v.OK() {
			wrong = append(wrong, line(v.Job))
		}
		problems, packs = problems+len(v.Problems), packs+len(v.Packs)
		if v.Attendance != nil {
			absent += len(v.Attendance.Missing)
		}
	}
	for _, v := range campaigns {
		fmt.Fprintf(&b, "Campaign %s\n", line(v.ID))
		here := slices.Clone(v.Problems)
		for i := range here {
			here[i].Pack = "" // it stands above
		}
		printLists(&b, columns, here, v.Remarks, v.Proven, v.NotProven)
		b.WriteString("\n")
		problems += len(v.Problems)
		if !v.OK() {
			wrong = append(wrong, line(v.ID))
		}
	}
	var last strings.Builder
	if printList(&last, columns, "Not proven, of any job", everywhere); last.Len() > 0 {
		b.WriteString(last.String()[1:] + "\n") // the line between is there
	}
	conclusion, mark := "Verified: no errors", paint.good
	switch {
	case problems > 0 && absent > 0:
		conclusion = "NOT VERIFIED: " + audit.Plural(problems, "problem") + ", and planned reviews are missing"
	case problems > 0:
		conclusion = "NOT VERIFIED: " + audit.Plural(problems, "problem")
	case absent > 0:
		conclusion = "NOT VERIFIED: planned reviews are missing"
	case packs == 0 && len(campaigns) == 0:
		conclusion = "No errors, but there is no pack"
	}
	checked := audit.Plural(len(jobs), "job")
	switch {
	case len(campaigns) > 0 && len(jobs) > 0:
		checked += " and " + audit.Plural(len(campaigns), "campaign")
	case len(campaigns) > 0:
		checked = audit.Plural(len(campaigns), "campaign")
	}
	switch all := len(jobs) + len(campaigns); {
	case len(campaigns) > 0 && len(wrong) > 0:
		conclusion += " (" + strings.Join(wrong, ", ") + ")"
	case all > 1 && len(wrong) > 0:
		conclusion += fmt.Sprintf(" (%s; %d of %s)", strings.Join(wrong, ", "), len(wrong), checked)
	case all > 1:
		conclusion += ", in " + checked
	}
	if problems+absent > 0 {
		mark = paint.bad
	}
	_, err := fmt.Fprintf(w, "%s%s\n", b.String(), mark(conclusion))
	return err
}

func printPacks(w io.Writer, columns int, v *pack.Result, paint paint) {
	t := newTable(column{name: "PACK", right: true}, column{name: "RUN"}, column{name: "COVERAGE", shrink: 10}, column{name: "FILES", right: true, drop: 1}, column{name: "SIGNED BY", shrink: 12, drop: 2}, column{name: "RESULT"})
	var keys []string
	for _, p := range v.Packs {
		state := "ok"
		if p.Problems > 0 {
			state = paint.bad(audit.Plural(p.Problems, "problem"))
		}
		by := "nobody"
		if p.Signed {
			key := line(p.Key)
			by = cmp.Or(line(p.Signer), brief(key))
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		t.row(p.Sequence, line(p.RunID), line(p.Coverage.Words()), len(p.Files)+1, by, state)
	}
	fmt.Fprintln(w, t.render(columns))
	for _, key := range keys {
		fmt.Fprintf(w, "Key %s\n", key)
	}
	if v.Attendance != nil {
		printAttendance(w, *v.Attendance)
	}
}

// brief is a fingerprint to tell keys apart by; all of it is below the table.
func brief(key string) string {
	const shown = len("SHA256:") + 8
	if len(key) <= shown {
		return key
	}
	return key[:shown] + "…"
}

// printLists shows what was found and what follows.
func printLists(w io.Writer, columns int, wrong []pack.Problem, notes, proven, notProven []string) {
	var problems []string
	for _, p := range wrong {
		problems = append(problems, p.String())
	}
	printList(w, columns, "Problems", problems)
	printList(w, columns, "Notes", notes)
	printList(w, columns, "Proven", proven)
	printList(w, columns, "Not proven", notProven)
}

func printAttendance(w io.Writer, a pack.Attendance) {
	fmt.Fprintf(w, "\n%s: %d of %d %s reviews", a.Period, a.Performed, a.Planned, a.Often)
	if a.Open {
		fmt.Fprint(w, ", so far: the period is not over")
	}
	fmt.Fprintln(w)
	if !a.From.IsZero() {
		fmt.Fprintf(w, "  from: %s, %s\n", a.From.UTC().Format("Mon 2006-01-02 15:04 MST"), a.Why)
	}
	for _, slot := range a.Missing[:min(len(a.Missing), maxMissing)] {
		fmt.Fprintf(w, "  missing: %s\n", slot.Format("Mon 2006-01-02 15:04 MST"))
	}
	if more := len(a.Missing) - maxMissing; more > 0 {
		fmt.Fprintf(w, "  missing: %d more\n", more)
	}
	for _, p := range a.Late {
		fmt.Fprintf(w, "  late: %s began at %s\n", line(p.RunID), p.Started.UTC().Format("Mon 2006-01-02 15:04 MST"))
	}
	for _, p := range a.NotComplete {
		fmt.Fprintf(w, "  coverage %s: %s\n", line(p.Coverage.Words()), line(p.RunID))
	}
	if a.ByHand > 0 {
		fmt.Fprintf(w, "  in addition, by hand: %s\n", audit.Plural(a.ByHand, "review"))
	}
}

// maxMissing is how many missing slots are named.
const maxMissing = 60

func printList(w io.Writer, columns int, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, l := range lines {
		mark := "-"
		for part := range strings.Lines(text.WrapSoft(audit.Line(l, 1000), columns-2)) {
			fmt.Fprintln(w, mark, strings.TrimRight(part, " \n"))
			mark = " "
		}
	}
}

func line(s string) string { return audit.Line(s, 200) }
