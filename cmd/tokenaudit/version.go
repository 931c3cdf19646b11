package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
)

// What a release says of itself. The linker sets it (see .goreleaser.yaml); in any other
// build, commit and date come from version control.
var (
	version    = "0.1.0"
	commit     = ""
	commitDate = "" // RFC 3339
)

func (c *cli) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print version, commit and Go version", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return c.encode(thisBuild())
			}
			t := tool()
			_, err := fmt.Fprintf(c.stdout, "%s %s (%s)\n", t.Name, t.Version, t.Build)
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// tool names this program in the reports.
func tool() audit.Tool {
	host, _ := os.Hostname() // which may not be known
	return audit.Tool{Name: "tokenaudit", Version: version, Build: thisBuild().String(), Host: host}
}

// buildInfo is what a build knows of its source and of how it was made. It is the JSON of
// version.
type buildInfo struct {
	Version  string        `json:"version"`
	Commit   string        `json:"commit"`   // empty: built without version control
	Date     string        `json:"date"`     // of the commit, RFC 3339; empty without one
	Modified bool          `json:"modified"` // the source is not that of the commit
	Go       string        `json:"go"`
	OS       string        `json:"os"`
	Arch     string        `json:"arch"`
	Modules  []buildModule `json:"modules"`
}

// buildModule is a library that is linked into the program.
type buildModule struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum"` // as in go.sum
}

func thisBuild() buildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return newBuildInfo(info, commit, commitDate)
}

// newBuildInfo takes commit and date from the linker, and else from version control.
func newBuildInfo(info *debug.BuildInfo, commit, date string) buildInfo {
	b := buildInfo{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Modules: []buildModule{}}
	vcs := map[string]string{}
	for _, s := range info.Settings {
		vcs[s.Key] = s.Value
	}
	b.Commit, b.Date = cmp.Or(commit, vcs["vcs.revision"]), cmp.Or(date, vcs["vcs.time"])
	b.Modified = vcs["vcs.modified"] == "true"
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Modules = append(b.Modules, buildModule{m.Path, m.Version, m.Sum})
	}
	return b
}

// String stands in reports, and tells later whether the same source made them.
func (b buildInfo) String() string {
	s := "built without version control"
	if b.Commit != "" {
		s = "commit " + b.Commit
	}
	s += ", " + b.Go + " " + b.OS + "/" + b.Arch
	if b.Modified {
		s += ", modified"
	}
	return s
}
