package setting

import (
	"fmt"
	"slices"
	"strings"
)

// Unknown says that there is no such thing, and which there are: the one that was most
// likely meant, or else all. No more than 60 characters of the name are repeated.
func Unknown(what, name string, known []string) string {
	return fmt.Sprintf("unknown %s %.60q, %s", what, name, Instead(name, known))
}

// Instead is what to write in place of a name that is not known.
func Instead(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) > 40 {
		known = append(slices.Clone(known[:40]), "…")
	}
	return "known: " + strings.Join(known, ", ")
}

// Nearest is the known word that name most likely is meant to be, if any.
func Nearest(name string, known []string) string {
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
