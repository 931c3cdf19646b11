package configs

import (
	"regexp"
	"slices"
	"strings"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

var (
	placeholder  = regexp.MustCompile(`\{[^{}]*\}`)
	placeholders = []string{"{job}", "{slot}", "{run}"}
)

// EvidenceAt is where a reader opens the evidence of a run; "" if the job says no place.
func (j Job) EvidenceAt(run audit.Run) string {
	return strings.NewReplacer("{job}", run.Job, "{slot}", run.SlotName(), "{run}", run.ID()).Replace(j.EvidenceURL)
}

// validateEvidenceURL does not repeat the URL: it may hold a password.
func validateEvidenceURL(text string, problem problemFunc) {
	const key, such = "evidence_url", "https://evidence.example.com/{job}/{slot}/report.html"
	if text == "" {
		return
	}
	for _, name := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(placeholders, name) {
			problem(key, setting.Unknown("placeholder", name, placeholders))
		}
	}
	switch u, err := setting.ParseURL(text, such); {
	case err != nil:
		problem(key, err.Error())
	case u.User != nil:
		problem(key, "contains a user name or a password: remove it. Every reader of a message sees the URL")
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		problem(key, `has a "{" or "}" that belongs to no placeholder, known: `+strings.Join(placeholders, ", "))
	}
}
