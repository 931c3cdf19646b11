package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings     []debug.BuildSetting
		begins, ends string
		commit       string
	}{
		"a commit":  {[]debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "false"}}, "commit abc, go", "", "commit abc"},
		"and more":  {[]debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}, "commit abc, go", ", modified", "commit abc, modified"},
		"no commit": {nil, "built without version control, go", "", "built without version control"},
	} {
		got := buildOf(c.settings)
		if !strings.HasPrefix(got, c.begins) || !strings.HasSuffix(got, c.ends) || commitOf(audit.Tool{Build: got}) != c.commit {
			t.Errorf("%s: %q", name, got)
		}
	}
}
