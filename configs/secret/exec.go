package secret

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

const execLimit = 30 * time.Second

// readExec runs the command for its standard output. Its standard error is
// dropped, as it may echo the secret: errors tell the exit status only. It gets
// the environment of this process without the variables that are withheld.
func (r Ref) readExec(ctx context.Context, limit time.Duration) (string, error) {
	tooLate := fmt.Errorf("no answer within %s: %w", limit, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, tooLate)
	defer cancel()
	var output bounded
	var words []string
	for _, word := range r.Exec {
		words = append(words, word.Reveal())
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.ContainsFunc(r.withheld, func(other string) bool {
			return name == other || runtime.GOOS == "windows" && strings.EqualFold(name, other)
		})
	})
	cmd.Stdout = &output
	cmd.WaitDelay = time.Second // a child of the killed command may hold its output open
	err := cmd.Run()
	switch {
	case output.full: // the exit status only tells of the broken pipe
		err = errTooLong
	case err != nil && ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return output.text.String(), err
}
