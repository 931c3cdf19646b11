package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"

	"tokenaudit/jobs/metrics"
)

const deploy = root + "/configs/deploy/"

func readDeploy(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(deploy + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exposed are the metrics that a scrape can give, with their labels.
func exposed() map[string][]string {
	out := map[string][]string{}
	descs := make(chan *prometheus.Desc, 100)
	new(metrics.Collector).Describe(descs)
	metrics.NewTraffic().Describe(descs)
	metrics.NewReloads().Describe(descs)
	close(descs)
	for d := range descs {
		m := regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`).FindStringSubmatch(d.String())
		out[m[1]] = strings.Split(m[2], ",")
	}
	return out
}

// checkQuery: every metric and every label of it in a query is one that there is.
func checkQuery(t *testing.T, query string) {
	t.Helper()
	all := exposed()
	found := regexp.MustCompile(`(tokenaudit_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(query, -1)
	if len(found) == 0 {
		t.Errorf("%s: no metric of ours", query)
	}
	for _, m := range found {
		labels, ok := all[m[1]]
		if !ok {
			t.Errorf("%s: no metric %s", query, m[1])
		}
		for _, l := range regexp.MustCompile(`(\w+)\s*[=!]~?`).FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels, l[1]) {
				t.Errorf("%s: %s has no label %s", query, m[1], l[1])
			}
		}
	}
}

func TestAlerts(t *testing.T) {
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				For         string            `yaml:"for"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(readDeploy(t, "prometheus/alerts.yaml")), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			checkQuery(t, r.Expr)
			if r.Alert == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%+v is not whole", r)
			}
		}
	}
}

func TestDashboard(t *testing.T) {
	var dashboard struct {
		Title  string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Query any }
		}
	}
	if err := json.Unmarshal([]byte(readDeploy(t, "grafana/dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Panels) == 0 {
		t.Error("no panel")
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			checkQuery(t, target.Expr)
		}
	}
	if text := fmt.Sprint(dashboard.Templating); !strings.Contains(text, "label_values(tokenaudit_job_overdue, job_name)") {
		t.Errorf("no choice of a job in %s", text)
	}
}

// TestManualMetrics: the manual names every metric, and no other.
func TestManualMetrics(t *testing.T) {
	text, err := os.ReadFile("help/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile(`tokenaudit_\w+`).FindAllString(string(text), -1) {
		named[name] = true
		if _, ok := exposed()[name]; !ok {
			t.Errorf("there is no metric %s", name)
		}
	}
	for name := range exposed() {
		if !named[name] {
			t.Errorf("help/operations.md lacks %s", name)
		}
	}
}

// TestUnits: the commands of the units are ones that there are, and where they keep
// things is one place.
func TestUnits(t *testing.T) {
	for _, name := range []string{"tokenaudit.service", "tokenaudit-run.service"} {
		unit := readDeploy(t, name)
		commands := regexp.MustCompile(`(?m)^(?:# )?ExecStart=(.*)$`).FindAllStringSubmatch(unit, -1)
		if len(commands) == 0 {
			t.Errorf("%s starts nothing", name)
		}
		for _, m := range commands {
			words := strings.Fields(m[1])
			if words[0] != "tokenaudit" { // systemd finds it in /usr/local/bin and in /usr/bin
				t.Errorf("%s starts %s", name, words[0])
			}
			checkCommand(t, name, words[1:])
		}
		for _, line := range []string{"User=tokenaudit", "StateDirectory=tokenaudit", "UMask=0077", "ProtectSystem=strict"} {
			if !strings.Contains(unit, "\n"+line+"\n") {
				t.Errorf("%s lacks %s", name, line)
			}
		}
	}
	if service := readDeploy(t, "tokenaudit.service"); !strings.Contains(service, "\nRestart=always\n") || strings.Contains(service, "\nRestartPrevent") {
		t.Error("systemd does not start it again after the watchdog has ended it")
	} else if !strings.Contains(service, "\nExecReload=kill -HUP $MAINPID\n") {
		t.Error("systemctl reload does nothing")
	}
	timer := readDeploy(t, "tokenaudit-run.timer")
	for _, line := range []string{"OnCalendar=hourly", "Persistent=true"} {
		if !strings.Contains(timer, "\n"+line+"\n") {
			t.Errorf("the timer lacks %s", line)
		}
	}
}

// TestUnitsAreHardened: systemd's own score, from 0 (best) to 10.
func TestUnitsAreHardened(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("systemd-analyze is not installed")
		}
		t.Skip("systemd-analyze is not installed")
	}
	for _, name := range []string{"tokenaudit.service", "tokenaudit-run.service"} {
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=19", deploy+name).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("Overall exposure level")) {
			t.Errorf("%s is exposed by 2.0 or more: %v\n%s", name, err, out)
		}
	}
}

func TestDockerfile(t *testing.T) {
	text := readDeploy(t, "Dockerfile")
	for _, line := range []string{"CGO_ENABLED=0", "distroless/static", "USER 65532:65532", `ENTRYPOINT ["/usr/local/bin/tokenaudit"]`, "./cmd/tokenaudit"} {
		if !strings.Contains(text, line) {
			t.Errorf("Dockerfile lacks %s", line)
		}
	}
	released := readDeploy(t, "package/Dockerfile")
	for _, line := range []string{"FROM gcr.io/distroless/static-debian12:nonroot\n", "USER 65532:65532\n", `ENTRYPOINT ["/usr/local/bin/tokenaudit"]`} {
		if !strings.Contains(released, line) || !strings.Contains(text, line) {
			t.Errorf("the image of a release and that from source differ in %s", line)
		}
	}
	mod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	needs := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if !strings.Contains(text, "FROM golang:"+string(needs[1])+" ") {
		t.Errorf("Dockerfile does not build with Go %s", needs[1])
	}
}

// TestProbes: what Kubernetes asks for is answered.
func TestProbes(t *testing.T) {
	handler := (&metrics.Health{}).Handler()
	manifest := readDeploy(t, "kubernetes/deployment.yaml")
	paths := regexp.MustCompile(`httpGet: \{path: ([^,]+), port: metrics\}`).FindAllStringSubmatch(manifest, -1)
	if len(paths) != 2 {
		t.Fatalf("probes %q", paths)
	}
	for _, m := range paths {
		if _, pattern := handler.(*http.ServeMux).Handler(httptest.NewRequest(http.MethodGet, m[1], nil)); pattern == "" {
			t.Errorf("nothing answers %s", m[1])
		}
	}
}
