// Package configs is the configuration: one YAML file, whose keys are documented
// in the type File and the types of its fields. Load reads it strictly and tells
// every problem at once, each with its line.
//
// The file holds no secret, only where each one is (secret.Ref). A secret that
// stands there in clear is refused and not repeated in the error. Environment
// variables are not interpolated.
package configs

import (
	_ "embed"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/notify"
)

// File is a configuration file. Relative paths in it (store, evidence, ca_file
// and the file of a secret) start at the folder of the configuration file.
type File struct {
	// Store is the ledger of jobs, runs and messages, as sqlite:PATH. Default: sqlite:./data/tokenaudit.db.
	Store string `yaml:"store,omitempty"`
	// Evidence is the folder of snapshots, reports and evidence packs. Default: ./data/evidence.
	Evidence string `yaml:"evidence,omitempty"`
	// Targets to review; at least one.
	Targets []influx.Config `yaml:"targets"`
	// Policy adjusts the checks.
	Policy Policy `yaml:"policy,omitzero"`
	// Jobs review targets again and again. A file without jobs is enough for commands that look at a target once.
	Jobs []Job `yaml:"jobs,omitempty"`
}

// Policy adjusts the checks.
type Policy struct {
	// ServiceUsers are names or IDs of generic users that may own write tokens. Default: none, which leaves personal-write out.
	ServiceUsers []string `yaml:"service_users,omitempty"`
	// RotateAfter is the age at which an active token counts as not rotated; off for never. Default: 90d.
	RotateAfter Duration `yaml:"rotate_after,omitempty"`
	// InactiveAfter is how long a token may stay inactive; off for ever. Default: 30d.
	InactiveAfter Duration `yaml:"inactive_after,omitempty"`
	// Severity of checks by ID, in place of their own; off disables a check.
	Severity map[string]audit.Severity `yaml:"severity,omitempty"`
}

// Job is a review that repeats.
type Job struct {
	// Name of the job in reports, folders and messages: letters, digits, ".", "_", "-".
	Name string `yaml:"name"`
	// Schedule as five cron fields (minute, hour, day of month, month, day of week), such as "0 9 * * 1", or a name such as "@weekly".
	Schedule string `yaml:"schedule"`
	// Timezone of the schedule: an IANA name, such as Europe/Berlin. Default: UTC.
	Timezone string `yaml:"timezone,omitempty"`
	// Targets to review, by name. Default: all.
	Targets []string `yaml:"targets,omitempty"`
	// Reports are the formats to write. Default: xlsx and csv.
	Reports []string `yaml:"reports,omitempty"`
	// Slack channel or webhook that is told what was found. Default: none.
	Slack *notify.Config `yaml:"slack,omitempty"`
	// CatchUp is how late a review may start, for instance after an outage; later it is left out. Default: 6d.
	CatchUp Duration `yaml:"catch_up,omitempty"`
	// Jitter spreads jobs of the same time: each starts later by a fixed part of it. Default: off.
	Jitter Duration `yaml:"jitter,omitempty"`
	// Deadline is how long a review may take. What was not seen by then is reported as not seen. Default: 1h.
	Deadline Duration `yaml:"deadline,omitempty"`
}

func (f *File) setDefaults() {
	f.Store = "sqlite:./data/tokenaudit.db"
	f.Evidence = "./data/evidence"
	f.Policy.RotateAfter = Duration(90 * day)
	f.Policy.InactiveAfter = Duration(30 * day)
}

func (j *Job) setDefaults() {
	j.Timezone = "UTC"
	j.Reports = []string{"xlsx", "csv"}
	j.CatchUp = Duration(6 * day)
	j.Deadline = Duration(time.Hour)
}

// Audit is the policy in the words of package audit.
func (p Policy) Audit() audit.Policy {
	return audit.Policy{
		ServiceUsers:  p.ServiceUsers,
		RotateAfter:   time.Duration(p.RotateAfter),
		InactiveAfter: time.Duration(p.InactiveAfter),
		Severity:      p.Severity,
	}
}

//go:embed example.yaml
var example []byte

//go:embed schema.json
var schema []byte

// Example is a configuration file with every key, to start from.
func Example() []byte { return slices.Clone(example) }

// Schema is the JSON schema of the configuration file, for editors.
func Schema() []byte { return slices.Clone(schema) }
