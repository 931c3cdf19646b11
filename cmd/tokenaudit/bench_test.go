package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// contender is one way to answer the question, as a command of its own.
type contender struct {
	name    string
	command []string
	needs   string // a program that it cannot do without
}

// figure is what one run took.
type figure struct {
	wall time.Duration
	peak int64 // KiB of the largest process
}

// fleetMain is the program bench-fleet of .ci/bench.
func fleetMain() {
	dir, err := os.MkdirTemp("", "tokenaudit-bench-")
	if err == nil {
		err = errors.Join(fleet(dir), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchMain is the program behind .ci/bench: bench [AUTHORIZATIONS [ROUNDS]]. It
// serves as many authorizations on loopback, lets each contender have them in turn,
// and prints medians, and ratios to the whole review. A program in the variable BASE,
// such as the release before, is one more contender.
func benchMain() {
	n, rounds := argument(1, 100_000), argument(2, 3)
	dir, err := os.MkdirTemp("", "tokenaudit-bench-")
	if err == nil {
		err = bench(dir, n, rounds)
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func argument(i, otherwise int) int {
	if len(os.Args) <= i {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "bench: %q is not a number of at least 1\n", os.Args[i])
		os.Exit(2)
	}
	return n
}

// few authorizations are what the memory of a review of many is compared with.
const few = 10_000

func bench(dir string, n, rounds int) error {
	ours, err := benchAt(filepath.Join(dir, "many"), n, rounds, contenders)
	if err != nil || n <= few {
		return err
	}
	small, err := benchAt(filepath.Join(dir, "few"), few, rounds, reviews)
	if err != nil {
		return err
	}
	fmt.Printf("peak memory of %d authorizations over that of %d: %.2fx\n\n", n, few, float64(ours.peak)/float64(small.peak))
	return nil
}

// benchAt lets the contenders review that many authorizations, prints their figures,
// and gives those of the first one.
func benchAt(dir string, n, rounds int, contenders func(*benchWorld) []contender) (first figure, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return figure{}, err
	}
	w, err := newBenchWorld(dir, n)
	if err != nil {
		return figure{}, err
	}
	defer w.close()
	for _, c := range reviews(w) { // a review is compared with one before it
		if _, err := w.run(c); err != nil {
			return figure{}, err
		}
	}
	fmt.Printf("%d authorizations, %d MiB of JSON, %d CPUs, median of %d\n\n", n, w.size>>20, runtime.NumCPU(), rounds)
	return w.compare(contenders(w), rounds)
}

// compare runs each contender in turn, round after round, and prints a table.
func (w *benchWorld) compare(all []contender, rounds int) (first figure, err error) {
	figures := map[string][]figure{}
	for range rounds {
		for _, c := range all {
			if _, err := exec.LookPath(c.needs); c.needs != "" && err != nil {
				continue
			}
			f, err := w.run(c)
			if err != nil {
				return figure{}, err
			}
			figures[c.name] = append(figures[c.name], f)
			fmt.Fprintf(os.Stderr, "%s: %.2f s, %d MiB\n", c.name, f.wall.Seconds(), f.peak>>10)
		}
	}
	return printFigures(all, figures), nil
}

// reviews are ours, and that of the program BASE, if it is set.
func reviews(w *benchWorld) []contender {
	all := []contender{{"tokenaudit, the whole review", []string{"tokenaudit", "run", "-c", w.config, "--now", "--quiet"}, ""}}
	if base := os.Getenv("BASE"); base != "" {
		all = append(all, contender{"the same by " + base, []string{base, "run", "-c", w.baseConfig, "--now", "--quiet"}, ""})
	}
	return all
}

// contenders: the reviews come first; the others get less done.
func contenders(w *benchWorld) []contender {
	curl := `curl -sS -H "Authorization: Token $INFLUX_AUDIT_TOKEN" "$INFLUX_URL/api/v2/authorizations?org=acme" | `
	return append(reviews(w), []contender{
		{"curl | jq -r @csv", []string{"sh", "-c", curl + "jq -r '" + jqCSV + "' > jq.csv"}, "jq"},
		{"curl | jq, the documented filter", []string{"sh", "-c", curl + "jq '" + jqFilter + "' > jq.json"}, "jq"},
		{"encoding/json, StreamWriter, encoding/csv", []string{"bench-naive", "naive.xlsx", "naive.csv"}, ""},
	}...)
}

const jqCSV = `.authorizations[] | [.id, .status, .description, .orgID, .org, .userID, .user, (.permissions | length),
	([.permissions[] | select(.action == "write")] | length), ([.permissions[] | .action + ":" + .resource.type + "/" + (.resource.id // "")] | join(" ")),
	.createdAt, .updatedAt, .links.self] | @csv`

// jqFilter is how the documentation of InfluxDB Cloud Serverless, "View tokens",
// finds active write tokens.
const jqFilter = `.authorizations[] | select(.permissions[] | select(.action == "write")) | select(.status == "active")`

func (w *benchWorld) run(c contender) (figure, error) {
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Dir, cmd.Stderr = w.dir, os.Stderr
	cmd.Env = append(os.Environ(), "INFLUX_URL="+w.url, "INFLUX_AUDIT_TOKEN="+w.token)
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return figure{}, fmt.Errorf("%s: %w", c.name, err)
	}
	return figure{time.Since(began), peakKiB(cmd.ProcessState)}, nil
}

// printFigures gives the median of the first contender, which the ratios refer to.
func printFigures(all []contender, figures map[string][]figure) (ours figure) {
	t := newTable(column{}, column{name: "SECONDS"}, column{name: "PEAK MIB"}, column{name: "TIME"}, column{name: "MEMORY"})
	ours = median(figures[all[0].name])
	for _, c := range all {
		f := figures[c.name]
		if len(f) == 0 {
			t.row(c.name, "not installed", "", "", "")
			continue
		}
		m := median(f)
		t.row(c.name, fmt.Sprintf("%.2f", m.wall.Seconds()), m.peak>>10,
			fmt.Sprintf("%.1fx", m.wall.Seconds()/ours.wall.Seconds()), fmt.Sprintf("%.1fx", float64(m.peak)/float64(ours.peak)))
	}
	fmt.Println(t.render(0) + "\n")
	return ours
}

func median(fs []figure) figure {
	byWall, byPeak := slices.Clone(fs), slices.Clone(fs)
	slices.SortFunc(byWall, func(a, b figure) int { return cmp.Compare(a.wall, b.wall) })
	slices.SortFunc(byPeak, func(a, b figure) int { return cmp.Compare(a.peak, b.peak) })
	return figure{byWall[len(fs)/2].wall, byPeak[len(fs)/2].peak}
}

// writeBenchConfig is a job with the default reports, in a folder of its own.
func writeBenchConfig(dir, url string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tokenaudit.yaml")
	text := fmt.Sprintf("targets: [{name: prod, url: %q, org: acme, token: {env: INFLUX_AUDIT_TOKEN}}]\njobs: [{name: bench, schedule: \"@yearly\"}]\n", url)
	return path, os.WriteFile(path, []byte(strings.TrimLeft(text, "\n")), 0o600)
}
