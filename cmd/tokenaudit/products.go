package main

import (
	"log/slog"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// asking is a source that asks a server.
type asking interface {
	runner.Source
	Count(api.Traffic)
	Diagnose(audit.Coverage) []target.Diagnosis
}

// sourceOf is what a review of cfg asks. It sends nothing.
func sourceOf(cfg target.Config, log *slog.Logger) (runner.Source, error) {
	switch {
	case cfg.Bolt != "":
		return bolt.New(cfg)
	}
	return influx.New(cfg, log)
}
