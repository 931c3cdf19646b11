package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

// Rebuilding is what Rebuild is told, and asks.
type Rebuilding struct {
	// Check is shown the packs that the present ledger knows, and why it cannot be read, if
	// it cannot. With an error everything stays as it is.
	Check func(old []audit.Pack, unreadable error) error
	// Fill writes the runs into the new ledger. With an error everything stays as it is.
	Fill func(*Ledger) error
}

// Rebuild makes the ledger anew; which sources are retired stays, as far as it can be read.
// On a file, the new one grows beside the old one, which
// is then moved aside, under a name with the time, and kept; aside is that name, "" if
// there was none. On PostgreSQL the runs are exchanged in one transaction, while no other
// process works on a job. The error is ErrBusy if one does.
func Rebuild(ctx context.Context, store string, password secret.Ref, now time.Time, r Rebuilding) (aside string, err error) {
	if err := CheckStore(store); err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	if path, ok := StorePath(store); ok {
		aside, err = rebuildFile(ctx, path, now, r)
	} else {
		err = rebuildPostgres(ctx, store, password, r)
	}
	if err != nil {
		return "", fmt.Errorf("store %s: %w", store, err)
	}
	return aside, nil
}

// OldPacks are the packs that a store knows, whatever version made it. A store that is not
// there knows none.
func OldPacks(ctx context.Context, store string, password secret.Ref) (packs []audit.Pack, err error) {
	if err := CheckStore(store); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	path, ok := StorePath(store)
	if ok {
		packs, err = packsOfFile(ctx, path)
	} else if db, failed := connect(store, password, "on"); failed != nil {
		err = failed
	} else {
		defer db.Close()
		var there bool
		if err = db.QueryRowContext(ctx, `SELECT to_regclass('run') IS NOT NULL`).Scan(&there); err == nil && there {
			packs, err = allPacks(ctx, db)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", store, err)
	}
	return packs, nil
}

func allPacks(ctx context.Context, q querier) (all []audit.Pack, err error) {
	e := earlier{q}
	jobs, err := e.PackJobs(ctx)
	for _, job := range jobs {
		of, err := e.Packs(ctx, job)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, err
}

// sideFiles of a database, which hold what is not in it yet: they move first. One that
// is left beside another database would be taken for its own.
var sideFiles = []string{"-wal", "-shm", "-journal"}

func rebuildFile(ctx context.Context, path string, now time.Time, r Rebuilding) (aside string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if held, err := lock.TryLock(); err != nil {
		return "", err
	} else if !held {
		return "", ErrBusy
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	old, unreadable := packsOfFile(ctx, path)
	if err := r.Check(old, unreadable); err != nil {
		return "", err
	}
	said := retiredOfFile(ctx, path)
	fresh := path + ".rebuild"
	err = errors.Join(removeDatabase(fresh), fill(ctx, fresh, func(l *Ledger) error {
		for _, r := range said {
			if err := l.Retire(ctx, r); err != nil {
				return err
			}
		}
		return r.Fill(l)
	}))
	if err != nil {
		return "", errors.Join(err, removeDatabase(fresh))
	}
	name := path + "." + now.UTC().Format("20060102T150405.000Z")
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(err, fmt.Errorf("%s already exists; try again", name))
	}
	for _, suffix := range append(sideFiles, "") {
		switch err := os.Rename(path+suffix, name+suffix); {
		case err == nil:
			aside = name
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", err
	}
	return aside, syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every system can
	return dir.Close()
}

// packsOfFile reads a file that may be damaged, or be of another version.
func packsOfFile(ctx context.Context, path string) ([]audit.Pack, error) {
	db, err := readSQLite(path)
	if errors.Is(err, ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var tables int
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE name = 'run'`).Scan(&tables); err != nil || tables == 0 {
		return nil, err
	}
	return allPacks(ctx, db)
}

// retiredOfFile is what people said of sources, as far as the file tells.
func retiredOfFile(ctx context.Context, path string) map[string]audit.Retirement {
	db, err := readSQLite(path)
	if err != nil {
		return nil
	}
	defer db.Close()
	said, _ := earlier{db}.Retired(ctx)
	return said
}

func removeDatabase(path string) error {
	var errs []error
	for _, suffix := range append(sideFiles, "") {
		if err := os.Remove(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// fill makes a database in one transaction, which leaves nothing in a file beside it.
func fill(ctx context.Context, path string, with func(*Ledger) error) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", sqliteURL(path, url.Values{"_pragma": {"journal_mode(DELETE)", "synchronous(FULL)", "foreign_keys(1)"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, goose.DialectSQLite3); err != nil {
		return err
	}
	return inTx(ctx, db, func(tx *sql.Tx) error { return with(&Ledger{earlier: earlier{tx}, db: tx}) })
}

func rebuildPostgres(ctx context.Context, store string, password secret.Ref, r Rebuilding) (err error) {
	l, err := openPostgres(ctx, store, password)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return l.inTx(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`SET LOCAL idle_in_transaction_session_timeout = 0`,                           // the packs may be far away
			`LOCK TABLE job, run, item, source, part, campaign_message IN EXCLUSIVE MODE`, // reading goes on
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		held, err := query(ctx, tx, func(rows *sql.Rows) (job string, err error) { return job, rows.Scan(&job) },
			`SELECT name FROM job WHERE holder <> '' AND held >= CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`)
		if err != nil {
			return err
		}
		if len(held) > 0 {
			return fmt.Errorf("another tokenaudit works on job %q; stop it, and wait for a minute if it was killed", held[0])
		}
		old, err := allPacks(ctx, tx)
		if err != nil {
			return err
		}
		if err := r.Check(old, nil); err != nil {
			return err
		}
		for _, table := range runTables {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return err
			}
		}
		return r.Fill(&Ledger{earlier: earlier{tx}, db: tx})
	})
}

// runTables are those whose content comes from the evidence, in the order in which they
// can be emptied. What people said of sources stays.
var runTables = []string{"campaign_message", "part", "source", "item", "run", "job"}
