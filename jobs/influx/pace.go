package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// How things are asked for one by one, of which there may be as many as there are
// authorizations: so many a second, and no more after so many questions in a row that
// were not answered, as each of those takes its retries.
const (
	perSecond = 50
	giveUp    = 3
)

// pacer sets the pace of questions about one thing each. Its methods may be called by several
// goroutines.
type pacer struct {
	pace       *rate.Limiter
	unanswered atomic.Int32 // in a row
}

func newPacer() *pacer { return &pacer{pace: rate.NewLimiter(perSecond, perSecond)} }

var errGaveUp = errors.New("not asked: the server had stopped answering")

// ask asks when it is time, and gives the error of the question; it does not ask once
// it has given up, nor when ctx would end before it is time.
func (p *pacer) ask(ctx context.Context, question func() error) error {
	if p.unanswered.Load() >= giveUp {
		return errGaveUp
	}
	if err := p.pace.Wait(ctx); err != nil {
		return fmt.Errorf("not asked: %w", named(ctx, err))
	}
	err := question()
	switch statusOf(err) {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		p.unanswered.Add(1)
	default:
		p.unanswered.Store(0)
	}
	return err
}
