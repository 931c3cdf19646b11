package email

import (
	"context"
	"path"

	"tokenaudit/notify"
)

var _ notify.CampaignNotifier = notifier{}

// Tells reports whether the recipient has an address that every server takes.
func (n notifier) Tells(recipient string) bool {
	_, err := address(recipient)
	return err == nil
}

// SendCampaign mails a message about a campaign to its recipient, with the workbook.
func (n notifier) SendCampaign(ctx context.Context, m notify.CampaignMessage) (string, error) {
	if !n.Tells(m.Recipient) { // left by another configuration
		n.log.WarnContext(ctx, "no mail about a campaign: the recipient has no address", "delivery", m.Delivery)
		return "", nil
	}
	return n.deliver(ctx, m.Again, m.Open, "ask for it", func(note string, attached bool) (letter, error) {
		return campaignLetter(m, note, attached), nil
	})
}

func campaignLetter(m notify.CampaignMessage, note string, attached bool) letter {
	b := body{Campaign: notify.NewCampaignNote(m, attached), Note: note}
	b.Title, b.Subject = unlinked(b.Campaign.Title), b.Campaign.Title
	if m.Repeats {
		b.Repeats = notify.MayRepeat
	}
	return letter{
		id: m.ID(), to: []string{m.Recipient}, toMe: true, kind: "campaign", body: b, funcs: funcsOf(b, notify.Message{}), file: notify.Show(path.Base(m.File), 120, "decisions.xlsx"),
		refused: "the server does not take the address of this reviewer; correct it, or give the items to others with tokenaudit campaign assign",
	}
}

// CampaignPreview makes the mail about a campaign without sending it. It reads no file.
func CampaignPreview(c Config, m notify.CampaignMessage) (Mail, error) {
	return campaignLetter(m, "", c.Attach != AttachOff && m.Open != nil).preview(m.Delivery)
}
