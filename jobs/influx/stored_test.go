package influx

import (
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
)

func TestReadStored(t *testing.T) {
	const good = "# HELP x\ninfluxdb_tokens_total 1e+06\ninfluxdb_users_total 7\ninfluxdb_organizations_total 2\nother{a=\"b\"} 3\n"
	got, err := readStored(strings.NewReader(good))
	if want := (audit.Stored{Authorizations: 1_000_000, Users: 7, Orgs: 2}); got != want || err != nil {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for name, text := range map[string]string{
		"nothing":     "",
		"HTML":        "<html>",
		"one missing": strings.ReplaceAll(good, "users", "losers"),
		"no number":   strings.ReplaceAll(good, "1e+06", "many"),
		"negative":    strings.ReplaceAll(good, "1e+06", "-1"),
		"long line":   strings.Repeat("x", 2<<20),
	} {
		if got, err := readStored(strings.NewReader(text)); err == nil || got != (audit.Stored{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
