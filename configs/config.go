// Package configs is the configuration: one YAML file, whose keys are documented
// in the type File and the types of its fields. Load reads it strictly and tells
// every problem at once, each with its line.
//
// The file holds no secret, only where each one is (secret.Ref). A secret that
// stands there in clear is refused and not repeated in the error. Environment
// variables are not interpolated.
package configs

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/roster"
	"tokenaudit/jobs/target"
	"tokenaudit/notify/email"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
	"tokenaudit/report"
)

// File is a configuration file. Relative paths in it (store, evidence, ca_file
// and the file of a secret) start at the folder of the configuration file.
type File struct {
	// Store is the ledger of jobs, runs and messages: sqlite:PATH, or for several replicas postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full, without a password. Default: sqlite:./data/tokenaudit.db.
	Store string `yaml:"store,omitempty"`
	// StorePassword is that of a PostgreSQL store, read for each new connection. Default: as libpq has it (PGPASSWORD, PGPASSFILE).
	StorePassword secret.Ref `yaml:"store_password,omitzero"`
	// Evidence is the folder of snapshots, reports and evidence packs, or a bucket: s3://BUCKET/PREFIX?region=REGION. For servers other than AWS, add &endpoint=https://HOST. Its credentials come from the environment. Default: ./data/evidence.
	Evidence string `yaml:"evidence,omitempty"`
	// EvidenceShared says that every host with this store has the folder: on or off. Default: off.
	EvidenceShared setting.Switch `yaml:"evidence_shared,omitempty"`
	// EvidenceLock keeps the objects of an evidence pack from being changed or deleted, by Object Lock; the bucket must have it. Default: none.
	EvidenceLock evidence.Lock `yaml:"evidence_lock,omitzero"`
	// Parallel is how many targets are reviewed at the same time. Default: 8.
	Parallel setting.Count `yaml:"parallel,omitempty"`
	// ParallelPerHost is how many of them may ask the same host. Default: 4.
	ParallelPerHost setting.Count `yaml:"parallel_per_host,omitempty"`
	// Targets to review; at least one.
	Targets []target.Config `yaml:"targets"`
	// Policy adjusts the checks.
	Policy Policy `yaml:"policy,omitzero"`
	// Roster is a file of the people of the organization, from HR or an identity provider: a second source for owners. It is CSV with a header, a JSON array, or a SCIM list of users. Default: none.
	Roster setting.Path `yaml:"roster,omitempty"`
	// RosterMaxAge is how old the roster may be, by the newest date in it, or else by that of the file. An older one is not used. Default: 31d.
	RosterMaxAge setting.Duration `yaml:"roster_max_age,omitempty"`
	// Controls is a file that relates checks to controls of frameworks, in place of the built-in one ("tokenaudit config controls" prints that).
	Controls setting.Path `yaml:"controls,omitempty"`
	// Owners say who answers for the users of InfluxDB, by name or ID, or as TARGET/NAME or TARGET/ID. Tokens of InfluxDB 3, Dedicated and Clustered have no owners: there NAME and ID are those of the token. TARGET/* is for all tokens of a target that nobody else is named for. Messages, reports and campaigns use them. A user whose name is an e-mail address needs no entry.
	Owners map[string]Owner `yaml:"owners,omitempty"`
	// Exceptions allow findings until a date.
	Exceptions []Exception `yaml:"exceptions,omitempty"`
	// AcceptedGaps allow reviews to be complete although something cannot be read.
	AcceptedGaps []AcceptedGap `yaml:"accepted_gaps,omitempty"`
	// Jobs review targets again and again. A file without jobs is enough for commands that look at a target once.
	Jobs []Job `yaml:"jobs,omitempty"`
	// Campaigns let people decide on the tokens of a job until a date ("tokenaudit help campaigns"). Default: none.
	Campaigns []Campaign `yaml:"campaigns,omitempty"`

	path  string
	lines map[string]int // of the keys, by path
}

// Path is the file that the configuration was read from, as it was given to Load.
func (f *File) Path() string { return f.path }

