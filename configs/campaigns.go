package configs

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/schedule"
	"tokenaudit/notify/slack"
)

// Campaign lets people decide on tokens until a date, again and again.
type Campaign struct {
	// Name of the campaign in folders and messages: letters, digits, ".", "_", "-".
	Name string `yaml:"name"`
	// Job whose newest review has the tokens to decide on.
	Job string `yaml:"job"`
	// Schedule of the openings, as that of a job and in its timezone. Default: none; "tokenaudit campaign open" opens it.
	Schedule string `yaml:"schedule,omitempty"`
	// Scope of the decisions: all tokens, flagged (with a finding), privileged, or changed since they were kept. Default: all.
	Scope campaign.Scope `yaml:"scope,omitempty"`
	// Due is how long after the opening everything has to be decided. Default: 14d.
	Due setting.Duration `yaml:"due,omitempty"`
	// Remind says how long before the due date reviewers with open items are told. Default: 7d, 3d and 1d.
	Remind []setting.Duration `yaml:"remind,omitempty"`
	// Escalate says who is told that items are overdue. Default: nobody.
	Escalate Escalation `yaml:"escalate,omitzero"`
	// RevokeWithin is how long after the decision a token may still be there, by severity; default is for the others. Default: critical 3d, high 14d, default 30d.
	RevokeWithin map[string]setting.Duration `yaml:"revoke_within,omitempty"`
	// InactiveCountsAsDone lets a token count as revoked once it is inactive: on or off. Default: off, only deleting counts.
	InactiveCountsAsDone setting.Switch `yaml:"inactive_counts_as_done,omitempty"`
	// Ticket says whether revoke and modify need a ticket: on or off. Default: off.
	Ticket setting.Switch `yaml:"ticket,omitempty"`
	// Reviewer decides where owners and targets name nobody: an e-mail address.
	Reviewer string `yaml:"reviewer"`
	// Manager signs the end, and decides where all others would review themselves: an e-mail address.
	Manager string `yaml:"manager"`
	// Signers is a file of the public keys of reviewers and the manager, by e-mail address, as ssh-keygen has it (ALLOWED SIGNERS).
	Signers setting.Path `yaml:"signers"`
	// Basis is why the campaign is this frequent, for auditors, on one line. Default: none.
	Basis string `yaml:"basis,omitempty"`
}

// Escalation says who is told that items are overdue.
type Escalation struct {
	// After is how long after the due date. Default: 1d.
	After setting.Duration `yaml:"after,omitempty"`
	// To is a Slack user ID, a channel ID or an e-mail address.
	To string `yaml:"to"`
}

func (c *Campaign) setDefaults() {
	c.Scope = campaign.ScopeAll
	c.Due = setting.Duration(14 * setting.Day)
}

// after is the default one where a file names none.
func (e Escalation) after() setting.Duration { return cmp.Or(e.After, setting.Duration(setting.Day)) }

// remind has the default ones that lie after the opening, where a file names none.
func (c Campaign) remind() []setting.Duration {
	if c.Remind != nil {
		return c.Remind
	}
	all := []setting.Duration{setting.Duration(7 * setting.Day), setting.Duration(3 * setting.Day), setting.Duration(setting.Day)}
	return slices.DeleteFunc(all, func(span setting.Duration) bool { return span >= c.Due })
}

// revokeWithin has the default ones, where a file names others.
func (c Campaign) revokeWithin() map[string]setting.Duration {
	out := map[string]setting.Duration{string(audit.Critical): setting.Duration(3 * setting.Day), string(audit.High): setting.Duration(14 * setting.Day), defaultWithin: setting.Duration(30 * setting.Day)}
	maps.Copy(out, c.RevokeWithin)
	return out
}

const defaultWithin = "default"

// CampaignTerms are a campaign in the words of package campaign.
func (f *File) CampaignTerms(c Campaign) campaign.Terms {
	t := campaign.Terms{
		Name: c.Name, Job: c.Job, Zone: "UTC", Scope: c.Scope, Basis: c.Basis, Due: time.Duration(c.Due),
		RevokeWithin: map[audit.Severity]time.Duration{}, InactiveCountsAsDone: bool(c.InactiveCountsAsDone), TicketRequired: bool(c.Ticket),
		Reviewer: c.Reviewer, Manager: c.Manager,
	}
	if c.Escalate.To != "" {
		t.Escalate = campaign.Escalation{After: time.Duration(c.Escalate.after()), To: c.Escalate.To}
	}
	for _, span := range c.remind() {
		words, _ := span.MarshalText()
		t.Remind = append(t.Remind, campaign.Span{Words: string(words), Span: time.Duration(span)})
	}
	for severity, within := range c.revokeWithin() {
		if severity == defaultWithin {
			t.DefaultWithin = time.Duration(within)
		} else {
			t.RevokeWithin[audit.Severity(severity)] = time.Duration(within)
		}
	}
	for _, j := range f.Jobs {
		if j.Name == c.Job {
			t.Zone = j.Timezone
		}
	}
	return t
}

