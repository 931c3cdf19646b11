package main

import (
	"fmt"
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
	return audit.Tool{Name: "tokenaudit", Version: version, Build: build()}
}

func build() string {
	out := runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return out
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			out = "commit " + s.Value + ", " + out
		case s.Key == "vcs.modified" && s.Value == "true":
			out += ", modified"
		}
	}
	return out
}
