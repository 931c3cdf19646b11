package configs

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/schedule"
	"tokenaudit/jobs/target"
	"tokenaudit/report"
)

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// problemFunc is told the path of a key, such as "jobs[0].timezone", and what is wrong.
type problemFunc func(path, text string)

// in prefixes the keys that the config types of other packages report.
func (p problemFunc) in(path string) func(key, text string) {
	return func(key, text string) {
		if key != "" && key[0] != '[' && key[0] != '.' {
			key = "." + key
		}
		p(path+key, text)
	}
}

func (f *File) validate(problem problemFunc) {
	f.validateStorage(problem)
	f.validatePaths(problem)
	if len(f.Targets) == 0 {
		problem("targets", "needs at least one target")
	}
	targets := names(f.Targets, func(t target.Config) string { return t.Name })
	for i, target := range f.Targets {
		target.Validate(problem.in(fmt.Sprintf("targets[%d]", i)))
	}
	validateNames("targets", targets, problem)
	f.Policy.validate(problem)
	validateOwners(f.Owners, f.Targets, problem)
	if f.Policy.MaxException < setting.Duration(setting.Day) {
		problem("policy.max_exception", "needs at least 1d: nothing is allowed without an end")
	}
	if f.RosterMaxAge < setting.Duration(setting.Day) {
		problem("roster_max_age", "needs at least 1d; otherwise every roster is too old")
	}
	for i, e := range f.Exceptions {
		e.validate(targets, time.Duration(f.Policy.MaxException), problem.in(fmt.Sprintf("exceptions[%d]", i)))
	}
	for i, g := range f.AcceptedGaps {
		g.validate(targets, time.Duration(f.Policy.MaxException), problem.in(fmt.Sprintf("accepted_gaps[%d]", i)))
	}
	for i, job := range f.Jobs {
		job.validate(targets, problem.in(fmt.Sprintf("jobs[%d]", i)))
	}
	validateNames("jobs", names(f.Jobs, func(j Job) string { return j.Name }), problem)
	f.validateCampaigns(problem)
	for key, ref := range f.Secrets() {
		if err := ref.Validate(); err != nil {
			problem(key, err.Error())
		}
	}
}

func (f *File) validateStorage(problem problemFunc) {
	if err := ledger.CheckStore(f.Store); err != nil {
		problem("store", err.Error())
	}
	if !f.StorePassword.IsZero() && !ledger.Postgres(f.Store) {
		problem("store_password", "needs a PostgreSQL store, but the store is SQLite")
	}
	if err := evidence.Check(f.Evidence); err != nil {
		problem("evidence", err.Error())
	} else if ledger.Postgres(f.Store) && !evidence.IsBucket(f.Evidence) && !bool(f.EvidenceShared) {
		problem("evidence", "is a folder of one host, but the store is for several hosts. Use a bucket, such as s3://BUCKET/PREFIX, or set evidence_shared: on if every host has this folder")
	}
	if !f.EvidenceLock.IsZero() {
		f.EvidenceLock.Validate(problem.in("evidence_lock"))
		if !evidence.IsBucket(f.Evidence) {
			problem("evidence_lock", "needs a bucket, s3://BUCKET/PREFIX, but evidence is a folder")
		}
	}
	for i, job := range f.Jobs {
		if err := f.EvidenceLock.CheckKeep(job.Keep); err != nil {
			problem(fmt.Sprintf("jobs[%d].keep", i), err.Error())
		}
	}
}

func (p Policy) validate(problem problemFunc) {
	ids := checkIDs()
	for _, id := range slices.Sorted(maps.Keys(p.Severity)) {
		key, severity := join("policy.severity", id), p.Severity[id]
		if !slices.Contains(ids, id) {
			problem(key, setting.Unknown("check", id, ids))
		}
		if !slices.Contains(severities(), string(severity)) {
			problem(key, setting.Unknown("severity", string(severity), severities()))
		}
	}
	p.validateFixWithin(problem)
}

