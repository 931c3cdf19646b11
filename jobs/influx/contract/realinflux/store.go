package realinflux

import (
	"path/filepath"
	"testing"

	"github.com/influxdata/influxdb/v2/bolt"
	"github.com/influxdata/influxdb/v2/kit/prom"
	"github.com/influxdata/influxdb/v2/kv"
	"github.com/influxdata/influxdb/v2/kv/migration"
	"github.com/influxdata/influxdb/v2/kv/migration/all"
	"go.uber.org/zap"
)

// store is InfluxDB's bolt file and what counts its records for /metrics.
type store struct {
	client  *bolt.Client
	kv      kv.SchemaStore
	metrics *prom.Registry
}

func newStore(t testing.TB) store {
	t.Helper()
	client := bolt.NewClient(zap.NewNop())
	client.Path = filepath.Join(t.TempDir(), bolt.DefaultFilename)
	if err := client.Open(t.Context()); err != nil {
		t.Fatal("opening InfluxDB's store: ", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	client.DB().NoSync = true // the file does not outlive the test
	records := bolt.NewKVStore(zap.NewNop(), client.Path)
	records.WithDB(client.DB())
	migrator, err := migration.NewMigrator(zap.NewNop(), records, all.Migrations[:]...)
	if err != nil {
		t.Fatal("InfluxDB's migrations: ", err)
	}
	if err := migrator.Up(t.Context()); err != nil {
		t.Fatal("InfluxDB's migrations: ", err)
	}
	metrics := prom.NewRegistry(zap.NewNop())
	metrics.MustRegister(client)
	return store{client, records, metrics}
}
