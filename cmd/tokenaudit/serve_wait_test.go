package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWaitForStore: serve waits for a store that is away, and says so once; one that
// is wrong ends it.
func TestWaitForStore(t *testing.T) {
	away := &net.OpError{Op: "dial", Err: errors.New("refused")}
	wrong := errors.New("no such role")
	for name, test := range map[string]struct {
		answers []error // of one attempt after the other, and then the last one again
		stopped time.Duration
		want    error
		after   time.Duration
	}{
		"there":            {[]error{nil}, time.Hour, nil, 0},
		"wrong":            {[]error{wrong}, time.Hour, wrong, 0},
		"away for a while": {[]error{away, away, away, nil}, time.Hour, nil, 7 * time.Second},
		"away, then wrong": {[]error{away, wrong}, time.Hour, wrong, time.Second},
		"stopped":          {[]error{away}, 10 * time.Minute, away, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.stopped)
				defer cancel()
				var said bytes.Buffer
				attempts, waits, begun := 0, 0, time.Now()
				_, err := whenReachable(ctx, slog.New(slog.NewTextHandler(&said, nil)), func(time.Duration) { waits++ }, func() (*app, error) {
					attempts++
					return nil, test.answers[min(attempts, len(test.answers))-1]
				})
				if !errors.Is(err, test.want) || time.Since(begun) != test.after {
					t.Errorf("error %v after %s, want %v after %s", err, time.Since(begun), test.want, test.after)
				}
				if n := strings.Count(said.String(), "waiting for it"); n != min(waits, 1) {
					t.Errorf("said %d times in %d waits", n, waits)
				}
				if name == "stopped" && attempts > 20 {
					t.Errorf("%d attempts in ten minutes", attempts)
				}
			})
		})
	}
}
