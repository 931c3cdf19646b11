package realinflux

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// Backup copies the database file, as "influx backup" does, and returns the path.
func (s *Server) Backup(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "influxd.bolt")
	err := s.store.client.DB().View(func(tx *bbolt.Tx) error { return tx.CopyFile(path, 0o600) })
	if err != nil {
		t.Fatal("copying InfluxDB's store: ", err)
	}
	return path
}
