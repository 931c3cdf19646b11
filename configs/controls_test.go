package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

func TestEveryCheckHasControls(t *testing.T) {
	got, err := Controls()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range checkIDs() {
		if len(got[id]) == 0 {
			t.Errorf("%s relates to nothing", id)
		}
	}
	for id := range got {
		if !slices.Contains(checkIDs(), id) {
			t.Errorf("there is no check %s", id)
		}
	}
}

// A mapping says what a finding bears on, never that a requirement is met. The
// shape of an ID keeps a title or a number of another framework from its place.
func TestControlsAreWhole(t *testing.T) {
	verdict := regexp.MustCompile(`(?i)compl(y|ies|iant|iance)|conform|satisf|fulfil|certif`)
	shapes := map[string]string{
		"PCI DSS": `\d+(\.\d+){2,3}`, "SOC 2": `CC\d\.\d`, "ISO/IEC 27001": `A\.[5-8]\.\d+`,
		"NIST SP 800-53": `[A-Z]{2}-\d+(\(\d+\))*(\([a-z]\)| [a-z])?`, "NIST SP 800-171": `0\d\.\d\d\.\d\d( [a-z](\.\d\d)?)?`, "CIS Controls": `\d+\.\d+`,
	}
	got, err := Controls()
	if err != nil {
		t.Fatal(err)
	}
	for check, related := range got {
		for _, c := range related {
			if c.Version == "" || c.Title == "" || c.Source == "" || c.Strength != "direct" && c.Strength != "supporting" {
				t.Errorf("%s: %+v is not whole", check, c)
			}
			if verdict.MatchString(c.Title) || len(c.Title) > 76 {
				t.Errorf("%s %s: %q is no title of ours", c.Framework, c.ID, c.Title)
			}
			if !regexp.MustCompile("^" + shapes[c.Framework] + "$").MatchString(c.ID) {
				t.Errorf("%s has no control %q", c.Framework, c.ID)
			}
		}
	}
}

func TestEveryControlIsUsed(t *testing.T) {
	file, _ := parseControls(controls)
	used := map[string]bool{}
	for _, related := range file.controls() {
		for _, c := range related {
			used[c.Framework+c.ID] = true
		}
	}
	for _, fw := range file.Frameworks {
		for id := range fw.Controls {
			if !used[fw.Name+id] {
				t.Errorf("no check relates to %s %s", fw.Name, id)
			}
		}
	}
}

// Rows of the mapping that we were given, as a sample against slips.
func TestControlsOfChecks(t *testing.T) {
	tests := []struct{ check, framework, id, strength string }{
		{"deleted-owner", "PCI DSS", "8.2.5", "direct"},
		{"deleted-owner", "NIST SP 800-53", "AC-2(3)(b)", "direct"},
		{"deleted-owner", "NIST SP 800-53", "IA-5 d", "supporting"},
		{"active-write", "CIS Controls", "5.5", "direct"},
		{"mints-tokens", "NIST SP 800-171", "03.01.05 b", "direct"},
		{"token-value-readable", "NIST SP 800-53", "IA-5 g", "direct"},
		{"not-rotated", "PCI DSS", "8.6.3", "supporting"},
		{"no-description", "ISO/IEC 27001", "A.5.9", "supporting"},
		{"permission-drift", "SOC 2", "CC7.2", "supporting"},
		{"deleted-org", "CIS Controls", "6.2", "supporting"},
		{"auth-off", "PCI DSS", "8.3.1", "direct"},
		{"auth-off", "NIST SP 800-171", "03.05.01 a", "direct"},
		{"too-many-admins", "NIST SP 800-53", "AC-6(5)", "direct"},
		{"secret-replaced", "PCI DSS", "8.2.4", "direct"},
		{"never-expires", "ISO/IEC 27001", "A.5.17", "supporting"},
	}
	got, err := Controls()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.check+" "+tt.id, func(t *testing.T) {
			if !slices.ContainsFunc(got[tt.check], func(c audit.Control) bool {
				return c.Framework == tt.framework && c.ID == tt.id && c.Strength == tt.strength
			}) {
				t.Errorf("%v", got[tt.check])
			}
		})
	}
}

const oneFramework = `frameworks:
  - name: House rules
    version: 3
    source: https://example.com/rules
    controls: {"7": Tokens are looked at, 7.10: Owners are known}
`

func TestLoadControls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "controls.yaml")
	source := oneFramework + "checks:\n  operator:\n    House rules: {supporting: [7], direct: [7.10]}\n"
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadControls(path)
	if err != nil {
		t.Fatal(err)
	}
	want := audit.Controls{"operator": {
		{Framework: "House rules", Version: "3", ID: "7.10", Title: "Owners are known", Strength: "direct", Source: "https://example.com/rules"},
		{Framework: "House rules", Version: "3", ID: "7", Title: "Tokens are looked at", Strength: "supporting", Source: "https://example.com/rules"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := LoadControls(path + ".not"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestControlsProblems(t *testing.T) {
	tests := []struct {
		name, source string
		want         []string
	}{
		{"empty", "", []string{"1: frameworks: needs at least one framework", "1: checks: needs at least one check"}},
		{"no yaml", "frameworks: [", []string{"1: : not valid YAML: a [ here or above has no ]"}},
		{"several at once", oneFramework + `checks:
  operater:
    House rules: {direct: [7]}
  operator:
    House rulez: {direct: [7]}
    House rules: {direct: [8], strong: [7]}
  all-access:
    House rules: {direct: [7, 7], supporting: ["7", 7.10]}
`, []string{
			`7: checks.operater: unknown check "operater", did you mean "operator"?`,
			`10: checks.operator."House rulez": unknown framework "House rulez", did you mean "House rules"?`,
			`11: checks.operator."House rules".strong: unknown key, known: direct, supporting`,
			`11: checks.operator."House rules".direct[0]: unknown control "8", did you mean "7"?`,
			`13: checks.all-access."House rules".direct[1]: listed twice`,
			`13: checks.all-access."House rules".supporting[0]: is direct already`,
		}},
		{"incomplete framework", `frameworks:
  - name: A
    controls: {"1": ""}
  - name: a
    version: 1
    source: https://example.com
checks:
  operator:
    A: {}
`, []string{
			"2: frameworks[0].version: needs a text",
			"2: frameworks[0].source: needs a text",
			"3: frameworks[0].controls.1: needs a title",
			"4: frameworks[1].controls: needs at least one control",
			"4: frameworks[1].name: frameworks[0] has this name already",
			"9: checks.operator.A: needs direct or supporting controls",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readControls("controls.yaml", []byte(tt.source))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			var got []string
			for _, p := range e.Problems {
				got = append(got, fmt.Sprintf("%d: %s: %s", p.Line, p.Key, p.Text))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
