package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// A fleet: many targets that are far away.
const (
	fleetTargets        = 1000
	fleetAuthorizations = 1000 // of each target
	fleetLatency        = 200 * time.Millisecond
	fleetParallel       = 32
)

// fleet reviews it, and compares that with the ideal: every place asks all the time,
// and what is done with the answers takes none.
func fleet(dir string) error {
	w, err := newBenchWorld(dir, fleetAuthorizations)
	if err != nil {
		return err
	}
	defer w.close()
	var requests atomic.Int64
	away := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		time.Sleep(fleetLatency)
		w.server.Config.Handler.ServeHTTP(rw, r)
	}))
	defer away.Close()
	config, err := writeFleetConfig(dir, away.URL)
	if err != nil {
		return err
	}
	cmd := exec.Command("tokenaudit", "run", "-c", config, "--now", "--quiet")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "INFLUX_AUDIT_TOKEN="+w.token)
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	took, ideal := time.Since(began), time.Duration(requests.Load())*fleetLatency/fleetParallel
	fmt.Printf("\n%d targets of %d authorizations, %s away, %d at a time: %d requests, %.1f s, %.2fx of the ideal\n",
		fleetTargets, fleetAuthorizations, fleetLatency, fleetParallel, requests.Load(), took.Seconds(), took.Seconds()/ideal.Seconds())
	return nil
}

func writeFleetConfig(dir, url string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "parallel: %d\nparallel_per_host: %d\njobs: [{name: fleet, schedule: \"@yearly\"}]\ntargets:\n", fleetParallel, fleetParallel)
	for i := range fleetTargets {
		fmt.Fprintf(&b, "  - {name: plant-%04d, url: %q, org: acme, token: {env: INFLUX_AUDIT_TOKEN}}\n", i, url)
	}
	path := filepath.Join(dir, "fleet.yaml")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}
