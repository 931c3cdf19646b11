package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/notify"
)

// historyDetails is what history show prints as JSON.
type historyDetails struct {
	historyRun
	Location string            `json:"location"` // of the evidence
	Messages []historyDelivery `json:"messages"`
	Summary  *audit.Summary    `json:"summary"` // as in summary.json; null if the run is not finished
}

// historyDelivery is one message.
type historyDelivery struct {
	Notifier string              `json:"notifier"`
	Name     string              `json:"name"`
	State    audit.DeliveryState `json:"state"`
	FirstTry *time.Time          `json:"first_try"`
	Place    string              `json:"place"` // what the receiving side calls it
	Error    string              `json:"error"` // of the last attempt
}

func (c *cli) historyShow() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use: "show RUN", Short: "Show one review: coverage, counts, files, messages", Args: oneRun, ValidArgsFunction: completeRuns,
		Long: "show prints what a review found, as run does, and then when it ran, for how long, and\nwhich messages were sent where.\n" + runHelp,
		Example: `  tokenaudit history show latest
  tokenaudit history show 2026-11-23
  tokenaudit history show weekly-review/previous --json`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.showRun(cmd.Context(), f, args[0]) },
	}
	f.add(cmd)
	return cmd
}

func (c *cli) showRun(ctx context.Context, f historyFlags, name string) error {
	r, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close()
	run, err := r.run(ctx, f.job, name)
	if err != nil {
		return err
	}
	e, err := r.Find(ctx, run)
	if err != nil {
		return err
	}
	if f.json {
		return c.encode(r.details(e))
	}
	if e.Damaged != "" {
		return errors.New(e.Damaged)
	}
	if e.Summary == nil {
		_, err := fmt.Fprintf(c.stdout, "%s: not finished; the next run continues it\n", run.ID())
		return err
	}
	m, unread := messageWith(ctx, r.file, r.Archive, *e.Summary, e.Highlights)
	printSummary(c.stdout, m, unread, c.columns(), c.paint)
	h := historyRunOf(e)
	words := "\nStarted " + m.Time(e.Run.Started)
	if late := e.Run.LateWords(); late != "" {
		words += ", " + late
	}
	if took := h.took(); took != "" {
		words += ", took " + took
	}
	fmt.Fprintln(c.stdout, words)
	return c.printDeliveries(h, e.Deliveries, m)
}

func (p past) details(e ledger.Entry) historyDetails {
	d := historyDetails{historyRun: historyRunOf(e), Messages: []historyDelivery{}, Summary: e.Summary}
	if e.Summary != nil && e.Run.Trigger != audit.Lost {
		d.Location = p.Location(e.Run)
	}
	for _, m := range e.Deliveries {
		h := historyDelivery{Notifier: m.Notifier, Name: m.Name, State: m.State, Place: m.Ref, Error: m.Error}
		if !m.Since.IsZero() {
			h.FirstTry = &m.Since
		}
		d.Messages = append(d.Messages, h)
	}
	return d
}

// printDeliveries says of each message whether it arrived, when it was first tried, and
// where it is.
func (c *cli) printDeliveries(h historyRun, all []audit.Delivery, m notify.Message) error {
	if len(all) == 0 {
		return nil
	}
	t := newTable(column{name: "NOTIFIER"}, column{name: "MESSAGE", shrink: 16}, column{name: "STATE", shrink: 12}, column{name: "FIRST TRY", drop: 2}, column{name: "WHERE", shrink: 12, drop: 1})
	var errs []string
	for _, d := range all {
		words, tried := cmp.Or(deliveryWords[d.State], string(d.State)), ""
		state := words
		if d.State != audit.DeliverySent {
			state = c.paint.bad(state)
		}
		if !d.Since.IsZero() {
			tried = m.Time(d.Since)
		}
		if d.Error != "" {
			errs = append(errs, fmt.Sprintf("Message %s/%s: %s: %s", d.Notifier, audit.Line(d.Name, 200), words, audit.Line(d.Error, 500)))
		}
		t.row(d.Notifier, audit.Line(d.Name, 120), state, tried, audit.Line(d.Ref, 120))
	}
	out := fmt.Sprintf("\nMessages: %d of %d sent\n%s\n", h.DeliveriesSent, h.Deliveries, t.render(c.columns()))
	for i, words := range errs {
		if i == 0 {
			out += "\n"
		}
		out += hanging("", words, min(c.columns(), textWidth)) + "\n"
	}
	_, err := io.WriteString(c.stdout, out)
	return err
}

var deliveryWords = map[audit.DeliveryState]string{
	audit.DeliveryNew: "not sent yet", audit.DeliverySending: "being sent", audit.DeliveryUncertain: "may have arrived", audit.DeliveryExpired: "not sent, and not tried any more",
}