// Policy adjusts the checks.
type Policy struct {
	// ServiceUsers are names or IDs of generic users that may own write tokens. Default: none, which leaves personal-write out.
	ServiceUsers []string `yaml:"service_users,omitempty"`
	// RotateAfter is the age at which an active token counts as not rotated; off for never. Default: 90d.
	RotateAfter setting.Limit `yaml:"rotate_after,omitempty"`
	// InactiveAfter is how long a token may stay inactive; off for ever. Default: 30d.
	InactiveAfter setting.Limit `yaml:"inactive_after,omitempty"`
	// MaxAdmins is how many admin tokens, or admin users of InfluxDB 1.x, a server may have.. Default: 2.
	MaxAdmins setting.Count `yaml:"max_admins,omitempty"`
	// FixWithin is how long a finding of a severity may stay open before it is overdue. Give a duration for critical, high, medium or low; off for no date. Default: critical 3d, high 14d, none for the others.
	FixWithin map[audit.Severity]setting.Limit `yaml:"fix_within,omitempty"`
	// MaxException is how far ahead an exception, or the acceptance of a gap, may expire. Default: 180d.
	MaxException setting.Duration `yaml:"max_exception,omitempty"`
	// Severity of checks by ID, in place of their own; off disables a check.
	Severity map[string]audit.Severity `yaml:"severity,omitempty"`
}

// Owner is who answers for a user of InfluxDB and its tokens, or for a token without a user.
type Owner struct {
	// Responsible is a person, by e-mail address or name. All tokens of one person are in one message.
	Responsible string `yaml:"responsible,omitempty"`
	// Team of the person.
	Team string `yaml:"team,omitempty"`
	// Purpose of the user: what its tokens are for.
	Purpose string `yaml:"purpose,omitempty"`
	// Slack is who is told there: a user ID (U0123456789), a channel ID (C0123456789) or an e-mail address. Default: responsible, if that is an e-mail address.
	Slack string `yaml:"slack,omitempty"`
	// Reviewer decides on the tokens of the user in campaigns: an e-mail address of somebody else than responsible. Default: the reviewer of the target, or of the campaign.
	Reviewer string `yaml:"reviewer,omitempty"`
}

// Job is a review that repeats.
type Job struct {
	// Name of the job in reports, folders and messages: letters, digits, ".", "_", "-".
	Name string `yaml:"name"`
	// Schedule as five cron fields (minute, hour, day of month, month, day of week), such as "0 9 * * 1", or a name such as "@weekly".
	Schedule string `yaml:"schedule"`
	// Basis is why the review is this frequent, for auditors: a risk analysis or a section of a policy, on one line. Default: none.
	Basis string `yaml:"basis,omitempty"`
	// Timezone of the schedule: an IANA name, such as Europe/Berlin. Default: UTC.
	Timezone string `yaml:"timezone,omitempty"`
	// Targets to review, by name. Default: all.
	Targets []string `yaml:"targets,omitempty"`
	// Reports are the formats to write. Default: xlsx and csv.
	Reports []string `yaml:"reports,omitempty"`
	// CSV is how CSV files are written. Default: as RFC 4180 has it.
	CSV CSV `yaml:"csv,omitzero"`
	// EvidenceURL is where a reader of a message opens the evidence: a URL in which {job}, {slot} and {run} are replaced. Default: the path and the host.
	EvidenceURL string `yaml:"evidence_url,omitempty"`
	// Keep is how long evidence packs are kept; off for ever. One goes only if a newer one is of a complete review. The newest five always stay. Default: 400d.
	Keep setting.Limit `yaml:"keep,omitempty"`
	// SigningKey signs the evidence packs: a private SSH key without a passphrase (ssh-keygen -t ed25519). Default: packs say that they are not signed.
	SigningKey secret.Ref `yaml:"signing_key,omitzero"`
	// Slack channel or webhook that is told what was found. Default: none.
	Slack *slack.Config `yaml:"slack,omitempty"`
	// Webhook posts what was found to a program, signed. Default: none.
	Webhook *webhook.Config `yaml:"webhook,omitempty"`
	// Email sends what was found, with the workbook. Default: none.
	Email *email.Config `yaml:"email,omitempty"`
	// Ping is the URL of a dead man's switch, such as healthchecks.io. It gets the start, the success and the failure of each review, and alerts people when it gets nothing. The URL is a secret: anyone who has it can ping. Default: none.
	Ping secret.Ref `yaml:"ping,omitzero"`
	// DeliverWithin is how long after its start the messages of a review are tried; what did not arrive by then is not sent any more. Default: 6d.
	DeliverWithin setting.Duration `yaml:"deliver_within,omitempty"`
	// CatchUp is how late a review may start, for instance after an outage; later it is left out. Default: 6d.
	CatchUp setting.Duration `yaml:"catch_up,omitempty"`
	// Jitter spreads jobs of the same time: each starts later by a fixed part of it. Default: off.
	Jitter setting.Duration `yaml:"jitter,omitempty"`
	// Deadline is how long a review may take. What was not read by then is reported as not seen. Default: 1h.
	Deadline setting.Duration `yaml:"deadline,omitempty"`
}