func (p Policy) validateFixWithin(problem problemFunc) {
	known := names(audit.Severities()[:4], func(s audit.Severity) string { return string(s) })
	for _, severity := range slices.Sorted(maps.Keys(p.FixWithin)) {
		if !slices.Contains(known, string(severity)) {
			problem(join("policy.fix_within", string(severity)), setting.Unknown("severity", string(severity), known))
		}
	}
}

func checkIDs() []string { return names(audit.Checks(), func(c audit.Check) string { return c.ID }) }

func severities() []string {
	return names(append(audit.Severities(), audit.Off), func(s audit.Severity) string { return string(s) })
}

// mostBasis is how long the basis of a job may be, in characters.
const mostBasis = 300

// shortest keeps a review from being over before it begins.
const shortest = setting.Duration(time.Minute)

func (j Job) validate(targets []string, problem problemFunc) {
	if !jobName.MatchString(j.Name) {
		problem("name", `needs a name of letters, digits, ".", "_" and "-", at most 64`)
	} else if !filepath.IsLocal(j.Name) { // on Windows, such as NUL; it names a folder
		problem("name", fmt.Sprintf("%s is a device of Windows; give the job another name", j.Name))
	}
	// The schedule and the zone are looked at apart, so that each has a message of its own.
	if j.Schedule == "" {
		problem("schedule", `needs a schedule, such as "0 9 * * 1" or "@weekly"`)
	} else if _, err := schedule.Parse(j.Schedule, "UTC"); err != nil {
		problem("schedule", err.Error())
	}
	if _, err := schedule.Parse("@daily", j.Timezone); err != nil {
		problem("timezone", err.Error())
	}
	validateEvidenceURL(j.EvidenceURL, problem)
	if audit.Line(strings.TrimSpace(j.Basis), mostBasis) != j.Basis {
		problem("basis", fmt.Sprintf("needs one line of at most %d characters", mostBasis))
	}
	validateChoice("targets", "target", j.Targets, targets, problem)
	validateChoice("reports", "format", j.Reports, report.Names(), problem)
	if !slices.Contains([]string{"", ",", ";", "tab"}, j.CSV.Delimiter) {
		problem("csv.delimiter", `needs ",", ";" or tab`)
	}
	if j.Slack != nil {
		j.Slack.Validate(problem.in("slack"))
		if bool(j.Slack.Upload) && !slices.Contains(j.Reports, "xlsx") {
			problem("slack.upload", "needs xlsx among the reports")
		}
	}
	if j.Webhook != nil {
		j.Webhook.Validate(problem.in("webhook"))
	}
	if j.Email != nil {
		j.Email.Validate(problem.in("email"))
		if j.Email.Attach == "on" && !slices.Contains(j.Reports, "xlsx") {
			problem("email.attach", "needs xlsx among the reports")
		}
	}
	if j.CatchUp < shortest {
		problem("catch_up", "needs at least 1m; otherwise no review can start")
	}
	if j.DeliverWithin < shortest {
		problem("deliver_within", "needs at least 1m; otherwise no message can be sent")
	}
	if j.Deadline < shortest {
		problem("deadline", "needs at least 1m; otherwise no review can end")
	}
}

func validateChoice(key, what string, chosen, known []string, problem problemFunc) {
	for i, name := range chosen {
		path := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case !slices.Contains(known, name):
			problem(path, setting.Unknown(what, name, known))
		case slices.Contains(chosen[:i], name):
			problem(path, "listed twice")
		}
	}
}

// validateNames takes upper and lower case as the same, as some file systems do:
// names become folders.
func validateNames(key string, names []string, problem problemFunc) {
	first := map[string]int{}
	for i, name := range names {
		folded := strings.ToLower(name)
		if j, taken := first[folded]; taken && name != "" {
			problem(fmt.Sprintf("%s[%d].name", key, i), fmt.Sprintf("%s[%d] has this name already", key, j))
			continue
		}
		first[folded] = i
	}
}

// names are those of the entries of a list.
func names[T any](list []T, name func(T) string) []string {
	var out []string
	for _, entry := range list {
		out = append(out, name(entry))
	}
	return out
}
