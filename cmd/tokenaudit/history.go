package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
)

// historyFlags are those of the commands below history.
type historyFlags struct {
	config, job string
	json        bool
	limit       int // 0 for all
}

func (c *cli) history() *cobra.Command {
	return group("history", "Show earlier reviews", `  tokenaudit history list --limit 10
  tokenaudit history show latest
  tokenaudit history diff         # the newest and the one before
  tokenaudit history diff 2026-11-16 weekly-review/latest
  tokenaudit history replay -c stricter.yaml latest
  tokenaudit history retire plant --reason "switched off, SEC-1234"`, c.historyList(), c.historyShow(), c.historyDiff(), c.historyReplay(), c.historyRetire(), c.historyRebuild())
}

func (f *historyFlags) add(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	jobFlag(cmd, &f.job)
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
	return openPast(ctx, c, file)
}

func openPast(ctx context.Context, c *cli, file *configs.File) (past, error) {
	r, err := openReader(ctx, c, file)
	if err != nil {
		return past{}, forOwner(file, err)
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
func (p past) stored(ctx context.Context, run audit.Run) (audit.Summary, error) {
	e, err := p.Find(ctx, run)
	switch {
	case err != nil:
		return audit.Summary{}, err
	case e.Damaged != "":
		return audit.Summary{}, errors.New(e.Damaged)
	case e.Summary == nil:
		return audit.Summary{}, fmt.Errorf("run %s is not finished", run.ID())
	case e.Run.Trigger == audit.Lost:
		return audit.Summary{}, fmt.Errorf("the evidence pack of run %s is lost, and with it what it saw", run.ID())
	}
	return *e.Summary, nil
}

// records walks the snapshot of a target.
func (p past) records(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for r, err := range p.Read(ctx, run, target) {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("the evidence has no snapshot of run %s any more; keep may have removed it: %w", run.ID(), err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// oneRun takes the name of one run.
func oneRun(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s needs one run, such as latest or weekly-review/2026-11-23T0800Z; history list shows them", cmd.CommandPath())
	}
	return nil
}

// historyRun is a run in what history list prints as JSON. Figures of a run that is not
// finished, what its version did not count, the changes since a review that there was not,
// and zeros where nothing could be read, are null.
type historyRun struct {
	Run              string        `json:"run"`
	Job              string        `json:"job"`
	Slot             time.Time     `json:"slot"`
	Trigger          audit.Trigger `json:"trigger"`
	State            string        `json:"state"` // finished, running, damaged
	Damaged          string        `json:"damaged"`
	Started          time.Time     `json:"started"`
	Finished         *time.Time    `json:"finished"`
	Seconds          *float64      `json:"seconds"` // from started to finished
	LateSeconds      int           `json:"late_seconds"`
	Missed           int           `json:"missed"`
	Verdict          audit.Verdict `json:"verdict"`
	AcceptedGaps     *int          `json:"accepted_gaps"`
	Tokens           *int          `json:"tokens"`
	NeedAction       *int          `json:"needs_action"`
	New              *int          `json:"new"`
	Fixed            *int          `json:"fixed"`
	Overdue          *int          `json:"overdue"`
	Critical         *int          `json:"critical"`
	High             *int          `json:"high"`
	Findings         *int          `json:"findings"`
	PolicyChanged    bool          `json:"policy_changed"`
	Deliveries       int           `json:"deliveries"`
	DeliveriesSent   int           `json:"deliveries_sent"`
	DeliveriesFailed []string      `json:"deliveries_failed"` // and may be tried again
}

func historyRunOf(e ledger.Entry) historyRun {
	h := historyRun{
		Run: e.Run.ID(), Job: e.Run.Job, Slot: e.Run.Slot, Trigger: e.Run.Trigger, State: "running", Damaged: e.Damaged, Started: e.Run.Started,
		LateSeconds: int(e.Run.Late().Seconds()), Missed: e.Run.Missed, Deliveries: len(e.Deliveries), DeliveriesFailed: []string{},
	}
	for _, d := range e.Deliveries {
		switch {
		case d.State == audit.DeliverySent:
			h.DeliveriesSent++
		case d.State == audit.DeliveryExpired, d.Error != "":
			h.DeliveriesFailed = append(h.DeliveriesFailed, d.Notifier+"/"+d.Name)
		}
	}
	if e.Damaged != "" {
		h.State = "damaged"
	}
	if e.Summary == nil {
		return h
	}
	s, a := e.Summary, e.Summary.NeedsAction
	h.State, h.Verdict, h.PolicyChanged = "finished", s.Coverage.Verdict, len(s.PolicyChanges) > 0
	read := func(n int) *int {
		if s.Unread(n) {
			return nil
		}
		return &n
	}
	h.Tokens, h.Findings, h.AcceptedGaps = read(s.Authorizations.Total), read(s.Findings.Total), &s.Coverage.AcceptedGaps
	if took := s.Finished.Sub(e.Run.Started); took >= 0 {
		seconds := took.Round(time.Millisecond).Seconds()
		h.Finished, h.Seconds = &s.Finished, &seconds
	}
	if a.Known() {
		h.NeedAction, h.Overdue = read(a.Tokens), read(a.Overdue)
		h.Critical, h.High = read(a.BySeverity[audit.Critical]), read(a.BySeverity[audit.High])
		if s.Previous != nil {
			h.New, h.Fixed = read(a.New), read(a.Fixed)
		}
	}
	return h
}

func (c *cli) historyList() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the reviews, newest first", Args: noArguments,
		Example: `  tokenaudit history list
  tokenaudit history list --job weekly-review --limit 10`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.listRuns(cmd.Context(), f) },
	}
	f.add(cmd)
	limitFlag(cmd, &f.limit, "show only so many, the newest")
	return cmd
}

func (c *cli) listRuns(ctx context.Context, f historyFlags) error {
	if err := checkLimit(f.limit); err != nil {
		return err
	}
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close()
	known, err := r.Runs(ctx)
	if err != nil {
		return err
	}
	if err := checkJob(r.file, known, f.job); err != nil {
		return err
	}
	entries, err := r.List(ctx, f.job, f.limit)
	if err != nil {
		return err
	}
	runs := []historyRun{}
	for _, e := range entries {
		runs = append(runs, historyRunOf(e))
	}
	if f.json {
		return c.encode(runs)
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(c.stdout, "No review has run yet.")
		return err
	}
	_, err = io.WriteString(c.stdout, runTable(runs, c.columns(), c.paint))
	return err
}

// runTable has a row for each run. What an earlier version did not count is a gap.
func runTable(runs []historyRun, columns int, paint paint) string {
	t := newTable(column{name: "RUN"}, column{name: "TRIGGER", drop: 1}, column{name: "COVERAGE", shrink: 12}, column{name: "TOKENS", right: true},
		column{name: "NEEDS ACTION", right: true}, column{name: "NEW", right: true}, column{name: "FIXED", right: true}, column{name: "OVERDUE", right: true, drop: 6},
		column{name: "CRITICAL", right: true, drop: 5}, column{name: "HIGH", right: true, drop: 4}, column{name: "FINDINGS", right: true, drop: 3},
		column{name: "LATE", drop: 7}, column{name: "TOOK", right: true, drop: 2}, column{name: "SENT", drop: 8}, column{})
	changed := false
	var failed []string
	for _, h := range runs {
		verdict, late, sent, mark := "not finished", "", "", ""
		switch {
		case h.State == "damaged":
			verdict = paint.bad("damaged")
		case h.State == "finished":
			verdict = string(h.Verdict)
			if h.Verdict != audit.Complete {
				verdict = paint.bad(verdict)
			}
			if *h.AcceptedGaps > 0 {
				verdict += ", " + audit.Plural(*h.AcceptedGaps, "gap") + " accepted"
			}
		}
		if h.LateSeconds >= 60 {
			late = strings.TrimSuffix(audit.Run{Trigger: h.Trigger, Slot: h.Slot, Started: h.Started}.LateWords(), " late")
		}
		if h.Deliveries > 0 {
			sent = fmt.Sprintf("%d of %d", h.DeliveriesSent, h.Deliveries)
		}
		if len(h.DeliveriesFailed) > 0 {
			sent = paint.bad(sent)
			failed = append(failed, h.Run+": "+audit.Line(audit.Names(h.DeliveriesFailed, 3), 300))
		}
		if h.PolicyChanged {
			mark, changed = "*", true
		}
		t.row(h.Run, h.Trigger, verdict, shownFigure(h, h.Tokens), shownFigure(h, h.NeedAction), shownFigure(h, h.New), shownFigure(h, h.Fixed), shownFigure(h, h.Overdue),
			shownFigure(h, h.Critical), shownFigure(h, h.High), shownFigure(h, h.Findings), late, h.took(), sent, mark)
	}
	out := t.render(columns) + "\n"
	const most = 10
	for i, words := range failed[:min(len(failed), most)] {
		if i == 0 {
			out += "\n"
		}
		out += hanging("", "Not sent: "+words, min(columns, textWidth)) + "\n"
	}
	if more := len(failed) - most; more > 0 {
		out += fmt.Sprintf("Not sent: messages of %s, see --json\n", audit.Plural(more, "more run"))
	}
	if changed {
		out += "\n" + hanging("", "* the policy differs from that of the run before; tokenaudit history show RUN lists the changes", columns) + "\n"
	}
	return out
}

// shownFigure is a number of a finished run; "?" if nothing could be read, "-" if its
// version did not count that, or there was no review to compare with.
func shownFigure(h historyRun, n *int) string {
	switch {
	case n != nil:
		return audit.Number(*n)
	case h.Verdict == audit.NotKnown:
		return "?"
	case h.State == "finished":
		return "-"
	}
	return ""
}

// took is how long the review took, in words; empty where that is not known.
func (h historyRun) took() string {
	if h.Seconds == nil {
		return ""
	}
	d := time.Duration(*h.Seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
