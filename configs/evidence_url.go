package configs

import (
	"net/url"
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
	const key, such = "evidence_url", "such as https://evidence.example.com/{job}/{slot}/report.html"
	if text == "" {
		return
	}
	for _, name := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(placeholders, name) {
			problem(key, setting.Unknown("placeholder", name, placeholders))
		}
	}
	scheme, _, _ := strings.Cut(text, "://")
	u, err := url.Parse(text)
	switch {
	case !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http"):
		problem(key, "needs to begin with https:// or http://, "+such)
	case err != nil || u.Hostname() == "":
		problem(key, "has no valid host, "+such)
	case u.User != nil:
		problem(key, "contains a user name or a password: remove it. Every reader of a message sees the URL")
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		problem(key, `has a "{" or "}" that belongs to no placeholder, known: `+strings.Join(placeholders, ", "))
	}
}
