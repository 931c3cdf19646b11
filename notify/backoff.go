package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// The first pause after a failure, and the longest.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
)

// Backoff returns a notifier that tries a delivery again a minute after a failure,
// then after twice as long each time, up to an hour: whoever is asked every few
// seconds may lock the account. After a WaitError it tries none before that time. In
// between, Send returns the error of the last attempt. A new process tries at once.
// It tells of campaigns if n does.
func Backoff(n Notifier) Notifier {
	b := &backoff{Notifier: n, pauses: map[string]pause{}}
	if of, can := n.(CampaignNotifier); can {
		return campaignBackoff{b, of}
	}
	return b
}

type campaignBackoff struct {
	*backoff
	CampaignNotifier
}

// SendCampaign does as Send does.
func (b campaignBackoff) SendCampaign(ctx context.Context, m CampaignMessage) (string, error) {
	return b.try(m.ID(), func() (string, error) { return b.CampaignNotifier.SendCampaign(ctx, m) })
}

type backoff struct {
	Notifier
	mu     sync.Mutex       // guards the rest
	pauses map[string]pause // by the ID of the message
	all    pause            // that the receiver asked for
}

type pause struct {
	until  time.Time
	length time.Duration
	err    error
}

// Send sends, or says why not yet.
func (b *backoff) Send(ctx context.Context, m Message) (string, error) {
	return b.try(m.ID(), func() (string, error) { return b.Notifier.Send(ctx, m) })
}

// try sends the message of an ID, unless it is too early.
func (b *backoff) try(id string, send func() (string, error)) (string, error) {
	if err := b.paused(id); err != nil {
		return "", err
	}
	ref, err := send()
	b.mu.Lock()
	defer b.mu.Unlock()
	wait := (*WaitError)(nil)
	switch {
	case err == nil, errors.Is(err, ErrGiveUp):
		delete(b.pauses, id)
	case errors.As(err, &wait):
		b.all = pause{until: wait.Until, err: fmt.Errorf("not tried: an earlier message got the answer: %w", wait)}
	default:
		length := min(max(firstPause, 2*b.pauses[id].length), longestPause)
		b.pauses[id] = pause{time.Now().Add(length), length, err}
	}
	return ref, err
}

// paused is why the message of an ID is not tried now.
func (b *backoff) paused(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Before(b.all.until) {
		return NotPosted(b.all.err)
	}
	if p := b.pauses[id]; now.Before(p.until) {
		return p.err
	}
	return nil
}
