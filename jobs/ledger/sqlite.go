package ledger

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
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
// by its owner only: it is made before SQLite does, which gives its side files the
// same mode.
func openSQLite(ctx context.Context, path string) (*Ledger, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if held, err := lock.TryLock(); err != nil {
		return nil, err
	} else if !held {
		return nil, ErrBusy
	}
	db, err := sql.Open("sqlite", sqliteURL(path, url.Values{"_txlock": {"immediate"}, "_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "busy_timeout(10000)",
	}}))
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; waiting in line here beats SQLITE_BUSY
	l := &Ledger{earlier: earlier{db}, db: db, pool: db, lock: lock}
	if err = migrate(ctx, db, goose.DialectSQLite3); err == nil {
		// The lock is ours, so that an old lease belongs to a process that has ended.
		_, err = changes(ctx, l.db, `UPDATE job SET holder = ''`)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func sqliteURL(path string, options url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
}

// readSQLite opens a file that is there already. What another process has not yet
// brought into the file is in a second one beside it; without that, nobody is at work,
// and the file is read as it stands, so that SQLite makes no files of its own. A process may
// begin to work while it is open: each statement reads it anew.
func readSQLite(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	} else if err != nil {
		return nil, err
	}
	options := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		options.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", sqliteURL(path, options))
	if err == nil {
		db.SetMaxIdleConns(-1)
	}
	return db, err
}
