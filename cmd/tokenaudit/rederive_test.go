package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/crypto/ssh"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/notify/notifytest"
	"tokenaudit/report"
	"tokenaudit/report/pack"
)

// reviewed is a job with two packs of every format, signed, and the key that an insider
// has at hand.
type reviewed struct {
	folder string // of the job
	last   string // of the newest pack
	key    []byte
}

func newReviewed(t *testing.T) reviewed {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	key := pem.EncodeToMemory(block)
	clock := time.Date(2026, 11, 16, 9, 0, 7, 0, time.UTC)
	db, factory, receiver, dir := influxtest.NewDemo(clock), newDemoFactory(clock), &notifytest.Slack{Token: "slack-token"}, t.TempDir()
	dbServer, factoryServer, slackServer := httptest.NewServer(db.Server), httptest.NewServer(factory.Server), httptest.NewServer(receiver)
	t.Cleanup(dbServer.Close)
	t.Cleanup(factoryServer.Close)
	t.Cleanup(slackServer.Close)
	file := demoConfig(dir, slackServer.URL, receiver.Token, secret.InMemory(string(key)))
	file.Targets = demoTargets(db, dbServer.URL, factory, factoryServer.URL)
	file.Jobs[0].CSV.Delimiter, file.Jobs[0].CSV.BOM = ";", true
	a, err := wire(t.Context(), file, func(context.Context) (time.Time, error) { return clock, nil }, slog.New(slog.DiscardHandler), nil)
	must(t, err)
	t.Cleanup(func() { a.close() })
	_, err = a.runner.ReviewNow(t.Context(), a.jobs[0])
	must(t, err)
	clock = clock.AddDate(0, 0, 7)
	db.NextWeek(clock)
	factory.nextWeek(clock)
	last, err := a.runner.ReviewNow(t.Context(), a.jobs[0])
	must(t, err)
	folder := a.snapshots.Folder(last.Run())
	return reviewed{filepath.Dir(folder), folder, key}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// copied is the same in a folder of its own.
func (r reviewed) copied(t *testing.T) reviewed {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(r.folder))
	must(t, os.CopyFS(dir, os.DirFS(r.folder)))
	return reviewed{dir, filepath.Join(dir, filepath.Base(r.last)), r.key}
}

// seal seals and signs the newest pack anew, as whoever has the key can: all hashes, the
// signature and the chain are right afterwards.
func (r reviewed) seal(t *testing.T, change func(*pack.Input)) {
	t.Helper()
	var m pack.Manifest
	must(t, json.Unmarshal(read(t, r.last, "manifest.json"), &m))
	in, _, err := report.ReadInput(r.last)
	must(t, err)
	p := pack.Input{Summary: in.Summary, Addresses: in.Addresses, Schedule: m.Schedule, Zone: m.Zone, Previous: m.Previous, Config: in.Config, Controls: in.Controls, Key: r.key}
	for _, name := range []string{"manifest.json", "SHA256SUMS", "SHA256SUMS.sig", "reperform.sh", "../chain.json"} {
		must(t, os.Remove(filepath.Join(r.last, name)))
	}
	entries, err := os.ReadDir(r.last)
	must(t, err)
	for _, e := range entries {
		p.Files = append(p.Files, e.Name())
	}
	if change != nil {
		change(&p)
	}
	_, err = pack.Seal(t.Context(), r.last, p)
	must(t, err)
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return text
}

// edit changes the text of a file, which must have what is replaced.
func edit(t *testing.T, dir, name, old, new string) {
	t.Helper()
	text := read(t, dir, name)
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%s does not have %q", name, old)
	}
	must(t, os.WriteFile(filepath.Join(dir, name), bytes.Replace(text, []byte(old), []byte(new), 1), 0o600))
}

// dropLine takes the first line out that has a text.
func dropLine(t *testing.T, dir, name, with string) {
	t.Helper()
	lines := slices.Collect(strings.Lines(string(read(t, dir, name))))
	at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, with) })
	if at < 0 {
		t.Fatalf("%s has no line with %q", name, with)
	}
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(slices.Delete(lines, at, at+1), "")), 0o600))
}

