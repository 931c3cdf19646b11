package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tokenaudit/jobs/audit"
)

// Status is how a job stands, all of one moment. A job that was never seen has an
// empty one.
func (l *Ledger) Status(ctx context.Context, job string) (audit.JobStatus, error) {
	s := audit.JobStatus{Runs: map[audit.Verdict]int{}, Deliveries: map[audit.DeliveryState]int{}}
	err := l.inTx(ctx, func(tx *sql.Tx) error {
		for _, read := range []func(context.Context, *sql.Tx, string, *audit.JobStatus) error{readReached, readRunning, readRuns, readLast, readParts} {
			if err := read(ctx, tx, job, &s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return audit.JobStatus{}, fmt.Errorf("ledger: status of job %q: %w", job, err)
	}
	return s, nil
}

func readReached(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	var reached int64
	err := tx.QueryRowContext(ctx, `SELECT schedule, reached FROM job WHERE name = $1`, job).Scan(&s.Schedule, &reached)
	if err == sql.ErrNoRows {
		return nil
	}
	s.Reached = time.Unix(reached, 0).UTC()
	return err
}

func readRunning(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	run := audit.Run{Job: job}
	var slot, started int64
	err := tx.QueryRowContext(ctx, `SELECT slot, cause, missed, started FROM run WHERE job = $1 AND state = 'running' AND cause <> 'dry-run'`, job).
		Scan(&slot, &run.Trigger, &run.Missed, &started)
	if err != nil {
		return none(err)
	}
	run.Slot, run.Started = time.Unix(slot, 0).UTC(), time.UnixMilli(started).UTC()
	s.Running, s.Missed = &run, run.Missed
	return nil
}

func readRuns(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	rows, err := tx.QueryContext(ctx, `SELECT verdict, COUNT(*), CAST(SUM(missed) AS BIGINT), MAX(CASE WHEN cause IN ('schedule', 'catch-up') THEN slot ELSE 0 END) FROM run
		WHERE job = $1 AND state = 'reported' AND cause <> 'dry-run' GROUP BY verdict`, job)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var verdict audit.Verdict
		var runs, missed int
		var slot int64
		if err := rows.Scan(&verdict, &runs, &missed, &slot); err != nil {
			return err
		}
		s.Runs[verdict] = runs
		s.Missed += missed
		if at := time.Unix(slot, 0).UTC(); slot > 0 && at.After(s.LastSlot) {
			s.LastSlot = at
		}
	}
	return rows.Err()
}

func readLast(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	const newest = `SELECT slot, summary FROM run WHERE job = $1 AND state = 'reported' AND cause <> 'dry-run' AND verdict <> $2 ORDER BY started DESC, slot DESC LIMIT 1`
	last, err := readSummary(ctx, tx, newest, job, "")
	if errors.As(err, new(*audit.DamagedError)) {
		s.Damaged = err
	} else if err != nil {
		return err
	}
	s.Last = last
	seen, err := readSummary(ctx, tx, newest, job, string(audit.NotKnown))
	if seen != nil {
		s.LastSuccess = seen.Finished
	}
	if errors.As(err, new(*audit.DamagedError)) { // when it ended is not known
		return nil
	}
	return err
}

func readSummary(ctx context.Context, tx *sql.Tx, query, job, verdict string) (*audit.Summary, error) {
	var slot int64
	var text string
	if err := tx.QueryRowContext(ctx, query, job, verdict).Scan(&slot, &text); err != nil {
		return nil, none(err)
	}
	s := &audit.Summary{}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, &audit.DamagedError{Run: audit.Run{Job: job, Slot: time.Unix(slot, 0)}.ID(), Err: err}
	}
	return s, nil
}

func readParts(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	rows, err := tx.QueryContext(ctx, `SELECT state, COUNT(*) FROM part WHERE job = $1 GROUP BY state`, job)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var state audit.DeliveryState
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return err
		}
		s.Deliveries[state] = n
	}
	return rows.Err()
}

// none: that there is nothing is no error.
func none(err error) error {
	if err == sql.ErrNoRows {
		return nil
	}
	return err
}
