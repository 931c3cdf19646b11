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
	fmt.Fprintf(&b, "configs: %d %s in %s", len(e.Problems), noun, e.Path)
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

// unknown says that there is no such thing, and which there are.
func unknown(what, name string, known []string) string {
	return fmt.Sprintf("unknown %s %.60q, %s", what, name, instead(name, known))
}

func instead(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) > 40 {
		known = append(slices.Clone(known[:40]), "…")
	}
	return "known: " + strings.Join(known, ", ")
}

// nearest is the known word that name most likely is meant to be, if any.
func nearest(name string, known []string) string {
	best, least := "", 1+min(len(name), 30)/3
	for _, k := range known {
		if d := distance(name, k); d <= least {
			best, least = k, d-1
		}
	}
	return best
}

// distance is how many letters to add, drop or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
