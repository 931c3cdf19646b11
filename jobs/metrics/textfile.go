package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// textfileMode lets everybody read: node_exporter is another user. There is
// nothing in the file but names of jobs and targets, and counts.
const textfileMode = 0o644

// WriteTextfile writes the metrics for the textfile collector of node_exporter. The
// file appears whole or not at all: prometheus.WriteToTextfile does not sync it.
func WriteTextfile(path string, metrics prometheus.Gatherer) error {
	families, err := metrics.Gather()
	if err != nil {
		return fmt.Errorf("the metrics file: %w", err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			return fmt.Errorf("the metrics file: %w", err)
		}
	}
	if err := replace(path, text.Bytes()); err != nil {
		return fmt.Errorf("metrics file: %w", err)
	}
	return nil
}

// replace puts a file in place of path. Its name until then is fixed, so that what
// a killed process left is written over; it is made anew, so that no link that
// somebody put there is followed; and it does not end in .prom, so that
// node_exporter lets it be.
func replace(path string, text []byte) (err error) {
	draft := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".draft")
	if err := os.Remove(draft); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, textfileMode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(draft)
		}
	}()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(textfileMode), f.Sync(), f.Close()); err != nil { // whatever the umask
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // which cannot flush a folder
		return nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
