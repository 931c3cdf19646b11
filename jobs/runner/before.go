package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

// baselineError is an earlier snapshot that cannot be read: pruned or damaged.
type baselineError struct {
	error
	base audit.Baseline
}

func (e *baselineError) Unwrap() error { return e.error }

// choose takes, of the baselines, the newest of the target itself, and of each source the
// newest of another target or job, where that knows more: it is newer, or the target did
// not have the source before.
func (c *comparison) choose(j Job) []audit.Baseline {
	var chosen []audit.Baseline
	own := slices.IndexFunc(c.bases, func(b audit.Baseline) bool { return b.Own })
	if own >= 0 {
		chosen = append(chosen, c.bases[own])
	}
	for _, source := range c.Coverage.Sources {
		others := c.others(j, source)
		if len(others) == 0 {
			continue
		}
		other := slices.MaxFunc(others, func(a, b audit.Baseline) int {
			return cmp.Or(a.Run.Started.Compare(b.Run.Started), c.nearer(a, b))
		})
		if own >= 0 && slices.Contains(c.bases[own].Coverage.Sources, source) && !other.Run.Started.After(c.bases[own].Run.Started) {
			continue
		}
		same := func(b audit.Baseline) bool { return b.Run == other.Run && b.Coverage.Target == other.Coverage.Target }
		if !slices.ContainsFunc(chosen, same) {
			chosen = append(chosen, other)
		}
	}
	return chosen
}

// others are the baselines of other targets and jobs that had a source. A server that was
// restored from a backup of another one has the same sources, and tokens of its own: what
// a target that jobs still review showed at another address is not of this one.
func (c *comparison) others(j Job, source string) []audit.Baseline {
	return slices.DeleteFunc(slices.Clone(c.bases), func(b audit.Baseline) bool {
		of := b.Coverage.Target
		another := of != c.Target && slices.Contains(j.Reviewed, of) && !c.sameAddress(b)
		return b.Own || another || !slices.Contains(b.Coverage.Sources, source)
	})
}

// sameAddress reports whether a baseline is of the server that answered; files have no
// address.
func (c *comparison) sameAddress(b audit.Baseline) bool {
	isFile := slices.ContainsFunc(b.Coverage.Sources, func(s string) bool { return strings.HasPrefix(s, audit.FileStore+"/") })
	return b.Coverage.Source == c.Label && c.Label != "" && !isFile
}

// nearer orders baselines of one time: that of the same name or address comes first.
func (c *comparison) nearer(a, b audit.Baseline) int {
	near := func(b audit.Baseline) int {
		if b.Coverage.Target == c.Target || c.sameAddress(b) {
			return 1
		}
		return 0
	}
	return near(a) - near(b)
}

func (c *comparison) noteBaselines(cov *audit.Coverage, bases []audit.Baseline) {
	for _, err := range c.lost {
		cov.Gap(audit.BaselineRead, audit.Partial, "an earlier snapshot could not be read, so changed and deleted tokens are not known: %v", err)
	}
	if len(bases) == 0 {
		cov.NoNeed(audit.BaselineRead, "this is the first review of these tokens")
	}
	for _, b := range bases {
		cov.Hold(audit.BaselineRead, "compared with run %s, target %s", b.Run.ID(), b.Coverage.Target)
	}
}

// follow says which sources the target can be asked about: those that answered, and, if
// it is a whole instance, those that an earlier review saw beside one of them, such as an
// org that was deleted since. Where nothing answered, nothing is learned.
func (c *comparison) follow(cov *audit.Coverage, bases []audit.Baseline) {
	answered := c.Coverage.Sources
	for _, b := range bases {
		before := b.Coverage.Sources
		shared := slices.ContainsFunc(before, func(s string) bool { return slices.Contains(answered, s) })
		for _, s := range before {
			if _, retired := c.Retired[s]; !retired && (shared && c.Scope.Instance || len(answered) == 0 && b.Own) {
				cov.Sources = append(cov.Sources, s)
			}
		}
		c.DeletedOrgs = c.DeletedOrgs || len(before) == 0 && b.Own && c.Scope.Instance && b.Coverage.Source == c.Coverage.Source
	}
	slices.Sort(cov.Sources)
	cov.Sources = slices.Compact(cov.Sources)
	c.Elsewhere, c.Store = map[string]int{}, audit.ServerStore
	if len(answered) == 0 { // nothing answered, or the target does not say what did
		return
	}
	c.Sources = map[string]bool{}
	for _, s := range cov.Sources {
		c.Sources[s] = true
		c.Store, _, _ = strings.Cut(s, "/")
	}
}

