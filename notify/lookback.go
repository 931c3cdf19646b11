package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// lookBack looks for a part that an earlier attempt may have posted. It reports
// whether it could look: without the scope, or a place in the channel, it cannot,
// and the part is posted again rather than lost.
func (s session) lookBack(ctx context.Context, m Message, at place) (ref string, looked bool, err error) {
	since := strconv.FormatInt(m.Since.Add(-time.Minute).Unix(), 10)
	for cursor, more := "", true; more; more = cursor != "" {
		var said []slack.Message
		if said, cursor, err = s.page(ctx, at, since, cursor); err != nil {
			break
		}
		if i := slices.IndexFunc(said, m.isIn); i >= 0 {
			return at.channel + "/" + said[i].Timestamp, true, nil
		}
	}
	switch {
	case err == nil:
		return "", true, nil
	case unshown(err, at):
		return "", false, nil
	}
	return "", false, fmt.Errorf("looking whether it was posted already: %w", s.asking().explain(err))
}

// unshown is whether Slack does not show the channel to a bot that may well post
// there: one that is not in it, or that knows it by its name.
func unshown(err error, at place) bool {
	var no slack.SlackErrorResponse
	if !errors.As(err, &no) {
		return false
	}
	byName := !slackChannel.MatchString(at.channel)
	return no.Err == "missing_scope" || no.Err == "not_in_channel" || no.Err == "channel_not_found" && byName
}

// page reads what was said in a channel, or in a thread of it.
func (s session) page(ctx context.Context, at place, since, cursor string) ([]slack.Message, string, error) {
	const most = 200
	if at.thread == "" {
		got, err := s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: at.channel, Oldest: since, Cursor: cursor, Limit: most, IncludeAllMetadata: true,
		})
		if err != nil {
			return nil, "", err
		}
		return got.Messages, got.ResponseMetaData.NextCursor, nil
	}
	said, _, next, err := s.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
		ChannelID: at.channel, Timestamp: at.thread, Oldest: since, Cursor: cursor, Limit: most, IncludeAllMetadata: true,
	})
	return said, next, err
}

// isIn is whether a message in Slack is this part. A file carries no metadata, but
// its thread is that of the run.
func (m Message) isIn(said slack.Message) bool {
	if name, ok := strings.CutPrefix(m.Part, partFile); ok {
		return slices.ContainsFunc(said.Files, func(f slack.File) bool { return f.Name == fileName(m, name) })
	}
	payload := said.Metadata.EventPayload
	return said.Metadata.EventType == eventType && payload["key"] == m.Summary.ID && payload["part"] == m.Part
}
