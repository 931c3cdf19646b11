package main

import (
	"errors"
	"fmt"
)

// Exit codes are a contract; they stand in every help page.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitFindings   = 3
	exitIncomplete = 4
	exitRefused    = 5
	exitOpenItems  = 6
)

const exitHelp = `Exit codes:
  0  done
  1  could not run, or a message was not delivered
  2  wrong usage or configuration
  3  findings at or above --fail-on
  4  done, but coverage is not complete
  5  rows of an import were refused
  6  items of a campaign are open, or revocations are overdue`

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// quietError carries an exit code for something that the output already says.
type quietError struct{ code int }

func (e quietError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// interruptedError is the end by a signal, and what is left to continue.
type interruptedError struct{ text string }

func (e interruptedError) Error() string { return "interrupted; " + e.text }

// exitCode is the only place that maps errors to exit codes.
func exitCode(err error) int {
	var quiet quietError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, &quiet):
		return quiet.code
	}
	return exitFailed
}
