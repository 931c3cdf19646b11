package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
)

// historyFlags are those of every command below history.
type historyFlags struct {
	config, job string
	json        bool
	limit       int // 0 for all
}

func (c *cli) history() *cobra.Command {
	return group("history", "Show earlier reviews", `  tokenaudit history list -c tokenaudit.yaml
  tokenaudit history show -c tokenaudit.yaml weekly-review/2026-11-23T0800Z
  tokenaudit history diff -c tokenaudit.yaml weekly-review/2026-11-16T0800Z weekly-review/2026-11-23T0800Z
  tokenaudit history replay -c stricter.yaml weekly-review/2026-11-23T0800Z
  tokenaudit history retire -c tokenaudit.yaml plant --reason "switched off, SEC-1234"`, c.historyList(), c.historyShow(), c.historyDiff(), c.historyReplay(), c.historyRetire(), c.historyRebuild())
}

func (f *historyFlags) add(c *cli, cmd *cobra.Command) {
	c.configFlag(cmd, &f.config)
	jsonFlag(cmd, &f.json)
}

// past is what earlier reviews left, to be read beside whatever else works on it.
type past struct {
	file *configs.File
	*ledger.Reader
	evidence.Archive
}

func (f historyFlags) open(ctx context.Context, c *cli) (past, error) {
	file, err := c.loadConfig(f.config)
	if err != nil {
		return past{}, err
	}
	r, err := openReader(ctx, c, file)
	if err != nil {
		return past{}, err
	}
	archive, err := evidence.Open(file.Evidence, evidence.Lock{}) // asks no bucket anything
	if err != nil {
		r.Close()
	}
	return past{file, r, archive}, err
}

// openReader opens the ledger to look at it. Of one that is not there, although the
// evidence has packs, the error says how it is made from them.
func openReader(ctx context.Context, c *cli, f *configs.File) (*ledger.Reader, error) {
	r, err := ledger.OpenReader(ctx, f.Store, f.StorePassword)
	if errors.Is(err, ledger.ErrNone) {
		if lost := agreeWithout(ctx, f, c.log(slog.LevelWarn)); errors.As(lost, new(*disagreeError)) {
			return nil, lost
		}
	}
	return r, err
}

func (p past) Close() error { return errors.Join(p.Reader.Close(), p.Archive.Close()) }

// stored is what a finished run found.
func (p past) stored(ctx context.Context, id string) (audit.Summary, error) {
	e, err := p.Find(ctx, id)
	switch {
	case err != nil:
		return audit.Summary{}, err
	case e.Damaged != "":
		return audit.Summary{}, errors.New(e.Damaged)
	case e.Summary == nil:
		return audit.Summary{}, fmt.Errorf("run %s is not finished", id)
	}
	return *e.Summary, nil
}

func runIDs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s needs %s, such as weekly-review/2026-11-23T0800Z; history list shows them", cmd.CommandPath(), audit.Plural(n, "run"))
		}
		return nil
	}
}

func (c *cli) historyList() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the reviews, newest first", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.listRuns(cmd.Context(), f) },
	}
	f.add(c, cmd)
	c.jobFlag(cmd, &f.job)
	return cmd
}

func (c *cli) listRuns(ctx context.Context, f historyFlags) error {
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close()
	entries, err := r.List(ctx, f.job)
	if err != nil {
		return err
	}
	if f.json {
		return c.encode(append([]ledger.Entry{}, entries...))
	}
	columns := c.columns()
	t, changed := runTable(entries, columns)
	out := t.Render() + "\n"
	if changed {
		out += "\n" + hanging("", "* the policy differs from that of the run before; tokenaudit history show RUN lists the changes", columns) + "\n"
	}
	if narrow(columns) {
		out += "\n" + hanging("", "Left out for lack of width: TRIGGER, OVERDUE, CRITICAL, HIGH, FINDINGS. A width of 130 columns or --json shows all.", columns) + "\n"
	}
	_, err = io.WriteString(c.stdout, out)
	return err
}

// narrow: there is no room for all columns of a table.
func narrow(columns int) bool { return columns > 0 && columns < 130 }

