package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"tokenaudit/jobs/audit"
)

// Begin opens a run with its items. It returns false if the slot was opened
// before, or if another run of the job is still running. The row is the lock, the
// record of what was caught up, and the key of the run, all in one. A dry run of an
// earlier version that was cut off is taken away: nobody finishes one.
func (l *Ledger) Begin(ctx context.Context, run audit.Run, targets []string) (opened bool, err error) {
	defer annotate(&err, "opening run %s", run.ID())
	err = l.inTx(ctx, func(tx *sql.Tx) error {
		if err := removeDryRun(ctx, tx, run.Job); err != nil {
			return err
		}
		opened, err = changes(ctx, tx, `INSERT INTO run (job, slot, cause, missed, started, state)
			VALUES ($1, $2, $3, $4, $5, 'running') ON CONFLICT DO NOTHING`,
			run.Job, run.Slot.Unix(), run.Trigger, run.Missed, run.Started.UnixMilli())
		if err != nil || !opened {
			return err
		}
		for i, target := range targets {
			if _, err := tx.ExecContext(ctx, `INSERT INTO item (job, slot, target, position, state) VALUES ($1, $2, $3, $4, 'pending')`,
				run.Job, run.Slot.Unix(), target, i); err != nil {
				return err
			}
		}
		return nil
	})
	return opened && err == nil, err
}

func removeDryRun(ctx context.Context, tx *sql.Tx, job string) error {
	const cutOff = `job = $1 AND state = 'running' AND cause = 'dry-run'`
	for _, table := range []string{"source", "item"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE job = $1 AND slot IN (SELECT slot FROM run WHERE `+cutOff+`)`, job); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM run WHERE `+cutOff, job)
	return err
}

// Running is the run of a job that was opened and not reported, if there is one.
func (l *Ledger) Running(ctx context.Context, job string) (run audit.Run, found bool, err error) {
	defer annotate(&err, "open runs of job %q", job)
	runs, err := query(ctx, l.db, func(rows *sql.Rows) (audit.Run, error) { return scanRun(rows) },
		`SELECT `+runColumns+` FROM run WHERE job = $1 AND state = 'running' AND cause <> 'dry-run'`, job)
	if err != nil || len(runs) == 0 {
		return audit.Run{}, false, err
	}
	return runs[0], true, nil
}

// Pending are the targets of a run that are not done, or whose outcome is damaged, in
// the order of the configuration.
func (l *Ledger) Pending(ctx context.Context, run audit.Run) (targets []string, err error) {
	defer annotate(&err, "run %s", run.ID())
	_, err = query(ctx, l.db, func(rows *sql.Rows) (_ struct{}, err error) {
		var target, state, result string
		err = rows.Scan(&target, &state, &result)
		if state == "pending" || decode(run, result, new(audit.Item)) != nil {
			targets = append(targets, target)
		}
		return struct{}{}, err
	}, `SELECT target, state, result FROM item WHERE job = $1 AND slot = $2 ORDER BY position`, run.Job, run.Slot.Unix())
	return targets, err
}

