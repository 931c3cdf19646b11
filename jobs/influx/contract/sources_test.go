package contract

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/influx/contract/realinflux"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// office is an InfluxDB with the org acme, an admin whose token reviews it, and a writer.
type office struct {
	*realinflux.Server
	acme, admin, bob string
	auditor, writer  string // IDs of their tokens
	value            string // of the auditor's
}

func newOffice(t *testing.T, permissions func(acme string) []influxtest.Permission) *office {
	t.Helper()
	o := &office{Server: realinflux.New(t, true)}
	o.acme, o.admin, o.bob = o.AddOrg("acme"), o.AddUser("admin"), o.AddUser("bob")
	o.auditor, o.value = o.AddAuthorization(influxtest.Authorization{OrgID: o.acme, UserID: o.admin, Description: "audit", Permissions: permissions(o.acme)})
	o.writer, _ = o.AddAuthorization(influxtest.Authorization{OrgID: o.acme, UserID: o.bob, Description: "writer", Permissions: influxtest.WriteBuckets(o.acme)})
	return o
}

// front is one URL behind which servers can be changed, with a target that asks it.
type front struct {
	*reviewer
	handler http.Handler
	cfg     target.Config
}

func newFront(t *testing.T, o *office, change func(*target.Config)) *front {
	t.Helper()
	f := &front{handler: o}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	path := filepath.Join(t.TempDir(), "credential")
	f.cfg = target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{File: path}}
	change(&f.cfg)
	f.behind(t, o)
	target, err := influx.New(f.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f.reviewer = newReviewerOf(t, nil, web.URL, target)
	return f
}

// behind puts a server behind the URL, with its credential.
func (f *front) behind(t *testing.T, o *office) {
	t.Helper()
	f.handler = o
	if err := os.WriteFile(string(f.cfg.Token.File), []byte(o.value), 0o600); err != nil {
		t.Fatal(err)
	}
}

// week is a review, and its rows by ID.
func (f *front) week(t *testing.T) (*audit.Summary, map[string]audit.Record) {
	t.Helper()
	s, err := f.runner.ReviewNow(t.Context(), f.job)
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.AddDate(0, 0, 7)
	rows := map[string]audit.Record{}
	for r, err := range f.runner.Rows(t.Context(), *s) {
		if err != nil {
			t.Fatal(err)
		}
		rows[r.ID] = r
	}
	return s, rows
}

func gapIDs(s *audit.Summary) []string {
	var ids []string
	for _, g := range s.Coverage.Targets[0].Gaps {
		ids = append(ids, g.ID)
	}
	return ids
}

func operator(string) []influxtest.Permission { return influxtest.Operator() }

// TestSetUpAnew: a container comes back without its volume and is set up by the same
// environment. Every old ID answers 404 "authorization not found".
func TestSetUpAnew(t *testing.T) {
	t.Parallel()
	first := newOffice(t, influxtest.AuditorPermissions)
	f := newFront(t, first, func(*target.Config) {})
	if s, _ := f.week(t); s.Coverage.Verdict != audit.Complete {
		t.Fatalf("at first %s: %q", s.Coverage.Verdict, s.Coverage.Reasons)
	}
	f.behind(t, newOffice(t, influxtest.AuditorPermissions))
	gap := audit.SourceSame + "/" + audit.SourceOf(audit.ServerStore, first.acme)
	for range 3 {
		s, rows := f.week(t)
		if s.Coverage.Verdict != audit.Partial || s.Authorizations.Gone != 0 || s.Findings.ByState[audit.Resolved] != 0 || rows[first.writer].Presence != audit.Unseen || !slices.Contains(gapIDs(s), gap) {
			t.Errorf("%s, %d gone, %v, gaps %q", s.Coverage.Verdict, s.Authorizations.Gone, s.Findings.ByState, gapIDs(s))
		}
	}
	first.DeleteAuthorization(first.writer)
	f.behind(t, first)
	if s, rows := f.week(t); rows[first.writer].Presence != audit.Gone || s.Findings.ByState[audit.Resolved] == 0 {
		t.Errorf("the first server is back, where it was revoked: %+v", rows[first.writer])
	}
}

