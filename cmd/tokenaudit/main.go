// Command tokenaudit reviews the API tokens of InfluxDB on a schedule: who owns
// them, which can write, what changed; as a workbook, CSV and a Slack message.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// softMemory is where garbage is collected more often instead of taking more memory:
// what a review keeps is far below it, whatever the population.
const softMemory = 88 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return newCLI(stdout, stderr).execute(ctx, args)
}

// execute runs a command, and gives the exit code.
func (c *cli) execute(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	stderr := root.ErrOrStderr() // without secrets
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	var silent quietError
	switch {
	case err == nil || errors.As(err, &silent):
	case ctx.Err() != nil && !errors.As(err, new(interruptedError)):
		fmt.Fprintln(stderr, "tokenaudit: interrupted")
	default:
		// Errors about a command begin with its path, which has the name of the program.
		fmt.Fprintf(stderr, "tokenaudit: %s\n", strings.TrimPrefix(err.Error(), "tokenaudit "))
	}
	return code
}
