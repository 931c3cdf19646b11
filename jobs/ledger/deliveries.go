package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
)

func openDeliveries(ctx context.Context, tx *sql.Tx, o audit.Conclusion) error {
	position := map[string]int{}
	for _, d := range o.Deliveries {
		_, err := tx.ExecContext(ctx, `INSERT INTO part (job, slot, outlet, name, position, state) VALUES ($1, $2, $3, $4, $5, 'new') ON CONFLICT DO NOTHING`,
			o.Run.Job, o.Run.Slot.Unix(), d.Notifier, storable(d.Name), position[d.Notifier])
		if err != nil {
			return err
		}
		position[d.Notifier]++
	}
	return nil
}

// Unsent are the deliveries of a job that are neither sent nor expired: oldest run
// first, and in each run and notifier in the order in which they are sent.
func (l *Ledger) Unsent(ctx context.Context, job string) (out []audit.Delivery, err error) {
	defer annotate(&err, "deliveries of job %q", job)
	return deliveries(ctx, l.db, `p.job = $1 AND p.state NOT IN ('sent', 'expired')`, job)
}

// deliveries are those that a condition on the part p selects, in the order of Unsent.
func deliveries(ctx context.Context, q querier, condition string, args ...any) ([]audit.Delivery, error) {
	return query(ctx, q, func(rows *sql.Rows) (d audit.Delivery, err error) {
		var since int64
		d.Run, err = scanRun(rows, &d.Notifier, &d.Name, &d.Position, &d.State, &d.Ref, &d.Error, &since, &d.Root)
		d.Since = fromMilli(since)
		return d, err
	}, `SELECT `+runColumns+`, p.outlet, p.name, p.position, p.state, p.ref, p.error, p.since,
			COALESCE((SELECT ref FROM part root WHERE root.job = p.job AND root.slot = p.slot AND root.outlet = p.outlet AND root.position = 0 AND root.state = 'sent'), '')
		FROM part p JOIN run ON run.job = p.job AND run.slot = p.slot
		WHERE `+condition+` ORDER BY run.slot, p.outlet, p.position`, args...)
}

// SaveDelivery stores how far a delivery has come. It is an error unless holder holds
// the job: another process may be sending it by now.
func (l *Ledger) SaveDelivery(ctx context.Context, holder string, d audit.Delivery) (err error) {
	defer annotate(&err, "delivery %q of run %s", d.Name, d.Run.ID())
	l.beside.Store(true)
	saved, err := changes(ctx, l.db, `UPDATE part SET state = $5, ref = $6, error = $7, since = $8 WHERE job = $1 AND slot = $2 AND outlet = $3 AND name = $4
		AND EXISTS (SELECT 1 FROM job WHERE job.name = $1 AND job.holder = $9)`,
		d.Run.Job, d.Run.Slot.Unix(), d.Notifier, d.Name, d.State, storable(d.Ref), storable(d.Error), toMilli(d.Since), holder)
	if err == nil && !saved {
		err = errNotHeld(d.Run.Job)
	}
	return err
}

func errNotHeld(job string) error {
	return fmt.Errorf("this process does not have the lease of job %q", job)
}

// toMilli is a time that there may not be yet, as 0.
func toMilli(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

func fromMilli(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMilli(at).UTC()
}

// storable is text without what PostgreSQL refuses: others wrote it, and it must not
// keep a message from being noted as sent.
func storable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}
