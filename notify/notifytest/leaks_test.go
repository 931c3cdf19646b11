package notifytest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// failures counts errors instead of failing the test.
type failures struct {
	*testing.T
	n int
}

func (f *failures) Errorf(string, ...any) { f.n++ }

type sender = func(context.Context, *http.Client, *slog.Logger) error

// leaky are notifiers with a fault each.
func leaky() map[string]sender {
	return map[string]sender{
		"says nothing": func(context.Context, *http.Client, *slog.Logger) error { return nil },
		"prints the URL": func(ctx context.Context, client *http.Client, _ *slog.Logger) error {
			return post(ctx, client)
		},
		"hides it one level down": func(ctx context.Context, client *http.Client, _ *slog.Logger) error {
			return hidden{post(ctx, client)}
		},
		"logs the URL": func(_ context.Context, _ *http.Client, log *slog.Logger) error {
			log.Debug("posting", "url", "http://slack/services/SECRET")
			return errors.New("failed")
		},
	}
}

type hidden struct{ cause error }

func (h hidden) Error() string { return "failed" }
func (h hidden) Unwrap() error { return h.cause }

func post(ctx context.Context, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://slack/services/SECRET", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return fmt.Errorf("answer: %s", resp.Status)
}
