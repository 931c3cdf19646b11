package configs

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/dedicated"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/roster"
	"tokenaudit/jobs/target"
)

// checkFiles looks at the files that the configuration names, once their paths are
// absolute. What happens to them later is told by the review that misses them. Those of
// secrets are left alone: validate needs none.
func (f *File) checkFiles(problem problemFunc) {
	for i, t := range f.Targets {
		checkImport := influx.CheckImport
		if t.Kind == target.KindDedicated || t.Kind == target.KindClustered {
			checkImport = dedicated.CheckImport
		}
		t.CheckFiles(checkImport, problem.in(fmt.Sprintf("targets[%d]", i)))
	}
	for i, job := range f.Jobs {
		if job.Email != nil {
			job.Email.CheckFiles(problem.in(fmt.Sprintf("jobs[%d].email", i)))
		}
	}
	for i, c := range f.Campaigns {
		if err := c.Signers.Check(); err != nil {
			problem(fmt.Sprintf("campaigns[%d].signers", i), err.Error())
		}
	}
	if f.Roster != "" {
		err := f.Roster.Check()
		if err == nil {
			err = roster.Check(string(f.Roster))
		}
		if err != nil {
			problem("roster", err.Error())
		}
	}
	f.checkControls(problem)
	f.checkStoreFiles(problem)
}

// checkStoreFiles looks at what the connection to PostgreSQL needs. A missing passfile is
// none for libpq.
func (f *File) checkStoreFiles(problem problemFunc) {
	u, err := url.Parse(f.Store)
	if err != nil || !ledger.Postgres(f.Store) {
		return
	}
	for _, file := range []struct {
		name  string
		check func(setting.Path) error
	}{
		{"sslrootcert", setting.Path.CheckAuthorities}, {"sslcert", setting.Path.Check}, {"sslkey", setting.Path.Check},
	} {
		path := u.Query().Get(file.name)
		if path == "" || path == "system" {
			continue
		}
		if err := file.check(setting.Path(path)); err != nil {
			problem("store", file.name+": "+err.Error())
		}
	}
}

// checkControls tells each problem with the line of the other file.
func (f *File) checkControls(problem problemFunc) {
	if f.Controls == "" {
		return
	}
	err := f.Controls.Check()
	if err == nil {
		_, err = LoadControls(string(f.Controls))
	}
	var all *Error
	switch {
	case errors.As(err, &all):
		for _, p := range all.Problems {
			problem("controls", fmt.Sprintf("%s:%d: %s", all.Path, p.Line, p.what()))
		}
	case err != nil:
		problem("controls", err.Error())
	}
}

// validatePaths refuses ~ at the beginning of any path: only a shell knows it. A message
// about the path of a secret does not repeat it.
func (f *File) validatePaths(problem problemFunc) {
	check := func(key, path string) {
		if err := setting.CheckHome(path); err != nil {
			problem(key, err.Error())
		}
	}
	if path, ok := ledger.StorePath(f.Store); ok {
		check("store", path)
	}
	if !evidence.IsBucket(f.Evidence) {
		check("evidence", f.Evidence)
	}
	each("", reflect.ValueOf(f).Elem(), func(key string, path *setting.Path) bool {
		check(key, string(*path))
		return true
	})
	for key, ref := range f.Secrets() {
		if ref.InHome() {
			problem(key, "~ is not replaced by a home folder; write the absolute path")
		}
	}
}
