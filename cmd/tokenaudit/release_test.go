package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// goreleaser is what .goreleaser.yaml says, as far as these tests hold it to something.
type goreleaser struct {
	Before struct{ Hooks []string }
	Builds []struct {
		Env, Flags, Ldflags, Goos, Goarch []string
	}
	Archives []struct {
		Files []releaseFile
	}
	Nfpms []struct {
		Formats  []string
		Scripts  map[string]string
		Contents []releaseFile
	}
	DockersV2 []struct {
		Dockerfile string
		Platforms  []string
	} `yaml:"dockers_v2"`
	Sboms    []any
	Checksum map[string]string
}

type releaseFile struct {
	Src, Dst, Type, Packager string
	FileInfo                 struct {
		Owner, Group string
		Mode         int
	} `yaml:"file_info"`
}

func readRelease(t *testing.T) (r goreleaser, text string) {
	t.Helper()
	b, err := os.ReadFile(root + "/.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r, string(b)
}

// TestReleaseTargets: what is built, and that it says which release it is.
func TestReleaseTargets(t *testing.T) {
	t.Parallel()
	r, _ := readRelease(t)
	if len(r.Builds) != 1 || len(r.Nfpms) != 1 || len(r.DockersV2) != 1 || len(r.Archives) != 1 {
		t.Fatalf("builds, packages, images, archives: %d, %d, %d, %d", len(r.Builds), len(r.Nfpms), len(r.DockersV2), len(r.Archives))
	}
	build := r.Builds[0]
	for what, c := range map[string]struct{ got, want []string }{
		"systems":       {build.Goos, []string{"linux", "darwin", "windows"}},
		"architectures": {build.Goarch, []string{"amd64", "arm64"}},
		"environment":   {build.Env, []string{"CGO_ENABLED=0"}},
		"flags":         {build.Flags, []string{"-trimpath"}},
		"packages":      {r.Nfpms[0].Formats, []string{"deb", "rpm"}},
		"images":        {r.DockersV2[0].Platforms, []string{"linux/amd64", "linux/arm64"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	if len(r.Sboms) == 0 || r.Checksum["algorithm"] != "sha256" {
		t.Errorf("no SBOM, or no SHA-256: %v, %v", r.Sboms, r.Checksum)
	}
	variables := stringVariables(t)
	for _, m := range regexp.MustCompile(`-X main\.(\w+)=`).FindAllStringSubmatch(build.Ldflags[0], -1) {
		if !slices.Contains(variables, m[1]) { // the linker would ignore it
			t.Errorf("there is no variable %s to set", m[1])
		}
		variables = slices.DeleteFunc(variables, func(name string) bool { return name == m[1] })
	}
	for _, needed := range []string{"version", "commit", "commitDate"} {
		if slices.Contains(variables, needed) {
			t.Errorf("%s is not set", needed)
		}
	}
	if !strings.Contains(r.Before.Hooks[0], build.Ldflags[0]) {
		t.Errorf("the manual is not of the release: %s", r.Before.Hooks[0])
	}
}

// stringVariables are the package variables that the linker can set.
func stringVariables(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range sources(t)["cmd/tokenaudit"] {
		for _, decl := range file.Decls {
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				spec := spec.(*ast.ValueSpec)
				if len(spec.Values) != 1 {
					continue
				}
				if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
					names = append(names, spec.Names[0].Name)
				}
			}
		}
	}
	return names
}

// TestReleaseFiles: every file that a release is made of is there, or made by its hooks.
func TestReleaseFiles(t *testing.T) {
	t.Parallel()
	r, _ := readRelease(t)
	hooks := strings.Join(r.Before.Hooks, "\n")
	paths := []string{r.DockersV2[0].Dockerfile}
	for _, script := range r.Nfpms[0].Scripts {
		paths = append(paths, script)
	}
	for _, f := range slices.Concat(r.Archives[0].Files, r.Nfpms[0].Contents) {
		paths = append(paths, f.Src)
	}
	if len(paths) < 20 {
		t.Fatalf("found only %q", paths)
	}
	for _, path := range paths {
		if made, ok := strings.CutPrefix(path, ".release/man/"); ok {
			if made != "man1/*" && made != "man7/*" {
				t.Errorf("no hook makes %s", path)
			}
			continue
		}
		if made, ok := strings.CutPrefix(path, ".release/"); ok {
			if made = strings.TrimSuffix(made, "*"); !strings.Contains(hooks, " > .release/"+made) {
				t.Errorf("no hook makes %s", path)
			}
			continue
		}
		if found, err := filepath.Glob(filepath.Join(root, path)); path != "" && (err != nil || len(found) == 0) {
			t.Errorf("there is no %s (%v)", path, err)
		}
	}
	for _, m := range regexp.MustCompile(`\.release/(tokenaudit [\w ]+)`).FindAllStringSubmatch(hooks, -1) {
		checkCommand(t, ".goreleaser.yaml", strings.Fields(m[1])[1:])
	}
}

// TestReleasePackage: a package has the units and what they need, and keeps secrets and
// evidence from other users.
func TestReleasePackage(t *testing.T) {
	t.Parallel()
	r, _ := readRelease(t)
	contents := map[string]releaseFile{}
	for _, f := range r.Nfpms[0].Contents {
		dst := f.Dst
		if strings.HasSuffix(dst, "/") {
			dst += filepath.Base(f.Src)
		}
		contents[dst] = f
	}
	for _, path := range []string{"tokenaudit.service", "tokenaudit-run.service", "tokenaudit-run.timer"} {
		if contents["/usr/lib/systemd/system/"+path].Src == "" {
			t.Errorf("%s is not in the package", path)
		}
	}
	for path, want := range map[string]struct {
		kind, owner, group string
		mode               int
	}{
		"/etc/tokenaudit":             {"dir", "root", "tokenaudit", 0o750},
		"/etc/tokenaudit/environment": {"config|noreplace", "", "", 0o600},
		"/var/lib/tokenaudit":         {"dir", "tokenaudit", "tokenaudit", 0o700},
	} {
		if f := contents[path]; f.Type != want.kind || f.FileInfo.Owner != want.owner || f.FileInfo.Group != want.group || f.FileInfo.Mode != want.mode {
			t.Errorf("%s: got %+v, want %+v", path, f, want)
		}
	}
	unit := readDeploy(t, "tokenaudit.service")
	for _, path := range []string{"/etc/tokenaudit/environment", "StateDirectory=tokenaudit\n", "User=tokenaudit\n"} {
		if !strings.Contains(unit, path) {
			t.Errorf("the unit does not use %s of the package", path)
		}
	}
	before := readDeploy(t, "package/preinstall.sh")
	if create := regexp.MustCompile(`useradd .*`).FindString(before); !strings.HasSuffix(create, " tokenaudit") {
		t.Errorf("the user is not made before the folders: %s", before)
	}
}

// TestReleaseKnown refuses a key that no test and no reader has seen: a misspelt one would
// do nothing.
func TestReleaseKnown(t *testing.T) {
	t.Parallel()
	_, text := readRelease(t)
	var top map[string]any
	if err := yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.DisallowUnknownField()).Decode(&top); err != nil {
		t.Fatal(err)
	}
	known := []string{"version", "project_name", "dist", "before", "builds", "archives", "nfpms", "dockers_v2", "sboms", "checksum", "metadata", "changelog", "release"}
	for key := range top {
		if !slices.Contains(known, key) {
			t.Errorf("%s: no such part of a release", key)
		}
	}
	if top["version"] != uint64(2) {
		t.Errorf("version %v", top["version"])
	}
}
