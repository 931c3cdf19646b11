package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
)

// NoteCached says in the coverage which answers came out of a cache: whatever they show may
// be old.
func (c Connection) NoteCached(cov *audit.Coverage) {
	for _, request := range c.Cached {
		cov.Gap(audit.ListWhole, audit.Partial, "an answer came from a cache, although none was requested: %s", request)
	}
}

// OfNow is err, and where there is none, an error if an answer came out of a cache: a cache
// may give the answer to somebody else.
func (c Connection) OfNow(err error) error {
	if err == nil && len(c.Cached) > 0 {
		return fmt.Errorf("the answer came from a cache: %s", c.Cached[0])
	}
	return err
}

// NoteUnclear says in the coverage that it is not known whether authentication is on: the
// request without what was neither answered nor refused by InfluxDB. Err is what came.
func NoteUnclear(cov *audit.Coverage, what string, err error) {
	cov.AddGap(audit.Gap{
		ID: audit.CredentialActive, Verdict: audit.Partial,
		Reason: audit.Line(fmt.Sprintf("it is not known whether authentication is on. A request without a %s was answered in another way than by InfluxDB: %v", what, err), 400),
		Fix:    "Set url to InfluxDB itself, or allow requests without a " + what + " in the proxy in front of it.",
	})
}

// NoteCanary says in the coverage whether the canary was listed, by its name.
func NoteCanary(cov *audit.Coverage, canary string, listed bool) {
	name := audit.Line(canary, 80)
	switch {
	case canary == "":
		cov.NoNeed(audit.CanaryListed, "no canary is configured")
	case listed:
		cov.Hold(audit.CanaryListed, "%s is in the list", name)
	default:
		cov.Gap(audit.CanaryListed, audit.Partial, "the canary %s is not in the list: it was deleted, or the list is incomplete", name)
	}
}

// OrgAt stands for the org of what is at a URL, where there are no orgs and no ID of the
// server. More is what else tells servers apart.
func OrgAt(url string, more ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{strings.TrimRight(url, "/")}, more...), "\n")))
	return audit.URLSource + hex.EncodeToString(sum[:8])
}
