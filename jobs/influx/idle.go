package influx

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// idleTimeout ends a request that hears nothing for too long, in the headers or
// in the middle of the body, and says so by name. A limit on the whole request
// would break long lists that are coming in all right.
type idleTimeout struct{ next http.RoundTripper }

func (t idleTimeout) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(quiet, func() { cancel(fmt.Errorf("the server sent nothing for %s", quiet)) })
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		timer.Stop()
		err = named(ctx, err)
		cancel(nil)
		return nil, err
	}
	timer.Reset(quiet)
	resp.Body = &timedBody{resp.Body, func(err error) error { return named(ctx, err) }, cancel, timer}
	return resp, nil
}

type timedBody struct {
	io.ReadCloser
	named  func(error) error // what an error of the request is due to
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.timer.Reset(quiet)
	}
	if err != nil && err != io.EOF {
		err = b.named(err)
	}
	return n, err
}

func (b *timedBody) Close() error {
	b.timer.Stop()
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// named prefers the reason why a context ended to the bare fact that it did.
func named(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
