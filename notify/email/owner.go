package email

import (
	"slices"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// deliveries are the summary and, if that is wanted, a mail for each person who has
// something to do and whose address is known.
func (c Config) deliveries(h audit.Highlights) []string {
	out := []string{notify.SummaryDelivery}
	if !c.Owners {
		return out
	}
	for _, o := range h.Owners {
		if addressOf(o) != "" {
			out = append(out, notify.OwnerDelivery+o.Key)
		}
	}
	return out
}

// ownerOf is the person whom the delivery is for, if it is for one who gets mail.
func ownerOf(m notify.Message) (audit.OwnerHighlights, bool) {
	o, ok := m.Owner()
	return o, ok && addressOf(o) != ""
}

// recipients are those whom the delivery is for.
func (c Config) recipients(m notify.Message) []string {
	if o, ok := ownerOf(m); ok {
		return []string{addressOf(o)}
	}
	return c.To
}

// addressOf is where a person gets mail; empty where no address is known that every server
// takes, or the highlights are of an earlier version.
func addressOf(o audit.OwnerHighlights) string {
	if o.Key == "" || !audit.IsAddress(o.Contact.Responsible) {
		return ""
	}
	if _, err := address(o.Contact.Responsible); err != nil {
		return ""
	}
	return o.Contact.Responsible
}

// unreachable are the owners who get no mail.
func unreachable(h audit.Highlights) []audit.OwnerHighlights {
	return slices.DeleteFunc(slices.Clone(h.Owners), func(o audit.OwnerHighlights) bool { return addressOf(o) != "" })
}
