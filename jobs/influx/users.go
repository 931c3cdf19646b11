package influx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// account is a user as the API shows it.
type account struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

func lowerIDs(accounts []account) []account {
	for i := range accounts {
		accounts[i].ID = lowerID(accounts[i].ID)
	}
	return accounts
}

// accountPage needs the key: an answer without it is none.
type accountPage struct {
	Users *[]account `json:"users"`
}

func (p *accountPage) Rows() int {
	if p.Users == nil {
		return 0
	}
	return len(*p.Users)
}

func (c *Client) accountPage(ctx context.Context, path string, q url.Values) ([]account, error) {
	var page accountPage
	if err := c.GetJSON(ctx, path, q, &page); err != nil {
		return nil, err
	}
	if page.Users == nil {
		return nil, fmt.Errorf("%s: no users in the answer", api.Request(path, q))
	}
	return lowerIDs(*page.Users), nil
}

// me asks the user of the credential.
func (c *Client) me(ctx context.Context) (account, error) {
	return c.account(ctx, "/api/v2/me")
}

func (c *Client) userByID(ctx context.Context, id string) (account, error) {
	return c.account(ctx, "/api/v2/users/"+url.PathEscape(id))
}

func (c *Client) account(ctx context.Context, path string) (account, error) {
	var a account
	err := c.GetJSON(ctx, path, nil, &a)
	a.ID = lowerID(a.ID)
	return a, err
}

// userByName: the server matches the name exactly; a miss is a 404, a user that
// may not be read an empty list.
func (c *Client) userByName(ctx context.Context, name string) (account, bool, error) {
	users, err := c.accountPage(ctx, "/api/v2/users", url.Values{"name": {name}})
	if err != nil {
		return account{}, false, err
	}
	for _, a := range users {
		if a.Name == name {
			return a, true, nil
		}
	}
	return account{}, false, nil
}

// FindUser asks whether there is a user of that ID or name. NotFound in the answer is that of
// the server alone; err is why it is not known.
func (c *Client) FindUser(ctx context.Context, idOrName string) (audit.Owner, error) {
	var a account
	var err error
	if target.IsID(idOrName) {
		a, err = c.userByID(ctx, lowerID(idOrName))
	} else {
		var ok bool
		if a, ok, err = c.userByName(ctx, idOrName); err == nil && !ok {
			err = errors.New("the user is not in the answer: it may not be read")
		}
	}
	if api.Says(err, http.StatusNotFound, "user not found") {
		return audit.Owner{State: audit.OwnerUnknown, NotFound: true, Evidence: err.Error()}, nil
	}
	if err != nil {
		return audit.Owner{}, err
	}
	o := found(a, "GET /api/v2/users")
	o.ID = a.ID
	return o, nil
}

// nobody is a valid ID that no snowflake generator gives out.
const nobody = "0000000000000001"

// mayReadEveryUser judges the answer to asking for a user that does not exist. OSS
// checks the permission first, so the 404 comes only to a credential that may read all
// users; one that may not gets 401. What Cloud would answer proves nothing: there a
// credential lists its own user's authorizations whatever it may read. Without that
// permission the list of authorizations holds the credential's own user only
// (influxdata/influxdb authorizer/authorize_find.go).
func mayReadEveryUser(p audit.Product, answer error) bool {
	return p == audit.ProductOSS && api.Says(answer, http.StatusNotFound, "user not found")
}

// calibrate asks for users that exist: the credential's own, and another one. A server
// or proxy that answers for them as for one that does not exist proves nothing by that.
func (c *collector) calibrate(ctx context.Context, own string, errOwn error) {
	if !c.seesAll || own == "" {
		return
	}
	asked, err := "its own user", errOwn
	if ids := slices.DeleteFunc(slices.Sorted(maps.Keys(c.directory.users)), func(id string) bool { return id == own }); err == nil && len(ids) > 0 {
		asked, err = "its own user and "+ids[0], c.directory.lookUp(ctx, ids[0]).err
	}
	if err == nil {
		c.calibrated = asked + ": 200"
		return
	}
	c.seesAll, c.directory.untold = false, true
	c.cov.Gap(audit.CredentialSeesAll, audit.Partial, "it is not known what the credential may read. For existing users (%s) the answer is %v. For a user that does not exist it is 404 user not found", asked, err)
}

// largestDirectory bounds the users that are held in memory, in bytes.
const largestDirectory = 256 << 20

// users reads every user page by page. OSS filters by permission after paging, so
// a page may be short or empty while more follow; releases before 2.1 ignore the
// offset and repeat the first page (influxdata/influxdb#21402). It ends after a
// short page if the credential sees everybody, else after some pages that brought
// nobody new.
func (c *Client) users(ctx context.Context, seesAll bool) (map[string]account, error) {
	const size, enough = 100, 3
	known, held := map[string]account{}, 0
	for offset, barren := 0, 0; barren < enough; offset += size {
		q := url.Values{"limit": {strconv.Itoa(size)}, "offset": {strconv.Itoa(offset)}}
		page, err := c.accountPage(ctx, "/api/v2/users", q)
		if err != nil {
			return known, err
		}
		before := len(known)
		for _, a := range page {
			known[a.ID] = a
			held += 128 + len(a.ID) + len(a.Name) + len(a.Status)
		}
		switch {
		case held > largestDirectory:
			return known, fmt.Errorf("GET /api/v2/users: the users are %w", &api.TooLarge{Bound: fmt.Sprintf("%d MiB", largestDirectory>>20)})
		case seesAll && len(page) < size:
			return known, nil
		case len(known) == before:
			barren++
		default:
			barren = 0
		}
	}
	return known, nil
}

// members are the users of an org in either role, asked for side by side. Both lists
// must answer, or nothing is known.
func (c *Client) members(ctx context.Context, orgID string) (map[string]account, error) {
	path := "/api/v2/orgs/" + url.PathEscape(orgID)
	members := async(func() ([]account, error) { return c.accountPage(ctx, path+"/members", nil) })
	owners, errOwners := c.accountPage(ctx, path+"/owners", nil)
	users, err := members()
	if err = cmp.Or(err, errOwners); err != nil {
		return nil, err
	}
	all := map[string]account{}
	for _, a := range slices.Concat(users, owners) {
		all[a.ID] = a
	}
	return all, nil
}

// orgNamed looks an org up by name; empty when the credential may not see it.
func (c *Client) orgNamed(ctx context.Context, name string) (org, error) {
	var page orgPage
	if err := c.GetJSON(ctx, "/api/v2/orgs", url.Values{"org": {name}}, &page); err != nil {
		return org{}, err
	}
	for _, o := range page.Orgs {
		if o.Name == name {
			o.ID = lowerID(o.ID)
			return o, nil
		}
	}
	return org{}, nil
}

type orgPage struct {
	Orgs []org `json:"orgs"`
}

func (p *orgPage) Rows() int { return len(p.Orgs) }

type org struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Storage is there on Cloud only: tsm or iox.
	Storage string `json:"defaultStorageType"`
}
