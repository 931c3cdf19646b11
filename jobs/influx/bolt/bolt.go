// Package bolt reviews a copy of the database file of InfluxDB OSS, or what influx
// backup made of one. Nothing is hidden in it: users, orgs and authorizations are
// read from its buckets and handed on in the form of the API, without the tokens.
// bbolt trusts the pages that it reads, so the file is checked page by page before
// bbolt walks it: a silent loss there would be a false "clean".
package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/target"
)

// Target collects the authorizations of a database file of InfluxDB OSS. Nothing is
// hidden in it: it holds those whose user or org was deleted too.
type Target struct{ cfg target.Config }

// New takes a configuration with the path of a file; it opens nothing.
func New(cfg target.Config) (*Target, error) {
	if cfg.Bolt == "" {
		return nil, fmt.Errorf("target %q: bolt needs the path of a copy of influxd.bolt or of a *.bolt.gz", cfg.Name)
	}
	return &Target{cfg: cfg.LowerIDs()}, nil
}

// Collect reads the file once to know what can be said of it, and again while the
// authorizations are walked. A file that cannot be read is said in the coverage;
// an error means that ctx ended. Progress is called for each authorization.
func (t *Target) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	r := &review{cfg: t.cfg, progress: progress, cov: audit.NewCoverage(t.cfg.Name), rowsOf: map[string]int{}, seen: map[string]bool{}}
	err := r.read(ctx)
	cause := context.Cause(ctx)
	if r.file != nil && (err != nil || cause != nil) {
		r.file.Close()
	}
	switch {
	case cause != nil:
		return audit.Collection{}, fmt.Errorf("target %q: %w", t.cfg.Name, cause)
	case err != nil:
		a := r.ask("the database file", 0)
		a.Verdict, a.Reason = audit.NotKnown, err.Error()
		r.cov.Gap(audit.TargetReviewed, audit.NotKnown, "the database file could not be reviewed: %v", unread{err})
		return audit.Collection{Coverage: r.cov, Authorizations: func(func(audit.Authorization, error) bool) {}, Close: func() {}}, nil
	}
	survey := &audit.Survey{}
	return audit.Collection{
		Authorizations: survey.Of(r.all), Conclude: survey.Conclude, Coverage: r.cov, Scope: r.scope(), Owner: r.owner, Probe: r.probe, AsOf: r.file.written,
		OrgDeleted: func(a audit.Authorization) bool { _, exists := r.orgs[a.OrgID]; return !exists && !a.IsServer() },
		Close:      r.file.Close,
	}, nil
}

// review is the state of one Collect.
type review struct {
	cfg      target.Config
	progress func()
	cov      audit.Coverage

	file *database // nil until it could be opened
	*directory
	org    string          // ID of the only org to review; "" for every org
	rowsOf map[string]int  // authorizations of the org, by user ID
	canary bool            // the canary is among them
	seen   map[string]bool // orgs of the authorizations, by ID
	newest time.Time       // of their dates

	abroad []audit.Authorization // tokens of other orgs that may write in this one
}

// read opens the file and draws the verdict on it; the error is that nothing can be
// said.
func (r *review) read(ctx context.Context) (err error) {
	if r.file, err = openDatabase(ctx, string(r.cfg.Bolt)); err != nil {
		return err
	}
	r.cov.Product = audit.ProductOSS
	r.cov.Server = "InfluxDB OSS, database file of " + r.file.written.UTC().Format(time.RFC3339)
	if r.file.lost > 0 {
		r.cov.Gap(audit.ListWhole, audit.Partial, "%d pages of the database file are neither used nor free: some tokens may be missing", r.file.lost)
	}
	if r.directory, err = readDirectory(ctx, r.file); err != nil {
		return err
	}
	if r.org, err = r.orgID(influx.QueryOf(r.cfg)); err != nil {
		return err
	}
	// The source names the instance, not the file: each backup has a name of its own.
	r.cov.Source = "database file of an InfluxDB without orgs"
	if len(r.orgs) > 0 {
		r.cov.Source = "database file of the InfluxDB with org " + slices.Min(slices.Collect(maps.Keys(r.orgs)))
	}
	if r.cfg.Org != "" {
		r.cov.Source += ", org " + r.cfg.Org
	}
	r.cov.Stored = &audit.Stored{Users: len(r.users), Orgs: len(r.orgs)}
	r.note("users in the database file", len(r.users), r.broken[usersBucket])
	r.note("orgs in the database file", len(r.orgs), r.broken[orgsBucket])
	r.note("buckets in the database file", len(r.buckets), r.broken[bucketsBucket])
	for _, store := range tokenStores() {
		if err := r.count(ctx, store); err != nil {
			return err
		}
	}
	// A configured user that was deleted and is given by its ID is all there as long as
	// it left something behind.
	for _, u := range r.cfg.Users {
		id, exists := r.userID(u)
		asked := r.ask(u.Label(), r.rowsOf[id])
		if !exists && (u.ID == "" || asked.Rows == 0) {
			r.lower(asked, audit.UsersPresent, audit.NotKnown, "does not exist in the database file: it is misspelt or was deleted")
		} else {
			r.cov.Hold(audit.UsersPresent, "%s: %d in the database file", u.Label(), asked.Rows)
		}
	}
	if len(r.cfg.Users) == 0 {
		r.cov.NoNeed(audit.UsersPresent, "no users are configured: every user is reviewed")
	}
	for _, premise := range []string{audit.CredentialActive, audit.CredentialSeesAll, audit.OwnCredentialShown, audit.OwnersConfigured} {
		r.cov.NoNeed(premise, "the file is read directly and hides no tokens")
	}
	r.cov.Hold(audit.ProductKnown, "the file belongs to InfluxDB OSS")
	if _, exists := r.orgs[r.org]; r.org != "" && !exists && len(r.rowsOf) == 0 {
		return fmt.Errorf("the database file has no org %s and no records of one", r.org)
	}
	if r.org == "" && len(r.orgs) == 0 {
		return errors.New("the database file has no org: this InfluxDB was never set up")
	}
	for _, id := range slices.Sorted(maps.Keys(r.seen)) {
		r.cov.Sources = append(r.cov.Sources, audit.SourceOf(audit.FileStore, id))
	}
	if !r.newest.IsZero() {
		r.cov.Hold(audit.CopyCurrent, "its newest record is of %s", r.newest.UTC().Format(time.RFC3339))
	}
	if n := len(r.abroad); n > 0 {
		r.cov.AddBlindSpot(audit.Plural(n, "token") + " of other orgs may write to this org (foreign-operator). Their owners are checked by the reviews of those orgs")
	}
	if r.org == "" {
		r.cov.NoNeed(audit.InstanceSeen, "the target is the whole instance")
	} else {
		r.cov.Hold(audit.InstanceSeen, "the database file has the tokens of every org; %d of other orgs may write to this one", len(r.abroad))
	}
	switch {
	case r.cfg.Canary == "":
		r.cov.NoNeed(audit.CanaryListed, "no canary is configured")
	case r.canary:
		r.cov.Hold(audit.CanaryListed, "%s is in the database file", r.cfg.Canary)
	default:
		r.cov.Gap(audit.CanaryListed, audit.Partial, "the canary %s is not in the database file: it was deleted, or the file is from another server", r.cfg.Canary)
	}
	return nil
}

