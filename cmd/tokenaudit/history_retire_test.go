package main

import (
	"slices"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// TestRetire: what a name stands for, and that what answers is not retired.
func TestRetire(t *testing.T) {
	t.Parallel()
	const old, now = "server/0d0fb00000000011", "server/0d0fb00000000901"
	of := func(targets ...audit.Coverage) ledger.Entry {
		return ledger.Entry{Summary: &audit.Summary{ID: "weekly/x", Coverage: audit.TotalCoverage{Targets: targets}}}
	}
	at := func(name string, sources ...string) audit.Coverage {
		c := audit.NewCoverage(name)
		c.Sources = sources
		return c
	}
	anew := at("prod", now)
	anew.Gap(audit.SourceSame+"/"+old, audit.Partial, "it did not answer")
	dropped := at("prod", old)
	dropped.Dropped = true
	down := at("prod", old)
	down.Gap(audit.ListWhole, audit.NotKnown, "no answer")
	for name, tc := range map[string]struct {
		entries  []ledger.Entry // newest first
		name     string
		sources  []string
		answered bool // the first of them
	}{
		"it answers":                         {[]ledger.Entry{of(at("prod", old))}, "prod", []string{old}, true},
		"it answers, by its name":            {[]ledger.Entry{of(at("prod", old))}, old, []string{old}, true},
		"a target that another one answers":  {[]ledger.Entry{of(anew), of(at("prod", old))}, "prod", []string{old}, false},
		"the one that answers there":         {[]ledger.Entry{of(anew), of(at("prod", old))}, now, []string{now}, true},
		"a target that was dropped":          {[]ledger.Entry{of(dropped), of(at("prod", old))}, "prod", []string{old}, false},
		"a server that is down":              {[]ledger.Entry{of(down), of(at("prod", old))}, "prod", []string{old}, false},
		"a target of which nothing is known": {[]ledger.Entry{of(at("prod"))}, "prod", []string{"prod"}, false},
		"a name that nobody knows":           {[]ledger.Entry{of(at("prod", old))}, "stage", nil, false},
	} {
		sources, known := sourcesNamed(tc.entries, tc.name)
		if !slices.Equal(sources, tc.sources) || len(known) == 0 {
			t.Errorf("%s: %q of %q", name, sources, known)
		}
		if len(sources) > 0 && (answered(tc.entries, sources[0]) != "") != tc.answered {
			t.Errorf("%s: answered in %q", name, answered(tc.entries, sources[0]))
		}
	}
}
