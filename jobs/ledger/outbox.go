package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

func openParts(ctx context.Context, tx *sql.Tx, o audit.Conclusion) error {
	position := map[string]int{}
	for _, p := range o.Deliveries {
		_, err := tx.ExecContext(ctx, `INSERT INTO part (job, slot, outlet, name, position, state) VALUES ($1, $2, $3, $4, $5, 'new') ON CONFLICT DO NOTHING`,
			o.Run.Job, o.Run.Slot.Unix(), p.Notifier, storable(p.Name), position[p.Notifier])
		if err != nil {
			return err
		}
		position[p.Notifier]++
	}
	return nil
}

// Unsent are the parts of a job that are neither sent nor expired: oldest run
// first, and in each run and outlet in the order in which they are sent.
func (l *Ledger) Unsent(ctx context.Context, job string) ([]audit.Delivery, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT run.slot, run.cause, run.missed, run.started, p.outlet, p.name, p.position, p.state, p.ref, p.error, p.since,
			COALESCE((SELECT ref FROM part root WHERE root.job = p.job AND root.slot = p.slot AND root.outlet = p.outlet AND root.position = 0 AND root.state = 'sent'), '')
		FROM part p JOIN run ON run.job = p.job AND run.slot = p.slot
		WHERE p.job = $1 AND p.state NOT IN ('sent', 'expired') ORDER BY run.slot, p.outlet, p.position`, job)
	if err != nil {
		return nil, fmt.Errorf("ledger: outbox of job %q: %w", job, err)
	}
	defer rows.Close()
	var parts []audit.Delivery
	for rows.Next() {
		p := audit.Delivery{Run: audit.Run{Job: job}}
		var slot, started, since int64
		if err := rows.Scan(&slot, &p.Run.Trigger, &p.Run.Missed, &started, &p.Notifier, &p.Name, &p.Position, &p.State, &p.Ref, &p.Error, &since, &p.Root); err != nil {
			return nil, fmt.Errorf("ledger: outbox of job %q: %w", job, err)
		}
		p.Run.Slot, p.Run.Started = time.Unix(slot, 0).UTC(), time.UnixMilli(started).UTC()
		p.Since = fromMillis(since)
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

// SaveDelivery stores how far a part has come. It is an error unless holder holds the
// job: another process may be sending the part by now.
func (l *Ledger) SaveDelivery(ctx context.Context, holder string, p audit.Delivery) error {
	done, err := l.db.ExecContext(ctx, `UPDATE part SET state = $5, ref = $6, error = $7, since = $8 WHERE job = $1 AND slot = $2 AND outlet = $3 AND name = $4
		AND EXISTS (SELECT 1 FROM job WHERE job.name = $1 AND job.holder = $9)`,
		p.Run.Job, p.Run.Slot.Unix(), p.Notifier, p.Name, p.State, storable(p.Ref), storable(p.Error), millis(p.Since), holder)
	if err != nil {
		return fmt.Errorf("ledger: part %q of run %s: %w", p.Name, p.Run.ID(), err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("ledger: part %q of run %s: this process does not hold the job %q", p.Name, p.Run.ID(), p.Run.Job))
	}
	return nil
}

// storable is text without what PostgreSQL refuses: others wrote it, and it must not
// keep a message from being noted as sent.
func storable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}

// millis is a time as the ledger has it, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