// count walks a store for the first time, and finds what cannot be decoded.
func (r *review) count(ctx context.Context, store tokenStore) error {
	rows, broken := 0, &unreadable{}
	for row, err := range r.file.rows(store.bucket) {
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return err
		}
		a, err := decodeStored(row, store)
		switch {
		case err != nil:
			broken.add(row)
		case !r.covers(a):
			r.lookAbroad(a)
		default:
			r.progress()
			rows++
			r.rowsOf[a.UserID]++
			r.seen[a.OrgID] = true
			r.newest = latest(r.newest, a.CreatedAt, a.UpdatedAt)
			r.canary = r.canary || a.Key() == r.cfg.Canary
		}
	}
	if !store.legacy {
		r.cov.Stored.Authorizations = rows
	}
	r.note(store.what+" in the database file", rows, broken)
	return nil
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// lookAbroad keeps a token of another org that may write in this one. One whose user was
// deleted is refused.
func (r *review) lookAbroad(a audit.Authorization) {
	const most = 1000
	switch _, exists := r.users[a.UserID]; {
	case !exists || !a.WritesIn(r.org):
	case len(r.abroad) == most:
		r.cov.Gap(audit.InstanceSeen, audit.Partial, "more than %d tokens of other orgs may write to this org; the rest are not reported", most)
	default:
		r.name(&a)
		r.abroad = append(r.abroad, a)
	}
}

func (r *review) covers(a audit.Authorization) bool { return r.org == "" || a.OrgID == r.org }

// request stands for the file in place of what a server is asked with.
func (r *review) request() string { return "bolt " + filepath.Base(string(r.cfg.Bolt)) }

// ask notes what the file was read for.
func (r *review) ask(what string, rows int) *audit.Asked {
	r.cov.Asked = append(r.cov.Asked, audit.Asked{What: what, Request: r.request(), Rows: rows, Verdict: audit.Complete})
	return &r.cov.Asked[len(r.cov.Asked)-1]
}

// note notes what the file was read for, and what of it cannot be decoded.
func (r *review) note(what string, rows int, broken *unreadable) {
	if asked := r.ask(what, rows); broken.rows > 0 {
		r.lower(asked, audit.RowsReadable, audit.Partial, broken.reason())
	}
}

// lower says of one question, and of the target, that something is missing.
func (r *review) lower(a *audit.Asked, premise string, v audit.Verdict, reason string) {
	a.Verdict, a.Reason = v, reason
	r.cov.Gap(premise, audit.Partial, "%s: %s", a.What, reason)
}

func (r *review) scope() audit.Scope {
	s := audit.Scope{Instance: r.cfg.Org == "", AllVisible: true}
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

// unread is why a file cannot be reviewed.
type unread struct{ error }

func (u unread) Unwrap() error { return u.error }

// Remedy is what to do about it.
func (u unread) Remedy() string {
	switch {
	case errors.Is(u, fs.ErrNotExist):
		return "Copy influxd.bolt to the path under bolt, or correct that path."
	case errors.Is(u, fs.ErrPermission):
		return "Give this user read access to the file under bolt."
	}
	return "Make a new copy (influx backup, or stop influxd and copy influxd.bolt), and set bolt to its path."
}
