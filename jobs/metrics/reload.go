package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reloads shows whether the configuration that was read last is the one in force, under
// the names that Prometheus and Alertmanager have for it.
type Reloads struct{ successful, at prometheus.Gauge }

// NewReloads is of a process that has just read its configuration.
func NewReloads() *Reloads {
	r := &Reloads{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tokenaudit_config_last_reload_successful", Help: "1 if the configuration that was read last is in force; 0 if it was refused and the one before is kept.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tokenaudit_config_last_reload_success_timestamp_seconds", Help: "When the configuration in force was read.",
		}),
	}
	r.Succeeded(time.Now())
	return r
}

// Succeeded notes that a configuration is in force.
func (r *Reloads) Succeeded(at time.Time) {
	r.successful.Set(1)
	r.at.Set(float64(at.UnixMilli()) / 1000)
}

// Refused notes that a configuration was refused.
func (r *Reloads) Refused() { r.successful.Set(0) }

// Describe and Collect make r a prometheus.Collector.
func (r *Reloads) Describe(out chan<- *prometheus.Desc) {
	r.successful.Describe(out)
	r.at.Describe(out)
}

// Collect gives both.
func (r *Reloads) Collect(out chan<- prometheus.Metric) {
	r.successful.Collect(out)
	r.at.Collect(out)
}
