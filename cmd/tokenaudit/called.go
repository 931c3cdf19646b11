package main

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// calledAs is how a person calls the program again, for the commands that it names.
func calledAs() string {
	executable, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	if !byGoRun(executable) {
		return shellWord(os.Args[0])
	}
	if exists(filepath.Join("cmd", "tokenaudit", "main.go")) {
		return "go run ./cmd/tokenaudit"
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "tokenaudit"
	}
	return "go run " + build.Path
}

// keptByGo is the folder in the build cache where go run keeps an executable.
var keptByGo = regexp.MustCompile(`^[0-9a-f]{64}-d$`)

// byGoRun: go run made the executable, in a temporary folder or in the build cache.
func byGoRun(executable string) bool {
	folders := strings.Split(filepath.ToSlash(filepath.Dir(executable)), "/")
	return slices.ContainsFunc(folders, func(name string) bool {
		return strings.HasPrefix(name, "go-build") || keptByGo.MatchString(name)
	})
}

// shellWord quotes an argument for the shell of this machine, where it needs quotes.
func shellWord(word string) string {
	if filepath.Separator == '\\' {
		return word
	}
	return audit.ShellQuoted(word)
}
