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

// patient spaces out the attempts of a part that does not get through.
type patient struct {
	Notifier
	mu     sync.Mutex
	pauses map[string]pause // by messageID
}

type pause struct {
	until  time.Time
	length time.Duration
	err    error
}

// Patient returns a notifier that tries a part again a minute after a failure,
// then after twice as long each time, up to an hour: whoever is asked every few
// seconds may lock the account. In between, Send returns the error of the last
// attempt. A new process tries at once.
func Patient(n Notifier) Notifier { return &patient{Notifier: n, pauses: map[string]pause{}} }

// Send sends, or says why not yet.
func (p *patient) Send(ctx context.Context, m Message) (string, error) {
	id := messageID(m)
	last := p.last(id)
	if time.Now().Before(last.until) {
		return "", last.err
	}
	ref, err := p.Notifier.Send(ctx, m)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || errors.Is(err, ErrLetBe) {
		delete(p.pauses, id)
		return ref, err
	}
	length := min(max(firstPause, 2*last.length), longestPause)
	p.pauses[id] = pause{time.Now().Add(length), length, err}
	return ref, err
}

func (p *patient) last(id string) pause {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pauses[id]
}
