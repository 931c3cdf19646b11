package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

// Reader reads a ledger while another process may be at work on it.
type Reader struct{ db *sql.DB }

// ErrNone is in the error of OpenReader when there is nothing to read yet.
var ErrNone = errors.New("no review has run yet")

// OpenReader opens a ledger that is there already, to look at it only.
func OpenReader(ctx context.Context, store string, password secret.Ref) (*Reader, error) {
	if err := CheckStore(store); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	var db *sql.DB
	var err error
	if path, ok := StorePath(store); ok {
		db, err = readSQLite(path)
	} else {
		db, err = readPostgres(ctx, store, password)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", store, err)
	}
	return &Reader{db}, nil
}

// Close closes the database.
func (r *Reader) Close() error { return r.db.Close() }

// Entry is a run as the ledger has it.
type Entry struct {
	Run      audit.Run        `json:"run"`
	Reported bool             `json:"reported"` // false while it is under way, or cut off
	Summary  *audit.Summary   `json:"summary,omitempty"`
	News     audit.Highlights `json:"-"` // what its messages say
	Parts    []PartEntry      `json:"parts,omitempty"`
}

// PartEntry is a message of a run.
type PartEntry struct {
	Outlet string              `json:"outlet"`
	Name   string              `json:"name"`
	State  audit.DeliveryState `json:"state"`
	Ref    string              `json:"ref,omitempty"`
	Error  string              `json:"error,omitempty"`
}

// List gives the runs of a job, or of every job if it is empty, newest first.
func (r *Reader) List(ctx context.Context, job string) ([]Entry, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT job, slot, cause, missed, started, state, summary, news FROM run
		WHERE $1 = '' OR job = $1 ORDER BY started DESC, slot DESC`, job)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func scanEntry(rows *sql.Rows) (Entry, error) {
	var e Entry
	var slot, started int64
	var state, summary, news string
	if err := rows.Scan(&e.Run.Job, &slot, &e.Run.Trigger, &e.Run.Missed, &started, &state, &summary, &news); err != nil {
		return e, err
	}
	e.Run.Slot, e.Run.Started, e.Reported = time.Unix(slot, 0).UTC(), time.UnixMilli(started).UTC(), state == "reported"
	if !e.Reported {
		return e, nil
	}
	e.Summary = &audit.Summary{}
	return e, errors.Join(json.Unmarshal([]byte(summary), e.Summary), unmarshalNews(news, &e.News))
}

// ErrNoRun is in the error of Find when there is no such run.
var ErrNoRun = errors.New("no such run")

// Find gives one run by its ID, with its messages.
func (r *Reader) Find(ctx context.Context, id string) (Entry, error) {
	job, _, _ := strings.Cut(id, "/")
	all, err := r.List(ctx, job)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range all {
		if e.Run.ID() == id {
			e.Parts, err = r.parts(ctx, e.Run)
			return e, err
		}
	}
	return Entry{}, fmt.Errorf("%w: %q", ErrNoRun, id)
}

func (r *Reader) parts(ctx context.Context, run audit.Run) ([]PartEntry, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT outlet, name, state, ref, error FROM part WHERE job = $1 AND slot = $2 ORDER BY outlet, position`, run.Job, run.Slot.Unix())
	if err != nil {
		return nil, wrap(err, run)
	}
	defer rows.Close()
	var out []PartEntry
	for rows.Next() {
		var p PartEntry
		if err := rows.Scan(&p.Outlet, &p.Name, &p.State, &p.Ref, &p.Error); err != nil {
			return nil, wrap(err, run)
		}
		out = append(out, p)
	}
	return out, wrap(rows.Err(), run)
}