// TestNameOfAnOrgIsTaken: the org that the target names is another one now.
func TestNameOfAnOrgIsTaken(t *testing.T) {
	t.Parallel()
	o := newOffice(t, operator)
	f := newFront(t, o, func(*target.Config) {})
	f.week(t)
	o.RenameOrg(o.acme, "acme-old")
	taken := o.AddOrg("acme")
	o.AddAuthorization(influxtest.Authorization{OrgID: taken, UserID: o.admin, Description: "new", Permissions: influxtest.ReadBuckets(taken)})
	s, rows := f.week(t)
	if s.Coverage.Verdict == audit.Complete || rows[o.writer].Presence != audit.Unseen || s.Findings.ByState[audit.Resolved] != 0 {
		t.Errorf("%s, %+v", s.Coverage.Verdict, rows[o.writer])
	}
	f.job.Targets[0].Name = "renamed" // a target for the org by its ID goes on where the first one was
	f.cfg.Org = o.acme
	target, err := influx.New(f.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f.job.Targets[0].Source = target
	if _, rows := f.week(t); rows[o.writer].Presence != audit.Listed || rows[o.writer].FirstSeen.Equal(f.now.AddDate(0, 0, -7)) {
		t.Errorf("by the ID of the org: %+v", rows[o.writer])
	}
}

// TestImportOfTheInstance for one org: orphans of this org are found, those of another
// are left alone.
func TestImportOfTheInstance(t *testing.T) {
	t.Parallel()
	o := newOffice(t, influxtest.AuditorPermissions)
	globex := o.AddOrg("globex")
	ids := map[string]string{}
	table := "ID\t\t\tUser Name\tUser ID\t\t\tDescription\tToken\tPermissions\n"
	row := func(id, user string, permissions []influxtest.Permission) {
		var grants []string
		for _, p := range permissions {
			grants = append(grants, p.String())
		}
		table += id + "\tname\t\t" + user + "\ttext\t\tN/A\t[" + strings.Join(grants, " ") + "]\n"
	}
	row(o.auditor, o.admin, influxtest.AuditorPermissions(o.acme))
	row(o.writer, o.bob, influxtest.WriteBuckets(o.acme))
	for name, org := range map[string]string{"here": o.acme, "there": globex} {
		user := o.AddUser("leaver " + name)
		ids[name], _ = o.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: name, Permissions: influxtest.WriteBuckets(org)})
		row(ids[name], user, influxtest.WriteBuckets(org))
		o.DeleteUser(user)
	}
	path := filepath.Join(t.TempDir(), "auths.txt")
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFront(t, o, func(c *target.Config) { c.Import = setting.Path(path) })
	for range 2 {
		s, rows := f.week(t)
		_, there := rows[ids["there"]]
		if rows[ids["here"]].Owner.State != audit.OwnerDeleted || there || s.Findings.ByCheck["deleted-owner"] != 1 {
			t.Errorf("here %+v, there %t, %v", rows[ids["here"]], there, s.Findings.ByCheck)
		}
	}
}

// TestStaleCopy: a copy of the database file that is older than the one before proves
// nothing to be gone, and one that is older than the schedule's interval is a gap.
func TestStaleCopy(t *testing.T) {
	t.Parallel()
	o := newOffice(t, operator)
	old := o.Backup(t)
	later, _ := o.AddAuthorization(influxtest.Authorization{OrgID: o.acme, UserID: o.bob, Description: "later", Permissions: influxtest.WriteBuckets(o.acme)})
	recent := o.Backup(t)
	r := newReviewerOf(t, nil, "bolt", nil)
	f := &front{reviewer: r}
	use := func(path string, written time.Time) {
		t.Helper()
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
		source, err := bolt.New(target.Config{Name: "prod", Bolt: setting.Path(path)})
		if err != nil {
			t.Fatal(err)
		}
		f.job.Targets[0].Source = source
	}
	use(recent, f.now.Add(-time.Hour))
	if s, rows := f.week(t); s.Coverage.Verdict != audit.Complete || rows[later].Presence != audit.Listed {
		t.Fatalf("%s: %q", s.Coverage.Verdict, s.Coverage.Reasons)
	}
	use(old, f.now.AddDate(0, 0, -8))
	s, rows := f.week(t)
	if s.Coverage.Verdict != audit.Partial || rows[later].Presence != audit.Unseen || !slices.Contains(gapIDs(s), audit.CopyCurrent) {
		t.Errorf("an old copy: %s, %+v, gaps %q", s.Coverage.Verdict, rows[later], gapIDs(s))
	}
}
