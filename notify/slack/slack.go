// Package slack tells people in Slack what a run found. As a bot it posts a thread:
// the summary (summary.go), a reply for each owner with something to do (owner.go),
// and the workbook; to an incoming webhook it posts the summary only (webhook.go). It also
// tells reviewers of campaigns (campaign.go).
// Text draws the same for a terminal (preview.go). Each delivery is posted in the
// richest form that Slack takes.
package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// New returns the notifier that c describes: a bot, or an incoming webhook. Both
// read their secret anew for each message, and never repeat a post that may have
// arrived.
func New(c Config, client *http.Client, log *slog.Logger) notify.Notifier {
	return notifier{c, client, log, rate.NewLimiter(rate.Every(time.Second), burst)}
}

type notifier struct {
	config Config
	client *http.Client
	log    *slog.Logger
	pace   *rate.Limiter
}

// burst is how many messages go out without a pause. Slack takes one a second for each
// channel, and short bursts (docs.slack.dev, "Rate limits").
const burst = 10

// wait keeps to the pace that Slack asks for.
func (n notifier) wait(ctx context.Context) error {
	turn := n.pace.Reserve()
	select {
	case <-time.After(turn.Delay()):
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return notify.NotPosted(context.Cause(ctx))
	}
}

// Deliveries are the summary, one for each owner, and the workbook, as configured.
func (n notifier) Deliveries(s audit.Summary, h audit.Highlights) []string {
	return n.config.deliveries(s, h)
}

// Send posts one delivery and returns channel/ts; a webhook gives no reference.
func (n notifier) Send(ctx context.Context, m notify.Message) (string, error) {
	d := delivery{key: m.Summary.ID, part: m.Delivery, again: m.Again, since: m.Since, forms: func(to recipient, repeats bool) []Post {
		m.Repeats = repeats
		return n.config.forms(m, to)
	}}
	if n.config.Webhook.IsZero() {
		return n.sendAsBot(ctx, m, d)
	}
	return "", n.sendToWebhook(ctx, d)
}

// delivery is one message that is posted.
type delivery struct {
	key, part string // by which it is found again, see options
	// Again: an earlier attempt, not before since, may have arrived.
	again bool
	since time.Time
	// forms are those of the message, the richest first. Repeats: it says that it may be
	// there twice.
	forms func(to recipient, repeats bool) []Post
}

// The deliveries of a thread after the summary.
const (
	serversDelivery   = "servers"
	unclaimedDelivery = "unclaimed"
	fileDelivery      = "file:" // and its name
)

// deliveries are the messages of a thread: the summary, one about servers that need action, one
// for each person with something to do, worst first, one for all owners that nobody claims, and the workbook.
func (c Config) deliveries(s audit.Summary, h audit.Highlights) []string {
	out := []string{notify.SummaryDelivery}
	if !c.Webhook.IsZero() || c.nothingChanged(s) {
		return out
	}
	if !c.SummaryOnly {
		if len(h.Server) > 0 {
			out = append(out, serversDelivery)
		}
		for _, o := range h.Owners {
			if claimed(o) {
				out = append(out, notify.OwnerDelivery+cmp.Or(o.Key, o.Owner.ID))
			}
		}
		if len(unclaimed(h))+h.MoreOwners > 0 {
			out = append(out, unclaimedDelivery)
		}
	}
	if c.Upload {
		out = append(out, fileDelivery+notify.Workbook)
	}
	return out
}

// nothingChanged is whether one line will do: no finding came, came back or went, nothing
// became overdue, all was seen, and no campaign waits for anybody.
func (c Config) nothingChanged(s audit.Summary) bool {
	if !c.Quiet || s.Previous == nil || s.Coverage.Verdict != audit.Complete || s.Missed > 0 || len(s.PolicyChanges)+len(s.Coverage.AllRetired()) > 0 {
		return false
	}
	if slices.ContainsFunc(s.Campaigns, func(c audit.CampaignStatus) bool { return !c.Quiet() }) {
		return false
	}
	for _, state := range []audit.FindingState{audit.New, audit.Reopened, audit.ByPolicy, audit.Resolved, audit.NotJudged} {
		if s.Findings.ByState[state] > 0 {
			return false
		}
	}
	a := s.NeedsAction
	return a.New+a.Fixed+a.Excepted == 0 && a.Overdue <= s.Previous.NeedsAction.Overdue
}

