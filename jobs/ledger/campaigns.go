package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

const (
	campaignsSuffix = ".campaigns.lock"
	campaignsKey    = int64(0x63616d706169676e) // of an advisory lock: "campaign" in ASCII
	campaignsRetry  = 100 * time.Millisecond
	// lockedFor is how long the lock of the campaigns is waited for: who has it holds it for
	// seconds, unless it hangs.
	lockedFor = 2 * time.Minute
)

var errLocked = fmt.Errorf("another tokenaudit has been changing a campaign for more than %s; see whether it hangs", audit.SpanWords(lockedFor))

// LockCampaigns keeps others on the same store from changing the folder of a campaign, and
// waits for minutes while another one has the lock. It needs no open Ledger, as serve has that of a file
// to itself. The lock is released by unlock, and when the process ends.
func LockCampaigns(ctx context.Context, store string, password secret.Ref) (unlock func() error, err error) {
	waiting, cancel := context.WithTimeoutCause(ctx, lockedFor, errLocked)
	defer cancel()
	path, isFile := StorePath(store)
	if err = CheckStore(store); err == nil {
		if isFile {
			unlock, err = lockFile(waiting, path+campaignsSuffix)
		} else {
			unlock, err = lockPostgres(waiting, store, password)
		}
	}
	if err != nil && waiting.Err() != nil {
		err = context.Cause(waiting)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: waiting for the lock of the campaigns: %w", store, err)
	}
	return unlock, nil
}

func lockFile(ctx context.Context, path string) (func() error, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(path, flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, campaignsRetry); err != nil {
		return nil, err
	}
	return lock.Unlock, nil
}

// lockPostgres has a connection of its own, as the lock belongs to that. It asks again
// rather than wait in the server, where a statement may take less time than a campaign.
func lockPostgres(ctx context.Context, store string, password secret.Ref) (unlock func() error, err error) {
	db, err := connect(store, password, "off")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for {
		var locked bool
		err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, campaignsKey).Scan(&locked)
		switch {
		case err != nil:
			return nil, errors.Join(err, conn.Close())
		case locked:
			return func() error { return errors.Join(conn.Close(), db.Close()) }, nil // which ends the session
		}
		select {
		case <-time.After(campaignsRetry):
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), conn.Close())
		}
	}
}

// Newest is the newest run of the job that saw something and has an evidence pack; found
// is false if there is none.
func (e earlier) Newest(ctx context.Context, job string) (s audit.Summary, pack audit.Link, found bool, err error) {
	defer annotate(&err, "the newest run of job %q", job)
	type packed struct {
		run     audit.Run
		summary string
		link    audit.Link
	}
	runs, err := query(ctx, e.q, func(rows *sql.Rows) (p packed, err error) {
		p.run, err = scanRun(rows, &p.summary, &p.link.Sequence, &p.link.Manifest)
		p.link.Run = p.run.ID()
		return p, err
	}, `SELECT `+runColumns+`, summary, pack, manifest FROM run
		WHERE job = $1 AND state = 'reported' AND cause NOT IN ('dry-run', 'lost') AND verdict <> 'unknown' AND pack > 0
		ORDER BY started DESC, slot DESC LIMIT 1`, job)
	if err != nil || len(runs) == 0 {
		return s, pack, false, err
	}
	err = decode(runs[0].run, runs[0].summary, &s)
	return s, runs[0].link, err == nil, err
}

// Announce notes what has to be said of campaigns. What was noted before stays as it is.
func (l *Ledger) Announce(ctx context.Context, all []audit.CampaignDelivery) (err error) {
	defer annotate(&err, "messages of campaigns")
	return l.inTx(ctx, func(tx *sql.Tx) error {
		for _, d := range all {
			_, err := tx.ExecContext(ctx, `INSERT INTO campaign_message (job, campaign, opened, notifier, name, kind, recipient, state, created)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
				d.Job, d.Run.Job, d.Run.Slot.Unix(), d.Notifier, storable(d.Name), d.Kind, storable(d.Recipient), d.State, d.Run.Started.UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Unsaid are the messages of the campaigns of a job that are still to be sent, oldest
// first.
func (l *Ledger) Unsaid(ctx context.Context, job string) (out []audit.CampaignDelivery, err error) {
	defer annotate(&err, "messages of the campaigns of job %q", job)
	return query(ctx, l.db, func(rows *sql.Rows) (d audit.CampaignDelivery, err error) {
		var opened, since, created int64
		err = rows.Scan(&d.Job, &d.Run.Job, &opened, &d.Notifier, &d.Name, &d.Kind, &d.Recipient, &d.State, &d.Ref, &d.Error, &since, &created)
		d.Run.Slot, d.Run.Started = time.Unix(opened, 0).UTC(), time.UnixMilli(created).UTC()
		d.Since = fromMilli(since)
		return d, err
	}, `SELECT job, campaign, opened, notifier, name, kind, recipient, state, ref, error, since, created FROM campaign_message
		WHERE job = $1 AND state NOT IN ('sent', 'expired', 'withdrawn') ORDER BY created, name, notifier`, job)
}

// SaveCampaignDelivery stores how far a message has come. It is an error unless holder holds
// the job: another process may be sending it by now.
func (l *Ledger) SaveCampaignDelivery(ctx context.Context, holder string, d audit.CampaignDelivery) (err error) {
	defer annotate(&err, "message %q of a campaign", d.Name)
	l.beside.Store(true)
	saved, err := changes(ctx, l.db, `UPDATE campaign_message SET state = $3, ref = $4, error = $5, since = $6 WHERE name = $1 AND notifier = $2
		AND EXISTS (SELECT 1 FROM job WHERE job.name = $7 AND job.holder = $8)`,
		storable(d.Name), d.Notifier, d.State, storable(d.Ref), storable(d.Error), toMilli(d.Since), d.Job, holder)
	if err == nil && !saved {
		err = errNotHeld(d.Job)
	}
	return err
}
