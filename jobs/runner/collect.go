package runner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// Assessor asks targets and judges what they answer against earlier reviews. Reviews and
// all that says what a review would say reach their verdict by it.
type Assessor struct {
	Earlier   Earlier // nil where no review was made yet
	Snapshots interface {
		Read(ctx context.Context, run audit.Run, target string) iter.Seq2[audit.Record, error]
	}
	Now Clock // that of the earlier reviews; nil is the one of this machine
	Log *slog.Logger
	// Progress is told of each authorization that a target showed. Optional.
	Progress func(target string)
}

// comparison is what a target answered, to be judged against earlier reviews.
type comparison struct {
	audit.Review
	bases []audit.Baseline
	lost  []error // why some could not be read
}

// Assess asks a target for everything, compares it with what earlier reviews knew of its
// sources, judges it, and hands the records to write, which may be called again from the
// beginning. The server is asked under asking, which ends with the deadline; what was
// collected until then is judged under ctx.
func (a *Assessor) Assess(ctx, asking context.Context, j Job, run audit.Run, name string, write func(iter.Seq2[audit.Record, error]) error) (audit.Item, error) {
	c := comparison{Review: audit.Review{Target: name, Now: run.Started, Policy: j.Policy, Soon: j.nextButOne(run.Started)}}
	if err := a.guard(j, "collecting "+name, func() (err error) { c.Collection, err = a.ask(asking, j, name); return }); err != nil {
		c.Collection = notAsked(err, c.Requests)
	}
	if c.Close != nil {
		defer c.Close()
	}
	if j.Roster != nil {
		c.Roster = j.Roster(run.Started)
	}
	if a.Earlier != nil {
		var err error
		if c.bases, err = a.Earlier.Baselines(ctx, run, name, c.Coverage.Sources); errors.As(err, new(*audit.DamagedError)) {
			c.lost = append(c.lost, err)
		} else if err != nil {
			return audit.Item{}, err
		}
		if c.Retired, err = a.Earlier.Retired(ctx); err != nil {
			return audit.Item{}, err
		}
	}
	c.Label = c.Coverage.Source
	item, err := a.judge(ctx, asking, j, run, c, write)
	for panicked := false; err != nil; {
		var unread *baselineError
		switch {
		case errors.As(err, &unread):
			c.lost = append(c.lost, err)
			c.bases = slices.DeleteFunc(c.bases, func(b audit.Baseline) bool {
				return b.Run == unread.base.Run && b.Coverage.Target == unread.base.Coverage.Target
			})
		case errors.As(err, new(*audit.PanicError)) && !panicked: // what it answered cannot be judged
			panicked, c.Collection = true, notAsked(err, c.Requests)
		case errors.Is(err, errOther):
			c.Left = c.bases[0].Coverage.Source
		default:
			return item, err
		}
		item, err = a.judge(ctx, asking, j, run, c, write)
	}
	if c.Requests != nil {
		item.Requests = c.Requests()
	}
	return item, nil
}

// collect is the first step, for one target: assess it, write the new snapshot.
func (r *Runner) collect(ctx, asking context.Context, j Job, run audit.Run, name string) error {
	a := &Assessor{Earlier: r.Ledger, Snapshots: r.Snapshots, Log: r.Log, Progress: r.Progress}
	item, err := a.Assess(ctx, asking, j, run, name, func(records iter.Seq2[audit.Record, error]) error {
		return r.Snapshots.Write(ctx, run, name, records)
	})
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // nothing was asked because the process ends: the target stays pending
		return context.Cause(ctx)
	}
	if err := r.tryAgain(ctx, j, run, item.Coverage); err != nil {
		return err
	}
	if err := r.Snapshots.WriteRequests(ctx, run, name, item.Requests); err != nil {
		return err
	}
	return r.Ledger.SaveItem(ctx, run, item)
}

// ask asks a target for everything there is.
func (a *Assessor) ask(ctx context.Context, j Job, name string) (audit.Collection, error) {
	at := slices.IndexFunc(j.Targets, func(t Target) bool { return t.Name == name })
	if at < 0 {
		return audit.Collection{}, errors.New("it is no longer configured")
	}
	return j.Targets[at].Source.Collect(ctx, func() {
		if a.Progress != nil {
			a.Progress(name)
		}
	})
}

// notAsked stands for a target that could not be reviewed: nothing is listed,
// nothing can be asked, so everything known of it stands as it was. Requests are those
// that were sent until then.
func notAsked(why error, requests func() []audit.Request) audit.Collection {
	cov := audit.NewCoverage("")
	cov.Gap(audit.TargetReviewed, audit.NotKnown, "not reviewed: %v", why)
	return audit.Collection{Coverage: cov, Requests: requests, Authorizations: func(func(audit.Authorization, error) bool) {}}
}

