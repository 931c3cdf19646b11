package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenaudit/jobs/audit"
)

// fallbacks is how many reviews are given for each thing that a target is compared with,
// should the newest be damaged.
const fallbacks = 5

// Baselines are the reviews before this run that it can be compared with, newest first:
// those of the target in its job, and then, for each source and name, those of any job that
// had it. A dry run is none, and neither is this run. With an *audit.DamagedError, those
// that can be read.
func (e earlier) Baselines(ctx context.Context, run audit.Run, target string, sources []string) (out []audit.Baseline, err error) {
	defer annotate(&err, "run %s", run.ID())
	var damaged error
	add := func(own bool, text string, args ...any) error {
		records, err := decoded[audit.Item](ctx, e.q, fmt.Sprintf(itemsBefore, text), append([]any{run.Job, run.Slot.Unix(), run.Started.UnixMilli(), fallbacks}, args...)...)
		for _, r := range records {
			out = append(out, audit.Baseline{Run: r.run, Own: own, Coverage: r.value.Coverage, Policy: r.value.Policy})
		}
		if errors.As(err, new(*audit.DamagedError)) {
			damaged, err = err, nil
		}
		return err
	}
	if err := add(true, `AND item.job = $1 AND item.target = $5`, target); err != nil {
		return nil, err
	}
	for _, source := range sources {
		const others = `AND NOT (item.job = $1 AND item.target = $5)
			AND EXISTS (SELECT 1 FROM source WHERE source.name = $6 AND source.job = item.job AND source.slot = item.slot AND source.target = item.target)`
		if err := add(false, others, target, source); err != nil {
			return nil, err
		}
	}
	return out, damaged
}

// itemsBefore are the newest of each name, as one that is reviewed often would displace
// the others.
const itemsBefore = `SELECT ` + runColumns + `, item.result FROM item
	JOIN run ON run.job = item.job AND run.slot = item.slot
	JOIN (SELECT item.job, item.slot, item.target, ROW_NUMBER() OVER (PARTITION BY item.target ORDER BY run.started DESC, run.slot DESC) AS nth
		FROM item JOIN run ON run.job = item.job AND run.slot = item.slot
		WHERE NOT (run.job = $1 AND run.slot = $2) AND run.started <= $3 AND run.cause <> 'dry-run' AND item.state = 'done' %s) AS newest
	ON newest.job = item.job AND newest.slot = item.slot AND newest.target = item.target
	WHERE newest.nth <= $4 ORDER BY run.started DESC, run.slot DESC`

// PolicyOf is the policy that a run applied. The error is an *audit.DamagedError if its
// summary cannot be read; a run that has none yet, or is not there, has no policy.
func (e earlier) PolicyOf(ctx context.Context, run audit.Run) (p audit.AppliedPolicy, err error) {
	defer annotate(&err, "the policy of run %s", run.ID())
	type applied struct {
		Policy audit.AppliedPolicy `json:"policy"`
	}
	records, err := decoded[applied](ctx, e.q, `SELECT `+runColumns+`, summary FROM run WHERE job = $1 AND slot = $2 AND state = 'reported'`, run.Job, run.Slot.Unix())
	if err != nil || len(records) == 0 {
		return p, err
	}
	return records[0].value.Policy, nil
}

// Retire notes that a source is not followed any more.
func (l *Ledger) Retire(ctx context.Context, r audit.Retirement) (err error) {
	defer annotate(&err, "retiring %s", r.Source)
	_, err = changes(ctx, l.db, `INSERT INTO retired (source, reason, since) VALUES ($1, $2, $3)
		ON CONFLICT (source) DO UPDATE SET reason = $2, since = $3`, r.Source, r.Reason, r.At.UnixMilli())
	return err
}

// Retired are the sources that are not followed any more. One that answered after that is
// followed again.
func (e earlier) Retired(ctx context.Context) (out map[string]audit.Retirement, err error) {
	defer annotate(&err, "sources")
	out = map[string]audit.Retirement{}
	_, err = query(ctx, e.q, func(rows *sql.Rows) (_ struct{}, err error) {
		var r audit.Retirement
		var since int64
		err = rows.Scan(&r.Source, &r.Reason, &since)
		r.At = time.UnixMilli(since).UTC()
		out[r.Source] = r
		return struct{}{}, err
	}, `SELECT source, reason, since FROM retired WHERE NOT EXISTS (SELECT 1 FROM source JOIN run ON run.job = source.job AND run.slot = source.slot
		WHERE source.name = retired.source AND run.started > retired.since)`)
	return out, err
}
