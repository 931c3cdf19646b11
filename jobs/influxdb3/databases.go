package influxdb3

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// shownDatabases is the answer to listDatabases.
type shownDatabases []struct {
	Name    *string `json:"iox::database"`
	Deleted *bool   `json:"deleted"`
}

// Rows is how many there are.
func (s shownDatabases) Rows() int { return len(s) }

// readDatabases asks which databases there are, if a grant names one. A grant keeps its
// database when that is deleted, and does not apply to another one of the same name.
func (c *collector) readDatabases(ctx context.Context) {
	switch {
	case !c.seen.named:
		c.cov.NoNeed(audit.DatabasesListed, "no permission names a database")
		return
	case c.numbered():
		c.cov.NoNeed(audit.DatabasesListed, "Enterprise before 3.1 shows the IDs of databases, which no list has")
		c.cov.AddBlindSpot("this version of Enterprise shows the IDs of databases instead of their names. Grants on deleted databases are not found. Upgrade to 3.1 or later")
		return
	}
	var shown shownDatabases
	header, err := c.client.Answer(ctx, databasesPath, listDatabases(), &shown)
	c.hear(c.client.Connection())
	if cached := c.client.CachedBy(header); err == nil && cached != "" {
		err = fmt.Errorf("the answer came from a cache (%s)", cached)
	}
	live, deleted := map[string]bool{}, 0
	for _, d := range shown {
		switch {
		case err != nil:
		case d.Name == nil || d.Deleted == nil:
			err = fmt.Errorf("%s: a database has no name, or it is not said whether it is deleted", api.Request(databasesPath, listDatabases()))
		case *d.Deleted:
			deleted++
		default:
			live[api.WithoutTokens(*d.Name)] = true // as grants have it
		}
	}
	if err == nil && len(live) == 0 {
		err = errors.New("the list of databases is empty, which proves nothing")
	}
	if err == nil && c.open == "" && len(c.seen.own) > 0 && !isAdmin(c.seen.own[0]) {
		err = errors.New("the credential is not an admin token, so the list may leave databases out")
	}
	asked := c.record("all databases", databasesPath, listDatabases(), len(shown), err)
	if err != nil {
		if api.StatusOf(err) == http.StatusOK {
			asked.Status = http.StatusOK
		}
		c.cov.Gap(audit.DatabasesListed, audit.Partial, "it is not known which databases exist, so grants on deleted ones are not found: %v", err)
		return
	}
	live[internal] = true
	c.databases = live
	c.cov.Hold(audit.DatabasesListed, "%s, and %d deleted", audit.Plural(len(live), "database"), deleted)
}

// numbered: the server shows numbers of databases, not names.
func (c *collector) numbered() bool {
	release, known := c.release()
	return known && c.product() == audit.ProductEnterprise && release.before(3, 1, 0)
}

// place completes the resource of a permission. A database that does not exist has no
// name, as with InfluxDB 2. Its ID is what the server shows, whatever else is known of it.
func (c *collector) place(r *audit.Resource, orgID string) {
	if r.Type == "" || r.Type == "instance" {
		return
	}
	onOne := r.Type == types["db"] && r.ID != ""
	if onOne && c.numbered() {
		r.ID = audit.DatabaseNumber(r.ID)
	}
	r.OrgID, r.Name = orgID, r.ID
	if onOne && c.databases != nil && !c.databases[r.ID] {
		r.Name = ""
	}
}
