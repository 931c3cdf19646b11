package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tokenaudit/jobs/audit"
)

// Status is how a job stands, all of one moment. A job that was never seen has an
// empty one.
func (l *Ledger) Status(ctx context.Context, job string) (s audit.JobStatus, err error) {
	defer annotate(&err, "status of job %q", job)
	s = audit.JobStatus{Runs: map[audit.Verdict]int{}, Deliveries: map[audit.DeliveryState]int{}}
	err = l.inTx(ctx, func(tx *sql.Tx) error {
		return errors.Join(readSchedule(ctx, tx, job, &s), readRuns(ctx, tx, job, &s), readDeliveries(ctx, tx, job, &s))
	})
	if err != nil {
		return audit.JobStatus{}, err
	}
	return s, nil
}

func readSchedule(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	var reached int64
	err := tx.QueryRowContext(ctx, `SELECT schedule, reached FROM job WHERE name = $1`, job).Scan(&s.Schedule, &reached)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	s.Reached = time.Unix(reached, 0).UTC()
	return err
}

func readRuns(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	running, err := query(ctx, tx, func(rows *sql.Rows) (audit.Run, error) { return scanRun(rows) },
		`SELECT `+runColumns+` FROM run WHERE job = $1 AND state = 'running' AND cause <> 'dry-run'`, job)
	if err != nil {
		return err
	}
	for _, run := range running { // one at the most
		s.Running, s.Missed = &run, run.Missed
	}
	_, err = query(ctx, tx, func(rows *sql.Rows) (_ struct{}, err error) {
		var verdict audit.Verdict
		var runs, missed int
		var slot int64
		err = rows.Scan(&verdict, &runs, &missed, &slot)
		s.Runs[verdict] = runs
		s.Missed += missed
		if at := time.Unix(slot, 0).UTC(); slot > 0 && at.After(s.LastSlot) {
			s.LastSlot = at
		}
		return struct{}{}, err
	}, `SELECT verdict, COUNT(*), CAST(SUM(missed) AS BIGINT), MAX(CASE WHEN cause IN ('schedule', 'catch-up') THEN slot ELSE 0 END) FROM run
		WHERE job = $1 AND state = 'reported' AND cause <> 'dry-run' GROUP BY verdict`, job)
	if err != nil {
		return err
	}
	const newest = `SELECT ` + runColumns + `, summary FROM run
		WHERE job = $1 AND state = 'reported' AND cause <> 'dry-run' AND verdict <> $2 ORDER BY started DESC, slot DESC LIMIT 1`
	last, err := decoded[audit.Summary](ctx, tx, newest, job, "")
	if errors.As(err, new(*audit.DamagedError)) {
		s.Damaged = err
	} else if err != nil {
		return err
	}
	for _, r := range last { // one at the most
		s.Last = &r.value
	}
	seen, err := decoded[audit.Summary](ctx, tx, newest, job, string(audit.NotKnown))
	for _, r := range seen {
		s.LastSuccess = r.value.Finished
	}
	if errors.As(err, new(*audit.DamagedError)) { // when it ended is not known
		return nil
	}
	return err
}

func readDeliveries(ctx context.Context, tx *sql.Tx, job string, s *audit.JobStatus) error {
	_, err := query(ctx, tx, func(rows *sql.Rows) (_ struct{}, err error) {
		var state audit.DeliveryState
		var n int
		err = rows.Scan(&state, &n)
		s.Deliveries[state] = n
		return struct{}{}, err
	}, `SELECT state, COUNT(*) FROM (SELECT state FROM part WHERE job = $1 UNION ALL SELECT state FROM campaign_message WHERE job = $1) AS message GROUP BY state`, job)
	return err
}
