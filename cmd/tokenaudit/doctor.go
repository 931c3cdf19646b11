package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/ledger"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/ping"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
)

func (c *cli) doctor() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "doctor -c FILE",
		Short: "Check everything that a review depends on, and say how to fix it",
		Long: `doctor asks every target what a review asks, tries every notifier, the evidence
folder or bucket and the store, and prints what is well, what is missing, and what
will be a blind spot. It reviews nothing, keeps nothing and posts nothing.`,
		Example: `  tokenaudit doctor -c tokenaudit.yaml`,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.examine(cmd.Context(), config) },
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "configuration file")
	return cmd
}

// examination collects the lines of the doctor's table.
type examination struct {
	table   table.Writer
	secrets *secret.Redactor // before a text is cut and wrapped
	bad     bool
}

func (e *examination) add(where string, d influx.Diagnosis) {
	state := "ok"
	if !d.OK {
		state, e.bad = "BAD", true
	}
	e.table.AppendRow(table.Row{where, state, d.What, audit.Line(e.secrets.Clean(d.Result), 300), audit.Line(e.secrets.Clean(d.Fix), 300)})
}

// tried adds what was found or, with the way to fix it, what went wrong.
func (e *examination) tried(where, what, found string, err error, fix string) {
	if err != nil {
		e.add(where, influx.Diagnosis{What: what, Result: err.Error(), Fix: fix})
		return
	}
	e.add(where, influx.Diagnosis{What: what, OK: true, Result: found})
}

func (c *cli) examine(ctx context.Context, path string) error {
	f, err := c.loadConfig(path)
	if err != nil {
		return err
	}
	e := &examination{secrets: c.secrets, table: newTable("WHERE", "", "WHAT", "RESULT", "WHAT TO DO")}
	e.table.SetColumnConfigs([]table.ColumnConfig{
		{Number: 3, WidthMax: 36, WidthMaxEnforcer: text.WrapSoft}, {Number: 4, WidthMax: 44, WidthMaxEnforcer: text.WrapSoft}, {Number: 5, WidthMax: 44, WidthMaxEnforcer: text.WrapSoft},
	})
	for _, t := range f.Targets {
		c.examineTarget(ctx, e, t)
	}
	for _, j := range f.Jobs {
		where := "job " + j.Name
		if j.Slack != nil {
			who, err := slack.Check(ctx, *j.Slack, notify.NewClient())
			e.tried(where, "Slack", who, err, "a bot token needs the scope chat:write and a place in the channel")
		}
		if j.Webhook != nil {
			who, err := webhook.Check(ctx, *j.Webhook, notify.NewClient())
			e.tried(where, "webhook", who, err, "check the secrets of url and secret, and the network")
		}
		if j.Email != nil {
			who, err := email.Check(ctx, *j.Email)
			e.tried(where, "email", who, err, "check server, username, password and tls")
		}
		if !j.Ping.IsZero() {
			err := ping.New(j.Ping, notify.NewClient()).Check(ctx)
			e.tried(where, "ping", "there is a URL; not pinged, as that would count", err, "store the URL that the dead man's switch shows")
		}
	}
	e.add("evidence", examineEvidence(ctx, f.Evidence, f.EvidenceLock))
	e.add("store", examineStore(ctx, f))
	e.add("store", examineAgreement(ctx, f, path))
	for _, w := range warnings(f) {
		e.add("configuration", influx.Diagnosis{What: "warning", Result: w})
	}
	if _, err := fmt.Fprintln(c.stdout, e.table.Render()); err != nil {
		return err
	}
	if e.bad {
		return quietError{exitIncomplete}
	}
	return nil
}

// examineTarget asks what a review asks. Reasons that no line above explains get
// lines of their own, and so do the blind spots, which are no fault.
func (c *cli) examineTarget(ctx context.Context, e *examination, cfg influx.Config) {
	where := "target " + cfg.Name
	bar := c.newProgress()
	defer bar.done()
	progress := func() { bar.add("") }
	var found []influx.Diagnosis
	var cov audit.Coverage
	if cfg.Bolt != "" {
		source, err := bolt.New(cfg)
		if err != nil {
			e.tried(where, "configuration", "", err, "")
			return
		}
		col, err := source.Collect(ctx, progress)
		if err != nil {
			e.tried(where, "configuration", "", err, "")
			return
		}
		if col.Close != nil {
			defer col.Close()
		}
		cov = col.Coverage
	} else {
		target, err := influx.NewTarget(cfg, c.log(slog.LevelWarn))
		if err != nil {
			e.tried(where, "configuration", "", err, "")
			return
		}
		found, cov = target.Diagnose(ctx, progress)
	}
	for _, d := range found {
		e.add(where, d)
	}
	e.add(where, influx.Diagnosis{What: "coverage", OK: cov.Verdict == audit.Complete, Result: string(cov.Verdict)})
	for _, reason := range cov.Reasons {
		e.add(where, influx.Diagnosis{What: "not complete", Result: reason})
	}
	for _, spot := range cov.BlindSpots {
		e.add(where, influx.Diagnosis{What: "blind spot", OK: true, Result: spot})
	}
}

func examineEvidence(ctx context.Context, place string, lock evidence.Lock) influx.Diagnosis {
	if !evidence.IsBucket(place) {
		return examineFolder(place)
	}
	d := influx.Diagnosis{What: "bucket can be written, read, listed and cleared", OK: true, Result: place}
	if !lock.IsZero() {
		d.What = "bucket can be written, read, listed, cleared and locked"
	}
	s, err := evidence.Open(place, lock)
	if err == nil {
		err = errors.Join(s.Try(ctx), s.Close())
	}
	if err != nil {
		d.OK, d.Result, d.Fix = false, err.Error(), "put credentials into the environment, as for the AWS tools, give them the bucket, and set region or endpoint in evidence where it needs them"
	}
	return d
}

func examineFolder(dir string) influx.Diagnosis {
	d := influx.Diagnosis{What: "folder is writable", OK: true, Result: dir}
	f, err := os.CreateTemp(existing(dir), ".tokenaudit-*")
	if err != nil {
		return influx.Diagnosis{What: d.What, Result: err.Error(), Fix: "make the folder writable, or set evidence to another one"}
	}
	f.Close()
	os.Remove(f.Name())
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
func examineStore(ctx context.Context, f *configs.File) influx.Diagnosis {
	d := influx.Diagnosis{What: "database answers", Fix: "check store and store_password, and that the role may connect to the database and create tables in it"}
	if path, isFile := ledger.StorePath(f.Store); isFile {
		d.What, d.Fix = "ledger opens", "make the file readable and writable, or set store to another one"
		if !exists(path) {
			in := examineFolder(filepath.Dir(path))
			in.What, in.Result = d.What, "not there yet; "+in.Result
			return in
		}
	}
	in, err := ledger.Inspect(ctx, f.Store, f.StorePassword)
	switch {
	case err != nil:
		d.Result = err.Error()
	case len(in.Damaged) > 0:
		d.Result = in.Found + "; " + strings.Join(in.Damaged[:min(3, len(in.Damaged))], "; ")
		d.Fix = "restore the store from a backup; until then reviews go on without what is damaged, and say so"
	default:
		d.OK, d.Result, d.Fix = true, in.Found, ""
	}
	return d
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
