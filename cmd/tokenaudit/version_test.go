package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	revision := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-28T10:00:00Z"}, {Key: "vcs.modified", Value: modified}}
	}
	for name, c := range map[string]struct {
		settings     []debug.BuildSetting
		linked       string // by the linker, as commit
		begins, ends string
		commit       string
	}{
		"a commit":                    {revision("false"), "", "commit abc, go", "", "commit abc"},
		"and more":                    {revision("true"), "", "commit abc, go", ", modified", "commit abc, modified"},
		"no commit":                   {nil, "", "built without version control, go", "", "built without version control"},
		"a release":                   {nil, "def", "commit def, go", "", "commit def"},
		"a release of a working tree": {revision("true"), "def", "commit def, go", ", modified", "commit def, modified"},
	} {
		got := newBuildInfo(&debug.BuildInfo{Settings: c.settings}, c.linked, "").String()
		if !strings.HasPrefix(got, c.begins) || !strings.HasSuffix(got, c.ends) || commitOf(audit.Tool{Build: got}) != c.commit {
			t.Errorf("%s: %q", name, got)
		}
	}
	date := func(linked string) string {
		return newBuildInfo(&debug.BuildInfo{Settings: revision("false")}, "", linked).Date
	}
	if date("") != "2026-11-28T10:00:00Z" || date("2026-11-29T10:00:00Z") != "2026-11-29T10:00:00Z" {
		t.Errorf("dates %s and %s", date(""), date("2026-11-29T10:00:00Z"))
	}
}

// TestBuildModules: a module that is replaced is the one that is linked.
func TestBuildModules(t *testing.T) {
	t.Parallel()
	got := newBuildInfo(&debug.BuildInfo{Deps: []*debug.Module{
		{Path: "example.com/a", Version: "v1.0.0", Sum: "h1:a"},
		{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1", Sum: "h1:f"}},
	}}, "", "").Modules
	if len(got) != 2 || got[0] != (buildModule{"example.com/a", "v1.0.0", "h1:a"}) || got[1] != (buildModule{"example.com/fork", "v1.0.1", "h1:f"}) {
		t.Errorf("got %+v", got)
	}
}
