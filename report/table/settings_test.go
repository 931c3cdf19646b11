package table

import (
	"testing"

	"tokenaudit/jobs/audit"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	const jobs = "jobs:\n- name: other\n  evidence_url: https://other.example\n- name: weekly\n"
	for name, tt := range map[string]struct {
		config string
		want   Settings
	}{
		"both":           {"policy:\n  max_exception: 180d\n" + jobs + "  evidence_url: https://x.example/{slot}\n", Settings{"180d", "https://x.example/{slot}"}},
		"of another job": {"policy:\n  max_exception: 180d\n" + jobs, Settings{"180d", "none is configured"}},
		"without":        {jobs, Settings{"not recorded", "none is configured"}},
		"none":           {"", Settings{"not recorded", "not recorded"}},
		"unreadable":     {"a: [", Settings{"not recorded", "not recorded"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (Input{Config: tt.config, Summary: audit.Summary{Job: "weekly"}}).Settings(); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}
