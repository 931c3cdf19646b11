// Package ledger is the small database that says which slots were reviewed and how
// it went: jobs and who works on them, runs, the targets of each run, and what is to
// be delivered. It is SQLite in a file for one process, or PostgreSQL for several.
// The runner writes it as a review goes on; the commands and the metrics read it. It
// holds no token's value, and can be rebuilt from the evidence.
package ledger

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"

	"tokenaudit/jobs/audit"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Ledger holds runs, their items and what is to be delivered.
type Ledger struct {
	db   *sql.DB
	lock *flock.Flock // of a file; nil on PostgreSQL
}

// migrate brings the tables up to date. Every statement works on both databases.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, options ...goose.ProviderOption) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, dir, options...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Now is the clock of the ledger, by which every process on it goes: that of the
// database server, so that a machine whose clock is fast opens no slot early. On a
// file it is the clock of this machine.
func (l *Ledger) Now(ctx context.Context) (time.Time, error) {
	if l.lock != nil {
		return time.Now(), nil
	}
	var now time.Time
	if err := l.db.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("ledger: its clock: %w", err)
	}
	return now.UTC(), nil
}

// Close closes the database and lets other processes in.
func (l *Ledger) Close() error {
	err := l.db.Close()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Unlock())
	}
	return err
}

// Reached is the time up to which the slots of a job are dealt with. A job that
// was never seen before, or has another schedule now, starts at now: it owes
// nothing for the past.
func (l *Ledger) Reached(ctx context.Context, job, schedule string, now time.Time) (time.Time, error) {
	_, err := l.db.ExecContext(ctx, `INSERT INTO job (name, schedule, reached) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET schedule = $2, reached = $3 WHERE job.schedule <> $2`, job, schedule, now.Unix())
	if err != nil {
		return time.Time{}, fmt.Errorf("ledger: job %q: %w", job, err)
	}
	var at int64
	err = l.db.QueryRowContext(ctx, `SELECT reached FROM job WHERE name = $1`, job).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("ledger: job %q: %w", job, err)
	}
	return time.Unix(at, 0).UTC(), nil
}

// Begin opens a run with its items. It returns false if the slot was opened
// before, or if another run of the job is still running. The row is the lock, the
// record of what was caught up, and the key of the run, all in one.
func (l *Ledger) Begin(ctx context.Context, run audit.Run, targets []string) (opened bool, err error) {
	err = l.inTx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `INSERT INTO run (job, slot, cause, missed, started, state)
			VALUES ($1, $2, $3, $4, $5, 'running') ON CONFLICT DO NOTHING`,
			run.Job, run.Slot.Unix(), run.Trigger, run.Missed, run.Started.UnixMilli())
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if opened = n == 1; err != nil || !opened {
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
	if err != nil {
		return false, fmt.Errorf("ledger: opening run %s: %w", run.ID(), err)
	}
	return opened, nil
}

// Reach notes that the slots of a job up to slot are dealt with, if there is a
// run of that very slot.
func (l *Ledger) Reach(ctx context.Context, job string, slot time.Time) error {
	_, err := l.db.ExecContext(ctx, `UPDATE job SET reached = $2 WHERE name = $1 AND reached < $2
		AND EXISTS (SELECT 1 FROM run WHERE run.job = $1 AND run.slot = $2)`, job, slot.Unix())
	if err != nil {
		return fmt.Errorf("ledger: job %q: %w", job, err)
	}
	return nil
}

// Running is the run of a job that was opened and not reported, if there is one.
func (l *Ledger) Running(ctx context.Context, job string) (run audit.Run, found bool, err error) {
	var slot, started int64
	row := l.db.QueryRowContext(ctx, `SELECT slot, cause, missed, started FROM run WHERE job = $1 AND state = 'running'`, job)
	switch err := row.Scan(&slot, &run.Trigger, &run.Missed, &started); err {
	case nil:
	case sql.ErrNoRows:
		return audit.Run{}, false, nil
	default:
		return audit.Run{}, false, fmt.Errorf("ledger: open runs of job %q: %w", job, err)
	}
	run.Job, run.Slot, run.Started = job, time.Unix(slot, 0).UTC(), time.UnixMilli(started).UTC()
	return run, true, nil
}

// Pending are the targets of a run that are not done, in the order of the
// configuration.
func (l *Ledger) Pending(ctx context.Context, run audit.Run) ([]string, error) {
	targets, err := column[string](ctx, l.db, `SELECT target FROM item WHERE job = $1 AND slot = $2 AND state = 'pending' ORDER BY position`, run.Job, run.Slot.Unix())
	if err != nil {
		return nil, fmt.Errorf("ledger: run %s: %w", run.ID(), err)
	}
	return targets, nil
}

// SaveItem stores the outcome of one target. Its snapshot must be in place.
func (l *Ledger) SaveItem(ctx context.Context, run audit.Run, item audit.Item) error {
	result, err := json.Marshal(item)
	if err != nil {
		return err
	}
	_, err = l.db.ExecContext(ctx, `UPDATE item SET state = 'done', result = $4 WHERE job = $1 AND slot = $2 AND target = $3`,
		run.Job, run.Slot.Unix(), item.Coverage.Target, string(result))
	if err != nil {
		return fmt.Errorf("ledger: run %s, target %q: %w", run.ID(), item.Coverage.Target, err)
	}
	return nil
}

// Items are the outcomes of a run, in the order of the configuration.
func (l *Ledger) Items(ctx context.Context, run audit.Run) ([]audit.Item, error) {
	results, err := column[string](ctx, l.db, `SELECT result FROM item WHERE job = $1 AND slot = $2 AND state = 'done' ORDER BY position`, run.Job, run.Slot.Unix())
	if err != nil {
		return nil, fmt.Errorf("ledger: run %s: %w", run.ID(), err)
	}
	items := make([]audit.Item, len(results))
	for i, r := range results {
		if err := json.Unmarshal([]byte(r), &items[i]); err != nil {
			return nil, fmt.Errorf("ledger: run %s: %w", run.ID(), err)
		}
	}
	return items, nil
}

func column[T any](ctx context.Context, db *sql.DB, query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func (l *Ledger) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