func editWorkbook(t *testing.T, dir string, change func(*excelize.File) error) {
	t.Helper()
	f, err := excelize.OpenFile(filepath.Join(dir, "review.xlsx"))
	must(t, err)
	must(t, errors.Join(change(f), f.Save(), f.Close()))
}

// An insider edits one thing, and seals and signs the pack anew: every hash and the
// signature are right, and the reports do not follow from the snapshots any more.
func TestInsider(t *testing.T) {
	t.Parallel()
	r := newReviewed(t)
	type change struct {
		do   func(t *testing.T, dir string)
		seal func(*pack.Input)
		want []string // parts of one line of the problems
	}
	for name, c := range map[string]change{
		"nothing":                {do: func(*testing.T, string) {}},
		"a cell of the findings": {do: func(t *testing.T, dir string) { edit(t, dir, "findings.csv", "critical;", "low;") }, want: []string{"findings.csv: row 1 (", "severity is `low`", "give `critical`"}},
		"a cell of the population": {
			do:   func(t *testing.T, dir string) { edit(t, dir, "authorizations.csv", ";inactive;", ";active;") },
			want: []string{"authorizations.csv: row ", "is `active`, the snapshots give `inactive`"},
		},
		"a row of the findings": {do: func(t *testing.T, dir string) { dropLine(t, dir, "findings.csv", "deleted-owner") }, want: []string{"findings.csv: row ", "a row was removed"}},
		"the last row":          {do: func(t *testing.T, dir string) { dropLast(t, dir, "authorizations.csv") }, want: []string{"authorizations.csv: row ", "is the end of the file"}},
		"a row more":            {do: func(t *testing.T, dir string) { edit(t, dir, "authorizations.csv", "\r\n", "\r\nplant-eu;x;x;x\r\n") }, want: []string{"authorizations.csv: row 1 is `x`", "added or moved"}},
		"line ends":             {do: func(t *testing.T, dir string) { edit(t, dir, "authorizations.csv", "\r\n", "\n") }, want: []string{"authorizations.csv: line 1"}},
		"a column":              {do: func(t *testing.T, dir string) { edit(t, dir, "findings.csv", ";state;", ";status_;") }, want: []string{"findings.csv: does not have the columns"}},
		"the Vanta file":        {do: func(t *testing.T, dir string) { edit(t, dir, "vanta-access.csv", "No owner", "Not a person") }, want: []string{"vanta-access.csv: row ", "Account owner is `Not a person`"}},
		"a figure":              {do: func(t *testing.T, dir string) { editFigure(t, dir, "authorizations", "active") }, want: []string{"summary.json: authorizations.active is 0, the snapshots give "}},
		"what needs action":     {do: func(t *testing.T, dir string) { editFigure(t, dir, "needs_action", "tokens") }, want: []string{"summary.json: needs_action.tokens is 0"}},
		"what needs action, as if not counted": {do: func(t *testing.T, dir string) {
			var s map[string]any
			must(t, json.Unmarshal(read(t, dir, "summary.json"), &s))
			s["needs_action"] = audit.ActionCounts{}
			text, err := json.Marshal(s)
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, "summary.json"), text, 0o600))
		}, want: []string{"summary.json: needs_action."}},
		"a figure of a check":      {do: func(t *testing.T, dir string) { editFigure(t, dir, "findings", "by_check", "deleted-owner") }, want: []string{"summary.json: findings.by_check.deleted-owner is 0"}},
		"a figure of the coverage": {do: func(t *testing.T, dir string) { edit(t, dir, "summary.json", `"hidden": 3`, `"hidden": 0`) }, want: []string{"summary.json: coverage.targets[0].hidden is 0, the snapshots give 3"}},
		"a line of the page":       {do: func(t *testing.T, dir string) { edit(t, dir, "report.html", "<h1>", "<h1>Clean: ") }, want: []string{"report.html: line ", "Clean: ", "where the snapshots give"}},
		"data of the page":         {do: func(t *testing.T, dir string) { edit(t, dir, "report.html", `"critical"`, `"low"`) }, want: []string{"report.html: line ", "low"}},
		"an event": {do: func(t *testing.T, dir string) {
			edit(t, dir, "findings.ocsf.jsonl", `"severity":"Critical"`, `"severity":"Low"`)
		}, want: []string{"findings.ocsf.jsonl: line ", "Low", "Critical"}},
		"an event less":           {do: func(t *testing.T, dir string) { dropLine(t, dir, "findings.ocsf.jsonl", "deleted-owner") }, want: []string{"findings.ocsf.jsonl: line "}},
		"the script":              {do: func(*testing.T, string) {}, seal: func(p *pack.Input) { p.Addresses = nil }, want: []string{"reperform.sh: is not the script"}},
		"a cell of the workbook":  {do: func(t *testing.T, dir string) { editWorkbook(t, dir, editCell("Findings", "A5")) }, want: []string{"review.xlsx: Findings!A5 is `nothing to see`"}},
		"a cell of a small sheet": {do: func(t *testing.T, dir string) { editWorkbook(t, dir, editCell("Coverage", "A4")) }, want: []string{"review.xlsx: Coverage!A4 is `nothing to see`"}},
		"a row of the workbook": {do: func(t *testing.T, dir string) {
			editWorkbook(t, dir, func(f *excelize.File) error { return f.RemoveRow("Findings", 6) })
		}, want: []string{"review.xlsx: Findings!"}},
		"a sheet less": {do: func(t *testing.T, dir string) {
			editWorkbook(t, dir, func(f *excelize.File) error { return f.DeleteSheet("Owners") })
		}, want: []string{"review.xlsx: does not have the sheets"}},
		"a hidden row": {do: func(t *testing.T, dir string) {
			editWorkbook(t, dir, func(f *excelize.File) error { return f.SetRowVisible("Findings", 6, false) })
		}, want: []string{"review.xlsx: differs in `xl/", "no cell has another value"}},
		"no workbook": {do: func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "review.xlsx"), []byte("PK"), 0o600))
		}, want: []string{"review.xlsx: cannot be read"}},
		"a report less":           {do: func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "report.html"))) }, want: []string{"report.html: is missing"}},
		"a report more":           {do: func(t *testing.T, dir string) { must(t, os.WriteFile(filepath.Join(dir, "clean.csv"), nil, 0o600)) }, want: []string{"clean.csv: was not written by the review"}},
		"the configuration":       {do: func(t *testing.T, dir string) { edit(t, dir, "inputs.json", "rotate_after", "rotate_never") }, want: []string{"review.xlsx: About!"}},
		"the controls":            {do: func(*testing.T, string) {}, seal: func(p *pack.Input) { p.Controls = nil }, want: []string{"inputs.json: has a configuration or controls"}},
		"the trend":               {do: func(t *testing.T, dir string) { edit(t, dir, "inputs.json", `"tokens": `, `"tokens": 9`) }, want: []string{"report.html: line "}},
		"something in the inputs": {do: func(t *testing.T, dir string) { edit(t, dir, "inputs.json", `"format"`, `"x":1,"format"`) }, want: []string{"inputs.json: line "}},
		"a line of the snapshot": {do: func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "snapshot-plant-eu.jsonl.gz"), emptySnapshot(t), 0o600))
		}, want: []string{"authorizations.csv: row 1 is "}},
		"a snapshot more": {do: func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "snapshot-x.jsonl.gz"), emptySnapshot(t), 0o600))
		}, want: []string{"snapshot-x.jsonl.gz: belongs to a target that"}},
		"requests more": {do: func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "requests-x.jsonl"), []byte("{}\n"), 0o600))
		}, want: []string{"requests-x.jsonl: belongs to a target that"}},
		"the file of the configuration": {do: func(t *testing.T, dir string) { edit(t, dir, "config.yaml", "rotate_after", "rotate_never") }, want: []string{"config.yaml: line ", "rotate_never"}},
		"no file of the configuration":  {do: func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "config.yaml"))) }, want: []string{"config.yaml: is missing"}},
		"the verdict of the seal":       {do: func(*testing.T, string) {}, seal: func(p *pack.Input) { p.Summary.Coverage.Verdict = audit.NotKnown }, want: []string{"manifest.json: the verdict is not that of"}},
		"the verdict of the files": {do: func(t *testing.T, dir string) {
			edit(t, dir, "summary.json", `"verdict": "complete"`, `"verdict": "partial"`)
		}, want: []string{"report.html: line "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := r.copied(t)
			c.do(t, r.last)
			r.seal(t, c.seal)
			if c.want == nil {
				if out, err := verifyText(t, r.folder); err != nil || !strings.Contains(out, "those of all 2 packs say the same") {
					t.Errorf("%v\n%s", err, out)
				}
				return
			}
			out, err := verifyText(t, r.last)
			if err == nil || !oneProblem(out, c.want) || strings.Contains(out, "Reports: made again") {
				t.Errorf("%v, want %q\n%s", err, c.want, out)
			}
		})
	}
}

