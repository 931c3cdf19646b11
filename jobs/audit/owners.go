package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"slices"
	"strings"
)

// mostHeld is how many highlights of owners are held before each owner keeps fewer of
// them. Those that are dropped stay counted.
const mostHeld = 5000

// longestID bounds the IDs and names in the keys of owners, which name deliveries: a server
// that is not InfluxDB may send anything. The hash of a longer one tells it from others.
const longestID = 64

// addOwner adds a token that needs action to those of the person who answers for it.
func (b *HighlightsBuilder) addOwner(h Highlight) {
	owner, target := h.Record.Owner, h.Record.Target
	owner.ID, owner.Name = bounded(cmp.Or(h.Record.UserID, owner.ID)), cmp.Or(owner.Name, h.Record.User)
	contact := b.contacts.Of(target, owner)
	user := target + "/" + owner.ID
	key := user
	if contact.Responsible != "" {
		key = "person/" + bounded(strings.ToLower(contact.Responsible))
	}
	o := b.owners[key]
	if o == nil {
		if b.owners == nil {
			b.owners = map[string]*OwnerHighlights{}
		}
		o = &OwnerHighlights{Key: key, users: map[string]bool{}}
		b.owners[key] = o
	}
	if worst := rank(h.Findings[0]); o.Tokens == 0 || worst < o.worst {
		o.worst, o.Owner, o.Target, o.Contact = worst, owner, target, contact
	}
	o.users[user] = true
	o.Tokens++
	if h.New && !b.first[target] {
		o.New++
	}
	if slices.ContainsFunc(h.Findings, func(f Finding) bool { return f.Overdue(b.at) }) {
		o.Overdue++
	}
	o.Oldest = Earlier(o.Oldest, h.Oldest())
	before := len(o.Worst)
	o.Worst = insert(o.Worst, h, cmp.Or(b.most, MaxOwnerTokens))
	if b.held += len(o.Worst) - before; b.held > mostHeld && b.most != 1 {
		b.thin()
	}
}

// thin halves what each owner keeps.
func (b *HighlightsBuilder) thin() {
	b.most, b.held = cmp.Or(b.most, MaxOwnerTokens)/2, 0
	for _, o := range b.owners {
		o.Worst = slices.Clip(o.Worst[:min(len(o.Worst), b.most)])
		b.held += len(o.Worst)
	}
}

// ranked are the owners, the one with the worst finding first.
func (b *HighlightsBuilder) ranked() []*OwnerHighlights {
	all := make([]*OwnerHighlights, 0, len(b.owners))
	for _, o := range b.owners {
		all = append(all, o)
	}
	slices.SortFunc(all, func(x, y *OwnerHighlights) int {
		return cmp.Or(x.worst-y.worst, y.Tokens-x.Tokens, strings.Compare(x.Key, y.Key))
	})
	return all
}

func bounded(text string) string {
	if len(text) > longestID {
		sum := sha256.Sum256([]byte(text))
		text = text[:longestID-17] + "~" + hex.EncodeToString(sum[:8])
	}
	return strings.ToValidUTF8(text, "�")
}

// Contact is who answers for an InfluxDB user and its tokens.
type Contact struct {
	Responsible string `json:"responsible,omitempty"` // a person, by e-mail address or name
	Team        string `json:"team,omitempty"`
	Purpose     string `json:"purpose,omitempty"` // what the user is for
	// Slack is who is told there: a user ID, a channel ID or an e-mail address.
	Slack string `json:"slack,omitempty"`
}

// Contacts are the contacts by the name or ID of a user; TARGET/NAME and TARGET/ID, for
// that target alone, come first.
type Contacts map[string]Contact

// Of is the contact for an owner in a target, empty if nobody is named. A user whose name
// is an e-mail address is responsible itself, unless it was deleted or is inactive.
func (c Contacts) Of(target string, o Owner) Contact {
	var found Contact
	for _, key := range []string{target + "/" + o.ID, target + "/" + o.Name, o.ID, o.Name} {
		if contact, ok := c[key]; ok && !strings.HasSuffix(key, "/") && key != "" {
			found = contact
			break
		}
	}
	if o.State != OwnerDeleted && o.State != OwnerInactive && IsAddress(o.Name) {
		found.Responsible = cmp.Or(found.Responsible, o.Name)
	}
	return found
}

// IsAddress reports whether text is an e-mail address and nothing else.
func IsAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}
