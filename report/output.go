package report

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// output meets every row once, in order, and then ends its files. What it is given
// is only there until the next row, and others look at it at the same time.
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
		errs[i] = ofFormat(chosen[i].name, outputs[i].end(ctx))
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

// meetAll takes rows a batch at a time, so that the outputs meet them side by side.
func (d *draft) meetAll(ctx context.Context, chosen []format, outputs []output) (err error) {
	defer func() { err = errors.Join(err, d.findings.close()) }()
	errs := make([]error, len(outputs)+1)
	for rows, err := range d.batches(ctx) {
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		for i, out := range outputs {
			all.Go(func() { errs[i] = ofFormat(chosen[i].name, meetEach(out, rows)) })
		}
		all.Go(func() { errs[len(outputs)] = d.meetHere(rows) })
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

func meetEach(out output, rows []row) error {
	for i := range rows {
		if err := out.meet(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// meetHere is for what several outputs need.
func (d *draft) meetHere(rows []row) error {
	for i := range rows {
		if d.in.Each != nil {
			d.in.Each(&rows[i].Record)
		}
		if err := d.findings.meet(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func ofFormat(format string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", format, err)
}

func closeAll(outputs []output) (err error) {
	for _, out := range outputs {
		if out != nil {
			err = errors.Join(err, out.close())
		}
	}
	return err
}
