package slack

import (
	"net/http"
	"time"

	"tokenaudit/notify"
)

// client asks Slack within one Send. It bounds what Slack can make of it: memory by
// the length of an answer, time by what a 429 asks to wait.
type client struct {
	http  *http.Client
	until time.Time // when the last wait must be over
}

// maxAnswer bounds an answer of Slack, in MiB. The longest that makes sense has a
// hundred messages of a channel, each of some 50 KB at most.
const maxAnswer = 8

func newClient(c *http.Client) client { return client{c, time.Now().Add(notify.MaxWait)} }

// Do is what slack-go wants of a client. A 429 it may try again, as nothing was
// done; anything else it may not: Slack has no idempotency key
// (slackapi/slack-api-specs#10), and a post whose answer was cut off would appear
// twice.
func (c client) Do(r *http.Request) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		answer, err := c.http.Do(r)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusTooManyRequests {
			answer.Body = notify.Bounded(answer.Body, maxAnswer)
			return answer, nil
		}
		answer.Body.Close()
		again := time.Now().Add(notify.RetryAfter(answer))
		if attempt == notify.Retries || again.After(c.until) || r.GetBody == nil {
			return nil, &notify.WaitError{Until: again}
		}
		select {
		case <-time.After(time.Until(again)):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
}
