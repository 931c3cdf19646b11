package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

// Reader reads a ledger while another process may be at work on it. It changes
// nothing.
type Reader struct {
	earlier
	db   *sql.DB
	file bool // SQLite
}

// ErrNone is in the error of OpenReader when there is nothing to read yet.
var ErrNone = errors.New("no review has run yet")

// OpenReader opens a ledger that is there already, to look at it only.
func OpenReader(ctx context.Context, store string, password secret.Ref) (*Reader, error) {
	if err := CheckStore(store); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	var db *sql.DB
	var err error
	path, isFile := StorePath(store)
	if isFile {
		db, err = readSQLite(path)
	} else {
		db, err = connect(store, password, "on")
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", store, err)
	}
	if err := checkSchema(ctx, db); err != nil {
		db.Close()
		return nil, fmt.Errorf("store %s: %w", store, err)
	}
	return &Reader{earlier{db}, db, isFile}, nil
}

// Close closes the database.
func (r *Reader) Close() error { return r.db.Close() }

// Now is the clock of the ledger; see that of Ledger.
func (r *Reader) Now(ctx context.Context) (time.Time, error) {
	if r.file {
		return time.Now(), nil
	}
	return serverClock(ctx, r.db)
}

// ErrOlder is in the error of OpenReader when the tables are those of an earlier
// version.
var ErrOlder = errors.New("made by an older tokenaudit; the next run or serve upgrades it")

// checkSchema takes the tables of this version only.
func checkSchema(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	known, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		return err
	}
	var at int64
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`).Scan(&at)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == "42P01" { // undefined_table
		return ErrNone
	}
	switch {
	case err != nil:
		return err
	case at > known:
		return &NewerError{at, known, madeBy(ctx, db)}
	case at < known:
		return ErrOlder
	}
	return nil
}

// Entry is a run as the ledger has it.
type Entry struct {
	Run        audit.Run        `json:"run"`
	Reported   bool             `json:"reported"`          // false while it is under way, or cut off
	Damaged    string           `json:"damaged,omitempty"` // why what it found cannot be read
	Summary    *audit.Summary   `json:"summary,omitempty"`
	Highlights audit.Highlights `json:"-"` // what its messages say
	Deliveries []audit.Delivery `json:"parts,omitempty"`
}

// Known is a run as far as its name and its state go.
type Known struct {
	Run      audit.Run
	Reported bool
	Verdict  audit.Verdict // of a run that is reported
}

// Runs are those of every job, newest first.
func (r *Reader) Runs(ctx context.Context) (runs []Known, err error) {
	defer annotate(&err, "runs")
	return query(ctx, r.db, func(rows *sql.Rows) (k Known, err error) {
		var state string
		k.Run, err = scanRun(rows, &state, &k.Verdict)
		k.Reported = state == "reported"
		return k, err
	}, `SELECT `+runColumns+`, state, verdict FROM run ORDER BY started DESC, slot DESC`)
}

// List gives the newest runs of a job, or of every job if it is empty, newest first and at
// most so many; 0 is all.
func (r *Reader) List(ctx context.Context, job string, most int) (entries []Entry, err error) {
	defer annotate(&err, "runs")
	entries, err = r.entries(ctx, `$1 = '' OR job = $1`, cmp.Or(most, math.MaxInt32), job)
	if err != nil || len(entries) == 0 {
		return entries, err
	}
	oldest := entries[len(entries)-1].Run.Started.UnixMilli()
	all, err := deliveries(ctx, r.db, `($1 = '' OR p.job = $1) AND run.started >= $2`, job, oldest)
	of := map[string][]audit.Delivery{}
	for _, d := range all {
		of[d.Run.ID()] = append(of[d.Run.ID()], d)
	}
	for i := range entries {
		entries[i].Deliveries = of[entries[i].Run.ID()]
	}
	return entries, err
}

// entries are those that a condition selects, without their deliveries.
func (r *Reader) entries(ctx context.Context, condition string, most int, args ...any) ([]Entry, error) {
	return query(ctx, r.db, func(rows *sql.Rows) (e Entry, err error) {
		var state, summary, highlights string
		if e.Run, err = scanRun(rows, &state, &summary, &highlights); err != nil || state != "reported" {
			return e, err
		}
		e.Reported, e.Summary = true, &audit.Summary{}
		if err := errors.Join(decode(e.Run, summary, e.Summary), decodeHighlights(e.Run, highlights, &e.Highlights)); err != nil {
			e.Damaged, e.Summary = err.Error(), nil
		}
		return e, nil
	}, `SELECT `+runColumns+`, state, summary, news FROM run WHERE `+condition+` ORDER BY started DESC, slot DESC LIMIT `+strconv.Itoa(most), args...)
}

// ErrNoRun is in the error of Find when there is no such run.
var ErrNoRun = errors.New("no such run")

// Find gives one run, with its deliveries.
func (r *Reader) Find(ctx context.Context, run audit.Run) (e Entry, err error) {
	defer annotate(&err, "run %s", run.ID())
	all, err := r.entries(ctx, `job = $1 AND slot = $2`, 1, run.Job, run.Slot.Unix())
	if err != nil {
		return Entry{}, err
	}
	if len(all) == 0 {
		return Entry{}, ErrNoRun
	}
	all[0].Deliveries, err = deliveries(ctx, r.db, `p.job = $1 AND p.slot = $2`, run.Job, run.Slot.Unix())
	return all[0], err
}

// Inspection is what there is to say of a store.
type Inspection struct {
	Found   string   // such as "SQLite, runs: 12"
	Damaged []string // what cannot be read, by run; reviews go on without it
}

// Inspect looks at a store as a review would, and leaves nothing in it. Its errors know
// what to do about them, where that is known.
func Inspect(ctx context.Context, store string, password secret.Ref) (in Inspection, err error) {
	defer func() { err = advised(store, err) }()
	in.Found = "SQLite"
	if Postgres(store) {
		if in.Found, err = examinePostgres(ctx, store, password); err != nil {
			return in, err
		}
	}
	r, err := OpenReader(ctx, store, password)
	switch {
	case errors.Is(err, ErrOlder):
		in.Found += "; " + ErrOlder.Error()
		return in, nil
	case errors.Is(err, ErrNone) && Postgres(store):
		in.Found += "; the tables will be created"
		return in, nil
	case err != nil:
		return in, err
	}
	defer r.Close()
	if path, ok := StorePath(store); ok { // a review writes
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return in, err
		}
		f.Close()
	}
	entries, err := r.List(ctx, "", 0)
	if err != nil {
		return in, err
	}
	in.Found += fmt.Sprintf(", runs: %d", len(entries))
	for _, e := range entries {
		if e.Damaged != "" {
			in.Damaged = append(in.Damaged, e.Damaged)
		}
	}
	_, err = decoded[audit.Item](ctx, r.db, `SELECT `+runColumns+`, item.result FROM run JOIN item ON item.job = run.job AND item.slot = run.slot WHERE item.state = 'done'`)
	if errors.As(err, new(*audit.DamagedError)) {
		in.Damaged, err = append(in.Damaged, err.Error()), nil
	}
	return in, err
}
