package ledger

import (
	"context"
	"fmt"
	"time"
)

// Acquire leases the job to holder until then, unless another one holds it now.
func (l *Ledger) Acquire(ctx context.Context, job, holder string, now, until time.Time) (bool, error) {
	done, err := l.db.ExecContext(ctx, `INSERT INTO job (name, schedule, reached, holder, held) VALUES ($1, '', 0, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = $2, held = $3 WHERE job.holder IN ('', $2) OR job.held < $4`,
		job, holder, until.UnixMilli(), now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("ledger: holding job %q: %w", job, err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// Release lets others work on the job.
func (l *Ledger) Release(ctx context.Context, job, holder string) error {
	_, err := l.db.ExecContext(ctx, `UPDATE job SET holder = '' WHERE name = $1 AND holder = $2`, job, holder)
	if err != nil {
		return fmt.Errorf("ledger: releasing job %q: %w", job, err)
	}
	return nil
}