// CSV is for spreadsheets that do not read plain RFC 4180.
type CSV struct {
	// Delimiter between cells: "," or ";" or tab. Default: a comma.
	Delimiter string `yaml:"delimiter,omitempty"`
	// BOM puts a byte order mark in front, by which Excel knows UTF-8: on or off. Default: off.
	BOM setting.Switch `yaml:"bom,omitempty"`
}

// Style is the form of the CSV files in the words of package report.
func (c CSV) Style() report.CSVStyle {
	style := report.CSVStyle{BOM: bool(c.BOM)}
	switch c.Delimiter {
	case "tab":
		style.Delimiter = '\t'
	case ";":
		style.Delimiter = ';'
	}
	return style
}

// Default is a configuration of nothing but defaults.
func Default() *File {
	f := new(File)
	f.setDefaults()
	return f
}

// DefaultJob is a job of nothing but defaults.
func DefaultJob() Job {
	var j Job
	j.setDefaults()
	return j
}

// DefaultCampaign is a campaign of nothing but defaults.
func DefaultCampaign() Campaign {
	var c Campaign
	c.setDefaults()
	return c
}

func (f *File) setDefaults() {
	f.Store = "sqlite:./data/tokenaudit.db"
	f.Evidence = "./data/evidence"
	f.Parallel, f.ParallelPerHost = 8, 4
	f.RosterMaxAge = setting.Duration(31 * setting.Day)
	f.Policy.RotateAfter = setting.Limit(90 * setting.Day)
	f.Policy.InactiveAfter = setting.Limit(30 * setting.Day)
	f.Policy.MaxAdmins = 2
	f.Policy.MaxException = setting.Duration(180 * setting.Day)
}

func (j *Job) setDefaults() {
	j.Timezone = "UTC"
	j.Reports = []string{"xlsx", "csv"}
	j.CatchUp = setting.Duration(6 * setting.Day)
	j.DeliverWithin = setting.Duration(6 * setting.Day)
	j.Deadline = setting.Duration(time.Hour)
	j.Keep = setting.Limit(400 * setting.Day)
}

// Audit is the policy in the words of package audit, with exceptions and accepted gaps.
func (f *File) Audit() audit.Policy {
	p := audit.Policy{
		ServiceUsers:  f.Policy.ServiceUsers,
		RotateAfter:   time.Duration(f.Policy.RotateAfter),
		InactiveAfter: time.Duration(f.Policy.InactiveAfter),
		MaxAdmins:     int(f.Policy.MaxAdmins),
		FixWithin:     map[audit.Severity]time.Duration{},
		Severity:      f.Policy.Severity,
	}
	for severity, within := range f.Policy.fixWithin() {
		if within > 0 {
			p.FixWithin[severity] = time.Duration(within)
		}
	}
	for _, e := range f.Exceptions {
		p.Exceptions = append(p.Exceptions, e.audit())
	}
	for _, g := range f.AcceptedGaps {
		p.AcceptedGaps = append(p.AcceptedGaps, g.audit())
	}
	return p
}