// runTable has a row for each run. What an earlier version did not count is a gap. Where
// there is no room, it leaves columns out. It reports whether the policy ever changed.
func runTable(entries []ledger.Entry, columns int) (t table.Writer, changed bool) {
	late := slices.ContainsFunc(entries, func(e ledger.Entry) bool { return e.Run.Late() >= time.Minute })
	t = oldTable("RUN", "TRIGGER", "COVERAGE", "TOKENS", "NEEDS ACTION", "NEW", "FIXED", "OVERDUE", "CRITICAL", "HIGH", "FINDINGS", "LATE", "")
	config := append(rightAligned(4, 5, 6, 7, 8, 9, 10, 11), table.ColumnConfig{Name: "LATE", Hidden: !late})
	if narrow(columns) {
		config[1].WidthMax = 6
		details := config[4:8] // OVERDUE to FINDINGS
		for i := range details {
			details[i].Hidden = true
		}
		config = append(config, table.ColumnConfig{Name: "TRIGGER", Hidden: true}, table.ColumnConfig{Name: "COVERAGE", WidthMax: 10, WidthMaxEnforcer: text.WrapSoft})
	}
	t.SetColumnConfigs(config)
	for _, e := range entries {
		verdict := "not finished"
		if e.Damaged != "" {
			verdict = "damaged"
		}
		if e.Summary == nil {
			t.AppendRow(table.Row{e.Run.ID(), e.Run.Trigger, verdict})
			continue
		}
		p, a := e.Summary.Point(), e.Summary.NeedsAction
		known := func(n int) string {
			if !a.Known() {
				return "-"
			}
			return audit.Number(n)
		}
		verdict = string(p.Verdict)
		if p.AcceptedGaps > 0 {
			verdict += ", " + audit.Plural(p.AcceptedGaps, "gap") + " accepted"
		}
		words, mark := "", ""
		if e.Run.Late() >= time.Minute {
			words = strings.TrimSuffix(e.Run.LateWords(), " late")
		}
		if len(e.Summary.PolicyChanges) > 0 {
			mark, changed = "*", true
		}
		t.AppendRow(table.Row{
			e.Run.ID(), e.Run.Trigger, verdict, audit.Number(p.Authorizations), known(a.Tokens), known(a.New), known(a.Fixed),
			known(a.Overdue), known(a.BySeverity[audit.Critical]), known(a.BySeverity[audit.High]), audit.Number(e.Summary.Findings.Total), words, mark,
		})
	}
	return t, changed
}

func (c *cli) historyShow() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use: "show RUN", Short: "Show one review: coverage, counts, files, messages", Args: runIDs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.showRun(cmd.Context(), f, args[0]) },
	}
	f.add(c, cmd)
	return cmd
}

func (c *cli) showRun(ctx context.Context, f historyFlags, id string) error {
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close()
	e, err := r.Find(ctx, id)
	if err != nil {
		return err
	}
	if f.json {
		return c.encode(e)
	}
	if e.Damaged != "" {
		return errors.New(e.Damaged)
	}
	if e.Summary == nil {
		_, err := fmt.Fprintf(c.stdout, "%s: not finished; the next run continues it\n", id)
		return err
	}
	m, unread := messageWith(ctx, r.file, r.Archive, *e.Summary, e.Highlights)
	printSummary(c.stdout, m, unread, c.columns(), c.paint)
	for _, p := range e.Deliveries {
		words := fmt.Sprintf("Message %s/%s: %s", p.Notifier, audit.Line(p.Name, 200), cmp.Or(deliveryWords[p.State], string(p.State)))
		if p.Error != "" {
			words += ": " + audit.Line(p.Error, 500)
		}
		fmt.Fprintf(c.stdout, "\n%s\n", hanging("", words, c.columns()))
	}
	return nil
}

var deliveryWords = map[audit.DeliveryState]string{
	audit.DeliveryNew: "not sent yet", audit.DeliverySending: "being sent", audit.DeliveryUncertain: "may have arrived", audit.DeliveryExpired: "not sent, and not tried any more",
}
