package audit

import "context"

type runKey struct{}

// WithRun notes in ctx which run is under way, for what is logged on its behalf.
func WithRun(ctx context.Context, run Run) context.Context {
	return context.WithValue(ctx, runKey{}, run)
}

// RunOf is the run that is under way in ctx; found is false outside of any.
func RunOf(ctx context.Context) (run Run, found bool) {
	run, found = ctx.Value(runKey{}).(Run)
	return run, found
}
