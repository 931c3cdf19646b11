package influx

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// watchdog ends a request that hears nothing for too long, in the headers or
// in the middle of the body, and says so by name. A limit on the whole request
// would break long lists that are coming in all right.
type watchdog struct{ next http.RoundTripper }

func (w watchdog) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(quiet, func() { cancel(fmt.Errorf("the server sent nothing for %s", quiet)) })
	resp, err := w.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		timer.Stop()
		err = named(ctx, err)
		cancel(nil)
		return nil, err
	}
	timer.Reset(quiet)
	resp.Body = &watchedBody{resp.Body, ctx, cancel, timer}
	return resp, nil
}

type watchedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.timer.Reset(quiet)
	}
	if err != nil && err != io.EOF {
		err = named(b.ctx, err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
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
