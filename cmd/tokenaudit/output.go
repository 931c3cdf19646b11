package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"tokenaudit/jobs/audit"
)

// width of the output, or else 80. Lines of more than 160 are hard
// to read.
func (c *cli) width() int {
	return min(max(cmp.Or(c.columns(), 80), 60), 160)
}

// columns is what COLUMNS says, or else the width of the terminal; 0 without either.
func (c *cli) columns() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	f, ok := fileBehind(c.stdout)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// hanging breaks a line where a terminal ends, and indents it: all but the first line by
// two more.
func hanging(indent, line string, columns int) string {
	if width := columns - len(indent) - 2; width > 10 {
		line = text.WrapSoft(line, width)
	}
	var lines []string
	for part := range strings.SplitSeq(line, "\n") {
		lines = append(lines, indent+strings.TrimRight(part, " "))
	}
	return strings.Join(lines, "\n  ")
}

// warn says what is allowed and probably not meant.
func (c *cli) warn(format string, args ...any) {
	if !c.quiet {
		fmt.Fprintf(c.stderr, "warning: "+format+"\n", args...)
	}
}

// encode prints what --json asks for, also with --quiet.
func (c *cli) encode(v any) error {
	enc := json.NewEncoder(c.data)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func isTerminal(stream any) bool {
	f, ok := fileBehind(stream)
	return ok && term.IsTerminal(int(f.Fd()))
}

// fileBehind is the file that a stream reads from or in the end writes to, if it is one.
func fileBehind(stream any) (*os.File, bool) {
	for {
		behind, ok := stream.(interface{ Unwrap() io.Writer })
		if !ok {
			f, ok := stream.(*os.File)
			return f, ok
		}
		stream = behind.Unwrap()
	}
}

// colours reports whether what w writes to shows colours, and nobody forbids them
// (https://no-color.org, https://bixense.com/clicolors).
func colours(w io.Writer) bool {
	force := os.Getenv("CLICOLOR_FORCE")
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	case os.Getenv("TERM") == "dumb", os.Getenv("CLICOLOR") == "0":
		return false
	}
	return isTerminal(w)
}

// paint colours texts, if it is true.
type paint bool

func (p paint) with(s string, colours ...text.Color) string {
	if !p || s == "" {
		return s
	}
	return text.Escape(s, text.Colors(colours).EscapeSeq())
}

func (p paint) bold(s string) string { return p.with(s, text.Bold) }
func (p paint) good(s string) string { return p.with(s, text.FgGreen) }
func (p paint) bad(s string) string  { return p.with(s, text.FgRed, text.Bold) }

// severity is red for what needs action, and plain for what does not.
func (p paint) severity(s audit.Severity) string {
	switch s {
	case audit.Critical:
		return p.bad(string(s))
	case audit.High:
		return p.with(string(s), text.FgRed)
	case audit.Medium:
		return p.with(string(s), text.FgYellow)
	}
	return string(s)
}

func evidenceFiles(folder string) []string {
	paths, _ := filepath.Glob(filepath.Join(folder, "*"))
	var names []string
	for _, p := range paths {
		if name := filepath.Base(p); !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names
}
