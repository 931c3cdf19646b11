package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Traffic counts the requests to InfluxDB since the process began.
type Traffic struct{ requests, retries *prometheus.CounterVec }

// NewTraffic counts from 0.
func NewTraffic() *Traffic {
	return &Traffic{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tokenaudit_influx_requests_total", Help: "Requests to InfluxDB since the process started, by HTTP status; code 0 had no answer.",
		}, []string{"target", "code"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tokenaudit_influx_retries_total", Help: "Repeated requests to InfluxDB since the process started.",
		}, []string{"target"}),
	}
}

// Expect shows a target at 0 before its first request: the rate of a counter that
// appears with its first count is not seen.
func (t *Traffic) Expect(target string) {
	t.requests.WithLabelValues(target, "200")
	t.retries.WithLabelValues(target)
}

// Request counts an answer; a status of 0 is none.
func (t *Traffic) Request(target string, status int) {
	t.requests.WithLabelValues(target, strconv.Itoa(status)).Inc()
}

// Retry counts a request that is sent again.
func (t *Traffic) Retry(target string) { t.retries.WithLabelValues(target).Inc() }

// Describe and Collect make t a prometheus.Collector.
func (t *Traffic) Describe(out chan<- *prometheus.Desc) {
	t.requests.Describe(out)
	t.retries.Describe(out)
}

// Collect gives the counts.
func (t *Traffic) Collect(out chan<- prometheus.Metric) {
	t.requests.Collect(out)
	t.retries.Collect(out)
}
