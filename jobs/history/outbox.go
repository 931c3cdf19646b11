package history

import (
	"context"
	"fmt"
	"time"

	"tokenaudit/jobs/audit"
)

// Unsent are the parts of a job that are not sent, oldest run first.
func (l *Ledger) Unsent(ctx context.Context, job string) ([]audit.Part, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT run.slot, run.cause, run.missed, run.started, part, outbox.state, ref, outbox.since
		FROM outbox JOIN run ON run.job = outbox.job AND run.slot = outbox.slot
		WHERE outbox.job = $1 AND outbox.state <> 'sent' ORDER BY run.slot, part`, job)
	if err != nil {
		return nil, fmt.Errorf("ledger: outbox of job %q: %w", job, err)
	}
	defer rows.Close()
	var parts []audit.Part
	for rows.Next() {
		p := audit.Part{Run: audit.Run{Job: job}}
		var slot, started, since int64
		if err := rows.Scan(&slot, &p.Run.Trigger, &p.Run.Missed, &started, &p.Name, &p.State, &p.Ref, &since); err != nil {
			return nil, fmt.Errorf("ledger: outbox of job %q: %w", job, err)
		}
		p.Run.Slot, p.Run.Started = time.Unix(slot, 0).UTC(), time.UnixMilli(started).UTC()
		if since != 0 {
			p.Since = time.Unix(since, 0).UTC()
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

// SavePart stores how far a part has come.
func (l *Ledger) SavePart(ctx context.Context, p audit.Part) error {
	_, err := l.db.ExecContext(ctx, `UPDATE outbox SET state = $4, ref = $5, error = $6, since = $7 WHERE job = $1 AND slot = $2 AND part = $3`,
		p.Run.Job, p.Run.Slot.Unix(), p.Name, p.State, p.Ref, p.Error, p.Since.Unix())
	if err != nil {
		return fmt.Errorf("ledger: part %q of run %s: %w", p.Name, p.Run.ID(), err)
	}
	return nil
}
