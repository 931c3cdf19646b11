// Package bolt reviews a copy of the database file of InfluxDB OSS, or what influx
// backup made of one. Nothing is hidden in it: users, orgs and authorizations are
// read from its buckets and handed on in the form of the API, without the tokens.
// bbolt trusts the pages that it reads, so the file is checked page by page before
// bbolt walks it: a silent loss there would be a false "clean".
package bolt

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
)

// Target collects the authorizations of a database file of InfluxDB OSS. Nothing is
// hidden in it: it holds those whose user or org was deleted too.
type Target struct{ cfg influx.Config }

// New takes a configuration with the path of a file; it opens nothing.
func New(cfg influx.Config) (*Target, error) {
	if cfg.Bolt == "" {
		return nil, fmt.Errorf("target %q: bolt needs the path of a copy of influxd.bolt or of a *.bolt.gz", cfg.Name)
	}
	return &Target{cfg: cfg.LowerIDs()}, nil
}

// Collect reads the file once to know what can be said of it, and again while the
// authorizations are walked. A file that cannot be read is said in the coverage;
// an error means that ctx ended. Progress is called for each authorization.
func (t *Target) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	r := newReview(t.cfg, progress)
	err := r.read(ctx)
	if cause := context.Cause(ctx); cause != nil {
		r.close()
		return audit.Collection{}, fmt.Errorf("target %q: %w", t.cfg.Name, cause)
	}
	if err != nil {
		return r.unknown(err), nil
	}
	return audit.Collection{Authorizations: r.all, Coverage: r.cov, Scope: r.scope(), Owner: r.owner, Probe: r.probe, OrgDeleted: r.orgDeleted, Close: r.close}, nil
}

// review is the state of one Collect.
type review struct {
	cfg      influx.Config
	progress func()
	cov      audit.Coverage

	file *database // nil until it could be opened
	*directory
	org    string         // ID of the only org to review; "" for every org
	rowsOf map[string]int // authorizations of the org, by user ID
	canary bool           // the canary is among them
}

func newReview(cfg influx.Config, progress func()) *review {
	return &review{cfg: cfg, progress: progress, cov: audit.NewCoverage(cfg.Name), rowsOf: map[string]int{}}
}

// source names the instance, not the file: each backup has a name of its own.
func (r *review) source() string {
	source := "database file of an InfluxDB without orgs"
	if len(r.orgs) > 0 {
		source = "database file of the InfluxDB with org " + slices.Min(slices.Collect(maps.Keys(r.orgs)))
	}
	if r.cfg.Org != "" {
		source += ", org " + r.cfg.Org
	}
	return source
}

func (r *review) close() {
	if r.file != nil {
		r.file.Close()
	}
}

func (r *review) read(ctx context.Context) (err error) {
	if r.file, err = openDatabase(ctx, string(r.cfg.Bolt)); err != nil {
		return err
	}
	r.cov.Server = "InfluxDB OSS, database file of " + r.file.written.UTC().Format(time.RFC3339)
	if r.file.lost > 0 {
		r.cov.Lower(audit.Partial, "%d pages of the database file are neither in use nor free: something may be missing", r.file.lost)
	}
	if r.directory, err = readDirectory(ctx, r.file); err != nil {
		return err
	}
	if r.org, err = r.orgID(r.cfg.Query()); err != nil {
		return err
	}
	r.cov.Source, r.cov.Stored = r.source(), &audit.Stored{Users: len(r.users), Orgs: len(r.orgs)}
	r.askDirectory()
	for _, store := range tokenStores() {
		if err := r.count(ctx, store); err != nil {
			return err
		}
	}
	r.reviewUsers()
	return r.conclude()
}

// count walks a store for the first time, and finds what cannot be decoded.
func (r *review) count(ctx context.Context, store tokenStore) error {
	rows := 0
	var broken unreadable
	for row, err := range r.file.rows(store.bucket) {
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return err
		}
		a, err := decodeStored(row, store)
		switch {
		case err != nil:
			broken.add(row)
		case r.covers(a):
			rows++
			r.note(a)
		}
	}
	if !store.legacy {
		r.cov.Stored.Authorizations = rows
	}
	asked := r.ask(store.what+" in the database file", rows)
	if broken.rows > 0 {
		r.lower(asked, audit.Partial, broken.reason())
	}
	return nil
}

func (r *review) covers(a audit.Authorization) bool { return r.org == "" || a.OrgID == r.org }

func (r *review) note(a audit.Authorization) {
	r.progress()
	r.rowsOf[a.UserID]++
	r.canary = r.canary || a.Key() == r.cfg.Canary
}
