package influx

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// credentials finds out which authorizations the review itself uses, so that they are
// reviewed as what they are, and whether each list shows the one that asked for it. The
// server does not tell: it says, at best, whose a credential is, and that user may have
// several.
type credentials struct {
	used   []credential
	named  map[string]bool   // IDs of credentials in the configuration
	canary string            // ID
	askers map[string]string // active authorization that may list, by user ID; several where there are
	list   shown             // by the newest list

	// asking are the IDs of the users that ask, as far as the server told before the lists;
	// granted are the permissions of the authorizations that may be theirs, by ID.
	asking  map[string]bool
	granted map[string]granted

	everyOrg map[string]bool // IDs of those that may read every org
	// IDs of users with an active authorization that may list, for every org and for less.
	wide, narrow map[string]bool
}

// mostGranted bounds the authorizations whose permissions are kept where the server does
// not tell which user asks.
const mostGranted = 1000

// granted are permissions in words, and how many more there are.
type granted struct {
	words   []string
	further int
}

// credential is one that the review asked with.
type credential struct {
	of     string // see audit.Credential.Of
	named  string // its ID, where the configuration has it
	userID string // "" where it could not be told
}

// shown is what a list shows of those that may have asked for it.
type shown struct {
	named  map[string]string // active ones that the configuration names: user ID by ID
	askers map[string]bool   // IDs of users with an active authorization that may list
	canary bool
}

func newCredentials(cfg target.Config) *credentials {
	c := (&credentials{named: map[string]bool{cfg.Credential: true}, asking: map[string]bool{}, canary: cfg.Canary}).fork()
	for _, u := range cfg.Users {
		c.named[u.Credential] = true
	}
	delete(c.named, "")
	return c
}

// several marks a user with more than one authorization that may list.
const several = "several"

// asks notes the user of a credential, before its list is asked for.
func (c *credentials) asks(userID string) {
	if userID != "" {
		c.asking[userID] = true
	}
}

// use notes a credential, by its ID if that is configured, and its user if that is known.
func (c *credentials) use(of, named, userID string) {
	c.used = append(c.used, credential{of, named, userID})
}

func newShown() shown { return shown{named: map[string]string{}, askers: map[string]bool{}} }

// note looks at an authorization that came by; it may come by more than once.
func (c *credentials) note(a audit.Authorization) {
	if a.Legacy {
		return
	}
	c.list.canary = c.list.canary || a.ID == c.canary && a.ID != ""
	if a.Status != audit.Active || !mayList(a) {
		return
	}
	if readsEveryOrg(a) {
		c.everyOrg[a.ID], c.wide[a.UserID] = true, true
	} else {
		c.narrow[a.UserID] = true
	}
	if c.named[a.ID] || c.asking[a.UserID] || len(c.asking) == 0 && len(c.granted) < mostGranted {
		c.granted[a.ID] = grantedBy(a.Permissions)
	}
	if c.named[a.ID] {
		c.list.named[a.ID] = a.UserID
	}
	c.list.askers[a.UserID] = true
	switch held := c.askers[a.UserID]; held {
	case a.ID:
	case "":
		c.askers[a.UserID] = a.ID
	default:
		c.askers[a.UserID] = several
	}
}

func grantedBy(permissions []audit.Permission) granted {
	var g granted
	for _, p := range permissions {
		if len(g.words) == audit.MaxPermissions {
			g.further++
			continue
		}
		g.words = append(g.words, audit.Line(p.String(), 100))
	}
	return g
}

// describe says in the coverage which authorization each credential is, as far as it is
// known.
func (c *credentials) describe(all []audit.Credential) {
	for _, used := range c.used {
		at := slices.IndexFunc(all, func(of audit.Credential) bool { return of.Of == used.of })
		if at < 0 {
			continue
		}
		all[at].UserID = used.userID
		if id := cmp.Or(used.named, c.askers[used.userID]); id != several {
			g := c.granted[id]
			all[at].ID, all[at].Permissions, all[at].MorePermissions = id, g.words, g.further
		}
	}
}

// fork is for one list, until it is known to have come whole.
func (c *credentials) fork() *credentials {
	return &credentials{
		named: c.named, asking: c.asking, canary: c.canary, askers: map[string]string{}, list: newShown(), granted: map[string]granted{},
		everyOrg: map[string]bool{}, wide: map[string]bool{}, narrow: map[string]bool{},
	}
}

// merge takes over what the fork of a list found.
func (c *credentials) merge(f *credentials) {
	maps.Copy(c.granted, f.granted)
	maps.Copy(c.everyOrg, f.everyOrg)
	maps.Copy(c.wide, f.wide)
	maps.Copy(c.narrow, f.narrow)
	for userID, id := range f.askers {
		if held := c.askers[userID]; held == "" || held == id {
			c.askers[userID] = id
		} else {
			c.askers[userID] = several
		}
	}
}

// mayList: without read on authorizations no credential gets a list with anything in it.
func mayList(a audit.Authorization) bool {
	for _, p := range a.Permissions {
		if p.Action == "read" && (p.Resource.Type == "authorizations" || p.Resource.Type == "instance") {
			return true
		}
	}
	return false
}

// shows reports whether the list shows the credential of the user that asked for it: the
// very one where the configuration names it, else one that may have asked.
func (s shown) shows(named, userID string) bool {
	if of, ok := s.named[named]; named != "" {
		return ok && of == userID
	}
	return s.askers[userID]
}

// known are the authorizations of the review that are certain.
func (c *credentials) known() map[string]bool {
	out := map[string]bool{}
	for _, used := range c.used {
		if id := cmp.Or(used.named, c.askers[used.userID]); id != "" && id != several {
			out[id] = true
		}
	}
	return out
}

// met reports whether a list showed the authorization that the configuration names, active.
func (c *credentials) met(named string) bool {
	_, met := c.granted[named]
	return met
}

// letIn notes whether a credential was let in, by its answers at /me and at its list;
// not every product has /me. The gap is one of v.
func (c *collector) letIn(of, gap string, v audit.Verdict, me, list error, rows int) bool {
	used := audit.Credential{Of: of}
	why := refusal(me)
	if why == "" && denied(list) {
		why = refusal(list)
		me = list
	}
	switch {
	case why != "":
		used.Refused, used.Answer = denied(me), why
		if of != audit.TheTarget {
			why = of + ": " + why
		}
		c.cov.Gap(gap, v, "%v", explained{why, me})
	case me == nil:
		used.Accepted = true
		c.cov.Hold(audit.CredentialActive, "%s: GET /api/v2/me: 200", of)
	case list == nil && rows > 0:
		used.Accepted = true
		c.cov.Hold(audit.CredentialActive, "%s: GET %s: 200, with its own authorizations", of, authorizationsPath)
	default:
		used.Answer = "no answer proves that it was accepted"
	}
	c.cov.Credentials = append(c.cov.Credentials, used)
	return used.Accepted
}

// denied reports whether InfluxDB itself refused the credential, and no proxy before it.
func denied(err error) bool {
	var answer *api.Error
	return errors.As(err, &answer) && answer.Code != "" && (answer.Status == http.StatusForbidden || answer.Status == http.StatusUnauthorized && refusal(err) != "")
}
