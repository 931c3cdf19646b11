package dedicated

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// uuid is the form of all IDs.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// token is a database token as the API sends it. The value is in the answer to its creation
// and nowhere else.
type token struct {
	AccountID   string `json:"accountId"`
	ClusterID   string `json:"clusterId"`
	ID          string `json:"id"`
	Description string `json:"description"`
	Permissions grants `json:"permissions"`
	CreatedAt   date   `json:"createdAt"`
	ExpiresAt   date   `json:"expiresAt"`
	RevokedAt   date   `json:"revokedAt"`
}

// decodeRows reads an array of objects and hands on one at a time. The document must be one
// array that ends properly: a cut or foreign 200 is an error, not an empty list.
func decodeRows[T any](r io.Reader, each func(T) error) error {
	from := api.NewBounded(r, api.LargestRow)
	dec := jsontext.NewDecoder(from, api.Decoding())
	if err := api.Begin(dec, '['); err != nil {
		return err
	}
	for {
		from.Renew()
		var row T
		var err error
		switch kind := dec.PeekKind(); kind {
		case ']':
			if _, err = dec.ReadToken(); err == nil {
				return api.End(dec)
			}
		case '{':
			err = json.UnmarshalDecode(dec, &row)
		default:
			if _, err = dec.ReadValue(); err == nil {
				return errors.New("the list contains something that is not an object")
			}
		}
		if err != nil {
			return api.Malformed(err)
		}
		if err := each(row); err != nil {
			return &api.CallbackError{Err: err}
		}
	}
}

// misdated: a date of it is none.
func (t token) misdated() bool { return t.CreatedAt.none || t.ExpiresAt.none || t.RevokedAt.none }

// authorization is the token in the words of the domain. Grants are on the names of
// databases: whether these exist is not known here.
func (t token) authorization(orgID string, product audit.Product) audit.Authorization {
	a := audit.Authorization{
		ID: strings.ToLower(t.ID), OrgID: orgID, Product: product, Description: api.WithoutTokens(t.Description), Status: audit.Active,
		CreatedAt: t.CreatedAt.UTC(), ExpiresAt: t.ExpiresAt.UTC(), RevokedAt: t.RevokedAt.UTC(),
	}
	if t.Permissions != nil {
		a.Permissions = []audit.Permission{}
	}
	for _, g := range t.Permissions {
		p := audit.Permission{Action: g.Action}
		switch name := g.Resource; {
		case name == "*":
			p.Resource = audit.Resource{Type: "buckets", OrgID: orgID}
		case name != "":
			p.Resource = audit.Resource{Type: "buckets", ID: name, Name: name, OrgID: orgID}
		}
		a.Permissions = append(a.Permissions, p)
	}
	return a
}

// grants are the permissions of a token; nil where there is no list of them.
type grants []grant

// grant is one of them: an action on the database of that name, or on all: "*". Of a form
// that is not known, Action is the text, and Resource is empty.
type grant struct{ Action, Resource string }

func (g *grants) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*g = nil
	if dec.PeekKind() != '[' {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*g = grants{}
	for dec.PeekKind() != ']' {
		if len(*g) == api.MostPermissions {
			return &api.TooLarge{Bound: audit.Plural(api.MostPermissions, "permission")}
		}
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		var one struct {
			Action   string `json:"action"`
			Resource string `json:"resource"`
		}
		if json.Unmarshal(value, &one, api.Decoding()) != nil || one.Resource == "" {
			one.Action, one.Resource = audit.Line(api.WithoutTokens(string(value)), 200), ""
		}
		*g = append(*g, grant{api.WithoutTokens(one.Action), api.WithoutTokens(one.Resource)})
	}
	_, err := dec.ReadToken()
	return err
}

// date is zero where the answer has none: absent, null, or not after 1970, as protobuf and
// Go write a time that is not set. Nothing was revoked before there were any tokens.
type date struct {
	time.Time
	none bool // it is something that is no date
}

func (d *date) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	*d = date{}
	switch {
	case err != nil || value.Kind() == 'n':
	case d.Time.UnmarshalJSON(value) != nil:
		*d = date{none: true}
	case d.UTC().Year() > 9999: // by its zone, and cannot be written again
		*d = date{none: true}
	case !d.After(time.Unix(0, 0)):
		*d = date{}
	}
	return err
}

// database is one as the API sends it, as far as it matters: a name is all that grants know.
type database struct {
	Name string `json:"name"`
}