// postRichest posts a delivery in the first form that Slack takes: plain text that
// arrives beats blocks that do not.
func (n notifier) postRichest(ctx context.Context, d delivery, forms []Post, post func(Post) (string, error)) (string, error) {
	for _, form := range forms[:len(forms)-1] {
		ref, err := post(form)
		if !errors.As(err, new(blocksRefused)) {
			return ref, err
		}
		n.log.WarnContext(ctx, "Slack did not take the message; posting a plainer one", "key", d.key, "part", d.part, "error", err)
	}
	return post(forms[len(forms)-1])
}

// sendAsBot looks for a delivery that may have arrived before it repeats it.
func (n notifier) sendAsBot(ctx context.Context, m notify.Message, d delivery) (string, error) {
	if _, known := m.Owner(); strings.HasPrefix(m.Delivery, notify.OwnerDelivery) && !known { // left by another version
		n.log.WarnContext(ctx, "no messages to owners: the review has no data about them", "job", m.Summary.Job, "run", m.Summary.ID, "delivery", m.Delivery)
		return "", nil
	}
	s, err := n.open(ctx)
	if err != nil {
		return "", err
	}
	to, err := n.reach(ctx, s, recipientOf(n.config, m))
	if err != nil {
		return "", err
	}
	at := place{channel: to.channel}
	if to.channel == "" {
		channel, thread, _ := strings.Cut(m.Root, "/")
		at = place{cmp.Or(channel, n.config.Channel), thread}
	}
	name, isFile := strings.CutPrefix(m.Delivery, fileDelivery)
	isIt := d.isIt
	if isFile { // it carries no metadata, but its thread is that of the run
		isIt = hasFile(fileName(m, name))
	}
	repeats := false
	if m.Again {
		ref, looked, err := s.findPosted(ctx, isIt, d.since, at)
		if ref != "" || err != nil {
			return ref, err
		}
		repeats = !looked
	}
	if at.thread != "" && slackChannel.MatchString(n.config.Channel) && at.channel != n.config.Channel {
		at = place{channel: n.config.Channel} // another one is configured since the summary was posted
	}
	if isFile {
		return s.upload(ctx, at, fileName(m, name), func(ctx context.Context) (io.ReadCloser, error) { return m.Open(ctx, name) })
	}
	return n.post(ctx, s, d, at, d.forms(to, repeats))
}

// open reads the token, when the pace allows.
func (n notifier) open(ctx context.Context) (session, error) {
	if err := n.wait(ctx); err != nil {
		return session{}, err
	}
	e := explainer{where: "post to Slack channel " + notify.Show(n.config.Channel, 80, "(none)")}
	token, err := n.config.Token.Read(ctx)
	if err != nil {
		return session{}, e.asking(err)
	}
	e.secrets = notify.Secrets{token.Reveal()}
	return session{n.config.api(token.Reveal(), newClient(n.client)), e}, nil
}

// post posts a delivery, and returns channel/ts.
func (n notifier) post(ctx context.Context, s session, d delivery, at place, forms []Post) (string, error) {
	return n.postRichest(ctx, d, forms, func(p Post) (string, error) {
		channel, ts, err := s.api.PostMessageContext(ctx, at.channel, options(d, at, p)...)
		if err != nil {
			return "", s.posting(err)
		}
		return channel + "/" + ts, nil
	})
}

// place is a channel, and a thread in it unless the delivery has a place of its own.
type place struct{ channel, thread string }

// session is the API with one reading of the token, and what explains its errors
// without it.
type session struct {
	api *slack.Client
	explainer
}

func (c Config) api(token string, client client) *slack.Client {
	url := strings.TrimSuffix(cmp.Or(c.APIURL, slack.APIURL), "/") + "/" // slack-go appends the method
	return slack.New(token, slack.OptionAPIURL(url), slack.OptionHTTPClient(client))
}

// eventType marks our messages.
const eventType = "tokenaudit_run"

