package notify

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ErrNotPosted is in the errors of Send where this attempt surely posted nothing. Any
// other error leaves it open.
var ErrNotPosted = errors.New("nothing was posted")

// ErrGiveUp is in the errors of Send after which the message may have arrived more
// than once already, and is better not tried again.
var ErrGiveUp = errors.New("it may have been posted, and is not tried again")

// NotPosted is err with ErrNotPosted in it, and the same text.
func NotPosted(err error) error { return notPosted{err} }

type notPosted struct{ error }

func (e notPosted) Unwrap() error      { return e.error }
func (notPosted) Is(target error) bool { return target == ErrNotPosted }

// Secrets are what no error may show, those that hold others first.
type Secrets []string

// Clean takes the secrets out before anything is cut, as a half of one is still
// too much. What is shorter than a secret would only blot out the text.
func (s Secrets) Clean(text string) string {
	for _, secret := range s {
		if len(secret) >= 6 {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return Show(text, 400, "no reason given")
}

// CleanError is err without the secrets, and without the URL that net/http puts
// around it. It wraps what err wraps, unless that holds a secret.
func (s Secrets) CleanError(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if text := err.Error(); s.Clean(text) != text {
		return errors.New(s.Clean(text))
	}
	return err
}

// NeverDialed: no connection was made, so that nothing was posted.
func NeverDialed(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// SecretsOf are all parts of a URL by which somebody could post to it, but its host.
func SecretsOf(u *url.URL) Secrets {
	password, _ := u.User.Password()
	out := Secrets{u.String(), u.Redacted(), u.RequestURI(), u.Path, u.EscapedPath(), u.RawQuery, u.User.String(), u.User.Username(), password}
	for _, values := range u.Query() {
		out = append(out, values...)
	}
	out = append(out, strings.Split(u.Path, "/")...)
	out = append(out, strings.Split(u.EscapedPath(), "/")...)
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return out
}

// WaitError is in the errors of Send after which the receiver is not to be asked
// again before a time.
type WaitError struct{ Until time.Time }

func (e *WaitError) Error() string { return "asks to wait until " + (Message{}).Time(e.Until) }
