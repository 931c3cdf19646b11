package report

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// output meets every row once, in order, and then ends its files. What it is given
// is only there until the next row.
type output interface {
	meet(*row) error
	end(context.Context) error
	// close lets go of what is open, ended or not.
	close() error
}

// afterwards is an output that walks the rows itself, when all have been met.
type afterwards struct {
	*draft
	write func(context.Context, *draft) error
}

func after(write func(context.Context, *draft) error) func(*draft) (output, error) {
	return func(d *draft) (output, error) { return afterwards{d, write}, nil }
}

func (a afterwards) meet(*row) error               { return nil }
func (a afterwards) end(ctx context.Context) error { return a.write(ctx, a.draft) }
func (a afterwards) close() error                  { return nil }

// writeAll takes every row to the findings and to each output in turn, so that the
// records are read once, and then ends the outputs.
func (d *draft) writeAll(ctx context.Context, chosen []format) (err error) {
	d.findings = newFindings(d)
	outputs := make([]output, len(chosen))
	defer func() { err = errors.Join(err, closeAll(outputs)) }()
	for i, f := range chosen {
		if outputs[i], err = f.begin(d); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := d.meetAll(ctx, chosen, outputs); err != nil {
		return err
	}
	return endAll(ctx, chosen, outputs)
}

// endAll ends the outputs side by side; those that walk the records do so in turn.
func endAll(ctx context.Context, chosen []format, outputs []output) error {
	var all sync.WaitGroup
	errs := make([]error, len(outputs))
	end := func(i int) {
		if err := outputs[i].end(ctx); err != nil {
			errs[i] = fmt.Errorf("%s: %w", chosen[i].name, err)
		}
	}
	for i, out := range outputs {
		if _, walks := out.(afterwards); !walks {
			all.Go(func() { end(i) })
		}
	}
	for i, out := range outputs {
		if _, walks := out.(afterwards); !walks {
			continue
		}
		if end(i); errs[i] != nil {
			break
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

func (d *draft) meetAll(ctx context.Context, chosen []format, outputs []output) (err error) {
	defer func() { err = errors.Join(err, d.findings.close()) }()
	for r, err := range d.rows(ctx) {
		if err != nil {
			return err
		}
		d.in.Writers.meet(&r.Record)
		if err := d.findings.meet(r); err != nil {
			return err
		}
		for i, out := range outputs {
			if err := out.meet(r); err != nil {
				return fmt.Errorf("%s: %w", chosen[i].name, err)
			}
		}
	}
	return nil
}

func closeAll(outputs []output) (err error) {
	for _, out := range outputs {
		if out != nil {
			err = errors.Join(err, out.close())
		}
	}
	return err
}