// options: everybody in the workspace can read the metadata, so it holds the key
// of the run and the delivery, and no more.
func options(d delivery, at place, p Post) []slack.MsgOption {
	out := []slack.MsgOption{
		slack.MsgOptionText(p.Text, true), slack.MsgOptionTS(at.thread), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType:    eventType,
			EventPayload: map[string]any{"key": d.key, "part": d.part},
		}),
	}
	if len(p.Blocks) > 0 {
		out = append(out, slack.MsgOptionBlocks(p.Blocks...))
	}
	return out
}

// isIt tells the delivery by its metadata.
func (d delivery) isIt(said slack.Message) bool {
	payload := said.Metadata.EventPayload
	return said.Metadata.EventType == eventType && payload["key"] == d.key && payload["part"] == d.part
}

// hasFile tells a message by a file in it.
func hasFile(name string) func(slack.Message) bool {
	return func(said slack.Message) bool {
		return slices.ContainsFunc(said.Files, func(f slack.File) bool { return f.Name == name })
	}
}

// findPosted looks for a delivery that an earlier attempt, not before since, may have
// posted. It reports whether it could look: without the scope, or a place in the channel, it
// cannot, and the delivery is posted again rather than lost.
func (s session) findPosted(ctx context.Context, isIt func(slack.Message) bool, since time.Time, at place) (ref string, looked bool, err error) {
	oldest := strconv.FormatInt(since.Add(-time.Minute).Unix(), 10)
	for cursor, more := "", true; more; more = cursor != "" {
		var said []slack.Message
		if said, cursor, err = s.read(ctx, at, oldest, cursor); err != nil {
			break
		}
		if i := slices.IndexFunc(said, isIt); i >= 0 {
			return at.channel + "/" + said[i].Timestamp, true, nil
		}
	}
	var no slack.SlackErrorResponse
	switch {
	case err == nil:
		return "", true, nil
	case !errors.As(err, &no):
	case no.Err == "missing_scope", no.Err == "not_in_channel", no.Err == "channel_not_found" && !slackChannel.MatchString(at.channel):
		// Slack does not show the channel to a bot that may well post there: one that
		// is not in it, or that knows it by its name.
		return "", false, nil
	}
	return "", false, fmt.Errorf("looking whether it was posted already: %w", s.asking(err))
}

// read reads what was said in a channel, or in a thread of it.
func (s session) read(ctx context.Context, at place, oldest, cursor string) ([]slack.Message, string, error) {
	const most = 100
	if at.thread != "" {
		said, _, next, err := s.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: at.channel, Timestamp: at.thread, Oldest: oldest, Cursor: cursor, Limit: most, IncludeAllMetadata: true,
		})
		return said, next, err
	}
	got, err := s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: at.channel, Oldest: oldest, Cursor: cursor, Limit: most, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, "", err
	}
	return got.Messages, got.ResponseMetaData.NextCursor, nil
}

// upload puts a file under the name that is shown, into the thread if there is one. The first
// two of its three requests show nothing to anybody, so that only the last one must not be
// repeated.
func (s session) upload(ctx context.Context, at place, shown string, open func(context.Context) (io.ReadCloser, error)) (string, error) {
	file, err := open(ctx) // once for its size, which Slack wants to know first
	if err != nil {
		return "", s.asking(err)
	}
	size, err := io.Copy(io.Discard, file)
	file.Close()
	if err != nil {
		return "", s.asking(err)
	}
	slot, err := s.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: shown, FileSize: int(size)})
	if err != nil {
		return "", fmt.Errorf("uploading %s: %w", shown, s.asking(err))
	}
	if file, err = open(ctx); err != nil {
		return "", fmt.Errorf("uploading %s: %w", shown, s.asking(err))
	}
	defer file.Close()
	s.secrets = append(s.secrets, slot.UploadURL)
	if err := s.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: slot.UploadURL, Reader: file, Filename: shown}); err != nil {
		return "", fmt.Errorf("uploading %s: %w", shown, s.asking(err))
	}
	_, err = s.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files: []slack.FileSummary{{ID: slot.FileID, Title: shown}}, Channel: at.channel, ThreadTimestamp: at.thread,
	})
	if err != nil {
		return "", fmt.Errorf("uploading %s: %w", shown, s.posting(err))
	}
	return at.channel + "/" + slot.FileID, nil
}

// fileName tells the files of several reviews apart in a folder of downloads.
func fileName(m notify.Message, name string) string {
	return strings.ReplaceAll(m.Summary.ID, "/", "-") + "-" + name
}