// oneProblem tells whether a problem has all the parts; long ones are wrapped.
func oneProblem(out string, parts []string) bool {
	_, list, _ := strings.Cut(out, "\nProblems\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for _, problem := range strings.Split("\n"+list, "\n- ") {
		problem = strings.Join(strings.Fields(problem), " ")
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(problem, strings.TrimSpace(part)) }) {
			return true
		}
	}
	return false
}

func editCell(sheet, cell string) func(*excelize.File) error {
	return func(f *excelize.File) error { return f.SetCellValue(sheet, cell, "nothing to see") }
}

func dropLast(t *testing.T, dir, name string) {
	t.Helper()
	lines := slices.Collect(strings.Lines(string(read(t, dir, name))))
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines[:len(lines)-1], "")), 0o600))
}

// editFigure makes a figure of summary.json 0.
func editFigure(t *testing.T, dir string, path ...string) {
	t.Helper()
	var s map[string]any
	must(t, json.Unmarshal(read(t, dir, "summary.json"), &s))
	at := s
	for _, key := range path[:len(path)-1] {
		at = at[key].(map[string]any)
	}
	if at[path[len(path)-1]] == float64(0) {
		t.Fatalf("%v is 0 already", path)
	}
	at[path[len(path)-1]] = 0
	text, err := json.Marshal(s)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "summary.json"), text, 0o600))
}

