package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tokenaudit/jobs/campaign"
)

// TestImportsTogether imports in two processes at the same time, beside a serve that
// reviews: each file is imported once and whole, also where both import the same one.
func TestImportsTogether(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	t.Parallel()
	o := newOffice(t)
	o.open()
	p := &site{t: t, dir: o.dir, config: o.path("tokenaudit.yaml"), environment: os.Environ()}
	s := p.serve()
	given := map[string]string{} // names by hash
	file := func(name, who string, round int) string {
		rows := fill(o.rows(who), "keep")
		for _, r := range rows[1:] {
			r[3] = fmt.Sprint("in round ", round)
		}
		text := csvOf(rows)
		o.write(name, text)
		sum := sha256.Sum256([]byte(text))
		given[hex.EncodeToString(sum[:])] = name
		return o.path(name)
	}
	for round := range rounds {
		both := file(fmt.Sprintf("both-%d.csv", round), "secops", round)
		calls := []*started{
			p.start("campaign", "import", file(fmt.Sprintf("ben-%d.csv", round), "ben", round), both),
			p.start("campaign", "import", both, file(fmt.Sprintf("carla-%d.csv", round), "carla", round)),
		}
		if round%3 == 0 {
			calls = append(calls, p.start("run", "--now"))
		}
		before := 0
		for _, c := range calls {
			if code := <-c.ended; code != exitDone {
				t.Fatalf("round %d: exit code %d\n%s%s", round, code, &c.stdout, &c.stderr)
			}
			before += strings.Count(c.stdout.String(), "imported before")
		}
		if before != 1 {
			t.Errorf("round %d: %d were imported before", round, before)
		}
	}
	s.end()
	imports, decisions := linesOf[campaign.Import](o, campaign.ImportsFile), linesOf[campaign.Decision](o, campaign.DecisionsFile)
	if len(imports) != 3*rounds {
		t.Errorf("%d imports of %d files", len(imports), 3*rounds)
	}
	for i, in := range imports {
		name := given[in.SHA256]
		if in.Import != i+1 || in.Name != name || o.files()[in.File] != o.read(name) {
			t.Errorf("import %d is %+v", i+1, in)
		}
		delete(given, in.SHA256)
		of := slices.DeleteFunc(slices.Clone(decisions), func(d campaign.Decision) bool { return d.Import != in.Import })
		if len(of) != in.Taken || in.Taken < 2 {
			t.Errorf("import %d took %d, and has %d decisions", in.Import, in.Taken, len(of))
		}
	}
	if len(given) > 0 {
		t.Errorf("not imported: %v", given)
	}
	o.tidy()
	o.must("verify", o.path("evidence"))
}

// linesOf are those of a file of the campaign.
func linesOf[T any](o office, name string) (out []T) {
	o.Helper()
	for line := range strings.Lines(o.files()[name]) {
		var v T
		must(o, json.Unmarshal([]byte(line), &v))
		out = append(out, v)
	}
	return out
}
