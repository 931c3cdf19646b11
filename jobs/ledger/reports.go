package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// Finish closes a run whose reports are written, and opens the parts of it that
// are to be delivered, in one step.
func (l *Ledger) Finish(ctx context.Context, o audit.Conclusion) error {
	summary, err := json.Marshal(o.Summary)
	if err != nil {
		return err
	}
	news, err := json.Marshal(o.Highlights)
	if err != nil {
		return err
	}
	err = l.inTx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE run SET state = 'reported', verdict = $3, summary = $4, news = $5, pack = $6, manifest = $7
			WHERE job = $1 AND slot = $2 AND state = 'running'`,
			o.Run.Job, o.Run.Slot.Unix(), o.Summary.Coverage.Verdict, string(summary), string(news), o.Pack.Sequence, o.Pack.Manifest)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errors.New("it is not running: another process finished it"))
		}
		return openParts(ctx, tx, o)
	})
	if err != nil {
		return fmt.Errorf("ledger: finishing run %s: %w", o.Run.ID(), err)
	}
	return nil
}

// Previous is the newest run of the job that saw anything and was reported before
// this one began. The error is an *audit.DamagedError if its summary cannot be read.
func (l *Ledger) Previous(ctx context.Context, run audit.Run) (*audit.Previous, error) {
	summaries, err := l.before(ctx, run, `AND verdict <> 'unknown'`, 1)
	if err != nil || len(summaries) == 0 {
		return nil, err
	}
	s := summaries[0]
	p := &audit.Previous{ID: s.ID, Slot: s.Slot, BySeverity: s.Findings.BySeverity}
	for _, t := range s.Coverage.Targets {
		p.Targets = append(p.Targets, t.Target)
	}
	return p, nil
}

// Trend are the runs of the job that were reported before this one began, oldest
// first, at most twelve; with an *audit.DamagedError, those that can be read.
func (l *Ledger) Trend(ctx context.Context, run audit.Run) ([]audit.TrendPoint, error) {
	summaries, err := l.before(ctx, run, ``, 12)
	var points []audit.TrendPoint
	for _, s := range slices.Backward(summaries) {
		points = append(points, s.Point())
	}
	return points, err
}

// before gives the summaries of the runs that were reported before this one began,
// newest first. Damaged ones are left out, and the error is an *audit.DamagedError of
// the newest of them.
func (l *Ledger) before(ctx context.Context, run audit.Run, and string, most int) (out []audit.Summary, err error) {
	rows, err := l.db.QueryContext(ctx, `SELECT slot, summary FROM run WHERE job = $1 AND slot <> $2 AND state = 'reported' AND cause <> 'dry-run' AND started <= $3 `+and+`
		ORDER BY started DESC, slot DESC LIMIT $4`, run.Job, run.Slot.Unix(), run.Started.UnixMilli(), most)
	if err != nil {
		return nil, wrap(err, run)
	}
	defer rows.Close()
	var damaged *audit.DamagedError
	for rows.Next() {
		var slot int64
		var text string
		if err := rows.Scan(&slot, &text); err != nil {
			return nil, wrap(err, run)
		}
		var s audit.Summary
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			out = append(out, s)
		} else {
			damaged = cmp.Or(damaged, &audit.DamagedError{Run: audit.Run{Job: run.Job, Slot: time.Unix(slot, 0)}.ID(), Err: err})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, wrap(err, run)
	}
	if damaged != nil {
		return out, damaged
	}
	return out, nil
}

// Head is the newest evidence pack of the job before that of the run, nil if there
// is none.
func (l *Ledger) Head(ctx context.Context, run audit.Run) (*audit.Link, error) {
	var pack, slot int64
	var cause audit.Trigger
	link := &audit.Link{}
	err := l.db.QueryRowContext(ctx, `SELECT pack, manifest, slot, cause FROM run WHERE job = $1 AND slot <> $2 AND pack > 0 ORDER BY pack DESC LIMIT 1`,
		run.Job, run.Slot.Unix()).Scan(&pack, &link.Manifest, &slot, &cause)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	link.Sequence, link.Run = int(pack), audit.Run{Job: run.Job, Slot: time.Unix(slot, 0).UTC(), Trigger: cause}.ID()
	return link, wrap(err, run)
}

// Baselines are the runs before this one that hold a snapshot of the target,
// newest first: what this one is compared with, and what there is to fall back on
// should that be damaged. With an *audit.DamagedError, those that can be read.
func (l *Ledger) Baselines(ctx context.Context, run audit.Run, target string) ([]audit.Baseline, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT run.slot, run.cause, item.result FROM run JOIN item ON item.job = run.job AND item.slot = run.slot
		WHERE run.job = $1 AND run.slot <> $2 AND run.cause <> 'dry-run' AND item.target = $3 AND item.state = 'done' AND run.started <= $4
		ORDER BY run.started DESC, run.slot DESC LIMIT 5`, run.Job, run.Slot.Unix(), target, run.Started.UnixMilli())
	if err != nil {
		return nil, wrap(err, run)
	}
	defer rows.Close()
	var out []audit.Baseline
	var damaged *audit.DamagedError
	for rows.Next() {
		b := audit.Baseline{Run: audit.Run{Job: run.Job}}
		var slot int64
		var result string
		var item audit.Item
		if err := rows.Scan(&slot, &b.Run.Trigger, &result); err != nil {
			return nil, wrap(err, run)
		}
		b.Run.Slot = time.Unix(slot, 0).UTC()
		if err := json.Unmarshal([]byte(result), &item); err != nil {
			damaged = cmp.Or(damaged, &audit.DamagedError{Run: b.Run.ID(), Err: err})
			continue
		}
		b.Source = item.Coverage.Source
		out = append(out, b)
	}
	if err := rows.Err(); err != nil || damaged == nil {
		return out, wrap(err, run)
	}
	return out, damaged
}

// Conclusion is what a reported run found, and what its messages say of it.
func (l *Ledger) Conclusion(ctx context.Context, run audit.Run) (s audit.Summary, n audit.Highlights, err error) {
	var summary, news string
	err = l.db.QueryRowContext(ctx, `SELECT summary, news FROM run WHERE job = $1 AND slot = $2`, run.Job, run.Slot.Unix()).Scan(&summary, &news)
	if err != nil {
		return s, n, wrap(err, run)
	}
	err = errors.Join(json.Unmarshal([]byte(summary), &s), unmarshalNews(news, &n))
	return s, n, wrap(err, run)
}

// unmarshalNews: runs of a version that did not keep them have none.
func unmarshalNews(text string, n *audit.Highlights) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), n)
}

func wrap(err error, run audit.Run) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ledger: run %s: %w", run.ID(), err)
}
