package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newTable is a plain table: columns aligned, no lines.
func newTable(header ...string) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	row := table.Row{}
	for _, h := range header {
		row = append(row, h)
	}
	t.AppendHeader(row)
	return t
}

// width of the output, or else 80. Lines of more than 160 are hard
// to read.
func (c *cli) width() int {
	return min(max(cmp.Or(c.columns(), 80), 60), 160)
}

// progress counts authorizations on a terminal; elsewhere it is silent.
type progress struct {
	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

func (c *cli) newProgress() *progress {
	if !isTerminal(c.stderr) {
		return &progress{}
	}
	p := &progress{bar: progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(c.stderr),
		progressbar.OptionSetDescription("reading authorizations"),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)}
	p.bar.RenderBlank() // a server may take minutes before it shows the first one
	return p
}

func (p *progress) add(string) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Add(1)
}

// done clears the line, so that the report starts on a clean one.
func (p *progress) done() {
	if p.bar != nil {
		p.bar.Finish()
	}
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
