package report

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

// What was written once is made again of what is in the folder, to the byte, and leaves
// nothing behind.
func TestRederiveSaysTheSame(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	odd := reporttest.Input(t)
	odd.CSV = table.CSVStyle{Delimiter: '\t', BOM: true}
	odd.Config, odd.Addresses = "a: <b>&\u2028\n", map[string]string{"prod": "https://influxdb.example.com"}
	for name, c := range map[string]struct {
		in      table.Input
		formats []string
	}{
		"hostile": {odd, Names()}, "every state": {reporttest.EveryState(t), Names()}, "nothing": {reporttest.Nothing(), Names()},
		"many": {reporttest.Thousands(t, 6000), Names()}, "no CSV": {odd, []string{"html", "xlsx"}}, "no format": {odd, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "many" && testing.Short() {
				t.Skip("long; runs without -short")
			}
			dir := t.TempDir()
			rows := c.in
			if err := recount(t.Context(), &c.in, true); err != nil { // the fixtures make figures up
				t.Fatal(err)
			}
			if _, err := Write(t.Context(), dir, c.formats, c.in); err != nil {
				t.Fatal(err)
			}
			in, whole, err := ReadInput(dir)
			if err != nil || !whole {
				t.Fatal(whole, err)
			}
			in.Rows = rows.Rows
			got, err := Rederive(t.Context(), dir, Files(c.formats), in, whole, true)
			want := slices.Sorted(slices.Values(Files(c.formats)))
			if diff := cmp.Diff(Rederived{Same: want}, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(temp, "tokenaudit-verify-*")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestRederiveOfBrokenRecords is an error, and leaves nothing.
func TestRederiveOfBrokenRecords(t *testing.T) {
	temp, dir := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	in := reporttest.Input(t)
	if _, err := Write(t.Context(), dir, Names(), in); err != nil {
		t.Fatal(err)
	}
	if _, err := Rederive(t.Context(), dir, Files(Names()), reporttest.Broken(in, 2), true, true); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestInputsHoldEverything: what a report is made of is in inputs.json, in summary.json or
// in the snapshots; what is added to Input has to be added there.
func TestInputsHoldEverything(t *testing.T) {
	t.Parallel()
	var fields []string
	for f := range reflect.TypeFor[Input]().Fields() {
		fields = append(fields, f.Name)
	}
	known := []string{"Summary", "Rows", "Trend", "Controls", "Contacts", "Config", "Addresses", "CSV", "Formats"}
	if diff := cmp.Diff(known, fields); diff != "" {
		t.Errorf("write it to inputs.json, so that verify can make the report again:\n%s", diff)
	}
}
