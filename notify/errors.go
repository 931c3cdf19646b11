package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// refusal is a failure after which surely nothing was posted.
type refusal struct {
	text   string
	blocks bool // Slack did not like the blocks, or found them too long
}

func (r refusal) Error() string        { return r.text }
func (r refusal) Is(target error) bool { return target == ErrNotPosted }

// reporter words what went wrong, without the secrets it is given.
type reporter struct {
	where string
	hide  []string
	asks  bool // the request posts nothing, whatever becomes of it
}

func (r reporter) notTried(err error) error {
	return refusal{text: r.where + ": " + r.clean(err.Error())}
}

// refused reports that Slack said no. After fatal_error and internal_error some of
// the work may be done (docs.slack.dev, chat.postMessage).
func (r reporter) refused(code, detail string) error {
	text := r.where
	for _, part := range []string{code, detail, advice(code)} {
		if part != "" {
			text += ": " + r.clean(part)
		}
	}
	if code == "fatal_error" || code == "internal_error" {
		return r.uncertain(errors.New(text))
	}
	return refusal{text, strings.Contains(code, "invalid_blocks") || strings.Contains(code, "msg_blocks_too_long")}
}

// status reports an HTTP status that means no; a webhook gives its code as body.
func (r reporter) status(code int, body string) error {
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", code, http.StatusText(code)))
	if code >= 300 && code < 500 {
		return r.refused(body, text)
	}
	return r.uncertain(fmt.Errorf("%s: %s: %s", r.where, text, r.clean(body)))
}

// broken reports that no answer came. Only a connection that was never made
// proves that nothing was posted.
func (r reporter) broken(err error) error {
	err = inner(err)
	if text := err.Error(); r.clean(text) != text {
		err = errors.New(r.clean(text))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return refusal{text: r.where + ": " + err.Error()}
	}
	return r.uncertain(fmt.Errorf("%s: %w", r.where, err))
}

func (r reporter) uncertain(err error) error {
	if r.asks {
		return err
	}
	return fmt.Errorf("%w; it may have been posted", err)
}

// inner drops url.Error, which prints the URL.
func inner(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// clean takes the secrets out before anything is cut, as a half of one is still
// too much. What is shorter than a secret would only blot out the text.
func (r reporter) clean(text string) string {
	for _, secret := range r.hide {
		if len(secret) >= 6 {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return shown(text, 400, "no reason given")
}

// advice is what to do about the errors that people meet.
func advice(code string) string {
	switch code {
	case "channel_not_found":
		return "check the channel's ID (in the channel's details, such as C0123456789); to see a private channel the app must be invited to it"
	case "not_in_channel":
		return "invite the app: write /invite and its name in the channel"
	case "is_archived", "channel_is_archived":
		return "the channel is archived; choose another one"
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive":
		return "Slack does not accept the token; install the app again and store its bot token (xoxb-…)"
	case "missing_scope":
		return "add the scope under OAuth & Permissions, then install the app again"
	case "no_service", "no_active_hooks", "invalid_token":
		return "the webhook no longer exists; create a new one and store its URL"
	}
	return ""
}