// tryAgain keeps a target pending that showed nothing at all, until the deadline:
// a server that is away for minutes must not cost a scheduled review its week.
// Somebody who asks for a review at once gets the answer of that moment.
func (r *Runner) tryAgain(ctx context.Context, j Job, run audit.Run, cov audit.Coverage) error {
	until := run.Started.Add(j.Deadline)
	scheduled := run.Trigger == audit.Scheduled || run.Trigger == audit.CatchUp
	configured := slices.Contains(j.targetNames(), cov.Target)
	if !scheduled || !configured || cov.Verdict != audit.NotKnown {
		return nil
	}
	if now, err := r.Now(ctx); err != nil || !now.Before(until) || now.Before(run.Started) { // or under a clock that was ahead
		return err
	}
	return fmt.Errorf("nothing could be read; trying again until %s: %s", until.Format(time.RFC3339), strings.Join(cov.Reasons, "; "))
}

// errOther: the target has another address than before and the same org ID, and lists
// none of what was listed there. Nothing there is taken for gone.
var errOther = errors.New("another server answers")

// judge compares what a target answered with the earlier reviews that were chosen. The
// error is a *baselineError if one of them could not be read.
func (a *Assessor) judge(ctx, asking context.Context, j Job, run audit.Run, c comparison, write func(iter.Seq2[audit.Record, error]) error) (item audit.Item, err error) {
	applied := j.Policy.Applied()
	item = audit.Item{Coverage: c.Coverage.Clone(), Counts: audit.NewCounts(), SeveritiesBefore: map[audit.Severity]int{}, Policy: applied.SHA256}
	c.SeveritiesBefore = item.SeveritiesBefore
	cov := &item.Coverage
	cov.Target, cov.AsOf = c.Target, c.AsOf
	bases := c.choose(j)
	if len(bases) > 0 {
		c.Before = bases[0].Coverage.Credentials
	}
	c.Roster.Note(cov)
	cov.Credentials = audit.RememberCredentials(cov.Credentials, c.Before, c.Now)
	c.noteBaselines(cov, bases)
	c.follow(cov, bases)
	c.noteCopy(cov, j, bases)
	here, lastSeen := audit.Here{}, lastSeen(c.bases)
	c.Here, c.Probed = &here, map[string]map[audit.Presence]int{}
	counted := func(yield func(audit.Record, error) bool) {
		for rec, err := range c.Merge(ctx, asking, a.before(ctx, j, c, bases)) {
			if err == nil {
				item.Counts.Add(rec, run.Started)
				cov.Count(rec)
				if rec.LastSeen.After(lastSeen) {
					lastSeen = rec.LastSeen
				}
				if source := audit.SourceOf(c.Store, rec.OrgID); rec.OrgDeleted && rec.Presence == audit.Hidden && !slices.Contains(cov.Sources, source) {
					cov.Sources = append(cov.Sources, source)
				}
			}
			if !yield(rec, err) {
				return
			}
		}
	}
	if err := a.guard(j, "judging "+c.Target, func() error { return write(counted) }); err != nil {
		return item, err
	}
	item.Counts.Conclude(*cov)
	if asking.Err() != nil {
		cov.Gap(audit.TargetReviewed, audit.Partial, "some questions were not answered: %v", context.Cause(asking))
	} else if !slices.ContainsFunc(cov.Gaps, func(g audit.Gap) bool { return g.Premise() == audit.TargetReviewed }) {
		cov.Hold(audit.TargetReviewed, "every question was answered")
	}
	if len(bases) > 0 && bases[0].Own && bases[0].Coverage.Source != c.Label && c.Left == "" && here.Gone > 0 && here.Listed == 0 {
		return item, errOther
	}
	noteMissing(cov, c.Probed)
	c.noteElsewhere(cov)
	if c.Conclude != nil {
		c.Conclude(cov)
	}
	cov.Reconcile()
	cov.NotSeenSince(lastSeen)
	cov.Accept(c.Policy.AcceptedGaps, c.Now)
	return item, nil
}

// lastSeen is when the newest review began that saw anything of the target, as far as those
// that it can be compared with tell.
func lastSeen(bases []audit.Baseline) (at time.Time) {
	for _, b := range bases {
		seen := b.Run.Started
		if b.Coverage.Verdict == audit.NotKnown {
			seen = b.Coverage.LastSeen
		}
		if b.Own && seen.After(at) {
			at = seen
		}
	}
	return at
}

// noteMissing puts the authorizations that the list now lacks among the questions
// asked, by what became of them. Probed has those that were asked for, by request.
func noteMissing(cov *audit.Coverage, probed map[string]map[audit.Presence]int) {
	for _, request := range slices.Sorted(maps.Keys(probed)) {
		n := probed[request]
		a := audit.Asked{
			What: "authorizations of the previous review that are not in the list, one by one", Request: request,
			Rows: n[audit.Gone] + n[audit.Hidden] + n[audit.Unseen], Verdict: audit.Complete,
			Reason: fmt.Sprintf("%d no longer exist, %d exist and are hidden, %d could not be read", n[audit.Gone], n[audit.Hidden], n[audit.Unseen]),
		}
		if n[audit.Unseen] > 0 {
			a.Verdict = audit.Partial
		}
		cov.Asked = append(cov.Asked, a)
	}
}