// named is how many sources a text names.
const named = 20

// noteElsewhere says what stands as unseen because its source did not answer.
func (c *comparison) noteElsewhere(cov *audit.Coverage) {
	for _, source := range slices.Sorted(maps.Keys(c.Elsewhere)) {
		if r, retired := c.Retired[source]; retired {
			cov.Retired = append(cov.Retired, audit.RetiredSource{Source: source, Reason: r.Reason, At: r.At, Tokens: c.Elsewhere[source]})
			cov.Hold(audit.SourceSame, "%s, with %s of earlier reviews, was retired on %s: %s", source, audit.Plural(c.Elsewhere[source], "token"), r.At.Format(time.DateOnly), audit.Line(r.Reason, 300))
			continue
		}
		cov.AddGap(audit.Gap{
			ID: audit.SourceSame + "/" + source, Verdict: audit.Partial,
			Reason: fmt.Sprintf("%s, with %s of earlier reviews, did not answer. Instead %s did: another server or org, or a new installation. Earlier findings stay open",
				source, audit.Plural(c.Elsewhere[source], "token"), strings.Join(c.Coverage.Sources[:min(len(c.Coverage.Sources), named)], ", ")),
			Fix: "Set the target to the earlier server again. If that server no longer exists, run tokenaudit history retire -c FILE " + audit.Line(source, 120) + " --reason TEXT.",
		})
	}
	for _, source := range c.Coverage.Sources[:min(len(c.Coverage.Sources), named)] {
		cov.Hold(audit.SourceSame, "%s answered", source)
	}
	if more := len(c.Coverage.Sources) - named; more > 0 {
		cov.Hold(audit.SourceSame, "%d more answered", more)
	}
}

// noteCopy judges the date of a copy: what happened since is not in it. One that is older
// than an earlier review proves nothing to be gone that this review saw.
func (c *comparison) noteCopy(cov *audit.Coverage, j Job, bases []audit.Baseline) {
	if c.AsOf.IsZero() {
		return
	}
	interval := 7 * 24 * time.Hour
	if j.Schedule != nil {
		next := j.Schedule.Next(c.Now)
		interval = j.Schedule.Next(next).Sub(next)
	}
	at, age := c.AsOf.UTC().Format(time.RFC3339), c.Now.Sub(c.AsOf)
	if age > interval {
		cov.Gap(audit.CopyCurrent, audit.Partial, "the copy was made on %s, %s before this review, and a review is due every %s. Later changes are not in it. Make a new copy before each review", at, inWords(age), inWords(interval))
	} else {
		cov.Hold(audit.CopyCurrent, "the copy was made on %s", at)
	}
	for _, b := range bases {
		if c.AsOf.Before(b.Coverage.AsOf) {
			cov.Gap(audit.CopyCurrent, audit.Partial, "the copy was made on %s and is older than that of run %s: it does not prove that a token is gone", at, b.Run.ID())
			c.Probe = func(context.Context, audit.Authorization) audit.Probe {
				return audit.Probe{Presence: audit.Unseen, Evidence: "the copy is older than that of the review before"}
			}
		}
	}
}

// inWords is a time in days, or hours.
func inWords(d time.Duration) string {
	if d >= 48*time.Hour {
		return audit.Plural(int(d.Hours()/24), "day")
	}
	return audit.Plural(int(d.Hours()), "hour")
}

