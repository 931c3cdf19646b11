package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is everything that is wrong with a configuration file.
type Error struct {
	Path     string
	Problems []Problem // by line
}

// Problem is one mistake: its line, the key such as "jobs[0].timezone" (empty for
// the whole file) and what is wrong or what to write instead.
type Problem struct {
	Line      int
	Key, Text string
}

// Error lists the problems, one on a line, as editors and terminals link them.
func (e *Error) Error() string {
	var b strings.Builder
	noun := "problems"
	if len(e.Problems) == 1 {
		noun = "problem"
	}
	fmt.Fprintf(&b, "%d %s in %s", len(e.Problems), noun, e.Path)
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  %s:%d: %s", e.Path, p.Line, p.what())
	}
	return b.String()
}

func (p Problem) what() string {
	if p.Key == "" {
		return p.Text
	}
	return p.Key + ": " + p.Text
}

// failure is nil without problems.
func failure(path string, problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	var once []Problem
	for _, p := range problems {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return &Error{Path: path, Problems: once}
}
