package configs

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
)

//go:embed controls.yaml
var controls []byte

// controlsFile is a mapping of checks to controls.
type controlsFile struct {
	// Frameworks in the order of the reports.
	Frameworks []framework `yaml:"frameworks"`
	// Checks by ID, each with what it relates to by the name of the framework.
	Checks map[string]map[string]relations `yaml:"checks"`
}

// framework is a standard with those of its requirements that are used.
type framework struct {
	Name     string            `yaml:"name"`
	Version  string            `yaml:"version"`
	Source   string            `yaml:"source"`   // where it can be read
	Controls map[string]string `yaml:"controls"` // own-word titles by ID
}

// relations are IDs of controls of one framework, by strength.
type relations struct {
	Direct     []string `yaml:"direct"`
	Supporting []string `yaml:"supporting"`
}

// Controls are the controls that come with the program.
func Controls() (audit.Controls, error) {
	return readControls("controls.yaml", controls)
}

// LoadControls reads a mapping that replaces the one of the program. What is wrong
// with it comes all at once, as an *Error.
func LoadControls(path string) (audit.Controls, error) {
	source, err := read(path)
	if err != nil {
		return nil, err
	}
	return readControls(path, source)
}

func readControls(path string, source []byte) (audit.Controls, error) {
	file, problems := parseControls(source)
	if err := failure(path, problems); err != nil {
		return nil, err
	}
	return file.controls(), nil
}

func parseControls(source []byte) (*controlsFile, []Problem) {
	file := new(controlsFile)
	_, problems := fill(file, source, file.validate)
	return file, problems
}

func (f *controlsFile) validate(problem problemFunc) {
	if len(f.Frameworks) == 0 {
		problem("frameworks", "needs at least one framework")
	}
	if len(f.Checks) == 0 {
		problem("checks", "needs at least one check")
	}
	for i, fw := range f.Frameworks {
		fw.validate(problem.in(fmt.Sprintf("frameworks[%d]", i)))
	}
	validateNames("frameworks", f.frameworkNames(), problem)
	for _, id := range slices.Sorted(maps.Keys(f.Checks)) {
		f.validateCheck(id, problem)
	}
}

func (fw framework) validate(problem problemFunc) {
	for _, field := range []struct{ key, value string }{{"name", fw.Name}, {"version", fw.Version}, {"source", fw.Source}} {
		if strings.TrimSpace(field.value) == "" {
			problem(field.key, "needs a text")
		}
	}
	if len(fw.Controls) == 0 {
		problem("controls", "needs at least one control")
	}
	for _, id := range slices.Sorted(maps.Keys(fw.Controls)) {
		if strings.TrimSpace(fw.Controls[id]) == "" {
			problem(join("controls", id), "needs a title")
		}
	}
}

func (f *controlsFile) validateCheck(id string, problem problemFunc) {
	key := join("checks", id)
	if !slices.Contains(checkIDs(), id) {
		problem(key, setting.Unknown("check", id, checkIDs()))
	}
	for _, name := range slices.Sorted(maps.Keys(f.Checks[id])) {
		at := slices.Index(f.frameworkNames(), name)
		if at < 0 {
			problem(join(key, name), setting.Unknown("framework", name, f.frameworkNames()))
			continue
		}
		f.Checks[id][name].validate(f.Frameworks[at], problem.in(join(key, name)))
	}
}

// validate: a control is direct or supporting, not both.
func (r relations) validate(fw framework, problem problemFunc) {
	if len(r.Direct)+len(r.Supporting) == 0 {
		problem("", "needs direct or supporting controls")
	}
	ids := slices.Sorted(maps.Keys(fw.Controls))
	validateChoice("direct", "control", r.Direct, ids, problem)
	validateChoice("supporting", "control", r.Supporting, ids, problem)
	for i, id := range r.Supporting {
		if slices.Contains(r.Direct, id) {
			problem(fmt.Sprintf("supporting[%d]", i), "is direct already")
		}
	}
}

func (f *controlsFile) frameworkNames() []string {
	return names(f.Frameworks, func(fw framework) string { return fw.Name })
}

// controls of every check: by framework, then direct before supporting.
func (f *controlsFile) controls() audit.Controls {
	all := audit.Controls{}
	for _, fw := range f.Frameworks {
		for check, related := range f.Checks {
			all[check] = append(all[check], fw.related("direct", related[fw.Name].Direct)...)
			all[check] = append(all[check], fw.related("supporting", related[fw.Name].Supporting)...)
		}
	}
	return all
}

func (fw framework) related(strength string, ids []string) []audit.Control {
	var out []audit.Control
	for _, id := range ids {
		out = append(out, audit.Control{
			Framework: fw.Name, Version: fw.Version, ID: id, Title: fw.Controls[id], Strength: strength, Source: fw.Source,
		})
	}
	return out
}
