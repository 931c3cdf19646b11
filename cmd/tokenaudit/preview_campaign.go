package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/notify"
	"tokenaudit/notify/email"
	"tokenaudit/notify/slack"
)

// previewCampaign shows an example of a message about a campaign, as the notifiers of a job
// would send it; by Slack if it has none of those that can.
func (c *cli) previewCampaign(f previewFlags, job configs.Job) error {
	if known := notify.CampaignParts(); !slices.Contains(known, f.part) {
		return usagef("--part: %s", setting.Unknown("part", f.part, known))
	}
	m := notify.CampaignSample(f.part, time.Now())
	bySlack, byMail := job.Slack != nil || job.Email == nil, job.Email != nil
	if f.notifier != "" {
		bySlack, byMail = f.notifier == "slack", f.notifier == "email"
	}
	mail, err := email.CampaignPreview(orDefault(job.Email), m)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	switch {
	case f.format == "blocks":
		data, err := json.MarshalIndent(map[string]any{"blocks": slack.CampaignPost(orDefault(job.Slack), m).Blocks}, "", "  ")
		return write(c.data, append(data, '\n'), err)
	case f.format == "html":
		return write(c.data, []byte(mail.HTML), nil)
	case f.format == "json", !bySlack && !byMail:
		return usagef("--part %s: Slack and mail tell of campaigns, the others do not", f.part)
	}
	if bySlack {
		out.WriteString(slack.CampaignText(orDefault(job.Slack), m, isTerminal(c.stdout)))
	}
	if bySlack && byMail {
		out.WriteString("\n── email ──\n\n")
	}
	if byMail {
		fmt.Fprintf(&out, "To: %s\nSubject: %s\n\n%s", strings.Join(mail.To, ", "), mail.Subject, mail.Text)
	}
	_, err = out.WriteTo(c.data)
	return err
}
