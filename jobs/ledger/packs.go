package ledger

import (
	"context"
	"database/sql"

	"tokenaudit/jobs/audit"
)

// earlier answers what a Ledger and a Reader can both be asked of earlier reviews.
type earlier struct{ q querier }

// PackJobs are the jobs of which the ledger knows a pack.
func (e earlier) PackJobs(ctx context.Context) (jobs []string, err error) {
	defer annotate(&err, "evidence packs")
	return query(ctx, e.q, func(rows *sql.Rows) (job string, err error) {
		return job, rows.Scan(&job)
	}, `SELECT DISTINCT job FROM run WHERE pack > 0 OR cause = 'lost' ORDER BY job`)
}

// Packs are those of a job that the ledger knows, the newest number first, and before
// them the run that is under way, if one is.
func (e earlier) Packs(ctx context.Context, job string) (out []audit.Pack, err error) {
	defer annotate(&err, "evidence packs of job %q", job)
	return query(ctx, e.q, func(rows *sql.Rows) (p audit.Pack, err error) {
		var state string
		p.Run, err = scanRun(rows, &state, &p.Link.Sequence, &p.Link.Manifest)
		p.Link.Run, p.Running = p.Run.ID(), state == "running"
		return p, err
	}, `SELECT `+runColumns+`, state, pack, manifest FROM run
		WHERE job = $1 AND cause <> 'dry-run' AND (pack > 0 OR cause = 'lost' OR state = 'running')
		ORDER BY CASE state WHEN 'running' THEN 0 ELSE 1 END, pack DESC, started DESC`, job)
}