// before is what the target is compared with: the snapshots that were chosen, its own
// first, and what is known from elsewhere.
func (a *Assessor) before(ctx context.Context, j Job, c comparison, bases []audit.Baseline) iter.Seq2[audit.Record, error] {
	var all []iter.Seq2[audit.Record, error]
	judged := a.judgements(ctx, j.Policy.Applied(), bases)
	for _, b := range bases {
		records := a.snapshot(ctx, j, c, b)
		if bases[0].Own && b.Run.Job != j.Name {
			records = unreported(records, c.Store, bases[0].Coverage.Sources)
		}
		all = append(all, judged(b.Run.ID(), records))
	}
	if c.Known != nil {
		all = append(all, c.Known)
	}
	if len(all) == 0 {
		return func(func(audit.Record, error) bool) {}
	}
	return audit.Union(all...)
}

// unreported marks the records of another job that are of sources which reviews of this one
// had: Union takes them only where those did not have them.
func unreported(records iter.Seq2[audit.Record, error], store string, sources []string) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for r, err := range records {
			r.Unreported = len(sources) > 0 && (r.IsServer() || slices.Contains(sources, audit.SourceOf(store, r.OrgID)))
			if !yield(r, err) {
				return
			}
		}
	}
}

// judgements marks the records of a run with the one that judged them, which is an earlier
// one for those that it could not ask for, and with the policy of that, where it is not
// the policy of now.
func (a *Assessor) judgements(ctx context.Context, now audit.AppliedPolicy, bases []audit.Baseline) func(run string, records iter.Seq2[audit.Record, error]) iter.Seq2[audit.Record, error] {
	known := map[string]*audit.Judgement{}
	for _, b := range bases {
		if b.Policy == now.SHA256 {
			known[b.Run.ID()] = nil
		}
	}
	judgement := func(id string) (*audit.Judgement, error) {
		if by, ok := known[id]; ok {
			return by, nil
		}
		run, ok := audit.ParseRunID(id)
		if !ok { // of a later version
			return nil, nil
		}
		before, err := a.Earlier.PolicyOf(ctx, run)
		if err != nil && !errors.As(err, new(*audit.DamagedError)) { // a damaged one is said by the report
			return nil, err
		}
		known[id] = audit.JudgedUnder(before, now)
		return known[id], nil
	}
	return func(run string, records iter.Seq2[audit.Record, error]) iter.Seq2[audit.Record, error] {
		return func(yield func(audit.Record, error) bool) {
			for r, err := range records {
				if err == nil {
					r.JudgedIn = cmp.Or(r.JudgedIn, run)
					r.Judged, err = judgement(r.JudgedIn)
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// snapshot walks that of a baseline. Of another target or job it takes what belongs to
// the sources that answered, or all if that had no others.
func (a *Assessor) snapshot(ctx context.Context, j Job, c comparison, b audit.Baseline) iter.Seq2[audit.Record, error] {
	whole := b.Own || !slices.ContainsFunc(b.Coverage.Sources, func(s string) bool { return !c.Sources[s] })
	taken := func(rec *audit.Record) bool {
		return whole || !rec.IsServer() && c.Sources[audit.SourceOf(c.Store, rec.OrgID)]
	}
	store := ""
	if len(b.Coverage.Sources) > 0 {
		store, _, _ = strings.Cut(b.Coverage.Sources[0], "/")
	}
	return func(yield func(audit.Record, error) bool) {
		err := a.guard(j, "reading the snapshot of "+c.Target, func() error {
			for rec, err := range a.Snapshots.Read(ctx, b.Run, b.Coverage.Target) {
				if err != nil {
					return err
				}
				if len(c.Sources) > 0 && store != "" && store != c.Store && rec.Elsewhere == "" && !rec.IsServer() {
					rec.Elsewhere = audit.SourceOf(store, rec.OrgID)
				}
				if taken(&rec) && !yield(rec, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil && !errors.As(err, new(interface{ Unreachable() })) {
			err = &baselineError{err, b}
		}
		if err != nil {
			yield(audit.Record{}, err)
		}
	}
}
