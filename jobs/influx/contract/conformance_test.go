package contract

import (
	"testing"

	"tokenaudit/jobs/influx/contract/realinflux"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

func influxDB(t *testing.T, hashed bool) conformance.Server { return realinflux.New(t, hashed) }

func TestConformance(t *testing.T) { conformance.Run(t, influxDB, conformance.Fake) }

// newPair is InfluxDB and the fake, filled alike.
func newPair(t *testing.T, hashed bool) conformance.Worlds {
	t.Helper()
	return conformance.New(t, hashed, influxDB, conformance.Fake)
}
