package main

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/dedicated"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/bolt"
	"tokenaudit/jobs/influxdb1"
	"tokenaudit/jobs/influxdb3"
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
	case cfg.Kind == target.KindCore, cfg.Kind == target.KindEnterprise:
		return influxdb3.New(cfg, log)
	case cfg.Kind == target.KindDedicated, cfg.Kind == target.KindClustered:
		return dedicated.New(cfg, log)
	case cfg.Kind == target.KindV1:
		return influxdb1.New(cfg, log)
	case cfg.Kind != "" && cfg.Kind != target.KindAuto:
		return influx.New(cfg, log)
	}
	a := &auto{}
	var err error
	if a.v2, err = influx.New(cfg, log); err == nil {
		a.v3, err = influxdb3.New(cfg, log)
	}
	if err == nil {
		a.v1, err = influxdb1.New(cfg, log)
	}
	return a, err
}

// auto is a target whose configuration does not say which product it is. It is asked as an
// InfluxDB 2. Where that showed nothing, the server is asked whether it is another one.
type auto struct {
	v2   *influx.Target
	v3   *influxdb3.Target
	v1   *influxdb1.Target
	isV3 atomic.Bool // as it turned out; several jobs may have the target at a time
}

func (a *auto) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	if a.isV3.Load() {
		return a.v3.Collect(ctx, progress)
	}
	col, err := a.v2.Collect(ctx, progress)
	cov := &col.Coverage
	answered := slices.ContainsFunc(cov.Asked, func(q audit.Asked) bool { return q.Status != 0 })
	if err != nil || cov.Verdict != audit.NotKnown || !answered {
		return col, err
	}
	switch {
	case cov.Product == audit.ProductUnknown && a.v3.Recognise(ctx):
		a.isV3.Store(true)
		col.Close()
		first := col.Requests
		if col, err = a.v3.Collect(ctx, progress); err == nil {
			then := col.Requests
			col.Requests = func() []audit.Request { return append(first(), then()...) }
		}
	case a.v1.Recognise(ctx): // whose header has the build OSS, too
		seen := *cov
		*cov = audit.NewCoverage(seen.Target) // what an InfluxDB 2 lacks is no advice here
		cov.Source, cov.Server, cov.Asked, cov.ServerDate, cov.ClockSkewSeconds = seen.Source, seen.Server, seen.Asked, seen.ServerDate, seen.ClockSkewSeconds
		cov.Product = audit.ProductV1
		cov.AddGap(audit.Gap{
			ID: audit.ProductKnown, Verdict: audit.NotKnown, Reason: "the server is InfluxDB 1.x, which has users in place of tokens",
			Fix: "Set kind: v1, with username and password of an admin user (tokenaudit help products).",
		})
	}
	return col, err
}

func (a *auto) Count(traffic api.Traffic) {
	for _, t := range []asking{a.v2, a.v3, a.v1} {
		t.Count(traffic)
	}
}

func (a *auto) Diagnose(cov audit.Coverage) []target.Diagnosis {
	if a.isV3.Load() {
		return a.v3.Diagnose(cov)
	}
	return a.v2.Diagnose(cov)
}
