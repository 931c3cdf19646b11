package notify

import (
	"context"
	"errors"
	"sync"
	"time"
)

// The first wait after a failure, and the longest.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
)

// backoff spaces out the attempts of a delivery that does not get through.
type backoff struct {
	Notifier
	mu     sync.Mutex       // guards pauses
	pauses map[string]pause // by the ID of the message
}

type pause struct {
	until  time.Time
	length time.Duration
	err    error
}

// Backoff returns a notifier that tries a delivery again a minute after a failure,
// then after twice as long each time, up to an hour: whoever is asked every few
// seconds may lock the account. In between, Send returns the error of the last
// attempt. A new process tries at once.
func Backoff(n Notifier) Notifier { return &backoff{Notifier: n, pauses: map[string]pause{}} }

// Send sends, or says why not yet.
func (b *backoff) Send(ctx context.Context, m Message) (string, error) {
	id := m.ID()
	b.mu.Lock()
	last := b.pauses[id]
	b.mu.Unlock()
	if time.Now().Before(last.until) {
		return "", last.err
	}
	ref, err := b.Notifier.Send(ctx, m)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil || errors.Is(err, ErrGiveUp) {
		delete(b.pauses, id)
		return ref, err
	}
	length := min(max(firstPause, 2*last.length), longestPause)
	b.pauses[id] = pause{time.Now().Add(length), length, err}
	return ref, err
}
