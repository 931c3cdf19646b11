package main

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"tokenaudit/jobs/runner"
)

// systemd tells the service manager how the process is. Where there is none, or it
// does not want to know, it does nothing.
type systemd struct {
	log   *slog.Logger
	ready sync.Once
}

// newSystemd refuses a WatchdogSec that heartbeats cannot keep up with.
func newSystemd(log *slog.Logger) (*systemd, error) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, usageError{err}
	}
	if least := 2 * runner.Heartbeat; within > 0 && within < least {
		return nil, usagef("WatchdogSec is %s, but the scheduler reports every %s; set WatchdogSec to %s or more", within, runner.Heartbeat, least.Round(time.Second))
	}
	return &systemd{log: log}, nil
}

// beat is for the loop of the scheduler: the service is ready once that runs, and
// alive as long as it does.
func (s *systemd) beat() {
	s.ready.Do(func() { s.tell(daemon.SdNotifyReady) })
	s.tell(daemon.SdNotifyWatchdog)
}

// waiting keeps the service manager from giving up while the store is away: it looks
// again after next.
func (s *systemd) waiting(next time.Duration) {
	s.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d\nSTATUS=waiting for the store", (next + time.Minute).Microseconds()))
}

// reloading and reloaded frame a reload; status is shown by systemctl status.
func (s *systemd) reloading() {
	s.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

func (s *systemd) reloaded(status string) {
	s.tell(daemon.SdNotifyReady + "\nSTATUS=" + status)
}

func (s *systemd) stopping() { s.tell(daemon.SdNotifyStopping) }

func (s *systemd) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd could not be notified", "state", state, "error", err)
	}
}