// fixWithin has every severity: a file that names some leaves the others as they are.
func (p Policy) fixWithin() map[audit.Severity]setting.Limit {
	all := map[audit.Severity]setting.Limit{audit.Critical: setting.Limit(3 * setting.Day), audit.High: setting.Limit(14 * setting.Day), audit.Medium: 0, audit.Low: 0}
	maps.Copy(all, p.FixWithin)
	return all
}

// Reviewed are the names of the targets that any job reviews.
func (f *File) Reviewed() []string {
	var names []string
	for _, t := range f.Targets {
		if slices.ContainsFunc(f.Jobs, func(j Job) bool { return len(j.Targets) == 0 || slices.Contains(j.Targets, t.Name) }) {
			names = append(names, t.Name)
		}
	}
	return names
}

// JobPolicy is the policy of a job: what is about its targets, and which those are.
func (f *File) JobPolicy(j Job) audit.Policy {
	p := f.Audit()
	other := func(name string) bool { // of another job
		known := slices.ContainsFunc(f.Targets, func(t target.Config) bool { return t.Name == name })
		return known && len(j.Targets) > 0 && !slices.Contains(j.Targets, name)
	}
	p.Exceptions = slices.DeleteFunc(p.Exceptions, func(e audit.Exception) bool { return other(e.Target) })
	p.AcceptedGaps = slices.DeleteFunc(p.AcceptedGaps, func(g audit.AcceptedGap) bool { return other(g.Target) })
	for _, t := range f.Targets {
		if other(t.Name) {
			continue
		}
		applied := audit.AppliedTarget{Name: t.Name, Roster: f.appliedRoster()}
		for _, u := range t.Users {
			applied.Users = append(applied.Users, cmp.Or(u.ID, u.Name))
		}
		p.Targets = append(p.Targets, applied)
	}
	return p
}

// Retention says how long the evidence packs of a job are kept, and where.
func (f *File) Retention(j Job) string {
	text := "Evidence packs of this job are kept without a limit."
	if j.Keep > 0 {
		text = fmt.Sprintf("Evidence packs of this job are kept for %s, and until a newer review is complete. The newest five are always kept.", audit.SpanWords(time.Duration(j.Keep)))
	}
	place, _, _ := strings.Cut(f.Evidence, "?") // without the options of a bucket
	text += " They are stored in " + place + "."
	if f.EvidenceLock.IsZero() {
		return text + " No lock keeps them from being changed or deleted there."
	}
	return text + fmt.Sprintf(" Object Lock (%s) keeps each pack from being changed or deleted for %s.", f.EvidenceLock.Mode, audit.SpanWords(time.Duration(f.EvidenceLock.For)))
}

//go:embed example.yaml
var example []byte

//go:embed schema.json
var schema []byte

// Example is a configuration file with every key, to start from.
func Example() []byte { return slices.Clone(example) }

// BuiltinControls is the file that relates checks to controls, to start from.
func BuiltinControls() []byte { return slices.Clone(controls) }

// RelatedControls are the controls that the checks relate to, by the file of the
// configuration or the built-in one.
func (f *File) RelatedControls() (audit.Controls, error) {
	if f.Controls == "" {
		return Controls()
	}
	return LoadControls(string(f.Controls))
}

// appliedRoster is the roster and how old it may be, in words; "" if there is none.
func (f *File) appliedRoster() string {
	if f.Roster == "" {
		return ""
	}
	age, _ := f.RosterMaxAge.MarshalText()
	return fmt.Sprintf("%s, no older than %s", filepath.Base(string(f.Roster)), age)
}

// RosterAt gives the roster as a review at some time finds it; nil if none is configured.
func (f *File) RosterAt() func(time.Time) *audit.Roster {
	if f.Roster == "" {
		return nil
	}
	file := &roster.File{Path: string(f.Roster), MaxAge: time.Duration(f.RosterMaxAge)}
	return file.At
}

// Schema is the JSON schema of the configuration file, for editors.
func Schema() []byte { return slices.Clone(schema) }
