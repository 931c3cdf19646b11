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
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

// Ledger holds runs, their items and what is to be delivered.
type Ledger struct {
	earlier
	db   database
	pool *sql.DB      // that db is; nil where db is one transaction (Rebuild)
	lock *flock.Flock // of a file; nil on PostgreSQL
	// beside: something of a run that ended may be in the file beside that of SQLite only.
	beside atomic.Bool
}

// database is a pool of connections, or one transaction.
type database interface {
	querier
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Open opens the ledger, creates it if it is not there, and brings its tables up
// to date. On a file, one process works at a time (ErrBusy). On PostgreSQL several
// do, and leases keep them apart; Unreachable tells an error that passes. The password
// is that of PostgreSQL, and read for each new connection; without one the rules of
// libpq hold (PGPASSWORD, PGPASSFILE).
func Open(ctx context.Context, store string, password secret.Ref) (*Ledger, error) {
	if err := CheckStore(store); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	var l *Ledger
	var err error
	if path, ok := StorePath(store); ok {
		l, err = openSQLite(ctx, path)
	} else {
		l, err = openPostgres(ctx, store, password)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", store, err)
	}
	return l, nil
}

// Close closes the database and lets other processes in.
func (l *Ledger) Close() error {
	err := l.pool.Close()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Unlock())
	}
	return err
}

// migrations change the tables, one after the other. Every statement works on both
// databases.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, options ...goose.ProviderOption) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, dir, options...)
	if err != nil {
		return err
	}
	at, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if known := sources[len(sources)-1].Version; at > known {
		return &NewerError{at, known, madeBy(ctx, db)}
	}
	_, err = p.Up(ctx)
	return err
}

// NewerError is a store whose tables are those of a later version. What they mean is
// not known, so they are neither read nor written.
type NewerError struct {
	Schema, Known int64
	Version       string // of the program that worked on it last, "" if that is not known
}

func (e *NewerError) Error() string {
	by := "a newer tokenaudit"
	if e.Version != "" {
		by = fmt.Sprintf("tokenaudit %.40s, which is newer", e.Version)
	}
	return fmt.Sprintf("made by %s: its schema is %d, and this version supports %d. %s", by, e.Schema, e.Known, e.Remedy())
}

// Remedy is what to do.
func (e *NewerError) Remedy() string {
	return "Use that version or a newer one. To go back to this one, see Upgrade and downgrade in tokenaudit help operations"
}

// madeBy is the version of the program that worked on a store last, as far as it says so.
func madeBy(ctx context.Context, db *sql.DB) (version string) {
	_ = db.QueryRowContext(ctx, `SELECT version FROM program`).Scan(&version) // a version of its own may have no such table
	return version
}

// Stamp notes the version of the program that works on the ledger.
func (l *Ledger) Stamp(ctx context.Context, version string) (err error) {
	defer annotate(&err, "its version")
	_, err = changes(ctx, l.db, `UPDATE program SET version = $1 WHERE version <> $1`, version)
	return err
}

// Now is the clock of the ledger, by which every process on it goes: that of the
// database server, so that a machine whose clock is fast opens no slot early. On a
// file it is the clock of this machine.
func (l *Ledger) Now(ctx context.Context) (now time.Time, err error) {
	if l.lock != nil {
		return time.Now(), nil
	}
	return serverClock(ctx, l.db)
}

func serverClock(ctx context.Context, q database) (now time.Time, err error) {
	defer annotate(&err, "its clock")
	err = q.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&now)
	return now.UTC(), err
}

// Acquire leases the job to holder until then, unless another one holds it now. A lease
// that ends later than twice that span from now is of a clock that was ahead, and holds
// nobody up: the clock is that of all holders, and each would have renewed its own by now.
func (l *Ledger) Acquire(ctx context.Context, job, holder string, now, until time.Time) (acquired bool, err error) {
	defer annotate(&err, "leasing job %q", job)
	return changes(ctx, l.db, `INSERT INTO job (name, schedule, reached, holder, held) VALUES ($1, '', 0, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = $2, held = $3 WHERE job.holder IN ('', $2) OR job.held < $4 OR job.held > $5`,
		job, holder, until.UnixMilli(), now.UnixMilli(), now.Add(2*until.Sub(now)).UnixMilli())
}

