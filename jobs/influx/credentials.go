package influx

import "tokenaudit/jobs/audit"

// credentials finds out which authorizations the review itself uses, so that
// they are reviewed as what they are. The server does not tell: it says whose a
// credential is, and that user may have several.
type credentials struct {
	named      string            // from the configuration
	candidates map[string]string // active authorization by user ID; "" where there are several
}

func newCredentials(named string) *credentials {
	return &credentials{named: named, candidates: map[string]string{}}
}

// several marks a user with more than one active authorization.
const several = "several"

// add notes the user of a credential.
func (c *credentials) add(userID string) {
	if _, ok := c.candidates[userID]; !ok && userID != "" {
		c.candidates[userID] = ""
	}
}

// note looks at an authorization that came by; it may come by more than once.
func (c *credentials) note(a audit.Authorization) {
	held, ok := c.candidates[a.UserID]
	switch {
	case !ok || a.Status != audit.Active || a.Legacy || held == a.ID:
	case held == "":
		c.candidates[a.UserID] = a.ID
	default:
		c.candidates[a.UserID] = several
	}
}

// fork is for one list, until it is known to have come whole.
func (c *credentials) fork() *credentials {
	f := newCredentials(c.named)
	for userID := range c.candidates {
		f.candidates[userID] = ""
	}
	return f
}

// merge takes over what the fork of a list found.
func (c *credentials) merge(f *credentials) {
	for userID, id := range f.candidates {
		switch held := c.candidates[userID]; {
		case id == "" || held == id:
		case held == "":
			c.candidates[userID] = id
		default:
			c.candidates[userID] = several
		}
	}
}

// known are the authorizations that are certain.
func (c *credentials) known() map[string]bool {
	out := map[string]bool{}
	if c.named != "" {
		out[c.named] = true
		return out
	}
	for _, id := range c.candidates {
		if id != "" && id != several {
			out[id] = true
		}
	}
	return out
}