func emptySnapshot(t *testing.T) []byte {
	t.Helper()
	a := evidence.Archive{Root: t.TempDir()}
	must(t, a.Write(t.Context(), audit.Run{Job: "x"}, "x", func(func(audit.Record, error) bool) {}))
	return read(t, a.Folder(audit.Run{Job: "x"}), "snapshot-x.jsonl.gz")
}

// A pack of another version may say the same in other words. What it counts and which
// rows it has must follow from the snapshots all the same.
func TestRederiveOtherVersion(t *testing.T) {
	t.Parallel()
	r := newReviewed(t)
	for name, c := range map[string]struct {
		do   func(t *testing.T, dir string)
		want []string // of the output
		bad  []string // parts of a problem
	}{
		"other words": {func(t *testing.T, dir string) {
			edit(t, dir, "findings.csv", "Active write token", "Token that writes")
			edit(t, dir, "report.html", "<h1>", "<h1>The ")
			editWorkbook(t, dir, editCell("Coverage", "B4"))
			edit(t, dir, "findings.ocsf.jsonl", `"desc":"`, `"desc":"Well, `)
			edit(t, dir, "summary.json", `"policy": {`, `"policy": {"later": 1, `)
		}, []string{"made by tokenaudit 9.9.9", "Nothing of report.html, review.xlsx was compared", "the figures and rows of findings.csv, findings.ocsf.jsonl, summary.json are the same"}, nil},
		"without settings": {func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "inputs.json")))
		}, []string{"which wrote no inputs.json", "Nothing of config.yaml, report.html, review.xlsx was compared"}, nil},
		"without a file of the configuration": {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "config.yaml"))) }, nil, nil},
		"another file of the configuration":   {func(t *testing.T, dir string) { edit(t, dir, "config.yaml", "rotate_after", "rotate_never") }, nil, []string{"config.yaml: line "}},
		"a row less":                          {func(t *testing.T, dir string) { dropLine(t, dir, "findings.csv", "deleted-owner") }, nil, []string{"findings.csv: has ", "the snapshots give "}},
		"a row of the population less":        {func(t *testing.T, dir string) { dropLine(t, dir, "authorizations.csv", "telegraf") }, nil, []string{"authorizations.csv: has "}},
		"another severity":                    {func(t *testing.T, dir string) { edit(t, dir, "findings.csv", "critical;", "low;") }, nil, []string{"findings.csv: has ", "row 1 is "}},
		"a figure":                            {func(t *testing.T, dir string) { editFigure(t, dir, "findings", "by_severity", "critical") }, nil, []string{"summary.json: findings.by_severity.critical is 0"}},
		"an event less":                       {func(t *testing.T, dir string) { dropLine(t, dir, "findings.ocsf.jsonl", "deleted-owner") }, nil, []string{"findings.ocsf.jsonl: has "}},
		"events that nobody can read":         {func(t *testing.T, dir string) { edit(t, dir, "findings.ocsf.jsonl", "{", "{{") }, nil, []string{"findings.ocsf.jsonl: has 1 rows"}},
		"a header that nobody can read":       {func(t *testing.T, dir string) { edit(t, dir, "authorizations.csv", "target;", "target\x00") }, nil, []string{"authorizations.csv: has "}},
		"an open quote":                       {func(t *testing.T, dir string) { edit(t, dir, "authorizations.csv", ";inactive;", ";\"inactive;") }, nil, []string{"authorizations.csv: has "}},
		"an account less":                     {func(t *testing.T, dir string) { dropLine(t, dir, "vanta-access.csv", "No owner") }, nil, []string{"vanta-access.csv: has "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := r.copied(t)
			edit(t, r.last, "summary.json", `"version": "`+version+`"`, `"version": "9.9.9"`)
			c.do(t, r.last)
			r.seal(t, nil)
			out, err := verifyText(t, r.last)
			if (err != nil) != (c.bad != nil) || c.bad != nil && !oneProblem(out, c.bad) {
				t.Errorf("%v, want %q\n%s", err, c.bad, out)
			}
			for _, want := range c.want {
				if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
}

// TestOldPacks: those of 0.1.0, without inputs.json.
func TestOldPacks(t *testing.T) {
	t.Parallel()
	out := mustVerify(t, "../../report/pack/testdata/0.1.0/weekly")
	for _, want := range []string{"wrote no inputs.json", "vanta-access.csv say the same", "the figures and rows of authorizations.csv, findings.csv"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestSameTool(t *testing.T) {
	t.Parallel()
	tool := func(version, build string) audit.Tool {
		return audit.Tool{Name: "tokenaudit", Version: version, Build: build}
	}
	ours := tool("1.0.0", "commit abc, go1.26.1 linux/amd64")
	for _, c := range []struct {
		other audit.Tool
		same  bool
	}{
		{ours, true},
		{tool("1.0.0", "commit abc, go1.27.0 windows/arm64"), true},
		{tool("1.0.0", "commit abd, go1.26.1 linux/amd64"), false},
		{tool("1.0.0", "commit abc, go1.26.1 linux/amd64, modified"), false},
		{tool("1.0.1", "commit abc, go1.26.1 linux/amd64"), false},
	} {
		if got := sameTool(ours, c.other); got != c.same {
			t.Errorf("%+v: %v", c.other, got)
		}
	}
}
