package report

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"

	"tokenaudit/jobs/audit"
)

const summaryFile = "summary.json"

// draft is a report in the making. Its files grow in a folder of their own inside
// the final one, so that publishing them is a rename and discarding them a removal.
type draft struct {
	in       Input
	dir      string
	staging  string
	findings *findings
}

func newDraft(dir string, in Input) (*draft, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// The name is fixed, so that what a killed process left is taken away.
	staging := filepath.Join(dir, ".report")
	if err := errors.Join(os.RemoveAll(staging), os.Mkdir(staging, 0o700)); err != nil {
		return nil, err
	}
	return &draft{in: in, dir: dir, staging: staging}, nil
}

func (d *draft) discard() { _ = os.RemoveAll(d.staging) }

func (d *draft) write(ctx context.Context, chosen []format) error {
	if err := d.writeAll(ctx, chosen); err != nil {
		return err
	}
	if err := d.file(summaryFile, d.writeSummary); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var files []string
	for _, f := range chosen {
		files = append(files, f.files...)
	}
	return d.publish(append(files, summaryFile))
}

func (d *draft) writeSummary(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d.in.Summary)
}

// records walks the records until the context ends.
func (d *draft) records(ctx context.Context) iter.Seq2[audit.Record, error] {
	return untilDone(ctx, d.in.Rows())
}

func untilDone[T any](ctx context.Context, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// file writes one file of the draft down to the disk.
func (d *draft) file(name string, write func(io.Writer) error) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(f, 64<<10)
	err = write(buf)
	if err == nil {
		err = errors.Join(buf.Flush(), f.Sync())
	}
	return errors.Join(err, f.Close())
}

func (d *draft) create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(d.staging, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func (d *draft) publish(files []string) error {
	for _, name := range files {
		if err := os.Rename(filepath.Join(d.staging, name), filepath.Join(d.dir, name)); err != nil {
			return err
		}
	}
	return syncFolder(d.dir)
}

// syncFolder makes renames in a folder survive a power cut.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
