package runner

import (
	"context"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
)

// PingEvent is what a dead man's switch hears.
type PingEvent string

const (
	PingStart   PingEvent = "start"
	PingSuccess PingEvent = "success"
	PingFail    PingEvent = "fail"
)

// PingFunc tells a dead man's switch how a run goes, with a text for people. It
// returns soon, and what goes wrong with it is no matter of the run.
type PingFunc func(ctx context.Context, run audit.Run, event PingEvent, text string)

// ping says nothing of a run that is cut off: whoever takes it up says how it ends.
func (r *Runner) ping(ctx context.Context, j Job, run audit.Run, event PingEvent, text string) {
	if j.Ping != nil && ctx.Err() == nil {
		j.Ping(ctx, run, event, text)
	}
}

// PingText is what a switch hears of a review that ended: a summary in a few lines,
// without a name from InfluxDB.
func PingText(s audit.Summary) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s: coverage %s\n", s.Headline(), s.ID, s.Coverage.Words())
	if a := s.NeedsAction; a.Known() {
		figure := func(n int) string { return strings.ReplaceAll(s.Figure(n), ",", "") } // programs read it
		fmt.Fprintf(&b, "tokens that need action %s, new %s, fixed %s, overdue %s\n", figure(a.Tokens), figure(a.New), figure(a.Fixed), figure(a.Overdue))
	}
	if inventory := s.InventoryWords(); inventory != "" {
		fmt.Fprintln(&b, inventory)
	}
	fmt.Fprintf(&b, "tokens %d, with findings %d\n", s.Authorizations.Total, s.Authorizations.Flagged)
	var found []string
	for _, severity := range audit.Severities() {
		found = append(found, fmt.Sprintf("%s %d", severity, s.Findings.BySeverity[severity]))
	}
	fmt.Fprintf(&b, "findings by severity: %s\n", strings.Join(found, ", "))
	for _, words := range s.Coverage.RetiredWords(3) {
		fmt.Fprintf(&b, "retired: %s\n", words)
	}
	if n := len(s.PolicyChanges); n > 0 {
		fmt.Fprintf(&b, "policy changed: %s\n", strings.Join(s.PolicyChanges[:min(n, 3)], "; "))
	}
	if s.Missed > 0 {
		fmt.Fprintf(&b, "missed reviews before it: %d\n", s.Missed)
	}
	for _, t := range s.Coverage.Targets {
		if t.Verdict != audit.Complete {
			fmt.Fprintf(&b, "%s: %s\n", t.Target, t.StateWords())
		}
	}
	return b.String()
}

// once lets through only what was not said yet: a run that fails at every heartbeat
// starts once, and fails once for each reason. Said again, a start would put off the
// alarm of the switch for ever.
func (ping PingFunc) once() PingFunc {
	if ping == nil {
		return nil
	}
	last := map[PingEvent]string{}
	return func(ctx context.Context, run audit.Run, event PingEvent, text string) {
		if said := run.ID() + "\n" + reason(text); last[event] != said {
			last[event] = said
			ping(ctx, run, event, text)
		}
	}
}
