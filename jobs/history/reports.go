package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"tokenaudit/jobs/audit"
)

// Finish closes a run whose reports are written, and opens the parts of it that
// are to be delivered, in one step.
func (l *Ledger) Finish(ctx context.Context, run audit.Run, s audit.Summary, parts []string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = l.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE run SET state = 'reported', verdict = $3, summary = $4 WHERE job = $1 AND slot = $2`,
			run.Job, run.Slot.Unix(), s.Coverage.Verdict, string(text))
		if err != nil {
			return err
		}
		for _, part := range parts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (job, slot, part, state) VALUES ($1, $2, $3, 'new') ON CONFLICT DO NOTHING`,
				run.Job, run.Slot.Unix(), part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: finishing run %s: %w", run.ID(), err)
	}
	return nil
}

// Previous is the newest run of the job that was reported before this one began.
func (l *Ledger) Previous(ctx context.Context, run audit.Run) (*audit.Previous, error) {
	texts, err := column[string](ctx, l.db, `SELECT summary FROM run WHERE job = $1 AND slot <> $2 AND state = 'reported' AND started <= $3
		ORDER BY started DESC, slot DESC LIMIT 1`, run.Job, run.Slot.Unix(), run.Started.UnixMilli())
	if err != nil || len(texts) == 0 {
		return nil, wrap(err, run)
	}
	var s audit.Summary
	if err := json.Unmarshal([]byte(texts[0]), &s); err != nil {
		return nil, wrap(err, run)
	}
	return &audit.Previous{ID: s.ID, Slot: s.Slot, BySeverity: s.Findings.BySeverity}, nil
}

// Baseline is the newest run before this one that holds a snapshot of the
// target: what this one is compared with.
func (l *Ledger) Baseline(ctx context.Context, run audit.Run, target string) (audit.Run, bool, error) {
	slots, err := column[int64](ctx, l.db, `SELECT run.slot FROM run JOIN item ON item.job = run.job AND item.slot = run.slot
		WHERE run.job = $1 AND run.slot <> $2 AND item.target = $3 AND item.state = 'done' AND run.started <= $4
		ORDER BY run.started DESC, run.slot DESC LIMIT 1`, run.Job, run.Slot.Unix(), target, run.Started.UnixMilli())
	if err != nil || len(slots) == 0 {
		return audit.Run{}, false, wrap(err, run)
	}
	return audit.Run{Job: run.Job, Slot: time.Unix(slots[0], 0).UTC()}, true, nil
}

// Summary is the summary of a reported run.
func (l *Ledger) Summary(ctx context.Context, run audit.Run) (audit.Summary, error) {
	var text string
	err := l.db.QueryRowContext(ctx, `SELECT summary FROM run WHERE job = $1 AND slot = $2`, run.Job, run.Slot.Unix()).Scan(&text)
	if err != nil {
		return audit.Summary{}, wrap(err, run)
	}
	var s audit.Summary
	return s, wrap(json.Unmarshal([]byte(text), &s), run)
}

func wrap(err error, run audit.Run) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ledger: run %s: %w", run.ID(), err)
}
