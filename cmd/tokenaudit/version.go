package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
)

// version is the release; a build from a tag may set it with -ldflags.
var version = "0.1.0"

func (c *cli) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version, commit and Go version", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			t := tool()
			_, err := fmt.Fprintf(c.stdout, "%s %s (%s)\n", t.Name, t.Version, t.Build)
			return err
		},
	}
}

// tool names this program in the reports.
func tool() audit.Tool {
	host, _ := os.Hostname() // which may not be known
	return audit.Tool{Name: "tokenaudit", Version: version, Build: build(), Host: host}
}

// build is the commit, where the build knows one, and what it was built with.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(info.Settings)
}

func buildOf(settings []debug.BuildSetting) string {
	commit, modified := "built without version control", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = "commit " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", modified"
		}
	}
	return commit + ", " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + modified
}