// SaveItem stores the outcome of one target. Its snapshot must be in place.
func (l *Ledger) SaveItem(ctx context.Context, run audit.Run, item audit.Item) (err error) {
	defer annotate(&err, "run %s, target %q", run.ID(), item.Coverage.Target)
	result, err := json.Marshal(item)
	if err != nil {
		return err
	}
	return l.inTx(ctx, func(tx *sql.Tx) error {
		at := []any{run.Job, run.Slot.Unix(), item.Coverage.Target}
		_, err := tx.ExecContext(ctx, `UPDATE item SET state = 'done', result = $4 WHERE job = $1 AND slot = $2 AND target = $3`, append(at, string(result))...)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM source WHERE job = $1 AND slot = $2 AND target = $3`, at...)
		}
		for _, source := range item.Coverage.Sources {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO source (job, slot, target, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, append(at, source)...)
			}
		}
		return err
	})
}

// Items are the outcomes of a run, in the order of the configuration.
func (l *Ledger) Items(ctx context.Context, run audit.Run) (items []audit.Item, err error) {
	defer annotate(&err, "run %s", run.ID())
	return query(ctx, l.db, func(rows *sql.Rows) (item audit.Item, err error) {
		var result string
		if err := rows.Scan(&result); err != nil {
			return item, err
		}
		return item, decode(run, result, &item)
	}, `SELECT result FROM item WHERE job = $1 AND slot = $2 AND state = 'done' ORDER BY position`, run.Job, run.Slot.Unix())
}

// Finish closes a run whose reports are written, and opens what is to be delivered of
// it, in one step.
func (l *Ledger) Finish(ctx context.Context, o audit.Conclusion) (err error) {
	defer annotate(&err, "finishing run %s", o.Run.ID())
	summary, err := json.Marshal(o.Summary)
	if err != nil {
		return err
	}
	highlights, err := json.Marshal(o.Highlights)
	if err != nil {
		return err
	}
	l.beside.Store(true)
	return l.inTx(ctx, func(tx *sql.Tx) error {
		finished, err := changes(ctx, tx, `UPDATE run SET state = 'reported', verdict = $3, summary = $4, news = $5, pack = $6, manifest = $7
			WHERE job = $1 AND slot = $2 AND state = 'running'`,
			o.Run.Job, o.Run.Slot.Unix(), o.Summary.Coverage.Verdict, string(summary), string(highlights), o.Pack.Sequence, o.Pack.Manifest)
		if err == nil && !finished {
			err = errors.New("it is not running: another process finished it")
		}
		if err != nil {
			return err
		}
		return openDeliveries(ctx, tx, o)
	})
}

// Previous is the newest run of the job that saw anything and was reported before
// this one began. The error is an *audit.DamagedError if its summary cannot be read.
func (e earlier) Previous(ctx context.Context, run audit.Run) (*audit.Previous, error) {
	summaries, err := before(ctx, e.q, run, `AND verdict <> 'unknown'`, 1)
	if err != nil || len(summaries) == 0 {
		return nil, err
	}
	s := summaries[0]
	p := &audit.Previous{ID: s.ID, Slot: s.Slot, Trigger: s.Trigger, BySeverity: s.Findings.BySeverity}
	p.NeedsAction, p.Exceptions, p.AcceptedGaps = s.NeedsAction, s.Exceptions, s.Coverage.AcceptedGaps
	p.NeedsAction.ByCheck = nil
	if !s.NeedsAction.Known() { // of a version that did not count them
		p.Exceptions = -1
	}
	p.Coverage, p.Policy = s.Coverage.Targets, s.Policy
	for _, t := range s.Coverage.Targets {
		p.Targets = append(p.Targets, t.Target)
	}
	for _, c := range s.Campaigns {
		p.Campaigns = append(p.Campaigns, c.ID)
	}
	return p, nil
}

// Trend are the runs of the job that were reported before this one began, oldest
// first, at most twelve; with an *audit.DamagedError, those that can be read.
func (l *Ledger) Trend(ctx context.Context, run audit.Run) ([]audit.TrendPoint, error) {
	summaries, err := before(ctx, l.db, run, ``, 12)
	var points []audit.TrendPoint
	for _, s := range slices.Backward(summaries) {
		points = append(points, s.Point())
	}
	return points, err
}

// before gives the summaries of the runs that were reported before this one began,
// newest first; with an *audit.DamagedError, those that can be read.
func before(ctx context.Context, q querier, run audit.Run, and string, most int) (out []audit.Summary, err error) {
	defer annotate(&err, "run %s", run.ID())
	records, err := decoded[audit.Summary](ctx, q, `SELECT `+runColumns+`, summary FROM run
		WHERE job = $1 AND slot <> $2 AND state = 'reported' AND cause <> 'dry-run' AND started <= $3 `+and+`
		ORDER BY started DESC, slot DESC LIMIT $4`, run.Job, run.Slot.Unix(), run.Started.UnixMilli(), most)
	for _, r := range records {
		out = append(out, r.value)
	}
	return out, err
}

// Head is the newest evidence pack of the job before that of the run, nil if there
// is none.
func (l *Ledger) Head(ctx context.Context, run audit.Run) (head *audit.Link, err error) {
	defer annotate(&err, "run %s", run.ID())
	links, err := query(ctx, l.db, func(rows *sql.Rows) (link audit.Link, err error) {
		of, err := scanRun(rows, &link.Sequence, &link.Manifest)
		link.Run = of.ID()
		return link, err
	}, `SELECT `+runColumns+`, pack, manifest FROM run WHERE job = $1 AND slot <> $2 AND pack > 0 ORDER BY pack DESC LIMIT 1`, run.Job, run.Slot.Unix())
	if err != nil || len(links) == 0 {
		return nil, err
	}
	return &links[0], nil
}

// Conclusion is what a reported run found, and what its messages say of it.
func (l *Ledger) Conclusion(ctx context.Context, run audit.Run) (s audit.Summary, h audit.Highlights, err error) {
	defer annotate(&err, "run %s", run.ID())
	var summary, highlights string
	err = l.db.QueryRowContext(ctx, `SELECT summary, news FROM run WHERE job = $1 AND slot = $2`, run.Job, run.Slot.Unix()).Scan(&summary, &highlights)
	if err == nil {
		err = errors.Join(decode(run, summary, &s), decodeHighlights(run, highlights, &h))
	}
	return s, h, err
}

// record is what a run has in JSON.
type record[T any] struct {
	run   audit.Run
	value T
}

// decoded is a query for runColumns and one of JSON. A damaged row costs only itself:
// the error is an *audit.DamagedError of the first one, beside those that can be read.
func decoded[T any](ctx context.Context, q querier, text string, args ...any) (out []record[T], err error) {
	var damaged error
	_, err = query(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var r record[T]
		var value string
		var err error
		if r.run, err = scanRun(rows, &value); err != nil {
			return struct{}{}, err
		}
		if bad := decode(r.run, value, &r.value); bad == nil {
			out = append(out, r)
		} else if damaged == nil {
			damaged = bad
		}
		return struct{}{}, nil
	}, text, args...)
	if err != nil {
		return nil, err
	}
	return out, damaged
}

// decode reads what a run has in JSON. The error is an *audit.DamagedError.
func decode(run audit.Run, text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return &audit.DamagedError{Run: run.ID(), Err: err}
	}
	return nil
}

// decodeHighlights: runs of a version that did not keep them have none.
func decodeHighlights(run audit.Run, text string, h *audit.Highlights) error {
	if text == "" {
		return nil
	}
	return decode(run, text, h)
}