// People are who may decide on what a job reviews, as it is known at a time.
func (f *File) People(j Job, roster func(time.Time) *audit.Roster) func(time.Time) campaign.People {
	targets := map[string]string{}
	for _, t := range f.Targets {
		targets[t.Name] = t.Reviewer
	}
	contacts := f.Contacts(j)
	return func(now time.Time) campaign.People {
		p := campaign.People{Contacts: contacts, Targets: targets}
		if roster != nil {
			p.Left = roster(now).HasLeft
		}
		return p
	}
}

func (f *File) validateCampaigns(problem problemFunc) {
	jobs := names(f.Jobs, func(j Job) string { return j.Name })
	validateNames("campaigns", names(f.Campaigns, func(c Campaign) string { return c.Name }), problem)
	for i, c := range f.Campaigns {
		c.validate(jobs, problem.in(fmt.Sprintf("campaigns[%d]", i)))
	}
	for i, t := range f.Targets {
		if t.Reviewer != "" && !audit.IsAddress(t.Reviewer) {
			problem(fmt.Sprintf("targets[%d].reviewer", i), needsAddress)
		}
	}
	at := slices.IndexFunc(f.Jobs, func(j Job) bool { return strings.EqualFold(j.Name, "campaigns") })
	if at >= 0 && len(f.Campaigns) > 0 {
		problem(fmt.Sprintf("jobs[%d].name", at), "is the name of the folder that has the evidence of campaigns; give the job another name")
	}
}

const needsAddress = "needs an e-mail address, such as anna@example.com"

func (c Campaign) validate(jobs []string, problem func(key, text string)) {
	if !jobName.MatchString(c.Name) || !filepath.IsLocal(c.Name) {
		problem("name", `needs a name of letters, digits, ".", "_" and "-", at most 64`)
	}
	if !slices.Contains(jobs, c.Job) {
		problem("job", setting.Unknown("job", c.Job, jobs))
	}
	if c.Schedule != "" {
		if _, err := schedule.Parse(c.Schedule, "UTC"); err != nil {
			problem("schedule", err.Error())
		}
	}
	if scopes := campaign.Scopes(); !slices.Contains(scopes, string(c.Scope)) {
		problem("scope", setting.Unknown("scope", string(c.Scope), scopes))
	}
	if c.Due < setting.Duration(setting.Day) {
		problem("due", "needs at least 1d")
	}
	for i, span := range c.Remind {
		key := fmt.Sprintf("remind[%d]", i)
		switch {
		case span <= 0:
			problem(key, "needs a time span such as 3d")
		case span >= c.Due && c.Due >= setting.Duration(setting.Day):
			problem(key, "is not before the opening: it must be shorter than due")
		case slices.Contains(c.Remind[:i], span):
			problem(key, "listed twice")
		}
	}
	if to := c.Escalate.To; to == "" && c.Escalate != (Escalation{}) || to != "" && !slack.IsRecipient(to) {
		problem("escalate.to", "needs a Slack user ID (U0123456789), a channel ID (C0123456789) or an e-mail address")
	}
	known := append(names(audit.Severities(), func(s audit.Severity) string { return string(s) }), defaultWithin)
	for _, severity := range slices.Sorted(maps.Keys(c.RevokeWithin)) {
		within := c.RevokeWithin[severity]
		if !slices.Contains(known, severity) {
			problem(join("revoke_within", severity), setting.Unknown("severity", severity, known))
		} else if within < setting.Duration(setting.Day) {
			problem(join("revoke_within", severity), "needs at least 1d")
		}
	}
	if !audit.IsAddress(c.Reviewer) {
		problem("reviewer", needsAddress)
	}
	if !audit.IsAddress(c.Manager) {
		problem("manager", needsAddress)
	}
	if c.Reviewer != "" && campaign.Same(c.Reviewer, c.Manager) {
		problem("manager", "must be a different person than reviewer")
	}
	if c.Signers == "" {
		problem("signers", `is required: a file with a line for each person, such as anna@example.com namespaces="tokenaudit-review" ssh-ed25519 AAAA…`)
	}
	if audit.Line(strings.TrimSpace(c.Basis), mostBasis) != c.Basis {
		problem("basis", fmt.Sprintf("needs one line of at most %d characters", mostBasis))
	}
}
