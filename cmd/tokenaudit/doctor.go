package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/remedy"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/ping"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
	"tokenaudit/report/table"
)

// canWrite is the check of a credential of the review that can do more than read.
const canWrite = "auditor-can-write"

func (c *cli) doctor() *cobra.Command {
	var config string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a review depends on, and say how to fix it",
		Long: `doctor sends every target the requests of a review and shows the verdict that the next
review would reach. It tests every notifier, the evidence and the store without posting
or keeping anything. It shows what works, what does not, how to fix it, and what no
review can see. If any line says BAD, it exits 4.`,
		Example: `  tokenaudit doctor
  tokenaudit doctor -c /etc/tokenaudit/tokenaudit.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := c.examine(cmd.Context(), config, asJSON)
			return err
		},
	}
	configFlag(cmd, &config)
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (c *cli) examine(ctx context.Context, path string, asJSON bool) (e *examination, err error) {
	f, err := c.loadConfig(path)
	if err != nil {
		return nil, err
	}
	e = &examination{out: c.stdout, secrets: c.secrets, width: c.width(), paint: c.paint, lines: []doctorLine{}}
	if asJSON {
		e.out = io.Discard
	}
	log := c.log(slog.LevelWarn)
	a, errEarlier := openEarlier(ctx, f, log)
	defer func() { err = errors.Join(err, a.close()) }()
	if err := c.examineTargets(ctx, e, a.Assessor, f); err != nil {
		return e, err
	}
	for _, j := range f.Jobs {
		examineNotifiers(ctx, e, f, j)
	}
	for _, cfg := range f.Campaigns {
		e.add("campaign "+cfg.Name, examineSigners(ctx, f, cfg))
	}
	e.add("evidence", examineEvidence(ctx, f.Evidence, f.EvidenceLock))
	if errEarlier != nil {
		e.line("store", note, "earlier reviews", "not known: "+errEarlier.Error()+". The verdicts above are those of a first review", "")
	}
	if path, owner := otherOwner(dataPaths(f), errEarlier); owner != "" {
		fix := "Run this as " + owner + ", and every review: " + commandAs(owner, secretVariables(f), exec.LookPath)
		e.add("store", target.Diagnosis{What: "owner", Result: belongs(path, owner), Fix: fix})
	}
	e.add("store", examineStore(ctx, f))
	e.add("store", examineAgreement(ctx, f))
	for _, w := range warnings(f) {
		e.line("configuration", note, "warning", w, "")
	}
	for _, old := range oldKeys(f) {
		e.line("configuration", note, "old key", old, "")
	}
	if asJSON {
		if err := c.encode(e.lines); err != nil {
			return e, err
		}
	}
	return e, e.conclude()
}

// examineTargets asks each target once, for the first job that reviews it, and then says
// what each job lacks besides: a target of its last review that is not configured, say.
func (c *cli) examineTargets(ctx context.Context, e *examination, a *runner.Assessor, f *configs.File) error {
	var targets []runner.Target
	for _, cfg := range f.Targets {
		source, err := sourceOf(cfg, c.log(slog.LevelWarn))
		if err != nil {
			e.tried("target "+cfg.Name, "configuration", "", err)
			continue
		}
		targets = append(targets, runner.Target{Name: cfg.Name, Host: cfg.Host(), Source: source})
	}
	items, limits := map[string]audit.Item{}, map[audit.Product][]string{}
	jobs, err := jobsToTry(f, targets, c.secrets)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		for _, t := range j.Targets {
			if _, done := items[t.Name]; done {
				continue
			}
			cov, err := c.examineTarget(ctx, e, a, j, t)
			if err != nil {
				return err
			}
			items[t.Name] = audit.Item{Coverage: cov, Counts: audit.NewCounts()}
			if ids, _ := cov.LimitIDs(); len(ids) > 0 {
				limits[cov.Product] = ids
			}
		}
	}
	for _, p := range audit.Products() {
		if ids := limits[p]; len(ids) > 0 {
			e.line("product "+p.Name(), note, "limits", limitWords(ids), "")
		}
	}
	if len(targets) < len(f.Targets) {
		return nil // no review begins
	}
	for _, j := range jobs {
		var of []audit.Item
		for _, t := range j.Targets {
			of = append(of, items[t.Name])
		}
		total, err := a.Total(ctx, j, of)
		if err != nil {
			e.tried("job "+j.Name, "earlier reviews", "", err)
			continue
		}
		e.gaps("job "+j.Name, total.Gaps)
		for _, t := range total.Targets {
			if t.Dropped {
				e.gaps("job "+j.Name, t.Gaps)
			}
		}
	}
	return nil
}

// examineTarget asks what a review asks, and says which premises of a complete one do
// not hold. The blind spots are no fault.
func (c *cli) examineTarget(ctx context.Context, e *examination, a *runner.Assessor, j runner.Job, t runner.Target) (audit.Coverage, error) {
	where := "target " + t.Name
	bar := c.newProgress()
	a.Progress = bar.add
	var writing []audit.Record // credentials of the review
	cov, err := assess(ctx, a, j, t.Name, func(records iter.Seq2[audit.Record, error]) error {
		for r, err := range records {
			if err != nil {
				return err
			}
			if slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Check == canWrite && f.Actionable() }) {
				writing = append(writing, r)
			}
		}
		return nil
	})
	bar.done()
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return cov, cause
	case err != nil:
		e.tried(where, "review", "", err)
		return cov, nil
	}
	if server, ok := t.Source.(asking); ok {
		for _, d := range server.Diagnose(cov) {
			e.add(where, d)
		}
	}
	for _, r := range writing {
		e.line(where, note, "credential", audit.Line(r.ID, longestID)+" can write, and a review needs to read only ["+canWrite+"]", audit.CheckOf(canWrite).Fix)
	}
	e.add(where, target.Diagnosis{What: "coverage", OK: cov.Verdict == audit.Complete, Result: cov.Words() + "; of the premises " + table.PremiseWords(table.PremisesOf(cov))})
	if cov.Verdict == audit.NotKnown { // that earlier tokens were not seen either follows
		e.gaps(where, slices.DeleteFunc(slices.Clone(cov.Gaps), func(g audit.Gap) bool { return g.ID == audit.EarlierSeen && g.Verdict != audit.NotKnown }))
		return cov, nil // it is not known what the review of this server could not see
	}
	e.gaps(where, cov.Gaps)
	e.acceptable(where, cov.Gaps)
	for _, unused := range cov.AcceptedUnused {
		e.line(where, note, "accepted_gaps", unused.UnusedWords(), "")
	}
	_, spots := cov.LimitIDs()
	for _, spot := range spots {
		e.line(where, note, "blind spot", spot, "")
	}
	return cov, nil
}

// examineNotifiers tries what can be tried without posting.
func examineNotifiers(ctx context.Context, e *examination, f *configs.File, j configs.Job) {
	where := "job " + j.Name
	if j.Slack != nil {
		who, err := slack.Check(ctx, *j.Slack, f.Contacts(j), notify.NewClient())
		e.tried(where, "slack", who, err)
	}
	if j.Webhook != nil {
		who, err := webhook.Check(ctx, *j.Webhook, notify.NewClient())
		e.tried(where, "webhook", who, err)
	}
	if j.Email != nil {
		who, err := email.Check(ctx, *j.Email)
		e.tried(where, "email", who, err)
	}
	if !j.SigningKey.IsZero() {
		_, err := j.SigningKey.ReadLines(ctx)
		e.tried(where, "signing key", "can be read", err)
	}
	if !j.Ping.IsZero() {
		err := ping.New(j.Ping, notify.NewClient()).Check(ctx)
		e.tried(where, "ping", "a URL is set; not pinged, because a ping would count", err)
	}
}

func examineEvidence(ctx context.Context, place string, lock evidence.Lock) target.Diagnosis {
	if !evidence.IsBucket(place) {
		return examineFolder(place)
	}
	d := target.Diagnosis{What: "bucket", OK: true, Result: place + " can be written, read, listed and deleted"}
	if !lock.IsZero() {
		d.Result += ", and objects can be locked"
	}
	s, err := evidence.Open(place, lock)
	if err == nil {
		err = errors.Join(s.Try(ctx), s.Close())
	}
	if err != nil {
		d.OK, d.Result, d.Fix = false, err.Error(), remedy.Of(err)
	}
	return d
}

func examineFolder(dir string) target.Diagnosis {
	d := target.Diagnosis{What: "folder is writable", OK: true, Result: dir}
	in := existing(dir)
	if in != dir {
		d.Result = dir + " does not exist yet; " + in + " is writable"
	}
	f, err := os.CreateTemp(in, ".tokenaudit-*")
	if err == nil {
		f.Close()
		os.Remove(f.Name())
		return d
	}
	d.OK, d.Result, d.Fix = false, err.Error(), "Give this user write access to "+in+", or set another folder."
	if info, err := os.Stat(in); err == nil && !info.IsDir() {
		d.Fix = in + " is a file: set a folder instead."
	}
	return d
}

// existing is the folder itself, or the one that it would be made in: the doctor
// leaves nothing behind.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// examineStore looks at the ledger as a review does, and changes nothing.
func examineStore(ctx context.Context, f *configs.File) target.Diagnosis {
	d := target.Diagnosis{What: "database answers"}
	if path, isFile := ledger.StorePath(f.Store); isFile {
		d.What = "ledger opens"
		if !exists(path) {
			in := examineFolder(filepath.Dir(path))
			in.What = d.What
			if in.OK {
				in.Result = "does not exist yet and can be created"
			}
			return in
		}
	}
	in, err := ledger.Inspect(ctx, f.Store, f.StorePassword)
	switch {
	case err != nil:
		d.Result, d.Fix = err.Error(), remedy.Of(err)
	case len(in.Damaged) > 0:
		d.Result = in.Found + "; " + strings.Join(in.Damaged[:min(3, len(in.Damaged))], "; ")
		d.Fix = "Restore the store from a backup, or rebuild it from the evidence (tokenaudit history rebuild). Until then, reviews continue without the damaged parts and report this."
	default:
		d.OK, d.Result = true, in.Found
	}
	return d
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
