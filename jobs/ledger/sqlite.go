package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// ErrBusy is in the error of Open when another process works on the ledger.
var ErrBusy = errors.New("another tokenaudit works on this store; several processes need store: postgres://USER@HOST/DATABASE")

// openSQLite lets one process work on the file at a time, so that no run is done
// twice; the system frees the lock however the process ends. The file is readable
// by its owner only.
func openSQLite(ctx context.Context, path string) (*Ledger, error) {
	if err := touch(path); err != nil {
		return nil, err
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if held, err := lock.TryLock(); err != nil {
		return nil, err
	} else if !held {
		return nil, ErrBusy
	}
	l, err := openLocked(ctx, path, lock)
	if err != nil {
		lock.Unlock()
	}
	return l, err
}

func openLocked(ctx context.Context, path string, lock *flock.Flock) (*Ledger, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "busy_timeout(10000)",
	}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; waiting in line here beats SQLITE_BUSY
	l := &Ledger{db, lock}
	err = migrate(ctx, db, goose.DialectSQLite3)
	if err == nil {
		err = l.freeAll(ctx)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return l, nil
}

// touch makes the file before SQLite does, so that it is private from the first
// byte; SQLite gives its side files the same mode.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// freeAll takes the jobs from whoever held them: with the lock of the file at hand,
// that process is no more.
func (l *Ledger) freeAll(ctx context.Context) error {
	_, err := l.db.ExecContext(ctx, `UPDATE job SET holder = ''`)
	return err
}

// readSQLite opens a file that is there already.
func readSQLite(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w; %w", err, ErrNone)
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
}
