package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/slack-go/slack"

	"tokenaudit/jobs/audit"
)

// addressee is whom the message to an owner mentions, and where it is posted.
type addressee struct {
	user    string // Slack ID
	address string // e-mail, not looked up yet
	channel string // in place of the thread
}

// claim is who the configuration says is told about the owner of a message. A user
// whose name is an e-mail address claims themselves, unless they are gone.
func (c Config) claim(m Message) addressee {
	news, ok := m.owner()
	if !ok {
		return addressee{}
	}
	o := news.Owner
	self := ""
	if isAddress(o.Name) && o.State != audit.OwnerDeleted && o.State != audit.OwnerInactive {
		self = o.Name
	}
	switch who := cmp.Or(c.Owners[o.ID], c.Owners[o.Name], self); {
	case slackUser.MatchString(who):
		return addressee{user: who}
	case slackChannel.MatchString(who):
		return addressee{channel: who}
	case who != "":
		return addressee{address: who}
	}
	return addressee{channel: c.FallbackChannel}
}

// find turns a claim into a place: it looks up an address, and opens the direct
// message. An owner that Slack does not know is one that nobody claims.
func (b bot) find(ctx context.Context, s session, to addressee) (addressee, error) {
	var err error
	if to.address != "" {
		to, err = b.lookUp(ctx, s, to.address)
	}
	if err == nil && to.user != "" && bool(b.config.DM) {
		to.channel, err = s.direct(ctx, to.user)
	}
	return to, err
}

func (b bot) lookUp(ctx context.Context, s session, address string) (addressee, error) {
	user, err := s.api.GetUserByEmailContext(ctx, address)
	var no slack.SlackErrorResponse
	switch {
	case err == nil:
		return addressee{user: user.ID}, nil
	case errors.As(err, &no) && (no.Err == "users_not_found" || no.Err == "missing_scope"):
		level := slog.LevelInfo // not everybody is in Slack
		if no.Err == "missing_scope" {
			level = slog.LevelWarn
		}
		b.log.Log(ctx, level, "an owner is not mentioned", "error", s.asking().explain(err))
		return addressee{channel: b.config.FallbackChannel}, nil
	}
	return addressee{}, fmt.Errorf("looking up an owner by e-mail: %w", s.unposted(err))
}

func (s session) direct(ctx context.Context, user string) (channel string, err error) {
	c, _, _, err := s.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", fmt.Errorf("opening a direct message to %s: %w", user, s.unposted(err))
	}
	return c.ID, nil
}

// text is where the message goes, for a person; empty for the thread.
func (a addressee) text() string { return shown(cmp.Or(a.user, a.address, a.channel), 80, "") }
