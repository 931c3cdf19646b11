package notifytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"tokenaudit/notify"
)

// T is the part of *testing.T that the tests here need, so that the product can
// import this package without package testing.
type T interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
}

// LeaksNoSecret sends into every failure that the fake knows, and demands an error
// that, like the log, holds none of the secrets at any depth. Call it within
// synctest.Test: a notifier may wait for minutes after a 429.
func LeaksNoSecret(t T, secrets []string, send func(context.Context, *http.Client, *slog.Logger) error) {
	t.Helper()
	for _, script := range disasters() {
		var logged bytes.Buffer
		slack := &Slack{}
		slack.Fail(script...)
		log := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		err := send(t.Context(), slack.Client(), log)
		ExpectClean(t, fmt.Sprint(script), secrets, err, logged.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	slack := &Slack{}
	slack.Fail(Failure{name: "hang", answer: func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}})
	ExpectClean(t, "canceled", secrets, send(ctx, slack.Client(), slog.New(slog.DiscardHandler)), "")
}

func disasters() [][]Failure {
	limited := RateLimited(30)
	return [][]Failure{
		{Status(500)}, {Status(404)}, {Status(302)}, {CutOff()}, {Echo()}, {MissingScope("chat:write", "")},
		{Refused("invalid_auth")}, {Refused("no_service")}, {limited, limited, limited, limited},
		{Refused("invalid_blocks", "[ERROR] too long"), Echo()}, {limited, CutOff()},
	}
}

// ExpectNotPosted demands an error that says that nothing was posted, and why.
func ExpectNotPosted(t T, err error, says ...string) {
	t.Helper()
	if !errors.Is(err, notify.ErrNotPosted) {
		t.Errorf("error: %v", err)
		return
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("misses %q: %v", want, err)
		}
	}
}

// ExpectClean demands an error that, like the log, holds none of the secrets at any
// depth.
func ExpectClean(t T, name string, secrets []string, err error, logged string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	said := allOf(err) + logged
	for _, secret := range secrets {
		if strings.Contains(said, secret) {
			t.Errorf("%s: the secret %q leaks:\n%s", name, secret, said)
		}
	}
}

// allOf prints an error and everything that it wraps, with their fields.
func allOf(err error) string {
	said := fmt.Sprintf("%v\n%#v\n", err, err)
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			said += allOf(e)
		}
	}
	if one := errors.Unwrap(err); one != nil {
		said += allOf(one)
	}
	return said
}

// Hostile returns names as an attacker may give them to tokens, users and orgs.
// Each but the last, which is empty, contains "evil".
func Hostile() []string {
	return []string{
		"<!channel> evil", "*evil*", "<@U1> evil", "<https://evil.example|click>", ":evil:", "`evil`", "@here evil", "&lt;evil&gt;",
		"evil \u202egnp.exe", "evil\n\n*second line*", "evil \x1b[31mred\x1b[0m \x07", "evil\u200b\u2066", "evil\xff", `"evil\"}`, "",
	}
}
