package notify

import (
	"net/http"
	"time"
)

// Retries after an answer that asks to try later.
const Retries = 3

// NewClient returns a client that follows no redirect, as secrets stand in URLs and
// bodies, and waits 30 s for each answer.
func NewClient() *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Timeout: 30 * time.Second, CheckRedirect: stay}
}
