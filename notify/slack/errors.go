package slack

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"tokenaudit/configs/remedy"
	"tokenaudit/notify"
)

// explainer words what went wrong, without the secrets that it is given.
type explainer struct {
	where   string
	secrets notify.Secrets
	apart   bool // what to do is not in the text of an error, but is its remedy
	begun   bool // some of the delivery is there, so that no error is ErrNotPosted
}

// answerError is an answer that means no, or nothing. A webhook gives its code as
// body.
type answerError struct {
	status int
	body   string
}

func (e answerError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.status, http.StatusText(e.status)))
}

// blocksRefused: Slack did not like the blocks, or found them too long.
type blocksRefused struct{ error }

func (e blocksRefused) Unwrap() error { return e.error }

// asking explains the failure of a request that posts nothing.
func (e explainer) asking(err error) error {
	err, _ = e.explain(err)
	if e.begun {
		return err
	}
	return notify.NotPosted(err)
}

// posting explains the failure of one that posts, and leaves open what became of it
// unless that is sure.
func (e explainer) posting(err error) error {
	err, sure := e.explain(err)
	switch {
	case !sure:
		return fmt.Errorf("%w; it may have been posted", err)
	case e.begun:
		return err
	}
	return notify.NotPosted(err)
}

// explain takes slack-go's errors apart: they print the code only, and keep what
// helps in their fields. Sure is that nothing was done.
func (e explainer) explain(err error) (out error, sure bool) {
	var refused slack.SlackErrorResponse
	var status slack.StatusCodeError
	var answer answerError
	var wait *notify.WaitError
	var code, detail string
	switch {
	case errors.As(err, &wait):
		return fmt.Errorf("%s: ratelimited: %w", e.where, wait), true
	case errors.As(err, &refused):
		details := refused.ResponseMetadata.Messages
		if refused.Needed != "" {
			details = append(details, "needs the scope "+refused.Needed+", has "+cmp.Or(refused.Provided, "none"))
		}
		code, detail, sure = refused.Err, strings.Join(details, "; "), true
	case errors.As(err, &status):
		answer = answerError{status: status.Code}
		fallthrough
	case errors.As(err, &answer):
		code, detail = answer.body, answer.Error()
		sure = answer.status >= 300 && answer.status < 500
	default: // Only a connection that was never made proves that nothing was posted.
		return fmt.Errorf("%s: %w", e.where, e.secrets.CleanError(err)), notify.NeverDialed(err)
	}
	if code == "fatal_error" || code == "internal_error" {
		sure = false // some of the work may be done (docs.slack.dev, chat.postMessage)
	}
	text, do := e.where, advice(code)
	if e.apart {
		do = ""
	}
	for _, part := range []string{code, detail, do} {
		if part != "" {
			text += ": " + e.secrets.Clean(part)
		}
	}
	if strings.Contains(code, "invalid_blocks") || strings.Contains(code, "msg_blocks_too_long") {
		return blocksRefused{errors.New(text)}, sure
	}
	if e.apart {
		return remedy.With(errors.New(text), advice(code)), sure
	}
	return errors.New(text), sure
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
