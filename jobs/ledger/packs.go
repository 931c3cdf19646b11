package ledger

import (
	"context"
	"database/sql"

	"tokenaudit/jobs/audit"
)

// PackJobs are the jobs of which the ledger knows a pack.
func (l *Ledger) PackJobs(ctx context.Context) ([]string, error) { return packJobs(ctx, l.db) }

// PackJobs are the jobs of which the ledger knows a pack.
func (r *Reader) PackJobs(ctx context.Context) ([]string, error) { return packJobs(ctx, r.db) }

// Packs are those of a job that the ledger knows, the newest number first, and before
// them the run that is under way, if one is.
func (l *Ledger) Packs(ctx context.Context, job string) ([]audit.Pack, error) {
	return packs(ctx, l.db, job)
}

// Packs are those of a job that the ledger knows, as of Ledger.
func (r *Reader) Packs(ctx context.Context, job string) ([]audit.Pack, error) {
	return packs(ctx, r.db, job)
}

func packJobs(ctx context.Context, q querier) (jobs []string, err error) {
	defer annotate(&err, "evidence packs")
	return query(ctx, q, func(rows *sql.Rows) (job string, err error) {
		return job, rows.Scan(&job)
	}, `SELECT DISTINCT job FROM run WHERE pack > 0 OR cause = 'lost' ORDER BY job`)
}

func packs(ctx context.Context, q querier, job string) (out []audit.Pack, err error) {
	defer annotate(&err, "evidence packs of job %q", job)
	return query(ctx, q, func(rows *sql.Rows) (p audit.Pack, err error) {
		var state string
		p.Run, err = scanRun(rows, &state, &p.Link.Sequence, &p.Link.Manifest)
		p.Link.Run, p.Running = p.Run.ID(), state == "running"
		return p, err
	}, `SELECT `+runColumns+`, state, pack, manifest FROM run
		WHERE job = $1 AND cause <> 'dry-run' AND (pack > 0 OR cause = 'lost' OR state = 'running')
		ORDER BY CASE state WHEN 'running' THEN 0 ELSE 1 END, pack DESC, started DESC`, job)
}