// Release lets others work on the job. Of a file, everything about runs that ended is in
// it then, and not in the one beside it, which people lose or leave out of a copy.
func (l *Ledger) Release(ctx context.Context, job, holder string) (err error) {
	defer annotate(&err, "releasing job %q", job)
	_, err = changes(ctx, l.db, `UPDATE job SET holder = '' WHERE name = $1 AND holder = $2`, job, holder)
	if err == nil && l.lock != nil && l.beside.Swap(false) {
		// It fails while somebody reads; then the next one does it.
		_, _ = l.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	return err
}

// Reached is the time up to which the slots of a job are dealt with. A job that
// was never seen before, or has another schedule now, is noted to start at now:
// earlier slots are not due.
func (l *Ledger) Reached(ctx context.Context, job, schedule string, now time.Time) (at time.Time, err error) {
	defer annotate(&err, "job %q", job)
	_, err = changes(ctx, l.db, `INSERT INTO job (name, schedule, reached) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET schedule = $2, reached = $3 WHERE job.schedule <> $2`, job, schedule, now.Unix())
	if err != nil {
		return time.Time{}, err
	}
	return l.Dealt(ctx, job)
}

// Dealt is the time up to which the slots of a job are dealt with, as it is noted; zero if
// the job was never seen.
func (l *Ledger) Dealt(ctx context.Context, job string) (at time.Time, err error) {
	var reached int64
	err = l.db.QueryRowContext(ctx, `SELECT reached FROM job WHERE name = $1`, job).Scan(&reached)
	if errors.Is(err, sql.ErrNoRows) {
		return at, nil
	}
	return time.Unix(reached, 0).UTC(), err
}

// Reach notes that the slots of a job up to slot are dealt with, if there is a
// run of that very slot.
func (l *Ledger) Reach(ctx context.Context, job string, slot time.Time) (err error) {
	defer annotate(&err, "job %q", job)
	_, err = changes(ctx, l.db, `UPDATE job SET reached = $2 WHERE name = $1 AND reached < $2
		AND EXISTS (SELECT 1 FROM run WHERE run.job = $1 AND run.slot = $2)`, job, slot.Unix())
	return err
}

// Pass notes that the slots of a job up to slot are dealt with, though the ledger knows no
// run of it.
func (l *Ledger) Pass(ctx context.Context, job string, slot time.Time) (err error) {
	defer annotate(&err, "job %q", job)
	_, err = changes(ctx, l.db, `UPDATE job SET reached = $2 WHERE name = $1 AND reached < $2`, job, slot.Unix())
	return err
}

// Rewind starts the schedule of a job anew at a moment: earlier slots are not due, later
// ones are, whatever was noted under a clock that was ahead. The runs of that clock stand
// before that moment from now on.
func (l *Ledger) Rewind(ctx context.Context, job string, at time.Time) (err error) {
	defer annotate(&err, "job %q", job)
	return l.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE job SET reached = $2 WHERE name = $1 AND reached > $2`, job, at.Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE run SET started = $2 WHERE job = $1 AND started > $3 AND state = 'reported'`, job, at.UnixMilli()-1, at.UnixMilli())
		return err
	})
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// query makes a value of each row.
func query[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// runColumns are what scanRun takes first.
const runColumns = `run.job, run.slot, run.cause, run.missed, run.started`

func scanRun(rows *sql.Rows, more ...any) (run audit.Run, err error) {
	var slot, started int64
	err = rows.Scan(append([]any{&run.Job, &slot, &run.Trigger, &run.Missed, &started}, more...)...)
	run.Slot, run.Started = time.Unix(slot, 0).UTC(), time.UnixMilli(started).UTC()
	return run, err
}

// changes tells whether a statement changed anything.
func changes(ctx context.Context, q querier, text string, args ...any) (bool, error) {
	done, err := q.ExecContext(ctx, text, args...)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

func (l *Ledger) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	if tx, ok := l.db.(*sql.Tx); ok {
		return do(tx)
	}
	return inTx(ctx, l.pool, do)
}

func inTx(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// annotate says what an error is about, unless it names its run already.
func annotate(err *error, format string, args ...any) {
	if *err != nil && !errors.As(*err, new(*audit.DamagedError)) {
		*err = fmt.Errorf("the ledger: "+format+": %w", append(args, *err)...)
	}
}
