package slack

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"tokenaudit/notify"
)

// explainer words what went wrong, without the secrets that it is given.
type explainer struct {
	where   string
	secrets notify.Secrets
	asks    bool // the request posts nothing, whatever becomes of it
}

// blocksRefused: Slack did not like the blocks, or found them too long.
type blocksRefused struct{ error }

func (e blocksRefused) Unwrap() error { return e.error }

// asking is for requests that post nothing.
func (e explainer) asking() explainer {
	e.asks = true
	return e
}

// unposted explains the failure of a request that posts nothing.
func (e explainer) unposted(err error) error {
	return notify.NotPosted(e.asking().explain(err))
}

func (e explainer) notTried(err error) error {
	return notify.NotPosted(errors.New(e.where + ": " + e.secrets.Clean(err.Error())))
}

// explain takes slack-go's errors apart: they print the code only, and keep what
// helps in their fields.
func (e explainer) explain(err error) error {
	var no slack.SlackErrorResponse
	var status slack.StatusCodeError
	var wait *notify.WaitError
	switch {
	case errors.As(err, &no):
		details := no.ResponseMetadata.Messages
		if no.Needed != "" {
			details = append(details, "needs the scope "+no.Needed+", has "+cmp.Or(no.Provided, "none"))
		}
		return e.refused(no.Err, strings.Join(details, "; "))
	case errors.As(err, &wait):
		return notify.NotPosted(fmt.Errorf("%s: ratelimited: %w", e.where, wait))
	case errors.As(err, &status):
		return e.status(status.Code, "")
	}
	return e.broken(err)
}

// refused reports that Slack said no. After fatal_error and internal_error some of
// the work may be done (docs.slack.dev, chat.postMessage).
func (e explainer) refused(code, detail string) error {
	text := e.where
	for _, part := range []string{code, detail, advice(code)} {
		if part != "" {
			text += ": " + e.secrets.Clean(part)
		}
	}
	err := errors.New(text)
	switch {
	case code == "fatal_error", code == "internal_error":
		return e.uncertain(err)
	case strings.Contains(code, "invalid_blocks"), strings.Contains(code, "msg_blocks_too_long"):
		return blocksRefused{notify.NotPosted(err)}
	}
	return notify.NotPosted(err)
}

// status reports an HTTP status that means no; a webhook gives its code as body.
func (e explainer) status(code int, body string) error {
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", code, http.StatusText(code)))
	if code >= 300 && code < 500 {
		return e.refused(body, text)
	}
	return e.uncertain(fmt.Errorf("%s: %s: %s", e.where, text, e.secrets.Clean(body)))
}

// broken reports that no answer came. Only a connection that was never made
// proves that nothing was posted.
func (e explainer) broken(err error) error {
	clean := fmt.Errorf("%s: %w", e.where, e.secrets.CleanError(err))
	if notify.NeverDialed(err) {
		return notify.NotPosted(clean)
	}
	return e.uncertain(clean)
}

func (e explainer) uncertain(err error) error {
	if e.asks {
		return err
	}
	return fmt.Errorf("%w; it may have been posted", err)
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
