package secret

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

const execLimit = 30 * time.Second

// readExec runs a command for its standard output. Its standard error is
// dropped, as it may echo the secret: errors tell the exit status only.
func readExec(ctx context.Context, command []string, limit time.Duration) (string, error) {
	tooLate := fmt.Errorf("no answer within %s: %w", limit, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, tooLate)
	defer cancel()
	var output bounded
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
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
