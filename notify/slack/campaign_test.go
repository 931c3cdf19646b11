package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/notify"
	"tokenaudit/notify/notifytest"
	"tokenaudit/notify/slack"
)

func teller(t *testing.T, n notify.Notifier) notify.CampaignNotifier {
	t.Helper()
	return n.(notify.CampaignNotifier)
}

// TestCampaignGolden: what people are told at each step; UPDATE=1 rewrites it.
func TestCampaignGolden(t *testing.T) {
	for _, kind := range []string{notify.CampaignOpen, notify.CampaignReminder, notify.CampaignOverdue, notify.CampaignEscalation} {
		notifytest.Golden(t, "testdata/campaign-"+kind+".txt", slack.CampaignText(slack.Config{Upload: kind == notify.CampaignReminder}, notifytest.Campaign(kind, 10), false))
	}
	data, err := json.MarshalIndent(slack.CampaignPost(slack.Config{}, notifytest.Campaign(notify.CampaignReminder, 10)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	notifytest.Golden(t, "testdata/campaign.json", string(data)+"\n")
}

// TestCampaignPlace: where a message goes, whom it mentions, and with which file.
func TestCampaignPlace(t *testing.T) {
	const channel = "C0123456789"
	for name, test := range map[string]struct {
		change    func(*slack.Config)
		recipient string
		want      posted
	}{
		"an address in the channel":       {func(*slack.Config) {}, "ben@example.com", posted{channel, "", "UBEN0000"}},
		"an address in a direct message":  {func(c *slack.Config) { c.DM = true }, "ben@example.com", posted{"DUBEN0000", "", "UBEN0000"}},
		"a Slack user":                    {func(c *slack.Config) { c.DM = true }, "UDORA000", posted{"DUDORA000", "", "UDORA000"}},
		"a channel":                       {func(c *slack.Config) { c.DM = true }, "C9876543210", posted{"C9876543210", "", ""}},
		"an address that Slack lacks":     {func(c *slack.Config) { c.DM = true }, "eve@example.com", posted{channel, "", ""}},
		"and there is a fallback channel": {func(c *slack.Config) { c.FallbackChannel = "C5555555555" }, "eve@example.com", posted{"C5555555555", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, upload := range []bool{false, true} {
				config := both(t)["bot"]
				if test.change(&config); upload {
					config.Upload = true
				}
				fake := &notifytest.Slack{Token: botToken, Members: map[string]string{"ben@example.com": "UBEN0000"}}
				m := notifytest.Campaign(notify.CampaignOpen, 10)
				m.Recipient = test.recipient
				ref, err := teller(t, slack.New(config, fake.Client(), discard())).SendCampaign(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				all := fake.Messages()
				first, last := all[0], all[len(all)-1]
				_, mention, _ := strings.Cut(string(first.Blocks), `"user_id":"`)
				mention, _, _ = strings.Cut(mention, `"`)
				if got := (posted{first.Channel, first.Form["thread_ts"], mention}); got != test.want || ref != first.Channel+"/"+first.TS {
					t.Errorf("got %+v, %s, want %+v", got, ref, test.want)
				}
				if !strings.Contains(string(first.Blocks), "ben@example.com") || strings.Contains(string(first.Blocks), "campaign export") == upload {
					t.Errorf("who, and how to get the workbook: %s", first.Blocks)
				}
				if there := last.Files["quarterly-2026-11-23-ben@example.com.xlsx"] == 10 && last.Channel == first.Channel && last.Form["thread_ts"] == first.TS; there != upload {
					t.Errorf("upload %t: %+v", upload, last)
				}
			}
		})
	}
}

// TestCampaignTells: a bot finds Slack IDs and addresses, a webhook names anyone.
func TestCampaignTells(t *testing.T) {
	for name, config := range both(t) {
		n := teller(t, slack.New(config, nil, discard()))
		for recipient, bot := range map[string]bool{"U0123456789": true, "C0123456789": true, "ben@example.com": true, "ben": false, "": false} {
			if want := bot || name == "webhook"; n.Tells(recipient) != want {
				t.Errorf("%s: %q is not %t", name, recipient, want)
			}
		}
	}
}

// cutting cuts the connection after the request of that number, which is carried out.
type cutting struct {
	http.RoundTripper
	at int
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.RoundTripper.RoundTrip(r)
	if c.at--; c.at == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return answer, err
}

// TestCampaignFoundAgain: whichever request is cut off, the message and its workbook are
// there once in the end, and no error says that nothing was posted when something was.
func TestCampaignFoundAgain(t *testing.T) {
	config := both(t)["bot"]
	config.Upload, config.DM = true, true
	for cut := 1; cut <= 6; cut++ { // look up, open, post, and three for the file
		synctest.Test(t, func(t *testing.T) {
			fake := &notifytest.Slack{Members: map[string]string{"ben@example.com": "UBEN0000"}}
			client := fake.Client()
			client.Transport = &cutting{client.Transport, cut}
			n := teller(t, slack.New(config, client, discard()))
			m := notifytest.Campaign(notify.CampaignReminder, 10)
			_, err := n.SendCampaign(t.Context(), m)
			if err == nil {
				t.Fatalf("request %d was not cut off", cut)
			}
			if there := len(fake.Messages()) > 0; there && errors.Is(err, notify.ErrNotPosted) {
				t.Errorf("request %d: something was posted: %v", cut, err)
			}
			m.Again, m.Since = !errors.Is(err, notify.ErrNotPosted), time.Now()
			if _, err := n.SendCampaign(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			expectOnce(t, fake, cut)
		})
	}
}

// TestCampaignUploadRefused: a file that Slack refuses after the message does not repeat it.
func TestCampaignUploadRefused(t *testing.T) {
	config := both(t)["bot"]
	config.Upload = true
	fake := &notifytest.Slack{Scopes: "chat:write,channels:history"}
	n := teller(t, slack.New(config, fake.Client(), discard()))
	m := notifytest.Campaign(notify.CampaignReminder, 10)
	m.Recipient = "C0123456789"
	_, err := n.SendCampaign(t.Context(), m)
	if err == nil || errors.Is(err, notify.ErrNotPosted) || !strings.Contains(err.Error(), "files:write") {
		t.Fatalf("error: %v", err)
	}
	fake.Scopes, m.Again, m.Since = "", true, time.Now()
	if _, err := n.SendCampaign(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	expectOnce(t, fake, 0)
	other := m
	other.Manifest = "another installation"
	if _, err := n.SendCampaign(t.Context(), other); err != nil || len(fake.Messages()) < 3 {
		t.Errorf("the campaign of another installation is taken for this one: %v, %d posts", err, len(fake.Messages()))
	}
}

func expectOnce(t *testing.T, fake *notifytest.Slack, cut int) {
	t.Helper()
	messages, files := 0, 0
	for _, said := range fake.Messages() {
		if files += len(said.Files); len(said.Files) == 0 {
			messages++
		}
	}
	if messages != 1 || files != 1 {
		t.Errorf("request %d cut off: %d messages, %d files", cut, messages, files)
	}
}

// TestCampaignWebhook: the channel reads who has to decide; what may have arrived twice is
// given up.
func TestCampaignWebhook(t *testing.T) {
	fake := &notifytest.Slack{}
	n := teller(t, slack.New(both(t)["webhook"], fake.Client(), discard()))
	m := notifytest.Campaign(notify.CampaignReminder, 10)
	if ref, err := n.SendCampaign(t.Context(), m); ref != "" || err != nil {
		t.Fatalf("%q, %v", ref, err)
	}
	if said := fake.Messages()[0]; said.Text != "Campaign: reminder, 31 of 40 tokens undecided, due 26 Nov 2026." || !strings.Contains(string(said.Blocks), "ben@example.com") {
		t.Errorf("posted %q, %s", said.Text, said.Blocks)
	}
	fake.Fail(notifytest.CutOff())
	m.Again, m.Since = true, time.Now()
	if _, err := n.SendCampaign(t.Context(), m); !errors.Is(err, notify.ErrGiveUp) {
		t.Errorf("error: %v", err)
	}
	if said := fake.Messages()[1]; !strings.Contains(string(said.Blocks), notify.MayRepeat) {
		t.Errorf("does not warn: %s", said.Blocks)
	}
}

// TestCampaignNames: of 500 items and names as long and hostile as they may be, Slack takes
// what fits, reads no markup in it, and what is left out is counted.
func TestCampaignNames(t *testing.T) {
	names := notifytest.Hostile()
	for _, letter := range []string{"x", "日", "😀", `"`, `\`, "<", "\u202e", "\x00"} {
		names = append(names, strings.Repeat(letter, 30_000))
	}
	for _, name := range names {
		for _, kind := range []string{notify.CampaignOpen, notify.CampaignEscalation} {
			m := notifytest.CampaignNamed(kind, name)
			m.Repeats = true
			post := slack.CampaignPost(slack.Config{}, m)
			blocks, err := json.Marshal(post.Blocks)
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range notifytest.Problems(blocks) {
				t.Errorf("%s of %.10q: %s", kind, name, problem)
			}
			expectUnparsed(t, blocks)
			if !strings.Contains(string(blocks), "more token") || kind == notify.CampaignEscalation && !strings.Contains(string(blocks), "more reviewer") {
				t.Errorf("%s of %.10q: does not count what is left out: %s", kind, name, blocks)
			}
			if name != "" && strings.Contains(post.Text, name) {
				t.Errorf("the notification holds the name: %s", post.Text)
			}
		}
	}
}

// TestCampaignLeaks: no error holds the token or the webhook, at whichever request.
func TestCampaignLeaks(t *testing.T) {
	secrets := []string{"SECRETSECRET"}
	for _, config := range both(t) {
		config.Upload = setting.Switch(config.Webhook.IsZero())
		synctest.Test(t, func(t *testing.T) {
			notifytest.LeaksNoSecret(t, secrets, func(ctx context.Context, client *http.Client, log *slog.Logger) error {
				m := notifytest.Campaign(notify.CampaignReminder, 10)
				m.Recipient = "C0123456789"
				_, err := teller(t, slack.New(config, client, log)).SendCampaign(ctx, m)
				return err
			})
		})
	}
}
