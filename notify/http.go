package notify

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retries within one Send, after an answer that asks to try later.
const Retries = 3

// MaxWait is what one Send may spend waiting for a receiver that asks to try later.
// What takes longer is left to a later Send, so that it holds up nobody else.
const MaxWait = time.Minute

// NewClient returns a client that follows no redirect, as secrets stand in URLs and
// bodies, and waits 30 s for each answer.
func NewClient() *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Timeout: 30 * time.Second, CheckRedirect: stay}
}

// RetryAfter is how long an answer asks to wait, in seconds or until a date: a day
// at most, so that nobody is silent for ever. Without a time that makes sense it is
// ten seconds.
func RetryAfter(answer *http.Response) time.Duration {
	text := strings.TrimSpace(answer.Header.Get("Retry-After"))
	seconds, err := strconv.ParseInt(text, 10, 64)
	if date, none := http.ParseTime(text); none == nil {
		seconds, err = int64(time.Until(date)/time.Second), nil
	}
	if seconds < 0 || err != nil && !errors.Is(err, strconv.ErrRange) {
		return 10 * time.Second
	}
	return time.Duration(min(max(seconds, 1), 24*60*60)) * time.Second
}

// Bounded is the body of an answer that may be that long, after decompression. The
// error beyond it names the bound.
func Bounded(body io.ReadCloser, mebibytes int) io.ReadCloser {
	return &bounded{body, io.LimitedReader{R: body, N: int64(mebibytes)<<20 + 1}, mebibytes}
}

type bounded struct {
	io.Closer
	limited   io.LimitedReader
	mebibytes int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.limited.Read(p)
	if b.limited.N <= 0 {
		return 0, fmt.Errorf("the answer is longer than %d MiB", b.mebibytes)
	}
	return n, err
}
