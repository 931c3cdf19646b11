package bolt

import (
	"errors"
	"fmt"
	"path/filepath"

	"tokenaudit/jobs/audit"
)

// ask notes what the file was read for.
func (r *review) ask(what string, rows int) *audit.Asked {
	request := "bolt " + filepath.Base(string(r.cfg.Bolt))
	r.cov.Asked = append(r.cov.Asked, audit.Asked{What: what, Request: request, Rows: rows, Verdict: audit.Complete})
	return &r.cov.Asked[len(r.cov.Asked)-1]
}

// lower says of one question, and of the target, that something is missing.
func (r *review) lower(a *audit.Asked, v audit.Verdict, reason string) {
	a.Verdict, a.Reason = v, reason
	r.cov.Lower(audit.Partial, "%s: %s", a.What, reason)
}

// unknown is the answer when the file cannot be reviewed.
func (r *review) unknown(err error) audit.Collection {
	r.close()
	a := r.ask("the database file", 0)
	a.Verdict, a.Reason = audit.NotKnown, err.Error()
	r.cov.Lower(audit.NotKnown, "the database file could not be reviewed: %v", err)
	return audit.Collection{Coverage: r.cov, Authorizations: func(func(audit.Authorization, error) bool) {}, Close: func() {}}
}

// askDirectory says who and what else is in the file.
func (r *review) askDirectory() {
	for _, kind := range []struct {
		what, bucket string
		rows         int
	}{{"users", usersBucket, len(r.users)}, {"orgs", orgsBucket, len(r.orgs)}, {"buckets", bucketsBucket, len(r.buckets)}} {
		asked := r.ask(kind.what+" in the database file", kind.rows)
		if broken := r.broken[kind.bucket]; broken.rows > 0 {
			r.lower(asked, audit.Partial, broken.reason())
		}
	}
}

// reviewUsers says of each configured user what the file has of it. One that was
// deleted and is given by its ID is all there as long as it left something behind.
func (r *review) reviewUsers() {
	for _, u := range r.cfg.Users {
		id, exists := r.userID(u)
		asked := r.ask(u.Label(), r.rowsOf[id])
		if !exists && (u.ID == "" || asked.Rows == 0) {
			r.lower(asked, audit.NotKnown, "does not exist in the database file: misspelt, or deleted")
		}
	}
}

// conclude draws the verdict on the file as a whole; the error is that nothing can
// be said.
func (r *review) conclude() error {
	_, exists := r.orgs[r.org]
	if r.org != "" && !exists && len(r.rowsOf) == 0 {
		return fmt.Errorf("no org %s in the database file, and nothing that one would have left behind", r.org)
	}
	if r.org == "" && len(r.orgs) == 0 {
		return errors.New("no org is in the database file: it is that of an InfluxDB which was never set up")
	}
	if r.cfg.Canary != "" && !r.canary {
		r.cov.Lower(audit.Partial, "the canary %s is not in the database file: it was deleted, or the file is not of this server", r.cfg.Canary)
	}
	return nil
}

func (r *review) scope() audit.Scope {
	s := audit.Scope{AllVisible: true}
	if len(r.cfg.Users) == 0 {
		return s
	}
	s.Users = map[string]bool{}
	for _, u := range r.cfg.Users {
		if id, _ := r.userID(u); id != "" {
			s.Users[id] = true
		}
	}
	return s
}
